use std::borrow::Cow;

use serde::Deserialize;

use super::{LabelsWriter, Verdict};
use crate::EntryError;
use crate::base64::{Base64, FieldOfBytes};
use crate::json_text::Text;

/// One label as its issuer wrote it, and what is known of its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// Who says it: mostly the labeler that sent it, but one may relay what others say.
    pub src: Cow<'a, str>,
    /// What it is about: a record (`at://…`), an account (`did:…`), or anything else that has a URI.
    pub uri: Cow<'a, str>,
    /// The version of the record that it is about; `None`: whatever version.
    pub cid: Option<Cow<'a, str>>,
    /// What is said.
    pub val: Cow<'a, str>,
    /// Whether it takes back what was said before of the same `src`, `uri` and `val`; `None` means no, as false does.
    pub neg: Option<bool>,
    /// When it was said, RFC 3339 as the issuer wrote it.
    pub cts: Cow<'a, str>,
    /// The version of the label's form, 1; `None` where the issuer wrote none.
    pub ver: Option<u64>,
    /// Until when it holds, RFC 3339 as the issuer wrote it; `None`: without an end.
    pub exp: Option<Cow<'a, str>>,
    /// The issuer's signature, mostly 64 bytes; `None` where there is none.
    pub sig: Option<Cow<'a, [u8]>>,
    /// What is known of the signature; `None` where nobody looked.
    pub verdict: Option<Verdict>,
}

/// The labels of one frame: what a labeler's daemon writes, and what its consumers read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelsEntry<'a> {
    /// The labeler's number for the frame.
    pub seq: u64,
    /// The labels in the order to apply them in.
    pub labels: Vec<Label<'a>>,
}

impl<'a> LabelsEntry<'a> {
    /// Appends the entry to a buffer.
    pub fn write(&self, buffer: &mut Vec<u8>) {
        let mut writer = LabelsWriter::begin(buffer, self.seq);
        self.labels.iter().for_each(|label| writer.label(label));
        writer.end();
    }

    /// Reads the value of a stream entry's one field, in one pass and without copying strings.
    ///
    /// Keys that the contract does not know are ignored, and a verdict of a later writer reads as
    /// [`Verdict::Unverified`]. All but `src`, `uri`, `val` and `cts` may be missing, as other writers leave them out.
    ///
    /// # Errors
    ///
    /// [`EntryError::Json`] for what is no such object.
    pub fn parse(value: &'a [u8]) -> Result<Self, EntryError> {
        let wire: WireEntry<'a> = serde_json::from_slice(value).map_err(EntryError::Json)?;
        Ok(Self { seq: wire.seq, labels: wire.labels.into_iter().map(Label::from).collect() })
    }
}

/// An entry as it lies in the stream.
#[derive(Debug, Deserialize)]
struct WireEntry<'a> {
    seq: u64,
    #[serde(borrow)]
    labels: Vec<WireLabel<'a>>,
}

#[derive(Debug, Deserialize)]
struct WireLabel<'a> {
    #[serde(borrow)]
    src: Text<'a>,
    #[serde(borrow)]
    uri: Text<'a>,
    #[serde(borrow)]
    cid: Option<Text<'a>>,
    #[serde(borrow)]
    val: Text<'a>,
    neg: Option<bool>,
    #[serde(borrow)]
    cts: Text<'a>,
    ver: Option<u64>,
    #[serde(borrow)]
    exp: Option<Text<'a>>,
    sig: Option<FieldOfBytes>,
    #[serde(borrow)]
    verdict: Option<Text<'a>>,
}

impl<'a> From<WireLabel<'a>> for Label<'a> {
    fn from(wire: WireLabel<'a>) -> Self {
        let verdict = |Text(word): Text<'_>| {
            Verdict::ALL.into_iter().find(|known| known.as_str() == word).unwrap_or(Verdict::Unverified)
        };
        Self {
            src: wire.src.0,
            uri: wire.uri.0,
            cid: wire.cid.map(|Text(cid)| cid),
            val: wire.val.0,
            neg: wire.neg,
            cts: wire.cts.0,
            ver: wire.ver,
            exp: wire.exp.map(|Text(exp)| exp),
            sig: wire.sig.map(|FieldOfBytes { bytes: Base64(bytes) }| bytes.into()),
            verdict: wire.verdict.map(verdict),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_origin_wrote_is_read() {
        let entry = br#"{"seq":5,"labels":[{"src":"did:plc:x","uri":"at://did:plc:y/a.b.c/k","cid":null,"val":"spam","neg":null,"cts":"2024-05-30 12:34:56.789 UTC"}]}"#;
        let entry = LabelsEntry::parse(entry).unwrap();
        let [label] = &entry.labels[..] else { panic!("one label") };
        assert_eq!((entry.seq, label.val.as_ref(), label.neg), (5, "spam", None));
        assert_eq!((label.ver, &label.sig, label.verdict), (None, &None, None));
        assert!(matches!(label.uri, Cow::Borrowed(_)));
    }

    #[test]
    fn a_verdict_of_a_later_writer_claims_nothing() {
        let read = |word: &str| {
            let entry = format!(
                r#"{{"seq":1,"labels":[{{"src":"","uri":"","val":"","cts":"","later":[1],"verdict":"{word}"}}]}}"#
            );
            LabelsEntry::parse(entry.as_bytes()).unwrap().labels[0].verdict
        };
        for verdict in Verdict::ALL {
            assert_eq!(read(verdict.as_str()), Some(verdict));
        }
        assert_eq!(read("half_verified"), Some(Verdict::Unverified));
    }

    #[test]
    fn what_is_no_entry_of_this_stream_is_an_error() {
        for value in [
            "",
            "[]",
            "{}",
            r#"{"seq":1}"#,
            r#"{"seq":1,"labels":null}"#,
            r#"{"seq":-1,"labels":[]}"#,
            r#"{"seq":1,"labels":[{"src":"","uri":"","val":""}]}"#,
            r#"{"seq":1,"labels":[{"src":"","uri":"","val":"","cts":"","sig":{"$bytes":"?"}}]}"#,
        ] {
            assert!(matches!(LabelsEntry::parse(value.as_bytes()), Err(EntryError::Json(_))), "{value}");
        }
    }
}
