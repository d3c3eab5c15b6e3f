//! Courses through a relay that is a list: rows by number, some of which it cannot serve.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use standpipe_cursor::Seq;

use super::*;
use crate::RepoRows;
use crate::body::parse;

/// A relay in the manner of the Go one: a page has the rows above the cursor, and a cursor when it is full.
#[derive(Clone, Debug, Default)]
struct Relay {
    /// The numbers of its rows, and whether it can serve them.
    rows: BTreeMap<u64, bool>,
    /// The requests, by number, in which it is down.
    down: BTreeSet<usize>,
    asked: Vec<(Option<u64>, u16)>,
}

impl Relay {
    fn of(good: impl IntoIterator<Item = u64>, bad: &[u64]) -> Self {
        let good = good.into_iter().map(|number| (number, true));
        let rows = good.chain(bad.iter().map(|number| (*number, false))).collect();
        Self { rows, ..Self::default() }
    }

    fn answer(&mut self, request: &Request) -> Result<Body<RepoRows>, Fault> {
        let cursor = request.cursor.as_ref().map(|cursor| cursor.to_string().parse::<u64>().unwrap());
        self.asked.push((cursor, request.limit));
        let limit = usize::from(request.limit);
        let page: Vec<_> = self.rows.range(cursor.unwrap_or(0) + 1..).take(limit).collect();
        if self.down.contains(&self.asked.len()) || page.iter().any(|(_, good)| !**good) {
            return Err(Fault::Http(http::Fault::Status { status: 500, body: "".into() }));
        }
        let rows: Vec<_> =
            page.iter().map(|(number, _)| format!(r#"{{"did":"did:plc:{number}"}}"#)).collect();
        let next = page.last().filter(|_| page.len() == limit).map(|(number, _)| number.to_string());
        let body = format!(r#"{{"repos":[{}],"cursor":"{}"}}"#, rows.join(","), next.unwrap_or_default());
        Ok(parse(body.as_bytes(), "repos").unwrap())
    }
}

/// What came of a course.
#[derive(Debug, Default)]
struct Told {
    rows: Vec<u64>,
    gaps: Vec<Gap>,
    error: Option<ListError>,
    largest_delay: u32,
}

fn run(relay: &mut Relay, limit: u16, poison: Poison, from: Option<u64>) -> Told {
    run_within(Bounds::default(), relay, limit, poison, from)
}

fn run_within(bounds: Bounds, relay: &mut Relay, limit: u16, poison: Poison, from: Option<u64>) -> Told {
    let from = from.map(|from| Cursor::from(Seq::new(from).unwrap()));
    let mut course = Course::<RepoRows>::new("relay", "listRepos", from, limit, poison, bounds);
    let mut told = Told::default();
    let mut stored = None;
    while !course.has_ended() {
        assert!(relay.asked.len() < 20_000, "it goes on for ever: {told:?}");
        let request = course.request().unwrap();
        let step = match relay.answer(&request) {
            Ok(body) => course.answered(body),
            Err(fault) => course.failed(fault),
        };
        match step {
            Ok(Step::Page { after, through, rows, gap, .. }) => {
                if told.rows.len() + told.gaps.len() > 0 {
                    assert_eq!(after, stored, "each page follows the one before");
                }
                told.rows.extend(rows.iter().map(|row| row.did[8..].parse::<u64>().unwrap()));
                told.gaps.extend(gap);
                stored = match through {
                    Through::Cursor(cursor) => Some(cursor),
                    Through::End => None,
                };
            }
            Ok(Step::Ask(Delay::Backoff { doubled }, _)) => {
                told.largest_delay = told.largest_delay.max(doubled);
            }
            Ok(Step::Ask(..)) => {}
            Err(error) => {
                told.error = Some(error);
                break;
            }
        }
    }
    told
}

const SKIP: Poison = Poison::SkipRow { at_most: 1000 };

fn gap(after: u64, through: u64) -> Gap {
    Gap { after: Seq::new(after).unwrap(), through: Seq::new(through).unwrap() }
}

#[test]
fn i5_a_bad_row_anywhere_costs_itself_alone_and_its_range_is_exact() {
    for bad in 3..=60 {
        for limit in [2, 3, 10, 25, 1000] {
            let mut relay = Relay::of((1..=60).filter(|number| *number != bad), &[bad]);
            let told = run(&mut relay, limit, SKIP, None);
            let expected: Vec<_> = (1..=60).filter(|number| *number != bad).collect();
            assert_eq!(told.rows, expected, "{bad} at {limit}");
            assert_eq!(told.gaps, [gap(bad - 1, bad)], "{bad} at {limit}");
            assert!(relay.asked.iter().all(|(_, limit)| *limit >= 2));
        }
    }
}

#[test]
fn the_gap_reaches_over_the_holes_in_a_hosts_numbers_and_over_neighbours_that_are_bad_too() {
    let good = [10, 20, 30, 40, 90, 100];
    let told = run(&mut Relay::of(good, &[50, 77]), 1000, SKIP, None);
    assert_eq!((told.rows.as_slice(), told.gaps.as_slice()), (&good[..], &[gap(40, 77)][..]));
    assert!(told.error.is_none());
}

#[test]
fn i5_a_bad_row_is_held_where_nobody_allowed_to_skip_it() {
    let mut relay = Relay::of((1..=60).filter(|number| *number != 37), &[37]);
    let told = run(&mut relay, 1000, Poison::Hold, None);
    assert_eq!(told.rows, (1..=36).collect::<Vec<_>>());
    let error = told.error.unwrap();
    assert_eq!(
        error.to_string(),
        "read listRepos of relay, page 7 behind cursor \"36\": the host serves other pages and not this one, down to \
         a limit of 2 rows: tell the host's operator, or allow its rows to be skipped"
    );
}

#[test]
fn a_search_has_an_end() {
    let mut relay = Relay::of([1, 2, 3, 4, 2000], &[1500]);
    let told = run(&mut relay, 10, SKIP, None);
    assert_eq!((told.rows.as_slice(), told.gaps.as_slice()), (&[1, 2, 3, 4][..], &[][..]));
    assert!(matches!(told.error, Some(ListError::PoisonPage { probed: 1000, skippable: true, .. })));
}

#[test]
fn a_host_that_is_down_for_long_has_no_bad_row() {
    for poison in [Poison::Hold, SKIP] {
        for begin in 1..=40 {
            let mut relay = Relay::of(1..=60, &[]);
            relay.down = (begin..begin + 100).collect();
            let told = run(&mut relay, 10, poison, None);
            assert_eq!(told.rows, (1..=60).collect::<Vec<_>>());
            assert!(told.gaps.is_empty() && told.error.is_none());
            assert!(begin > 7 || told.largest_delay > 10, "{begin}: it backs off: {}", told.largest_delay);
        }
    }
}

#[test]
fn i8_a_host_of_many_is_given_up_when_it_is_down_and_not_because_of_a_bad_row() {
    let giving_up_after =
        |failures| Bounds { give_up_after: std::num::NonZeroU32::new(failures), ..Bounds::default() };
    for (limit, failures) in [(3, 1), (10, 1), (1000, 1), (10, 2), (3, 3), (10, 3), (1000, 3), (1000, 5)] {
        let bounds = giving_up_after(failures);
        // Two rows are bad, so that a good page before the second was read with few rows.
        for from in [None, Some(10)] {
            let good = (1..=900).filter(|number| ![437, 449].contains(number));
            let mut relay = Relay::of(good.clone(), &[437, 449]);
            let told = run_within(bounds, &mut relay, limit, SKIP, from);
            assert!(told.error.is_none(), "{:?}", told.error);
            assert_eq!(told.rows, good.filter(|number| Some(*number) > from).collect::<Vec<_>>());
            assert_eq!(told.gaps, [gap(436, 437), gap(448, 449)]);
        }
    }
    let bounds = giving_up_after(3);
    // Before the first page, the smallest one is tried too.
    for (from, begin, asked) in [(None, 1, 4), (Some(5), 1, 4), (None, 7, 10)] {
        let mut relay = Relay::of(1..=60, &[]);
        relay.down = (begin..begin + 1000).collect();
        let told = run_within(bounds, &mut relay, 10, SKIP, from);
        assert!(matches!(told.error, Some(ListError::GaveUp { .. })), "{:?}", told.error);
        assert_eq!(relay.asked.len(), asked, "from {from:?}, down from request {begin} on");
    }
}

#[test]
fn i5_of_a_host_of_many_every_row_is_read_also_where_the_first_page_has_a_bad_one() {
    for (limit, failures) in [(3, 1), (10, 1), (1000, 1), (10, 2), (10, 3), (1000, 5)] {
        let bounds = Bounds { give_up_after: std::num::NonZeroU32::new(failures), ..Bounds::default() };
        let told = |poison| {
            let mut relay = Relay::of((1..=60).filter(|number| *number != 3), &[3]);
            run_within(bounds, &mut relay, limit, poison, None)
        };
        let Told { rows, gaps, error, .. } = told(SKIP);
        assert!(error.is_none(), "{error:?}");
        assert_eq!((rows, gaps), ([1, 2].into_iter().chain(4..=60).collect(), vec![gap(2, 3)]));
        let Told { rows, error, .. } = told(Poison::Hold);
        assert!(matches!(error, Some(ListError::PoisonPage { .. })), "{error:?}");
        assert_eq!(rows, [1, 2]);
    }
}

#[test]
fn a_host_of_many_that_says_nothing_at_first_is_not_asked_for_less() {
    let bounds = Bounds { give_up_after: std::num::NonZeroU32::new(1), ..Bounds::default() };
    let mut course = Course::<RepoRows>::new("relay", "listRepos", None, 1000, SKIP, bounds);
    let silence = Fault::Overdue { within: bounds.page_within };
    assert!(matches!(course.failed(silence), Err(ListError::GaveUp { tries: 1, .. })));
}

#[test]
fn a_run_that_begins_right_before_a_bad_row_takes_the_first_page_for_comparison() {
    let mut relay = Relay::of((1..=60).filter(|number| *number != 37), &[37]);
    let told = run(&mut relay, 1000, SKIP, Some(36));
    assert_eq!((told.rows, told.gaps), ((38..=60).collect(), vec![gap(36, 37)]));
    assert!(relay.asked.contains(&(None, 2)));
}

#[test]
fn i2_the_row_before_a_run_does_not_come_again_where_the_second_of_two_is_bad() {
    let rows = || Relay::of((1..=60).filter(|number| *number != 37), &[37]);
    let expected: Vec<_> = std::iter::once(36).chain(38..=60).collect();
    let mut relay = rows();
    let told = run(&mut relay, 1000, SKIP, Some(35));
    assert_eq!((told.rows, told.gaps), (expected.clone(), vec![gap(36, 37)]));
    // The first comes by a step back, and is told from the one that was read by being asked for alone.
    assert!(
        relay.asked.contains(&(Some(34), 2)) && relay.asked.contains(&(Some(35), 1)),
        "{:?}",
        relay.asked
    );
    // Whenever the host is down meanwhile, for however long.
    let requests = relay.asked.len();
    for begin in 1..=requests {
        for length in [1, 2, 3, 40] {
            let mut relay = rows();
            relay.down = (begin..begin + length).collect();
            let told = run(&mut relay, 1000, SKIP, Some(35));
            assert_eq!(
                (&told.rows, told.gaps),
                (&expected, vec![gap(36, 37)]),
                "down at {begin} for {length}"
            );
        }
    }
}

#[test]
fn behind_the_bad_row_the_limit_grows_again() {
    let mut relay = Relay::of((1..=9000).filter(|number| *number != 777), &[777]);
    let told = run(&mut relay, 1000, SKIP, None);
    assert_eq!(told.rows.len(), 8999);
    let limits: Vec<_> = relay
        .asked
        .iter()
        .filter(|(cursor, _)| cursor.is_some_and(|cursor| cursor > 777))
        .map(|asked| asked.1)
        .collect();
    assert_eq!(limits[..5], [10, 100, 500, 1000, 1000]);
    assert!(relay.asked.len() < 70, "{}", relay.asked.len());
}

#[test]
fn at_the_very_beginning_there_is_nothing_to_compare_with_so_it_is_tried_for_ever() {
    let mut relay = Relay::of(2..=60, &[1]);
    let mut course = Course::<RepoRows>::new("relay", "listRepos", None, 10, SKIP, Bounds::default());
    for _ in 0..1000 {
        let request = course.request().unwrap();
        let fault = relay.answer(&request).unwrap_err();
        assert!(matches!(course.failed(fault).unwrap(), Step::Ask(Delay::Backoff { .. }, Some(_))));
    }
}

proptest! {
    #[test]
    fn i5_whatever_is_bad_and_whenever_the_host_is_down_for_a_while_every_good_row_comes_once(
        steps in proptest::collection::vec((1_u64..5, 0_u8..12), 3..80),
        (begin, length) in (1_usize..200, 0_usize..60),
        limit in 2_u16..40,
    ) {
        // Bad rows may be neighbours, but with at least two good ones between: no page of two has one alone.
        let mut relay = Relay::default();
        let (mut number, mut good_in_a_row) = (0, 0);
        for (index, (step, dice)) in steps.into_iter().enumerate() {
            number += step;
            let bad = dice == 0 && index >= 2 && good_in_a_row != 1;
            good_in_a_row = if bad { 0 } else { good_in_a_row + 1 };
            relay.rows.insert(number, !bad);
        }
        relay.down = (begin..begin + length).collect();
        let told = run(&mut relay, limit, SKIP, None);
        let good: Vec<_> = relay.rows.iter().filter(|(_, good)| **good).map(|(number, _)| *number).collect();
        prop_assert_eq!(&told.rows, &good);
        prop_assert!(told.error.is_none());
        for gap in &told.gaps {
            let range = gap.after.number() + 1..=gap.through.number();
            prop_assert!(relay.rows.range(range.clone()).all(|(_, good)| !good), "{gap:?}");
            prop_assert_eq!(relay.rows.get(range.end()), Some(&false), "it ends at a bad row");
        }
        let bad = relay.rows.iter().filter(|(_, good)| !**good);
        for (number, _) in bad {
            prop_assert!(told.gaps.iter().any(|gap| (gap.after.number() + 1..=gap.through.number()).contains(number)));
        }
    }
}
