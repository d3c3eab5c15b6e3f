//! What a daemon knew of issuers before it ended, where their directory is away when it starts again.

use serde_json::Value;
use standpipe_oracle::{DaemonProcess, seed};
use standpipe_simulator::{LookupFault, Rule, SignatureSettings};

use crate::rig::{PATIENCE, server};
use crate::signed::{Signed, are_there_once, daemon, directory, expectation, word};

const BACKLOG: u64 = 300;
const STEP: u64 = 200;

/// The DIDs that the daemon has written down.
fn kept(daemon: &DaemonProcess) -> Vec<String> {
    let text = std::fs::read(daemon.state_folder().join("labeler.identities.json")).unwrap_or_default();
    let text: Value = serde_json::from_slice(&text).unwrap_or_default();
    let identities = text["identities"].as_array().map_or(&[][..], Vec::as_slice);
    identities.iter().map(|kept| kept["document"]["id"].as_str().unwrap().to_owned()).collect()
}

async fn stop(daemon: &mut DaemonProcess) {
    daemon.terminate().unwrap();
    assert!(daemon.ended(PATIENCE).await.unwrap().success());
}

/// The stream has this many frames of each, with every label verified but those of the frames from `unverified` on.
async fn check(all: &mut [Signed], frames: [u64; 2], unverified: u64) {
    let expectations: Vec<_> = all
        .iter()
        .zip(frames)
        .map(|(signed, frames)| {
            expectation(signed.labeler.world(), frames, |index, sent| {
                Some(if index < unverified { word(sent.standing(0)) } else { "unverified" })
            })
        })
        .collect();
    are_there_once(all, &expectations).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_a_directory_that_is_away_at_the_start_takes_no_key_that_was_known() {
    let seed = seed();
    let (server, directory) = (server().await, directory());
    let new = |nth| Signed::new(nth, seed, &server, &directory, BACKLOG, SignatureSettings::default());
    // One that nobody has to look up to read it, and one that has to be found.
    let mut all = vec![Signed::at_its_place(new(0).labeler, &server), new(1)];
    let hosts = [all[0].labeler.host().url(), all[1].did().to_owned()];
    let mut daemon = daemon(hosts, server.address(), &directory.url());
    daemon.start().unwrap();
    for signed in &mut all {
        signed.is_read().await;
    }
    stop(&mut daemon).await;
    let kept = kept(&daemon);
    assert!(all.iter().all(|signed| kept.contains(&signed.did().to_owned())), "{kept:?}");

    directory.documents().faults().add(Rule::each_lookup(LookupFault::status(503)));
    let lookups = directory.documents().lookups().len();
    for signed in &all {
        signed.grow(STEP);
    }
    daemon.start().unwrap();
    for signed in &mut all {
        signed.is_read().await;
    }
    let frames = BACKLOG + STEP;
    check(&mut all, [frames, frames], u64::MAX).await;
    assert!(directory.documents().lookups().len() > lookups, "it asks anew all the same");

    // Without the file, it is as if nobody had ever been known.
    stop(&mut daemon).await;
    std::fs::remove_file(daemon.state_folder().join("labeler.identities.json")).unwrap();
    all[0].grow(STEP);
    daemon.start().unwrap();
    all[0].is_read().await;
    check(&mut all, [frames + STEP, frames], frames).await;
}
