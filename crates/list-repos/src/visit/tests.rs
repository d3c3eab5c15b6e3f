//! Visits of ranges of a relay that is a list: rows by number, some of which it cannot serve.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::body::parse;

/// The numbers of its rows, and whether it can serve them.
type Relay = BTreeMap<u64, bool>;

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

fn gap(after: u64, through: u64) -> Gap {
    Gap { after: seq(after), through: seq(through) }
}

fn relay(rows: impl IntoIterator<Item = u64>, bad: &[u64]) -> Relay {
    rows.into_iter().map(|number| (number, !bad.contains(&number))).collect()
}

/// In the manner of the Go one: a page has the rows above the cursor, and a cursor when it is full.
fn answer(relay: &Relay, request: &Request) -> Option<Body<RepoRows>> {
    let cursor = request.cursor.as_ref().unwrap().seq().unwrap().number();
    let limit = usize::from(request.limit);
    assert!(limit >= 2, "a page of one row says nothing of the end");
    let page: Vec<_> = relay.range(cursor + 1..).take(limit).collect();
    if page.iter().any(|(_, good)| !**good) {
        return None;
    }
    let rows: Vec<_> = page.iter().map(|(number, _)| format!(r#"{{"did":"did:plc:{number}"}}"#)).collect();
    let next = page.last().filter(|_| page.len() == limit).map(|(number, _)| number.to_string());
    let body = format!(r#"{{"repos":[{}],"cursor":"{}"}}"#, rows.join(","), next.unwrap_or_default());
    Some(parse(body.as_bytes(), "repos").unwrap())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    rows: Vec<u64>,
    read: Vec<Gap>,
    requests: usize,
}

fn visit(relay: &Relay, range: Gap) -> Told {
    let mut visit = Visit::of(range, 1000);
    let mut told = Told::default();
    while let Some(request) = visit.request() {
        told.requests += 1;
        assert!(told.requests < 2_000, "it goes on for ever: {told:?}");
        let found = match answer(relay, &request) {
            Some(body) => visit.answered(body),
            None => visit.failed(),
        };
        if let Some(Found { range, rows, within }) = found {
            let number = |did: &str| did.trim_start_matches("did:plc:").parse::<u64>().unwrap();
            told.rows.extend(rows.iter().take(within).map(|row| number(row.did)));
            told.read.push(range);
        }
    }
    told
}

#[test]
fn a_row_that_is_served_again_is_read_alone() {
    let range = gap(49, 50);
    for (rows, read) in [(1..=100, vec![50]), (1..=50, vec![50]), (1..=49, vec![]), (1..=51, vec![50])] {
        let told = visit(&relay(rows, &[]), range);
        assert_eq!((&told.rows, &told.read, told.requests), (&read, &vec![range], 2));
    }
    // The host took it down meanwhile.
    let told = visit(&relay((1..=100).filter(|number| *number != 50), &[]), range);
    assert_eq!((told.rows, told.read), (vec![], vec![range]));
}

#[test]
fn a_row_that_is_no_better_costs_one_request_and_its_range_stays() {
    assert_eq!(visit(&relay(1..=100, &[50]), gap(49, 50)), Told { requests: 1, ..Told::default() });
    let far = visit(&relay((1..=49).chain([949]).chain(1050..=1100), &[949]), gap(49, 1049));
    assert!(far.rows.is_empty() && far.requests < 20, "{far:?}");
}

#[test]
fn what_is_beside_a_bad_row_is_read_and_the_range_is_narrowed() {
    // Two bad ones had a good one between them.
    let told = visit(&relay(1..=100, &[50]), gap(49, 52));
    assert_eq!((told.rows, told.read), (vec![51, 52], vec![gap(50, 52)]));
    let told = visit(&relay(1..=100, &[52]), gap(49, 52));
    assert_eq!((told.rows, told.read), (vec![50, 51], vec![gap(49, 51)]));
}

#[test]
fn i5_rows_that_cannot_be_told_from_those_behind_the_range_are_left() {
    let mut visit = Visit::of(gap(49, 50), 1000);
    let body = |dids: &[u64], cursor: &str| {
        let rows: Vec<_> = dids.iter().map(|did| format!(r#"{{"did":"did:plc:{did}"}}"#)).collect();
        parse(format!(r#"{{"repos":[{}],"cursor":"{cursor}"}}"#, rows.join(",")).as_bytes(), "repos").unwrap()
    };
    assert!(visit.answered(body(&[50, 51], "51")).is_none());
    assert!(visit.answered(body(&[52, 53], "53")).is_none());
    assert_eq!(visit.request(), None);
    for cursor in ["0050", "49", "opaque"] {
        let mut visit = Visit::of(gap(49, 50), 1000);
        assert!(visit.answered(body(&[50], cursor)).is_none());
        assert_eq!(visit.request(), None, "{cursor}");
    }
}

proptest! {
    #[test]
    fn i2_i5_what_is_read_of_a_range_is_all_of_it_and_nothing_else(
        steps in proptest::collection::vec(1_u64..4, 20..80),
        bad in proptest::collection::btree_set(0_usize..80, 0..6),
        after in 0_usize..60,
        length in 1_u64..40,
    ) {
        let numbers: Vec<u64> = steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect();
        let bad: Vec<u64> = bad.iter().filter_map(|place| numbers.get(*place).copied()).collect();
        let after = numbers[after % numbers.len()];
        let through = after + length;
        let mut relay = relay(numbers.iter().copied(), &bad);
        // The host served the page behind the range, and does still.
        for (_, good) in relay.range_mut(through + 1..).take(2) {
            *good = true;
        }
        let told = visit(&relay, gap(after, through));
        let mut expected = Vec::new();
        for Gap { after, through } in &told.read {
            for (number, good) in relay.range(after.number() + 1..=through.number()) {
                prop_assert!(good, "{number} cannot be served, and is in what was read: {told:?}");
                expected.push(*number);
            }
        }
        prop_assert_eq!(&told.rows, &expected);
        if relay.range(after + 1..=through).all(|(_, good)| *good) {
            let last = told.read.last().map(|read| read.through.number());
            prop_assert_eq!(last, Some(through), "{:?}", told);
            let whole = relay.range(after + 1..=through).count();
            prop_assert_eq!(told.rows.len(), whole);
        }
        prop_assert!(told.requests <= 20 * (bad.len() + 1), "{told:?}");
    }
}
