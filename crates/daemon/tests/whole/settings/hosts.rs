//! Which hosts are read, and what of each kind, as people write it.

use super::*;

#[test]
fn without_a_host_there_is_nothing_to_do() {
    let none = |upstream| problems(Written::default().read_for(upstream));
    let sentence = "no host is named; write at least one, such as bsky.network";
    assert_eq!(none(Upstream::Relays), [format!("relay_hosts: {sentence}")]);
    assert_eq!(none(Upstream::Labelers), [format!("labeler_hosts: {sentence}")]);
}

#[test]
fn labelers_begin_with_the_oldest_and_may_be_silent() {
    let outcome = Written { variables: &[("INGESTER_LABELER_HOSTS", "mod.example")], ..Written::default() }
        .read_for(Upstream::Labelers);
    let plan = plan(outcome);
    assert_eq!((plan.start, plan.deadlines.idle), (Start::Oldest, None));
}

#[test]
fn signatures_are_marked_and_identities_are_public_unless_somebody_says_otherwise() {
    let host = ("STANDPIPE_LABELER_HOSTS", "did:plc:7rvn2fejhf474djdyuspmjnt,mod.example");
    let read = |variables: &[(&str, &str)]| {
        let variables = [&[host], variables].concat();
        Written { variables: &variables, ..Written::default() }.read_for(Upstream::Labelers)
    };
    let plain = plan(read(&[]));
    let LabelPlan { verify, older_than_key, within, frames, bytes } = plain.labels;
    assert_eq!((verify, older_than_key), (Verify::Mark, OlderThanKey::Failed));
    assert_eq!((within, frames, bytes), (Duration::from_secs(5), 1024, 16 << 20));
    assert_eq!(plain.identity.directory.http_url(""), "https://plc.directory");
    assert_eq!(plain.identity.refresh, Duration::from_hours(1));
    assert!(!plain.identity.is_private_network);
    let names: Vec<_> = plain.labelers.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["did:plc:7rvn2fejhf474djdyuspmjnt", "mod.example"]);

    let said = plan(read(&[
        ("STANDPIPE_LABELER__VERIFY", "enforce"),
        ("STANDPIPE_LABELER__OLDER_THAN_KEY", "unverified"),
        ("STANDPIPE_IDENTITY__DIRECTORY", "http://127.0.0.1:2582"),
        ("STANDPIPE_IDENTITY__PRIVATE_NETWORK", "true"),
    ]));
    assert_eq!((said.labels.verify, said.labels.older_than_key), (Verify::Enforce, OlderThanKey::Unverified));
    assert_eq!(said.identity.directory.http_url("/x"), "http://127.0.0.1:2582/x");
    assert!(said.identity.is_private_network);
    let wrong = problems(read(&[
        ("STANDPIPE_LABELER__VERIFY", "strict"),
        ("STANDPIPE_LABELER__VERIFY_WITHIN", "2m"),
        ("STANDPIPE_IDENTITY__DIRECTORY", "https://plc.directory/path"),
    ]));
    let told = wrong.join("\n");
    for part in [
        "\"strict\" is none of off, mark, enforce",
        "2m is not between 10ms and 1m",
        "STANDPIPE_IDENTITY__DIRECTORY: ",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(wrong.len(), 3, "{told}");
}

#[test]
fn hosts_that_a_relay_lists_are_read_when_that_is_asked_for() {
    let (plan, _) = variables(&[HOST]).unwrap();
    assert_eq!((plan.backfill.mode, plan.backfill.hosts_at_once.get()), (BackfillMode::Relay, 16));

    let hosts = ("STANDPIPE_BACKFILL__MODE", "hosts");
    let (plan, effective) = variables(&[HOST, hosts]).unwrap();
    let interval = Some(Duration::from_hours(1));
    let mode = BackfillMode::Hosts { interval, at_most: 20_000, skip: vec![] };
    assert_eq!((plan.backfill.mode, plan.backfill.hosts_at_once.get()), (mode, 64));
    assert!(effective.settings().iter().any(|setting| setting.value.as_deref() == Some("64")), "{effective}");

    let (plan, _) = variables(&[
        HOST,
        hosts,
        ("STANDPIPE_BACKFILL__HOSTS_INTERVAL", "off"),
        ("STANDPIPE_BACKFILL__HOSTS_AT_MOST", "3"),
        ("STANDPIPE_BACKFILL__SKIP_HOSTS", "offline, idle"),
        ("STANDPIPE_BACKFILL__HOSTS_AT_ONCE", "2"),
    ])
    .unwrap();
    let skip = vec!["offline".to_owned(), "idle".to_owned()];
    let mode = BackfillMode::Hosts { interval: None, at_most: 3, skip };
    assert_eq!((plan.backfill.mode, plan.backfill.hosts_at_once.get()), (mode, 2));

    let told = problems(variables(&[
        HOST,
        hosts,
        ("STANDPIPE_BACKFILL__COLLECTION", "app.bsky.feed.post"),
        ("STANDPIPE_BACKFILL__SKIP_HOSTS", "offline,asleep"),
        ("STANDPIPE_BACKFILL__HOSTS_AT_MOST", "0"),
    ]));
    for place in [
        "STANDPIPE_BACKFILL__COLLECTION: the hosts that a relay lists have no listReposByCollection",
        "STANDPIPE_BACKFILL__SKIP_HOSTS: \"asleep\" is none of idle, offline, throttled, banned",
        "STANDPIPE_BACKFILL__HOSTS_AT_MOST: 0 is not between",
    ] {
        assert!(told.iter().any(|problem| problem.starts_with(place)), "{place} is not in {told:#?}");
    }
    assert_eq!(told.len(), 3, "{told:#?}");
    let told = problems(variables(&[HOST, ("STANDPIPE_BACKFILL__MODE", "all")]));
    assert_eq!(told, ["STANDPIPE_BACKFILL__MODE: \"all\" is none of relay, hosts"]);
}
