use std::num::NonZeroUsize;
use std::time::Duration;

use standpipe_projection::{CollectionFilter, StandingFilter};

use super::reader::Reader;
use super::written::{count, duration, text, word};
use super::{Flaw, keys};

/// How repos are enumerated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackfillPlan {
    /// The only collection whose repos are listed; all repos without.
    pub collection: Option<String>,
    /// How many hosts are asked at the same time.
    pub hosts_at_once: NonZeroUsize,
    /// How many are asked for at a time, from 2 to 2000.
    pub page_limit: u16,
    /// Those of which standing become entries.
    pub standings: StandingFilter,
    /// How many are remembered so that each is announced once, however many hosts list it. `None`: each host announces
    /// all that it lists.
    pub announce_once: Option<NonZeroUsize>,
    /// What becomes of a row for which a host cannot serve the page.
    pub gaps: GapPolicy,
    /// How often a host that is done is asked for what is new.
    pub interval: Option<Duration>,
    /// How long after the end of an enumeration the next one begins.
    pub again: Option<Duration>,
}

/// What becomes of a row for which a host cannot serve the page that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapPolicy {
    /// The host is held before it.
    Hold,
    /// It is passed over, after at most so many numbers were tried behind it.
    SkipRow {
        /// How many.
        at_most: u32,
    },
}

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_hours(24 * 365);

pub(super) fn read_backfill(reader: &mut Reader<'_>) -> BackfillPlan {
    let spans = |value: &_| {
        if text(value)? == "off" { Ok(None) } else { duration(value, SECOND..=YEAR).map(Some) }
    };
    let at_most = reader.read(keys::BACKFILL_SKIP_AT_MOST, |value| count(value, 1..=1_000_000));
    let standing = |word: &str| Ok(StandingFilter::parse([word]).map(|_| word.to_owned())?);
    let standings = reader.read_list(keys::BACKFILL_STANDINGS, standing);
    let hosts_at_once = reader.read(keys::BACKFILL_HOSTS_AT_ONCE, |value| count(value, 1..=10_000));
    BackfillPlan {
        collection: reader.read_optional(keys::BACKFILL_COLLECTION, |value| {
            let nsid = text(value)?;
            CollectionFilter::parse([nsid.as_str()])?;
            if nsid.contains('*') { Err(Flaw::Shape { expected: "one collection" }) } else { Ok(nsid) }
        }),
        hosts_at_once: usize::try_from(hosts_at_once)
            .ok()
            .and_then(NonZeroUsize::new)
            .unwrap_or(NonZeroUsize::MIN),
        page_limit: reader.read(keys::BACKFILL_PAGE_LIMIT, |value| {
            count(value, 2..=2_000).map(|limit| u16::try_from(limit).unwrap_or(u16::MAX))
        }),
        // Each was found sound by itself; together they are no less so.
        standings: StandingFilter::parse(standings.iter().map(String::as_str)).unwrap_or_default(),
        announce_once: reader.read(keys::BACKFILL_ANNOUNCE_ONCE, |value| {
            if text(value)? == "off" {
                return Ok(None);
            }
            let repos = count(value, 1..=1_000_000_000)?;
            Ok(NonZeroUsize::new(usize::try_from(repos).unwrap_or(usize::MAX)))
        }),
        gaps: reader.read(keys::BACKFILL_GAPS, |value| {
            let at_most = u32::try_from(at_most).unwrap_or(u32::MAX);
            word(value, &["hold", "skip-row"], &[GapPolicy::Hold, GapPolicy::SkipRow { at_most }])
        }),
        interval: reader.read(keys::BACKFILL_INTERVAL, spans),
        again: reader.read(keys::BACKFILL_AGAIN, spans),
    }
}
