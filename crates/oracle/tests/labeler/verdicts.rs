use std::collections::BTreeMap;
use std::time::Duration;

use standpipe_oracle::{DaemonProcess, seed};
use standpipe_simulator::{
    Labeler, LookupFault, Rule, SentLabel, SignatureFlaw, SignatureSettings, Signing, Standing, plc_did,
};
use tokio::time::{Instant, sleep};

use crate::rig::{FIELD, LOOK_EVERY, PATIENCE, STREAM, server};
use crate::signed::{Signed, daemon, directory, expectation, host, word, world};

/// Longer than what was found of an identity holds.
const PAST_REFRESH: Duration = Duration::from_millis(1_100);

/// How long verdicts are waited for where no lookup fails: a machine that is busy elsewhere makes none late.
const PATIENT: &str = "1m";

/// When the labeler signs with its second key, and with its third.
const ROTATIONS: [u64; 2] = [300, 900];
const FRAMES: u64 = 1_500;

/// How often the daemon found this, by its metrics.
async fn found(daemon: &DaemonProcess, host: &str, verdict: &str, reason: &str) -> f64 {
    let page = daemon.get("/metrics").await.unwrap();
    let label = |name: &str, value: &str| format!("{name}=\"{value}\"");
    let labels = [label("host", host), label("verdict", verdict), label("reason", reason)];
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    page.metric("standpipe_label_verdicts_total", &labels).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_label_says_what_was_found_while_keys_change_and_the_daemon_is_killed() {
    let seed = seed();
    let (server, directory) = (server().await, directory());
    let signatures = SignatureSettings { rotations: ROTATIONS.to_vec(), ..SignatureSettings::mixed() };
    let mut signed = Signed::new(0, seed, &server, &directory, 600, signatures);
    let world = signed.labeler.world().clone();
    // What the document says changes when this check says so, and not as frames come to be.
    let has_key =
        |key: usize| directory.documents().put(&world.document(key, signed.labeler.host().http_url()));
    has_key(1);
    let mut daemon = daemon([signed.did().to_owned()], server.address(), &directory.url())
        .with("STANDPIPE_LABELER__VERIFY_WITHIN", PATIENT);
    daemon.start().unwrap();
    signed.is_read().await;
    signed.grow(150);
    assert!(daemon.kill().unwrap());
    daemon.start().unwrap();
    signed.grow(150);
    signed.is_read().await;
    let world = signed.labeler.world().clone();
    directory.documents().put(&world.document(2, signed.labeler.host().http_url()));
    sleep(PAST_REFRESH).await;
    signed.grow(FRAMES - ROTATIONS[1]);
    signed.is_read().await;

    let key_then = |index: u64| if index < ROTATIONS[1] { 1 } else { 2 };
    let wanted = expectation(&world, FRAMES, |index, sent| Some(word(sent.standing(key_then(index)))));
    let mut count = wanted.count();
    signed.watch.read_all(FIELD, |entry| count.see(entry)).await.unwrap();
    let verdict = count.verdict();
    assert!(verdict.is_clean(), "{verdict}");

    let mut standings = BTreeMap::<Standing, u64>::new();
    for index in 0..FRAMES {
        for sent in world.expected_at(index) {
            *standings.entry(sent.standing(key_then(index))).or_default() += 1;
        }
    }
    println!("{verdict}; {standings:?}; lookups: {:?}", directory.documents().counts());
    for standing in [Standing::Verified, Standing::KeyBefore, Standing::NoIssuer, Standing::Failed] {
        assert!(standings.get(&standing).is_some_and(|count| *count > 10), "{standings:?}");
    }
}

/// Whether a label can be seen to be bad, or not to be verifiable, without a key.
fn needs_no_key(sent: &SentLabel) -> Option<&'static str> {
    match sent.signing {
        Signing::Unsigned => Some("unverified"),
        _ if sent.ver.is_none() => Some("unverified"),
        Signing::Bad(SignatureFlaw::Der | SignatureFlaw::Empty) => Some("failed"),
        Signing::Filler | Signing::Bad(_) | Signing::Sound { .. } => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_a_directory_that_is_away_makes_labels_unverified_and_stalls_nothing() {
    const BACKLOG: u64 = 20_000;
    let seed = seed();
    let world = world(0, seed, plc_did(seed, "labeler"), SignatureSettings::mixed());
    // It signs them before anybody waits for them.
    let wanted = expectation(&world, BACKLOG, |_, sent| Some(needs_no_key(sent).unwrap_or("unverified")));
    for fault in [LookupFault::Reset, LookupFault::status(503), LookupFault::Stall { time: None }] {
        let (server, directory) = (server().await, directory());
        let fault = Rule::each_lookup(fault);
        let fault_name = fault.name();
        directory.documents().faults().add(fault);
        // By its place: nobody has to be looked up to read it.
        let labeler = Labeler::start(world.clone(), host(BACKLOG), directory.documents()).unwrap();
        let name = labeler.host().addr().to_string();
        let mut signed = Signed::at_its_place(labeler, &server);
        let mut daemon = daemon([signed.labeler.host().url()], server.address(), &directory.url());
        daemon.start().unwrap();
        let begun = Instant::now();
        signed.is_read().await;
        let took = begun.elapsed();
        let mut count = wanted.count();
        signed.watch.read_all(FIELD, |entry| count.see(entry)).await.unwrap();
        let verdict = count.verdict();
        assert!(verdict.is_clean(), "{fault_name}: {verdict}");
        let unresolved = found(&daemon, &name, "unverified", "unresolved").await;
        let late = found(&daemon, &name, "unverified", "late").await;
        let lookups = directory.documents().lookups().len();
        let usage = daemon.usage().unwrap();
        println!(
            "{fault_name}: {took:?}; {unresolved} unresolved, {late} late, {lookups} lookups; {usage:?}"
        );
        assert!(unresolved + late > 1_000.0, "{unresolved} {late}");
        assert!(took < Duration::from_secs(30), "{took:?}");
        assert!(usage.peak_bytes < 64 << 20, "{usage:?}");

        directory.documents().faults().clear();
        let deadline = Instant::now() + PATIENCE;
        while found(&daemon, &name, "verified", "none").await == 0.0 {
            assert!(Instant::now() < deadline, "labels are not verified again");
            signed.grow(1);
            sleep(LOOK_EVERY).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i5_enforcement_drops_what_signatures_speak_against_and_nothing_for_want_of_a_key() {
    const FRAMES: u64 = 1_000;
    let seed = seed();
    let is_dropped = |sent: &SentLabel| match sent.standing(0) {
        Standing::Unsigned | Standing::NoVersion => Some("label_unverified"),
        Standing::NoIssuer | Standing::KeyBefore | Standing::KeyAfter | Standing::Failed => {
            Some("label_signature_failed")
        }
        Standing::Verified => None,
    };
    let (server, directory) = (server().await, directory());
    for (nth, is_away) in [(0, false), (1, true)] {
        let signed = Signed::new(nth, seed, &server, &directory, FRAMES, SignatureSettings::mixed());
        if is_away {
            directory.documents().faults().add(Rule::each_lookup(LookupFault::status(503)));
        }
        let name = signed.labeler.host().addr().to_string();
        let mut signed = Signed::at_its_place(signed.labeler, &server);
        server.command(["DEL", STREAM]).await.unwrap();
        let mut daemon = daemon([signed.labeler.host().url()], server.address(), &directory.url())
            .with("STANDPIPE_LABELER__VERIFY", "enforce")
            .with("STANDPIPE_LABELER__VERIFY_WITHIN", PATIENT);
        daemon.start().unwrap();
        signed.is_read().await;
        let world = signed.labeler.world().clone();
        let mut dropped = BTreeMap::<&str, u64>::new();
        let wanted = expectation(&world, FRAMES, |_, sent| {
            let (reason, kept) = match (is_away, needs_no_key(sent)) {
                (false, _) => (is_dropped(sent), "verified"),
                (true, None) => (None, "unverified"),
                (true, Some("failed")) => (Some("label_signature_failed"), ""),
                (true, Some(_)) => (Some("label_unverified"), ""),
            };
            let Some(reason) = reason else { return Some(kept) };
            *dropped.entry(reason).or_default() += 1;
            None
        });
        let mut count = wanted.count();
        signed.watch.read_all(FIELD, |entry| count.see(entry)).await.unwrap();
        let verdict = count.verdict();
        assert!(verdict.is_clean(), "{verdict}");
        assert!(dropped.len() == 2 && wanted.entries() > 100, "{dropped:?}");
        let page = daemon.get("/metrics").await.unwrap();
        for (reason, count) in dropped {
            let labels = [format!("host=\"{name}\""), format!("reason=\"{reason}\"")];
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let counted = page.metric("standpipe_dropped_total", &labels);
            assert_eq!(counted.map(|counted| counted.to_string()), Some(count.to_string()), "{reason}");
        }
    }
}
