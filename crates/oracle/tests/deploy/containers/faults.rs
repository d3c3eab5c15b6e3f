//! Everything that can happen to one container, under load, and what it costs: nothing.

use standpipe_oracle::seed;

use crate::containers::DAEMONS;
use crate::containers::engine::{images, is_there};
use crate::containers::load::{Load, Progress};
use crate::containers::strike::{Fault, strike};
use crate::containers::tier::Tier;

/// Frames beyond what was read when the last fault is over.
const MORE: u64 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_whatever_happens_to_a_container_touches_no_other_and_costs_no_event() {
    if !is_there() {
        return;
    }
    let tag = images();
    // Printed, so that a run can be had again.
    let load = Load::new(seed());
    let tier = Tier::over(&tag, &load.endless());
    let services = ["redis", "firehose", "backfill", "labeler", "relay", "labels"];
    let up = ["up", "--detach", "--wait", "--no-build"];
    tier.compose(&[&up, &services[..]].concat());
    for service in DAEMONS.into_iter().chain(["redis"]) {
        for fault in Fault::ALL {
            strike(&tier, service, fault).await;
            let at = Load::progress(&tier).unwrap();
            assert!(!Load::is_over(at), "the load was over before the faults: {at:?}");
        }
    }

    let at = Load::progress(&tier).unwrap();
    let end = Progress { firehose: at.firehose + MORE, labeler: at.labeler + MORE, ..at };
    tier.lay_over(&load.ending_at(end));
    tier.compose(&["up", "--detach", "--wait", "--no-build", "--no-deps", "relay", "labels"]);
    tier.until("all is read", || {
        Load::progress(&tier).is_some_and(|now| {
            (now.firehose, now.labeler) == (end.firehose, end.labeler) && Load::is_over(now)
        })
    })
    .await;
    load.count(&tier, end).await;
}
