use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use super::Watched;
use super::register::{Register, to_f64};
use crate::ledger::{Labelled, Link, Store};

/// One metric of the origin ingester, shown on request so that dashboards made for it go on.
#[derive(Clone, Copy, Debug)]
pub struct OriginName {
    /// The name, as it is shown.
    pub name: &'static str,
    /// Whether it only rises.
    pub counts: bool,
    /// What of ours it shows.
    pub shows: &'static str,
    read: fn(&Watched) -> Option<u64>,
}

/// Every metric that the origin ingester had, in its order. What this daemon has no part in is not shown by it.
pub const ORIGIN: &[OriginName] = &[
    count(
        "ingester_firehose_events_total",
        "`standpipe_frames_total` of all hosts, in `firehose`",
        |watched| of(watched, "firehose", frames),
    ),
    count(
        "ingester_firehose_create_events_total",
        "`standpipe_entries_total` with kind `create`",
        |watched| of(watched, "firehose", |watched| entries(watched, Some("create"))),
    ),
    count(
        "ingester_firehose_update_events_total",
        "`standpipe_entries_total` with kind `update`",
        |watched| of(watched, "firehose", |watched| entries(watched, Some("update"))),
    ),
    count(
        "ingester_firehose_delete_events_total",
        "`standpipe_entries_total` with kind `delete`",
        |watched| of(watched, "firehose", |watched| entries(watched, Some("delete"))),
    ),
    count("ingester_stream_events_total", "`standpipe_entries_total` of all hosts and kinds", |watched| {
        Some(entries(watched, None))
    }),
    count(
        "ingester_errors_total",
        "`standpipe_exits_total` with ending `lost`, `failed`, `panicked` or `stalled`",
        |watched| Some(sum(watched, |ledger| of_words(&ledger.counted().endings, TROUBLE))),
    ),
    gauge("ingester_firehose_live_length", "`standpipe_stream_entries` of `firehose_live`", |watched| {
        length(watched, "firehose_live")
    }),
    gauge("ingester_label_live_length", "`standpipe_stream_entries` of `label_live`", |watched| {
        length(watched, "label_live")
    }),
    gauge("ingester_repo_backfill_length", "`standpipe_stream_entries` of `repo_backfill`", |watched| {
        length(watched, "repo_backfill")
    }),
    gauge(
        "ingester_backpressure_active",
        "1 while `standpipe_state` of any host is `full` or `parked`",
        |watched| {
            let held_up = sum(watched, |ledger| {
                let condition = ledger.condition();
                u64::from(condition.store == Store::Full || condition.link == Link::Parked)
            });
            Some(u64::from(held_up > 0))
        },
    ),
    gauge("ingester_websocket_connections", "the sum of `standpipe_connected`", |watched| {
        Some(sum(watched, |ledger| u64::from(ledger.condition().link == Link::Up)))
    }),
    gauge(
        "ingester_events_in_memory",
        "always 0: nothing waits in memory but one batch, whose size `standpipe_bytes_in_flight` shows",
        |_| Some(0),
    ),
    count(
        "ingester_labeler_events_total",
        "`standpipe_frames_total` of all hosts, in `labeler`",
        |watched| of(watched, "labeler", frames),
    ),
    count(
        "ingester_labels_written_total",
        "`standpipe_entries_total` of all hosts, in `labeler`",
        |watched| of(watched, "labeler", |watched| entries(watched, None)),
    ),
    count(
        "ingester_backfill_repos_fetched_total",
        "`standpipe_entries_total` of all hosts, in `backfill`",
        |watched| of(watched, "backfill", |watched| entries(watched, None)),
    ),
    count(
        "ingester_backfill_repos_written_total",
        "`standpipe_entries_total` of all hosts, in `backfill`",
        |watched| of(watched, "backfill", |watched| entries(watched, None)),
    ),
    count(
        "ingester_backfill_fetch_errors_total",
        "`standpipe_exits_total` with ending `lost`, in `backfill`",
        |watched| {
            of(watched, "backfill", |watched| {
                sum(watched, |ledger| of_words(&ledger.counted().endings, &["lost"]))
            })
        },
    ),
    count("ingester_backfill_cursor_skips_total", "always 0: a cursor is never guessed", |watched| {
        of(watched, "backfill", |_| 0)
    }),
    gauge(
        "ingester_backfill_complete",
        "1 once every host has `standpipe_enumeration_done_timestamp_seconds`, in `backfill`",
        |watched| {
            of(watched, "backfill", |watched| {
                let (mut hosts, mut done) = (0, 0);
                watched.each_host(|ledger| {
                    // A relay that is asked for its hosts has no list of its own to end.
                    if ledger.named().is_some() {
                        return;
                    }
                    hosts += 1;
                    done += u64::from(ledger.enumeration().is_some_and(|shown| shown.done.is_some()));
                });
                u64::from(hosts > 0 && hosts == done)
            })
        },
    ),
];

const TROUBLE: &[&str] = &["lost", "failed", "panicked", "stalled"];

const fn count(name: &'static str, shows: &'static str, read: fn(&Watched) -> Option<u64>) -> OriginName {
    OriginName { name, counts: true, shows, read }
}

const fn gauge(name: &'static str, shows: &'static str, read: fn(&Watched) -> Option<u64>) -> OriginName {
    OriginName { name, counts: false, shows, read }
}

impl Register {
    pub(super) fn origin_names(&self) {
        for origin in ORIGIN {
            let watched = std::sync::Arc::clone(&self.watched);
            let read = origin.read;
            if origin.counts {
                // The exposition adds the ending.
                let name = origin.name.strip_suffix("_total").unwrap_or(origin.name);
                let builder = self.meter.u64_observable_counter(name).with_description(origin.shows);
                let show = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
                    if let Some(value) = read(&watched) {
                        observer.observe(value, &[]);
                    }
                };
                let _ = builder.with_callback(show).build();
            } else {
                let builder = self.meter.f64_observable_gauge(origin.name).with_description(origin.shows);
                let show = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<f64>| {
                    if let Some(value) = read(&watched) {
                        observer.observe(to_f64(value), &[]);
                    }
                };
                let _ = builder.with_callback(show).build();
            }
        }
    }
}

/// What only one of the daemons has.
fn of(watched: &Watched, daemon: &str, read: impl Fn(&Watched) -> u64) -> Option<u64> {
    (watched.daemon == daemon).then(|| read(watched))
}

fn frames(watched: &Watched) -> u64 {
    sum(watched, |ledger| ledger.frames.load(Relaxed))
}

/// Entries of one kind, or of all.
fn entries(watched: &Watched, kind: Option<&str>) -> u64 {
    sum(watched, |ledger| {
        let entries = ledger.counted().entries;
        entries
            .iter()
            .filter(|(known, _)| kind.is_none_or(|kind| kind == *known))
            .map(|(_, count)| count)
            .sum()
    })
}

fn length(watched: &Watched, stream: &str) -> Option<u64> {
    watched.length.backlog().filter(|_| watched.stream == stream)
}

fn sum(watched: &Watched, read: impl Fn(&crate::HostLedger) -> u64) -> u64 {
    let hosts = watched.hosts.read().unwrap_or_else(PoisonError::into_inner);
    hosts.iter().map(|ledger| read(ledger)).sum()
}

fn of_words(counts: &Labelled, words: &[&str]) -> u64 {
    counts.iter().filter(|(word, _)| words.contains(word)).map(|(_, count)| count).sum()
}
