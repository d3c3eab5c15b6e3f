//! The vectors of a strict checker of its own: sync 1.1 outcomes, as far as this layer can see them.

use std::collections::BTreeMap;

use serde_json::Value;
use standpipe_eventstream::Consequence;

use crate::fixture::{hex, json, own, text};
use crate::outcome::{Outcome, outcome};

/// 2026-01-02T05:00:00Z, the time that the vectors name.
const NOW_MICROS: u64 = 1_767_330_000_000_000;

/// Vectors that pass here although they are not to be accepted, and what sees the rest.
const SEEN_ELSEWHERE: [(&str, &str); 36] = [
    ("op_omitted", "tree"),
    ("op_extra_fake_delete", "tree"),
    ("op_wrong_prev", "tree"),
    ("car_missing_root_node", "tree"),
    ("obj_sig_high_s", "signature"),
    ("obj_sig_63", "signature"),
    ("obj_rev_replay", "history"),
    ("chain_since_mismatch", "history"),
    ("chain_prevData_mismatch", "tree"),
    ("mst_prefix_gt_prev", "tree"),
    ("mst_first_prefix_nonzero", "tree"),
    ("mst_prefix_u64max", "tree"),
    ("mst_not_max_compressed", "tree"),
    ("mst_empty_key", "tree"),
    ("mst_missing_field_t", "tree"),
    ("mst_missing_l", "tree"),
    ("mst_extra_field", "tree"),
    ("mst_v_not_link", "tree"),
    ("mst_nonutf8_key", "tree"),
    ("mst_node_is_record", "tree"),
    ("mst_depth_bomb_300", "tree"),
    ("sync_diverged", "history"),
    ("label_neg", "labels"),
    ("label_exp", "labels"),
    ("label_expired", "labels"),
    ("label_two", "labels"),
    ("label_no_ver", "labels"),
    ("label_wrong_key", "labels"),
    ("label_val_empty", "labels"),
    ("label_src_bad", "labels"),
    ("label_src_other", "labels"),
    ("label_cts_bad", "labels"),
    ("label_cid_bad", "labels"),
    ("label_one_bad_one_good", "labels"),
    ("label_with_dollar_type", "labels"),
    ("label_seq_missing", "labels"),
];

#[test]
fn every_vector_comes_out_as_it_should_or_is_seen_elsewhere() {
    let file = json(&own("vectors.json"));
    let vectors = file["vectors"].as_array().expect("vectors");
    let (mut seen_here, mut elsewhere) = (BTreeMap::new(), 0);
    for vector in vectors {
        let name = text(vector, "name");
        let outcome = outcome(&hex(text(vector, "frame_hex")), NOW_MICROS);
        let also_ok = vector["also_ok"].as_array().expect("also_ok").iter().filter_map(Value::as_str);
        let agreed = also_ok.chain([text(vector, "expect")]).find(|word| agrees(&outcome, word));
        match (agreed, SEEN_ELSEWHERE.iter().find(|(listed, _)| *listed == name)) {
            (Some(_), None) => *seen_here.entry(text(vector, "expect").to_owned()).or_insert(0) += 1,
            (None, Some((_, "labels"))) => {
                assert!(matches!(&outcome, Outcome::Skipped(what) if what.starts_with("#labels")), "{name}");
                elsewhere += 1;
            }
            (None, Some(_)) => {
                let passes = matches!(&outcome, Outcome::Commit { dropped, .. } if dropped.is_empty());
                assert!(passes || outcome == Outcome::Sync(false), "{name}: {}", outcome.summary());
                elsewhere += 1;
            }
            (agreed, listed) => panic!("{name}: {} ({agreed:?}, {listed:?})", outcome.summary()),
        }
    }
    let seen_here: Vec<_> = seen_here.iter().map(|(word, count)| (word.as_str(), *count)).collect();
    assert_eq!((vectors.len(), elsewhere), (120, SEEN_ELSEWHERE.len()));
    let expected = [
        ("ACCEPT", 14),
        ("DESYNC", 1),
        ("EMIT", 7),
        ("EMIT_WITHOUT_HANDLE", 1),
        ("FRAME_ERROR", 8),
        ("INFO_OUTDATED", 2),
        ("OP_DROP", 6),
        ("RECORD_DROP", 9),
        ("SCHEMA_FAIL", 10),
        ("SKIP_UNKNOWN", 2),
        ("STREAM_ERROR_FUTURE_CURSOR", 1),
        ("STREAM_ERROR_RECONNECT", 1),
        ("VERIFY_FAIL", 22),
    ];
    assert_eq!(seen_here, expected);
}

/// Whether an outcome is what the vectors call `word`.
fn agrees(outcome: &Outcome, word: &str) -> bool {
    match (word, outcome) {
        ("FRAME_ERROR", Outcome::Frame(_))
        | ("SCHEMA_FAIL", Outcome::Schema(..))
        | ("SYNC_NOOP_IF_STATE_B", Outcome::Sync(true))
        | ("EMIT", Outcome::Account(_) | Outcome::Identity(_)) => true,
        ("SKIP_UNKNOWN", Outcome::Skipped(what)) => !what.starts_with("#labels"),
        ("STREAM_ERROR_FUTURE_CURSOR", Outcome::StreamError(name)) => name == "FutureCursor",
        ("STREAM_ERROR_RECONNECT", Outcome::StreamError(name)) => name != "FutureCursor",
        ("INFO_OUTDATED", Outcome::Info(name)) => name == "OutdatedCursor",
        ("DESYNC", Outcome::Refused(error)) => error.consequence() == Consequence::Desync,
        ("VERIFY_FAIL", Outcome::Refused(error)) => error.consequence() == Consequence::Reject,
        ("ACCEPT", Outcome::Commit { written, dropped, .. }) => !written.is_empty() && dropped.is_empty(),
        ("OP_DROP", Outcome::Commit { written, dropped, .. }) => {
            written.len() == 1 && matches!(dropped[..], [reason] if reason.ends_with("_syntax"))
        }
        ("RECORD_DROP", Outcome::Commit { written, dropped, .. }) => {
            written.is_empty() && matches!(dropped[..], [reason] if reason.starts_with("record_"))
        }
        ("EMIT_WITHOUT_HANDLE", Outcome::Identity(handle)) => handle == "malformed handle",
        _ => false,
    }
}
