//! What the operator does not want is counted, and the cursor moves past it.

use standpipe_projection::{CollectionFilter, DidFilter, RepoSettings};
use standpipe_stream_entry::firehose::Profile;

use crate::craft::{self, Op, post};
use crate::rig::{Rig, everything};

fn mixed(seq: u64) -> Vec<u8> {
    let create = |path: &str| Op::Create(path.to_owned(), post(path));
    let ops = vec![
        create("app.bsky.feed.post/1"),
        create("com.example.status/2"),
        Op::Delete("com.example.status/3".to_owned()),
        Op::Update("chat.bsky.actor.declaration/self".to_owned(), post("chat")),
        create("app.bskyx.feed.post/5"),
    ];
    craft::Commit::new(seq, ops).frame()
}

#[test]
fn ops_outside_the_collections_are_counted_and_the_others_keep_their_order() {
    let outcome = Rig::new(RepoSettings::default()).feed(&mixed(7));
    let rkeys: Vec<_> = outcome.entries.iter().map(|entry| entry["rkey"].as_str().unwrap()).collect();
    assert_eq!(rkeys, ["1", "self"]);
    assert_eq!(outcome.dropped.into_iter().collect::<Vec<_>>(), [("collection_filtered", 3)]);
    assert_eq!((outcome.moved, outcome.notes.len()), (Some(7), 0));
}

#[test]
fn a_frame_that_is_filtered_whole_moves_the_cursor() {
    let collections = CollectionFilter::parse(["com.example.other"]).unwrap();
    let settings = RepoSettings { collections, ..RepoSettings::default() };
    let outcome = Rig::new(settings).feed(&mixed(7));
    assert_eq!((outcome.entries.len(), outcome.moved), (0, Some(7)));
    assert_eq!(outcome.dropped.get("collection_filtered"), Some(&5));
}

#[test]
fn a_record_that_nobody_wants_is_not_even_hashed() {
    let mut commit = craft::Commit::new(7, craft::posts(1));
    commit.ops.push(Op::Create("com.example.status/2".to_owned(), post("spoilt")));
    commit.spoilt = vec![1];
    let outcome = Rig::new(RepoSettings::default()).feed(&commit.frame());
    assert_eq!(outcome.entries.len(), 1);
    let settings = RepoSettings { hash_all_blocks: true, ..RepoSettings::default() };
    let outcome = Rig::new(settings).feed(&commit.frame());
    assert_eq!((outcome.entries.len(), outcome.quarantined()), (0, vec!["block_hash"]));
}

#[test]
fn messages_of_other_accounts_are_counted_and_the_cursor_moves() {
    let only = |did: &str| {
        let dids = DidFilter::parse([did]).unwrap();
        Rig::new(RepoSettings { dids, ..everything(Profile::Full) })
    };
    let frames = |seq: u64| {
        [
            craft::identity(seq),
            craft::account(seq + 1, false, Some("deleted")),
            mixed(seq + 2),
            craft::Commit { spoilt: vec![0], ..craft::Commit::new(seq + 3, craft::posts(1)) }.frame(),
        ]
    };
    let mut others = only("did:web:example.com");
    for (frame, seq) in frames(10).into_iter().zip(10..) {
        let outcome = others.feed(&frame);
        assert_eq!((outcome.entries.len(), outcome.moved, outcome.notes.len()), (0, Some(seq), 0));
        assert_eq!(outcome.dropped.into_iter().collect::<Vec<_>>(), [("did_filtered", 1)]);
    }
    let mut own = only(craft::DID);
    let entries: Vec<_> = frames(10).iter().map(|frame| own.feed(frame).entries.len()).collect();
    assert_eq!(entries, [1, 1, 5, 0]);
}
