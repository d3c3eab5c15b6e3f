use super::{Issuer, LabelKey, Signing};
use crate::encode::Value;

/// A label as a labeler sends it, all of its fields sound; whether its signature is one says `signing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentLabel {
    /// Who says it.
    pub src: String,
    /// What it is about.
    pub uri: String,
    /// What is said.
    pub val: String,
    /// When it was said.
    pub cts: String,
    /// Whether it takes back what was said.
    pub neg: Option<bool>,
    /// The version of what it is about.
    pub cid: Option<String>,
    /// Until when it holds.
    pub exp: Option<String>,
    /// The version of the label's form.
    pub ver: Option<i64>,
    /// The signature.
    pub sig: Option<Vec<u8>>,
    /// Whose DID `src` is. Not sent.
    pub issuer: Issuer,
    /// How it was signed. Not sent.
    pub signing: Signing,
    /// Whether it is sent with fields that are none of a label's.
    pub has_more: bool,
}

impl SentLabel {
    /// What it is about: of the same three, the latest one holds.
    #[must_use]
    pub fn key(&self) -> LabelKey {
        LabelKey { src: self.src.clone(), uri: self.uri.clone(), val: self.val.clone() }
    }

    pub(super) fn to_value(&self) -> Value {
        let sig = self.sig.clone().map(|sig| ("sig", Value::Bytes(sig)));
        Value::map(self.signed_fields().into_iter().chain(sig).chain(self.more_fields()))
    }

    /// The fields of a label that it has, but for the signature.
    pub(super) fn signed_fields(&self) -> Vec<(&'static str, Value)> {
        let text = |key, text: &Option<String>| Some((key, text.clone()?.into()));
        let fields = [
            Some(("src", self.src.clone().into())),
            Some(("uri", self.uri.clone().into())),
            Some(("val", self.val.clone().into())),
            Some(("cts", self.cts.clone().into())),
            self.neg.map(|neg| ("neg", neg.into())),
            text("cid", &self.cid),
            text("exp", &self.exp),
            self.ver.map(|ver| ("ver", Value::Int(ver))),
        ];
        fields.into_iter().flatten().collect()
    }

    /// Fields that are none of a label, where it is sent with such.
    pub(super) fn more_fields(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let more = [("$type", "com.atproto.label.defs#label".into()), ("later", Value::list([Value::Null]))];
        more.into_iter().filter(|_| self.has_more)
    }
}
