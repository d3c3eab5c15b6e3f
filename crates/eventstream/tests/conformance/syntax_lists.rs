//! The interoperability lists of identifier syntax.

use standpipe_eventstream::{CidBuf, CidSyntax, Datetime, Did, Handle, Nsid, RecordKey, Tid, Uri};

use crate::fixture::{foreign, list};

/// Holds every line of a pair of lists against a parser, and both lists against being empty.
fn check(kind: &str, accepts: impl Fn(&str) -> bool, valid: usize, invalid: usize) {
    let (Some(good), Some(bad)) = (
        foreign(&format!("atproto-interop-tests/syntax/{kind}_syntax_valid.txt")),
        foreign(&format!("atproto-interop-tests/syntax/{kind}_syntax_invalid.txt")),
    ) else {
        return;
    };
    let (good, bad) = (list(&good), list(&bad));
    for line in &good {
        assert!(accepts(line), "{kind} {line:?} is valid");
    }
    for line in &bad {
        assert!(!accepts(line), "{kind} {line:?} is invalid");
    }
    assert_eq!((good.len(), bad.len()), (valid, invalid), "{kind}");
}

#[test]
fn dids_follow_the_interop_lists() {
    check("did", |text| Did::parse(text).is_ok(), 24, 18);
}

#[test]
fn handles_follow_the_interop_lists() {
    check("handle", |text| Handle::parse(text).is_ok(), 71, 48);
}

#[test]
fn nsids_follow_the_interop_lists() {
    check("nsid", |text| Nsid::parse(text).is_ok(), 25, 27);
}

#[test]
fn record_keys_follow_the_interop_lists() {
    check("recordkey", |text| RecordKey::parse(text).is_ok(), 16, 11);
}

#[test]
fn tids_follow_the_interop_lists() {
    check("tid", |text| Tid::parse(text).is_ok(), 4, 9);
}

#[test]
fn uris_follow_the_interop_lists() {
    check("uri", |text| Uri::parse(text).is_ok(), 9, 12);
}

#[test]
fn the_text_of_cids_of_any_kind_follows_the_interop_lists() {
    check("cid", |text| CidSyntax::parse(text).is_ok(), 8, 10);
}

#[test]
fn datetimes_follow_the_interop_lists() {
    check("datetime", |text| Datetime::parse(text).is_ok(), 35, 45);
}

#[test]
fn datetimes_that_no_calendar_has_are_refused() {
    let Some(file) = foreign("atproto-interop-tests/syntax/datetime_parse_invalid.txt") else { return };
    for line in list(&file) {
        assert!(Datetime::parse(line).is_err(), "{line:?} is no date");
    }
}

/// The list of valid CIDs holds forms that the protocol does not bless; of them only the invalid ones are told.
#[test]
fn text_that_is_no_cid_is_refused() {
    let Some(file) = foreign("atproto-interop-tests/syntax/cid_syntax_invalid.txt") else { return };
    let lines = list(&file);
    assert!(!lines.is_empty());
    for line in lines {
        assert!(CidBuf::parse(line).is_err(), "{line:?} is no cid");
    }
}
