//! What the frames of a simulated labeler must become, as its entries have it.

use serde_json::{Value, json};
use standpipe_oracle::{Expectation, ExpectedFrame};
use standpipe_simulator::{LabelWorld, SentLabel};

/// Expects what the labeler's first frames must become. All of them count as one account's: labels of one labeler
/// stay in the order sent, whomever they are about.
pub(crate) fn expectation(world: &LabelWorld, frames: u64) -> Expectation {
    Expectation::of((0..frames).map(|index| {
        let (seq, labels) = (world.seq_at(index), world.expected_at(index));
        let labels: Vec<Value> = labels.iter().map(label).collect();
        let entry = (!labels.is_empty()).then(|| json!({ "seq": seq, "labels": labels }));
        ExpectedFrame { seq, did: String::new(), entries: entry.into_iter().collect() }
    }))
}

/// A label as an entry has it.
pub(crate) fn label(sent: &SentLabel) -> Value {
    let mut label = json!({
        "src": sent.src,
        "uri": sent.uri,
        "cid": sent.cid,
        "val": sent.val,
        "neg": sent.neg,
        "cts": sent.cts,
    });
    if let Some(ver) = sent.ver {
        label["ver"] = json!(ver);
    }
    if let Some(exp) = &sent.exp {
        label["exp"] = json!(exp);
    }
    if let Some(sig) = &sent.sig {
        label["sig"] = json!({ "$bytes": base64(sig) });
    }
    label
}

/// Base64 of the standard alphabet without padding, bit by bit.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = bytes.iter().map(|byte| format!("{byte:08b}")).collect::<Vec<_>>().concat();
    let digit = |six: &[u8]| {
        let six = format!("{:0<6}", String::from_utf8_lossy(six));
        char::from(ALPHABET[usize::from_str_radix(&six, 2).unwrap()])
    };
    bits.as_bytes().chunks(6).map(digit).collect()
}
