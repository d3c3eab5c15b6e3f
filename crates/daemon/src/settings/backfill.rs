use std::num::NonZeroUsize;
use std::time::Duration;

use figment::value::Value;
use standpipe_projection::{CollectionFilter, StandingFilter};

use super::reader::Reader;
use super::written::{count, duration, quoted, text, word};
use super::{Flaw, keys};

/// How repos are enumerated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackfillPlan {
    /// Whose lists are read.
    pub mode: BackfillMode,
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
    /// How long after a range was left out, or asked for in vain, it is asked for again.
    pub gaps_again: Option<Duration>,
    /// How often a host that is done is asked for what is new.
    pub interval: Option<Duration>,
    /// How long after the end of an enumeration the next one begins.
    pub again: Option<Duration>,
}

/// Whose lists are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackfillMode {
    /// Those of the hosts that the settings name.
    Relay,
    /// Those of the hosts that these list.
    Hosts {
        /// How often they are asked for new ones.
        interval: Option<Duration>,
        /// How many are read at most.
        at_most: usize,
        /// Hosts of these statuses are left alone, besides those that are banned.
        skip: Vec<String>,
    },
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

/// What a relay says of a host that may be left alone.
const STATUSES: &[&str] = &["idle", "offline", "throttled", "banned"];

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_hours(24 * 365);

const RELAYS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).expect("above zero");
/// A host that says nothing has its place for a while, and of thousands many say nothing.
const HOSTS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(64).expect("above zero");

pub(super) fn read_backfill(reader: &mut Reader<'_>) -> BackfillPlan {
    let at_most = reader.read(keys::BACKFILL_SKIP_AT_MOST, |value| count(value, 1..=1_000_000));
    let standing = |word: &str| Ok(StandingFilter::parse([word]).map(|_| word.to_owned())?);
    let standings = reader.read_list(keys::BACKFILL_STANDINGS, standing);
    let mode = read_mode(reader);
    let at_once = |value: &_| {
        let hosts = count(value, 1..=10_000)?;
        Ok(NonZeroUsize::new(usize::try_from(hosts).unwrap_or(usize::MAX)).unwrap_or(NonZeroUsize::MIN))
    };
    let hosts_at_once = match mode {
        BackfillMode::Relay => RELAYS_AT_ONCE,
        BackfillMode::Hosts { .. } => HOSTS_AT_ONCE,
    };
    let collection = reader.read_optional(keys::BACKFILL_COLLECTION, |value| {
        let nsid = text(value)?;
        CollectionFilter::parse([nsid.as_str()])?;
        if nsid.contains('*') { Err(Flaw::Shape { expected: "one collection" }) } else { Ok(nsid) }
    });
    if collection.is_some() && mode != BackfillMode::Relay {
        let because =
            "the hosts that a relay lists have no listReposByCollection: it goes with mode relay only";
        reader.refuse(keys::BACKFILL_COLLECTION, Flaw::Senseless { because });
    }
    BackfillPlan {
        mode,
        collection,
        hosts_at_once: reader.read_or(
            keys::BACKFILL_HOSTS_AT_ONCE,
            at_once,
            hosts_at_once,
            NonZeroUsize::to_string,
        ),
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
        gaps_again: reader.read(keys::BACKFILL_GAPS_AGAIN, spans),
        interval: reader.read(keys::BACKFILL_INTERVAL, spans),
        again: reader.read(keys::BACKFILL_AGAIN, spans),
    }
}

fn read_mode(reader: &mut Reader<'_>) -> BackfillMode {
    let is_hosts = reader.read(keys::BACKFILL_MODE, |value| word(value, &["relay", "hosts"], &[false, true]));
    let interval = reader.read(keys::BACKFILL_HOSTS_INTERVAL, spans);
    let at_most = reader.read(keys::BACKFILL_HOSTS_AT_MOST, |value| count(value, 1..=1_000_000));
    let skip = reader.read_list(keys::BACKFILL_SKIP_HOSTS, |status| {
        if STATUSES.contains(&status) {
            Ok(status.to_owned())
        } else {
            Err(Flaw::Word { found: quoted(status), allowed: STATUSES })
        }
    });
    let at_most = usize::try_from(at_most).unwrap_or(usize::MAX);
    if is_hosts { BackfillMode::Hosts { interval, at_most, skip } } else { BackfillMode::Relay }
}

/// A time span, or none.
fn spans(value: &Value) -> Result<Option<Duration>, Flaw> {
    if text(value)? == "off" { Ok(None) } else { duration(value, SECOND..=YEAR).map(Some) }
}
