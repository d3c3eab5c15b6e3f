use std::net::{Ipv4Addr, SocketAddr};

use standpipe_simulator::{Directory, Document, Documents, LookupFault, Rule, plc_did};
use tokio::time::{Duration, Instant};

use crate::client::{Web, get, within};

/// A directory with one document, and its path.
fn start() -> (Directory, String) {
    let did = plc_did(2, "labeler");
    let documents = Documents::new();
    documents.put(&Document::new(&did));
    let directory = Directory::start(documents, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    (directory, format!("/{did}"))
}

#[tokio::test]
async fn answers_are_spoilt_as_asked_and_then_are_sound_again() {
    let (directory, path) = start();
    let documents = directory.documents();
    let retry = ("Retry-After".to_owned(), "7".to_owned());
    let limited = LookupFault::Answer { status: 429, headers: vec![retry], body: Vec::new() };
    for fault in [
        LookupFault::status(500),
        limited,
        LookupFault::Redirect { to: "http://10.0.0.1".to_owned() },
        LookupFault::Garbage,
        LookupFault::WrongId,
        LookupFault::Oversized,
    ] {
        let id = documents.faults().add(Rule::each_lookup(fault.clone()).times(1));
        let answer = get(&directory.url(), &path).await;
        match fault {
            LookupFault::Answer { status, headers, .. } => {
                assert_eq!(answer.status, status);
                assert!(
                    headers.iter().all(|(name, value)| answer.head.contains(&format!("{name}: {value}")))
                );
            }
            LookupFault::Redirect { .. } => {
                assert_eq!(answer.status, 302);
                let location = format!("Location: http://10.0.0.1{path}");
                assert!(answer.head.lines().any(|line| line == location), "{}", answer.head);
            }
            LookupFault::Garbage => {
                assert_eq!(answer.status, 200);
                assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());
            }
            LookupFault::WrongId => {
                assert_eq!(answer.status, 200);
                let id = answer.json()["id"].as_str().unwrap().to_owned();
                assert!(id.len() == 32 && id != path[1..], "{id}");
            }
            LookupFault::Oversized => assert!(answer.status == 200 && answer.body.len() > 1_000_000),
            LookupFault::Stall { .. }
            | LookupFault::StallBody
            | LookupFault::CutBody
            | LookupFault::Reset => {
                unreachable!()
            }
        }
        assert_eq!(documents.faults().fired(id), 1);
        assert_eq!(get(&directory.url(), &path).await.json()["id"], path[1..]);
    }
    let faults: Vec<_> = documents.lookups().iter().map(|lookup| lookup.fault).collect();
    assert_eq!(faults.iter().flatten().count(), 6, "{faults:?}");
}

#[tokio::test]
async fn connections_break_and_stall_as_asked() {
    let (directory, path) = start();
    let faults = directory.documents().faults();

    faults.add(Rule::each_lookup(LookupFault::Reset).times(1));
    let mut client = Web::at(&directory.url()).await;
    client.ask(&path).await;
    assert!(client.answer().await.is_err());

    faults.add(Rule::each_lookup(LookupFault::CutBody).times(1));
    let cut = get(&directory.url(), &path).await;
    assert!(!cut.body.is_empty() && cut.body.len() < cut.promised(), "{cut:?}");

    let slow = Duration::from_millis(50);
    faults.add(Rule::each_lookup(LookupFault::Stall { time: Some(slow) }).times(1));
    let begun = Instant::now();
    assert_eq!(get(&directory.url(), &path).await.json()["id"], path[1..]);
    assert!(begun.elapsed() >= slow);

    // These two are over when the client leaves.
    for fault in [LookupFault::Stall { time: None }, LookupFault::StallBody] {
        let id = faults.add(Rule::each_lookup(fault).times(1));
        let mut client = Web::at(&directory.url()).await;
        client.ask(&path).await;
        within(faults.until_fired(id, 1)).await;
        drop(client);
    }
    let lookups = directory.documents().lookups();
    let answered: Vec<bool> = lookups.iter().map(|lookup| lookup.answered).collect();
    assert_eq!(answered, [false, false, true, false, false]);
}

#[tokio::test]
async fn a_fault_may_be_of_one_did_and_of_some_requests() {
    let (directory, path) = start();
    let documents = directory.documents();
    let other = plc_did(2, "other");
    documents.put(&Document::new(&other));
    let other_path = format!("/{other}");
    documents.faults().add(Rule::on_did(other, LookupFault::status(503)));
    documents.faults().add(Rule::each_lookup(LookupFault::status(502)).on_connections(2..3));
    let mut client = Web::at(&directory.url()).await;
    let mut statuses = Vec::new();
    for path in [&path, &other_path, &path, &path, &other_path] {
        statuses.push(client.get(path).await.status);
    }
    assert_eq!(statuses, [200, 503, 502, 200, 503]);
    assert_eq!(documents.faults().counts(), [("lookup-status", 3)].into());
}
