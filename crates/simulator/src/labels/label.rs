use super::LabelKey;
use crate::encode::Value;

/// A label as a labeler sends it, all of its fields sound.
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
    /// Whether it is sent with fields that are none of a label.
    pub(super) has_more: bool,
}

impl SentLabel {
    /// What it is about: of the same three, the latest one holds.
    #[must_use]
    pub fn key(&self) -> LabelKey {
        LabelKey { src: self.src.clone(), uri: self.uri.clone(), val: self.val.clone() }
    }

    pub(super) fn to_value(&self) -> Value {
        let text = |key, text: &Option<String>| Some((key, text.clone()?.into()));
        let more = [("$type", "com.atproto.label.defs#label".into()), ("later", Value::list([Value::Null]))];
        let fields = [
            Some(("src", self.src.clone().into())),
            Some(("uri", self.uri.clone().into())),
            Some(("val", self.val.clone().into())),
            Some(("cts", self.cts.clone().into())),
            self.neg.map(|neg| ("neg", neg.into())),
            text("cid", &self.cid),
            text("exp", &self.exp),
            self.ver.map(|ver| ("ver", Value::Int(ver))),
            self.sig.clone().map(|sig| ("sig", Value::Bytes(sig))),
        ];
        Value::map(fields.into_iter().flatten().chain(more.into_iter().filter(|_| self.has_more)))
    }
}
