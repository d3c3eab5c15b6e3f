//! What becomes of one websocket message of a labeler at this layer.

use serde_json::{Value, json};
use standpipe_eventstream::{Frame, Label, LabelMessage, MessageError};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LabelOutcome {
    /// Not a frame.
    Frame(&'static str),
    /// A frame with an unusable body: field, fault, and the `seq` that could be read.
    Schema(String, Option<u64>),
    /// An `op` or `t` to skip.
    Skipped(String),
    /// An error frame, by name.
    StreamError(String),
    /// `#info`, by name.
    Info(String),
    /// `#labels`: those that are read, and field and fault of those that are not.
    Labels { seq: u64, written: Vec<Value>, dropped: Vec<String> },
}

pub(crate) fn outcome(bytes: &[u8]) -> LabelOutcome {
    let message = match Frame::parse(bytes) {
        Ok(Frame::Message(message)) => message,
        Ok(Frame::Error(error)) => return LabelOutcome::StreamError(error.name.to_owned()),
        Ok(Frame::Unknown(unknown)) => return LabelOutcome::Skipped(unknown.label().to_owned()),
        Err(error) => return LabelOutcome::Frame(error.label()),
    };
    match LabelMessage::parse(&message) {
        Err(MessageError::Frame(error)) => LabelOutcome::Frame(error.label()),
        Err(MessageError::Schema(error)) => {
            LabelOutcome::Schema(format!("{} {}", error.field, error.fault.label()), error.seq)
        }
        Ok(LabelMessage::Info(info)) => LabelOutcome::Info(info.name.to_owned()),
        Ok(LabelMessage::Unknown { kind, seq }) => LabelOutcome::Skipped(format!("{kind} {seq:?}")),
        Ok(LabelMessage::Labels(labels)) => {
            assert_eq!(labels.labels().count(), labels.labels().len(), "none is lost on the way");
            let (mut written, mut dropped) = (Vec::new(), Vec::new());
            for label in labels.labels() {
                match label {
                    Ok(label) => written.push(json_of(&label)),
                    Err(error) => dropped.push(format!("{} {}", error.field, error.label())),
                }
            }
            LabelOutcome::Labels { seq: labels.seq, written, dropped }
        }
    }
}

/// The label in the JSON form of the data model, fields that are absent left out.
fn json_of(label: &Label<'_>) -> Value {
    let mut json = json!({
        "src": label.src.as_str(),
        "uri": label.uri.as_str(),
        "val": label.val,
        "cts": label.cts.as_str(),
    });
    let optional = [
        ("ver", label.ver.map(Value::from)),
        ("cid", label.cid.map(|cid| cid.as_str().into())),
        ("neg", label.neg.map(Value::from)),
        ("exp", label.exp.map(|exp| exp.as_str().into())),
        ("sig", label.sig.map(|sig| json!({"$bytes": base64_of(sig)}))),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            json[key] = value;
        }
    }
    json
}

/// Base64 of the standard alphabet without padding, bit by bit.
fn base64_of(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let letter = |six: &[bool]| {
        (0..6).fold(0, |value, place| value << 1 | usize::from(six.get(place).copied().unwrap_or(false)))
    };
    bits.chunks(6).map(|six| char::from(ALPHABET[letter(six)])).collect()
}
