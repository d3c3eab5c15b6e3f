use fastrand::Rng;

use crate::encode::Value;

/// Makes of a sound label one that is none, in one of many ways.
pub(super) fn flawed(rng: &mut Rng, label: Value) -> Value {
    let Value::Map(mut fields) = label else { return label };
    let mut change = |key: &str, value: Option<Value>| {
        fields.retain(|(field, _)| field != key);
        fields.extend(value.map(|value| (key.to_owned().into(), value)));
    };
    match rng.u8(..10) {
        0 => change("src", None),
        1 => change("cts", None),
        2 => change("val", Some(Value::Int(5))),
        3 => change("val", Some("".into())),
        4 => change("val", Some("z".repeat(129).into())),
        5 => change("ver", Some(Value::Int(2))),
        6 => change("cts", Some("2026-01-02".into())),
        7 => change("sig", Some("c2ln".into())),
        8 => change("uri", Some("no uri".into())),
        _ => return "no label".into(),
    }
    Value::map(fields)
}
