use crate::body::{Fault, each_field, in_field, require, skip_field};
use crate::cbor::{KeyOrder, Reader};
use crate::error::{CborError, FieldFault, SyntaxError};
use crate::syntax::{CidSyntax, Datetime, Did, Uri};

/// The longest value of a label, in bytes.
pub const MAX_LABEL_VAL_LEN: usize = 128;

/// The one version of labels that there is.
const VERSION: i64 = 1;

/// The fields that an issuer signs, in canonical order. `sig`, `$type` and what nobody knows are none of them.
const SIGNED: [&[u8]; 8] = [b"cid", b"cts", b"exp", b"neg", b"src", b"uri", b"val", b"ver"];

/// One label as its issuer wrote it: all of its fields are sound, its signature is not looked at.
///
/// An optional field that is `null` on the wire reads as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'a> {
    /// The version: 1, or absent. Without it nothing can be verified.
    pub ver: Option<u8>,
    /// Who says it: mostly the labeler itself, but one may relay what others say.
    pub src: Did<'a>,
    /// What it is about: a record (`at://…`), an account (`did:…`), or anything else that has a URI.
    pub uri: Uri<'a>,
    /// The version of the record that it is about; absent: whatever version.
    pub cid: Option<CidSyntax<'a>>,
    /// What is said, 1 to 128 bytes.
    pub val: &'a str,
    /// Whether it takes back what was said before of the same `src`, `uri` and `val`.
    pub neg: Option<bool>,
    /// When it was said, as it was written. The latest one of the same `src`, `uri` and `val` holds.
    pub cts: Datetime<'a>,
    /// Until when it holds, as it was written.
    pub exp: Option<Datetime<'a>>,
    /// The signature, of any length.
    pub sig: Option<&'a [u8]>,
    map: &'a [u8],
}

/// What becomes of a `neg` that is false in the bytes that are signed: some issuers sign it, the reference labeler
/// leaves it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NegFalse {
    /// It is signed as it was received.
    Kept,
    /// It is left out.
    LeftOut,
}

impl<'a> Label<'a> {
    /// Reads a label from bytes that were found to be one sound item.
    pub(super) fn read(map: &'a [u8]) -> Result<Self, Fault> {
        let (mut ver, mut src, mut uri, mut cid, mut val) = (None, None, None, None, None);
        let (mut neg, mut cts, mut exp, mut sig) = (None, None, None, None);
        each_field("label", &mut Reader::new(map), |key, reader| {
            match key {
                b"cid" => cid = in_field("cid", reader.nullable(Reader::text))?,
                b"cts" => cts = Some(in_field("cts", reader.text())?),
                b"exp" => exp = in_field("exp", reader.nullable(Reader::text))?,
                b"neg" => neg = in_field("neg", reader.nullable(Reader::boolean))?,
                b"sig" => sig = in_field("sig", reader.nullable(Reader::bytes))?,
                b"src" => src = Some(in_field("src", reader.text())?),
                b"uri" => uri = Some(in_field("uri", reader.text())?),
                b"val" => val = Some(in_field("val", reader.text())?),
                b"ver" => ver = in_field("ver", reader.nullable(Reader::integer))?,
                _ => skip_field(key, 3, reader)?,
            }
            Ok(())
        })?;
        let val = require("val", val)?;
        if val.is_empty() || val.len() > MAX_LABEL_VAL_LEN {
            return Err(Fault::new("val", FieldFault::Range));
        }
        if ver.is_some_and(|ver| ver != VERSION) {
            return Err(Fault::new("ver", FieldFault::Range));
        }
        Ok(Self {
            ver: ver.map(|_| 1),
            src: in_syntax("src", Did::parse(require("src", src)?))?,
            uri: in_syntax("uri", Uri::parse(require("uri", uri)?))?,
            cid: cid.map(|cid| in_syntax("cid", CidSyntax::parse(cid))).transpose()?,
            val,
            neg,
            cts: in_syntax("cts", Datetime::parse(require("cts", cts)?))?,
            exp: exp.map(|exp| in_syntax("exp", Datetime::parse(exp))).transpose()?,
            sig,
            map,
        })
    }

    /// The label's DAG-CBOR as it was received, with whatever else it holds.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.map
    }

    /// Appends the bytes that the signature is over: a map of exactly those fields of the specification that are
    /// there, but for `sig`, each as it was received.
    ///
    /// To verify: with [`NegFalse::Kept`] first; then, if [`neg`](Self::neg) is false, with [`NegFalse::LeftOut`]. What
    /// is signed is the SHA-256 digest of these bytes.
    pub fn write_signed(&self, neg_false: NegFalse, out: &mut Vec<u8>) {
        let head = out.len();
        out.push(0);
        // It was read before, so there is no error.
        let fields = self.copy_signed(neg_false, out).unwrap_or_default();
        // At most eight fields: the head of the map is one byte.
        out[head] = 0xa0 + fields;
    }

    fn copy_signed(&self, neg_false: NegFalse, out: &mut Vec<u8>) -> Result<u8, CborError> {
        let mut reader = Reader::new(self.map);
        let mut order = KeyOrder::default();
        let is_neg_left_out = self.neg == Some(false) && neg_false == NegFalse::LeftOut;
        let mut fields = 0;
        for _ in 0..reader.map()? {
            let start = reader.position();
            let key = order.key(&mut reader)?;
            let is_null = reader.null();
            if !is_null {
                reader.skip_inside(3)?;
            }
            if SIGNED.contains(&key) && !is_null && !(key == b"neg" && is_neg_left_out) {
                // Sorted and in shortest form, or it had not been read: what is copied is canonical.
                out.extend_from_slice(&self.map[start..reader.position()]);
                fields += 1;
            }
        }
        Ok(fields)
    }
}

fn in_syntax<T>(field: &'static str, parsed: Result<T, SyntaxError>) -> Result<T, Fault> {
    parsed.map_err(|_| Fault::new(field, FieldFault::Syntax))
}
