use serde_json::Value;
use standpipe_oracle::{DaemonProcess, seed};
use standpipe_simulator::{Labeler, Leaving, SignatureSettings};
use tokio::time::{Instant, sleep};

use crate::rig::{LOOK_EVERY, PATIENCE, server};
use crate::signed::{Signed, are_there_once, daemon, directory, expectation, host, word, world};

const BACKLOG: u64 = 300;
const STEP: u64 = 200;

/// What a page says of a host.
fn of_host<'p>(page: &'p Value, did: &str) -> &'p Value {
    page["hosts"].as_array().unwrap().iter().find(|host| host["host"] == did).unwrap_or(&Value::Null)
}

async fn status(daemon: &DaemonProcess) -> Value {
    serde_json::from_str(&daemon.get("/status").await.unwrap().body).unwrap()
}

/// Waits until the status is as wanted.
async fn until(daemon: &DaemonProcess, wanted: impl Fn(&Value) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let page = daemon.get("/status").await.ok().and_then(|page| serde_json::from_str(&page.body).ok());
        if page.as_ref().is_some_and(&wanted) {
            return;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?}, found {page:#?}");
        sleep(LOOK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_a_labeler_is_found_by_its_did_and_every_frame_is_appended_once_wherever_it_moves() {
    let seed = seed();
    let (server, directory) = (server().await, directory());
    let new = |nth| Signed::new(nth, seed, &server, &directory, BACKLOG, SignatureSettings::default());
    let mut all: Vec<Signed> = (0..3).map(new).collect();
    let signatures = SignatureSettings::default();
    let web = Labeler::start_web(|did| world(3, seed, did, signatures), host(BACKLOG), directory.documents());
    all.push(Signed::of(web.unwrap(), &server));
    let leavings = [Leaving::Stale, Leaving::Nothing, Leaving::Refusing { status: 503 }, Leaving::Stale];

    let hosts = all.iter().map(|signed| signed.did().to_owned());
    let mut daemon = daemon(hosts, server.address(), &directory.url());
    daemon.start().unwrap();
    for signed in &mut all {
        signed.is_read().await;
    }
    let mut frames = BACKLOG;
    for round in 0..3 {
        let page = status(&daemon).await;
        for (signed, leaving) in all.iter_mut().zip(leavings) {
            let before = signed.labeler.host().http_url();
            assert_eq!(of_host(&page, signed.did())["endpoint"], before.as_str());
            signed.move_away(leaving).await;
            // What it says from now on, it says there.
            signed.grow(STEP);
        }
        if round == 1 {
            assert!(daemon.kill().unwrap(), "there is no daemon to kill");
            daemon.start().unwrap();
        }
        frames += STEP;
        for signed in &mut all {
            signed.is_read().await;
            let connections = signed.labeler.host().connections();
            let asked = connections.iter().find_map(|connection| connection.cursor).unwrap();
            assert!(asked >= signed.labeler.world().seq_at(BACKLOG - 1), "it begins anew: {connections:?}");
        }
    }
    let page = status(&daemon).await;
    for signed in &all {
        let url = signed.labeler.host().http_url();
        assert_eq!(of_host(&page, signed.did())["endpoint"], url.as_str());
        let moved = |record: &Value| record["kind"] == "moved" && record["to"] == url.as_str();
        let recent = page["recent_incidents"].as_array().unwrap();
        assert!(recent.iter().any(moved), "{recent:#?}");
    }
    let log = daemon.log();
    assert!(log.contains("the host has moved") && log.contains("read on: the labeler has moved from http"));
    every_label_is_there_once(&mut all, frames).await;
}

/// A move on record: from where, and where to.
type Move = (String, String);

/// The moves of a host that are on record, oldest first, once there are so many.
async fn recorded_moves(daemon: &DaemonProcess, did: &str, expected: usize) -> Vec<Move> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let page = daemon.get("/incidents").await.unwrap();
        let records: Vec<Value> = serde_json::from_str(&page.body).unwrap();
        let moves = records.iter().rev().filter(|record| record["kind"] == "moved" && record["host"] == did);
        let url = |value: &Value| value.as_str().unwrap().to_owned();
        let moves: Vec<Move> = moves.map(|record| (url(&record["from"]), url(&record["to"]))).collect();
        if moves.len() >= expected {
            return moves;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {expected} moves, found {moves:?}");
        sleep(LOOK_EVERY).await;
    }
}

/// Waits until the daemon has written down where this host is.
async fn until_kept(daemon: &DaemonProcess, signed: &Signed) {
    let (file, url) =
        (daemon.state_folder().join("labeler.positions.json"), signed.labeler.host().http_url());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let kept = std::fs::read(&file).unwrap_or_default();
        let kept: Value = serde_json::from_slice(&kept).unwrap_or_default();
        if kept[signed.did()]["residence"] == url.as_str() {
            return;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {url}, found {kept:#}");
        sleep(LOOK_EVERY).await;
    }
}

/// How nobody comes to read.
#[derive(Clone, Copy, Debug)]
enum Pause {
    Stop,
    Kill,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_a_move_while_nobody_reads_is_recorded_once_at_the_next_start_and_costs_no_label() {
    let seed = seed();
    let (server, directory) = (server().await, directory());
    let new = |nth| Signed::new(nth, seed, &server, &directory, BACKLOG, SignatureSettings::default());
    // The last one stays.
    let mut all: Vec<Signed> = (0..3).map(new).collect();
    let leavings = [Leaving::Stale, Leaving::Nothing];
    let hosts = all.iter().map(|signed| signed.did().to_owned());
    let mut daemon = daemon(hosts, server.address(), &directory.url());
    daemon.start().unwrap();
    for signed in &mut all {
        signed.is_read().await;
        until_kept(&daemon, signed).await;
    }
    let mut frames = BACKLOG;
    let mut moves: Vec<Vec<Move>> = vec![Vec::new(); all.len()];
    for (pause, is_move) in [
        (Pause::Stop, false),
        (Pause::Stop, true),
        (Pause::Kill, false),
        (Pause::Kill, true),
        (Pause::Stop, false),
    ] {
        match pause {
            Pause::Stop => {
                daemon.terminate().unwrap();
                assert!(daemon.ended(PATIENCE).await.unwrap().success());
            }
            Pause::Kill => assert!(daemon.kill().unwrap(), "there is no daemon to kill"),
        }
        if is_move {
            for ((signed, leaving), moves) in all.iter_mut().zip(leavings).zip(&mut moves) {
                let from = signed.labeler.host().http_url();
                signed.move_away(leaving).await;
                moves.push((from, signed.labeler.host().http_url()));
            }
        }
        for signed in &all {
            signed.grow(STEP);
        }
        frames += STEP;
        daemon.start().unwrap();
        for (signed, moves) in all.iter_mut().zip(&moves) {
            signed.is_read().await;
            until_kept(&daemon, signed).await;
            assert_eq!(recorded_moves(&daemon, signed.did(), moves.len()).await, *moves, "after {pause:?}");
            let connections = signed.labeler.host().connections();
            let asked = connections.last().unwrap().cursor.unwrap();
            assert!(asked >= signed.labeler.world().seq_at(BACKLOG - 1), "it begins anew: {connections:?}");
        }
    }
    assert_eq!(daemon.log().matches("the host has moved").count(), 2 * leavings.len());
    every_label_is_there_once(&mut all, frames).await;
}

/// All frames so far were appended, once each and in their order.
async fn every_label_is_there_once(all: &mut [Signed], frames: u64) {
    let expectations: Vec<_> = all
        .iter()
        .map(|signed| expectation(signed.labeler.world(), frames, |_, sent| Some(word(sent.standing(0)))))
        .collect();
    are_there_once(all, &expectations).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_a_labeler_that_cannot_be_found_says_why_and_disturbs_no_other() {
    let seed = seed();
    let (server, directory) = (server().await, directory());
    let mut found = Signed::new(0, seed, &server, &directory, BACKLOG, SignatureSettings::default());
    let colleague = found.labeler.world().colleague().unwrap().did;
    let unknown = standpipe_simulator::plc_did(seed, "nobody");
    let hosts = [found.did().to_owned(), colleague.clone(), unknown.clone()];
    let mut daemon = daemon(hosts, server.address(), &directory.url());
    daemon.start().unwrap();
    found.is_read().await;
    let says = |page: &Value| {
        let cause = |did: &str| of_host(page, did)["last_exit"]["cause"].as_str().unwrap_or("").to_owned();
        cause(&colleague).contains("its document has no service #atproto_labeler")
            && cause(&unknown).contains("knows no such identity (status 404)")
            && of_host(page, &unknown)["hold"].is_null()
    };
    until(&daemon, says).await;
    found.grow(STEP);
    found.is_read().await;
}

/// Documents are strangers' words: without an operator's, they lead to no private address, and nowhere without TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_leads_to_no_private_address_unless_the_network_is() {
    let seed = seed();
    let (server, directory) = (server().await, directory());
    let plain = Signed::new(0, seed, &server, &directory, BACKLOG, SignatureSettings::default());
    let private = Signed::new(1, seed, &server, &directory, BACKLOG, SignatureSettings::default());
    let url = private.labeler.host().http_url().replace("http://", "https://");
    directory.documents().put(&private.labeler.world().document(0, url));
    let hosts = [plain.did().to_owned(), private.did().to_owned()];
    let mut daemon = daemon(hosts, server.address(), &directory.url())
        .with("STANDPIPE_IDENTITY__PRIVATE_NETWORK", "false");
    daemon.start().unwrap();
    let says = |page: &Value| {
        let cause = |did: &str| of_host(page, did)["last_exit"]["cause"].as_str().unwrap_or("").to_owned();
        cause(plain.did()).contains("without TLS")
            && cause(private.did()).contains("no public address, but 127.0.0.1")
    };
    until(&daemon, says).await;
    for signed in [&plain, &private] {
        assert!(signed.labeler.host().connections().is_empty(), "{:?}", signed.labeler.host().connections());
    }
}
