use super::Label;
use crate::base64::push_base64;
use crate::json_text::{push_number, push_string, push_string_or_null};

/// Appends one entry to a buffer, label by label.
///
/// ```
/// use standpipe_stream_entry::label::{Label, LabelsWriter};
///
/// let mut buffer = Vec::new();
/// let mut entry = LabelsWriter::begin(&mut buffer, 7);
/// entry.label(&Label {
///     src: "did:plc:x".into(),
///     uri: "did:plc:y".into(),
///     cid: None,
///     val: "spam".into(),
///     neg: Some(true),
///     cts: "2026-07-04T14:38:08.999Z".into(),
///     ver: Some(1),
///     exp: None,
///     sig: None,
///     verdict: None,
/// });
/// entry.end();
/// assert!(buffer.ends_with(br#","neg":true,"cts":"2026-07-04T14:38:08.999Z","ver":1}]}"#));
/// ```
#[derive(Debug)]
#[must_use = "an entry that is not ended is no JSON"]
pub struct LabelsWriter<'b> {
    buffer: &'b mut Vec<u8>,
    is_first: bool,
}

impl<'b> LabelsWriter<'b> {
    /// Begins the entry of the frame with this number.
    pub fn begin(buffer: &'b mut Vec<u8>, seq: u64) -> Self {
        buffer.extend_from_slice(br#"{"seq":"#);
        push_number(buffer, seq);
        buffer.extend_from_slice(br#","labels":["#);
        Self { buffer, is_first: true }
    }

    /// Appends one label, without white space, its strings escaped where they must be.
    pub fn label(&mut self, label: &Label<'_>) {
        let Self { buffer, is_first } = self;
        let opening: &[u8] = if std::mem::take(is_first) { br#"{"src":"# } else { br#",{"src":"# };
        buffer.extend_from_slice(opening);
        push_string(buffer, &label.src);
        buffer.extend_from_slice(br#","uri":"#);
        push_string(buffer, &label.uri);
        buffer.extend_from_slice(br#","cid":"#);
        push_string_or_null(buffer, label.cid.as_deref());
        buffer.extend_from_slice(br#","val":"#);
        push_string(buffer, &label.val);
        buffer.extend_from_slice(match label.neg {
            None => br#","neg":null,"cts":"#,
            Some(false) => br#","neg":false,"cts":"#,
            Some(true) => br#","neg":true,"cts":"#,
        });
        push_string(buffer, &label.cts);
        if let Some(ver) = label.ver {
            buffer.extend_from_slice(br#","ver":"#);
            push_number(buffer, ver);
        }
        if let Some(exp) = &label.exp {
            buffer.extend_from_slice(br#","exp":"#);
            push_string(buffer, exp);
        }
        if let Some(sig) = &label.sig {
            buffer.extend_from_slice(br#","sig":{"$bytes":""#);
            push_base64(buffer, sig);
            buffer.extend_from_slice(br#""}"#);
        }
        if let Some(verdict) = label.verdict {
            buffer.extend_from_slice(br#","verdict":"#);
            push_string(buffer, verdict.as_str());
        }
        buffer.push(b'}');
    }

    /// Ends the entry.
    pub fn end(self) {
        self.buffer.extend_from_slice(b"]}");
    }
}
