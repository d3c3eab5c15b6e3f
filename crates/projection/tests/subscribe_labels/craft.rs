//! Label frames made to order, encoded by ciborium.

use ciborium::Value as Cbor;

pub(crate) const SRC: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// A sound label with this value.
pub(crate) fn label(val: &str) -> Cbor {
    map([
        ("cts", "2026-07-04T14:38:08.999Z".into()),
        ("src", SRC.into()),
        ("uri", "at://did:plc:abcd/app.bsky.feed.post/3k".into()),
        ("val", val.into()),
        ("ver", 1.into()),
    ])
}

/// A frame with these labels.
pub(crate) fn labels(seq: u64, labels: impl IntoIterator<Item = Cbor>) -> Vec<u8> {
    message("#labels", &map([("seq", seq.into()), ("labels", Cbor::Array(labels.into_iter().collect()))]))
}

/// A frame with one sound label.
pub(crate) fn sound(seq: u64) -> Vec<u8> {
    labels(seq, [label("spam")])
}

pub(crate) fn message(kind: &str, body: &Cbor) -> Vec<u8> {
    [encode(&map([("t", kind.into()), ("op", 1.into())])), encode(body)].concat()
}

pub(crate) fn error(name: &str) -> Vec<u8> {
    [encode(&map([("op", (-1).into())])), encode(&map([("error", name.into())]))].concat()
}

pub(crate) fn map<const N: usize>(fields: [(&str, Cbor); N]) -> Cbor {
    Cbor::Map(fields.map(|(key, value)| (key.into(), value)).into())
}

fn encode(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}
