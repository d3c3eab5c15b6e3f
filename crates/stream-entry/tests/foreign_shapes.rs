//! Entries that other writers leave in the streams are read too, and what cannot be read says why.

use std::borrow::Cow;
use std::error::Error;

use standpipe_stream_entry::EntryError;
use standpipe_stream_entry::firehose::{AccountStatus, Entry, Event, Kind};

#[test]
fn the_origin_ingesters_entries_are_read() {
    let create = Entry::parse(
        br#"{"type":"create","seq":5,"time":"2025-11-26T22:39:57.123456789+00:00","did":"did:web:a.example",
            "commit":"c","rev":"r","collection":"app.bsky.feed.post","rkey":"k","cid":"d","record":{"b":[1,2,3]}}"#,
    )
    .unwrap();
    assert_eq!((create.kind(), create.seq), (Kind::Create, Some(5)));
    assert_eq!(create.time, "2025-11-26T22:39:57.123456789+00:00");

    for (word, expected) in [
        ("Takendown", AccountStatus::Takendown),
        ("Suspended", AccountStatus::Suspended),
        ("Deleted", AccountStatus::Deleted),
        ("Deactivated", AccountStatus::Deactivated),
        ("Desynchronized", AccountStatus::Desynchronized),
        ("Throttled", AccountStatus::Throttled),
    ] {
        let text =
            format!(r#"{{"type":"account","seq":5,"time":"t","did":"d","active":false,"status":"{word}"}}"#);
        let Event::Account(account) = Entry::parse(text.as_bytes()).unwrap().event else { panic!("{text}") };
        assert_eq!(account.status, Some(expected));
    }
}

#[test]
fn a_handle_may_be_null_or_absent() {
    for handle in ["", r#","handle":null"#] {
        let text = format!(r#"{{"type":"identity","seq":5,"time":"t","did":"d"{handle}}}"#);
        let Event::Identity(identity) = Entry::parse(text.as_bytes()).unwrap().event else {
            panic!("{text}")
        };
        assert_eq!(identity.handle, None);
    }
}

#[test]
fn a_status_may_be_absent() {
    let text = br#"{"type":"account","seq":5,"time":"t","did":"d","active":true}"#;
    let Event::Account(account) = Entry::parse(text).unwrap().event else { panic!() };
    assert_eq!(account.status, None);
}

#[test]
fn a_backfillers_repo_entry_is_read_and_has_no_seq() {
    for seq in ["", r#""seq":-1,"#] {
        let text = format!(r#"{{"type":"repo",{seq}"time":"t","did":"d","commit":"c","rev":"r"}}"#);
        let entry = Entry::parse(text.as_bytes()).unwrap();
        assert_eq!((entry.kind(), entry.seq), (Kind::Repo, None));
    }
}

#[test]
fn unknown_keys_and_any_order_are_accepted() {
    let text = br#"{"new":{"deep":[1,{}]},"rkey":"k","collection":"c","did":"d","rev":"r","commit":"e",
        "time":"t","prev":null,"seq":9,"type":"delete"}"#;
    let Event::Delete(delete) = Entry::parse(text).unwrap().event else { panic!() };
    assert_eq!((&*delete.collection, &*delete.rkey), ("c", "k"));
}

#[test]
fn an_entry_is_a_serde_type() {
    let text = r#"{"type":"identity","seq":5,"time":"t","did":"d"}"#;
    assert_eq!(serde_json::from_str::<Entry<'_>>(text).unwrap(), Entry::parse(text.as_bytes()).unwrap());
    let list = format!("[{text},{text}]");
    assert_eq!(serde_json::from_str::<Vec<Entry<'_>>>(&list).unwrap().len(), 2);
}

#[test]
fn a_record_is_read_into_the_callers_type_without_copying() {
    #[derive(serde::Deserialize)]
    struct Post<'a> {
        text: &'a str,
    }
    let value = br#"{"type":"create","seq":1,"time":"t","did":"d","commit":"c","rev":"r","collection":"n",
        "rkey":"k","cid":"x","record":{"text":"hello"}}"#;
    let Event::Create(write) = Entry::parse(value).unwrap().event else { panic!() };
    let post: Post<'_> = write.record.parse().unwrap();
    assert_eq!(post.text, "hello");
    assert!(value.as_ptr_range().contains(&post.text.as_ptr()));
}

#[test]
fn strings_are_borrowed_from_the_value_unless_they_were_escaped() {
    let value = br#"{"type":"identity","seq":1,"time":"a\u0000b","did":"d","handle":"h.example"}"#;
    let entry = Entry::parse(value).unwrap();
    assert!(matches!(entry.did, Cow::Borrowed("d")));
    assert!(matches!(entry.time, Cow::Owned(time) if time == "a\0b"));
    let Event::Identity(identity) = entry.event else { panic!() };
    assert!(matches!(identity.handle, Some(Cow::Borrowed("h.example"))));
}

#[test]
fn what_cannot_be_read_says_why() {
    let check = |text: &str, expected: &str| {
        let error = Entry::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(matches!(error, EntryError::Json(_)), error.source().is_some());
    };
    check("", "read the entry as JSON");
    check("[]", "read the entry as JSON");
    check(r#"{"seq":5}"#, "read the entry as JSON");
    check(r#"{"type":"identity","seq":5,"time":"t","did":7}"#, "read the entry as JSON");
    check(r#"{"type":"identity","did":"d","did":"d"}"#, "read the entry as JSON");
    check(r#"{"type":"identity","seq":5,"time":"t","did":"d"} x"#, "read the entry as JSON");
    check(r#"{"type":"novel","seq":5}"#, r#"read an entry of the unknown type "novel""#);
    check(r#"{"type":"identity","seq":5,"time":"t"}"#, r#"find "did" in an entry of type "identity""#);
    check(r#"{"type":"identity","seq":5,"did":"d"}"#, r#"find "time" in an entry of type "identity""#);
    check(
        r#"{"type":"account","seq":5,"did":"d","time":"t"}"#,
        r#"find "active" in an entry of type "account""#,
    );
    check(r#"{"type":"identity","seq":-2,"time":"t","did":"d"}"#, "read -2 as a seq");
    check(r#"{"type":"identity","seq":1.5,"time":"t","did":"d"}"#, "read 1.5 as a seq");
    for key in ["commit", "rev", "collection", "rkey", "cid", "record"] {
        let fields = ["commit", "rev", "collection", "rkey", "cid"]
            .map(|field| if field == key { String::new() } else { format!(r#","{field}":"x""#) });
        let fields = fields.concat();
        let record = if key == "record" { "" } else { r#","record":{}"# };
        for kind in ["create", "update"] {
            check(
                &format!(r#"{{"type":"{kind}","time":"t","did":"d"{fields}{record}}}"#),
                &format!(r#"find "{key}" in an entry of type "{kind}""#),
            );
        }
    }
}
