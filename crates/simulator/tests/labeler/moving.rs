use std::net::{Ipv4Addr, SocketAddr};

use standpipe_simulator::{
    CursorRules, Directory, Documents, LabelWorld, Labeler, Leaving, Pace, RelaySettings, SignatureSettings,
    WorldSettings, plc_did,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Subscriber, get, within};

const SEED: u64 = 99;

fn directory() -> Directory {
    Directory::start(Documents::new(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

/// Changes its key with frame 30 and with frame 40.
fn world(did: &str) -> LabelWorld {
    println!("seed {SEED}");
    let signatures = SignatureSettings { rotations: vec![30, 40], ..SignatureSettings::mixed() };
    LabelWorld::new(WorldSettings { seed: SEED, ..WorldSettings::default() }, did).signed(signatures)
}

/// With 20 frames of 50.
fn settings() -> RelaySettings {
    RelaySettings { backlog: 20, total: Some(50), cursors: CursorRules::PDS, ..RelaySettings::default() }
}

fn start(directory: &Directory) -> Labeler {
    Labeler::start(world(&plc_did(SEED, "labeler")), settings(), directory.documents()).unwrap()
}

/// The label key and the endpoint of a document.
fn says(document: &serde_json::Value) -> (String, String) {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (
        text(&document["verificationMethod"][1]["publicKeyMultibase"]),
        text(&document["service"][1]["serviceEndpoint"]),
    )
}

#[tokio::test]
async fn a_document_has_the_key_that_the_next_frame_is_signed_with() {
    let directory = directory();
    let labeler = start(&directory);
    let path = format!("/{}", labeler.world().labeler());
    for frames in 20..=50 {
        assert_eq!(labeler.host().frames(), frames);
        let key = match frames {
            ..30 => 0,
            30..40 => 1,
            _ => 2,
        };
        assert_eq!(labeler.key(), key);
        let wanted = (labeler.world().keys()[key].multikey(), labeler.host().http_url());
        assert_eq!(says(&get(&directory.url(), &path).await.json()), wanted, "after {frames} frames");
        labeler.host().grow(1);
    }
    let colleague = labeler.world().colleague().unwrap();
    let document = get(&directory.url(), &format!("/{}", colleague.did)).await.json();
    assert_eq!(document, colleague.to_json());
    assert_eq!(document["service"].as_array().unwrap().len(), 1, "a colleague has no host for labels");
}

/// Expects the frames with these numbers, byte for byte.
async fn expect(client: &mut Subscriber, labeler: &Labeler, indexes: std::ops::Range<u64>) {
    for index in indexes {
        assert_eq!(client.frame().await, labeler.world().frame_at(index), "frame {index}");
    }
}

#[tokio::test]
async fn a_labeler_that_moves_has_the_same_history_and_goes_on_elsewhere() {
    for leaving in [Leaving::Nothing, Leaving::Refusing { status: 503 }, Leaving::Stale] {
        let directory = directory();
        let mut labeler = start(&directory);
        let did = labeler.world().labeler().to_owned();
        let mut old_client = Subscriber::dial(labeler.host(), 0).await.unwrap();
        expect(&mut old_client, &labeler, 0..20).await;
        labeler.host().set_pace(Pace::STILL);
        let old = (labeler.host().addr(), labeler.host().http_url());

        labeler.move_away(leaving).await.unwrap();
        let (_, endpoint) = says(&get(&directory.url(), &format!("/{did}")).await.json());
        assert_eq!(endpoint, labeler.host().http_url());
        assert_ne!(endpoint, old.1);
        assert_eq!(labeler.host().frames(), 20);

        let mut client = Subscriber::dial(labeler.host(), labeler.world().seq_at(9)).await.unwrap();
        expect(&mut client, &labeler, 10..20).await;
        labeler.host().grow(25);
        expect(&mut client, &labeler, 20..45).await;
        // The key changed with the frames of the new host.
        let (key, _) = says(&directory.documents().document(&did).unwrap());
        assert_eq!(key, labeler.world().keys()[2].multikey());

        match leaving {
            Leaving::Nothing => {
                assert!(!matches!(old_client.next().await, Some(Ok(_))));
                assert!(within(TcpStream::connect(old.0)).await.is_err());
                assert!(labeler.former().is_empty());
            }
            Leaving::Refusing { status } => {
                assert!(!matches!(old_client.next().await, Some(Ok(_))));
                let Err(Error::Http(refusal)) = Subscriber::dial(&labeler.former()[0], 0).await else {
                    panic!("it was let in");
                };
                assert_eq!(refusal.status().as_u16(), status);
            }
            Leaving::Stale => {
                let former = &labeler.former()[0];
                assert_eq!(former.frames(), 20);
                let mut late = Subscriber::dial(former, 0).await.unwrap();
                expect(&mut late, &labeler, 0..20).await;
            }
        }
    }
}

#[tokio::test]
async fn a_labeler_grows_at_its_pace_wherever_it_is() {
    let directory = directory();
    let settings = RelaySettings { pace: Pace::per_second(1000), ..settings() };
    let mut labeler =
        Labeler::start(world(&plc_did(SEED, "labeler")), settings, directory.documents()).unwrap();
    for _ in 0..3 {
        labeler.move_away(Leaving::Stale).await.unwrap();
    }
    let mut client = Subscriber::dial(labeler.host(), 0).await.unwrap();
    expect(&mut client, &labeler, 0..50).await;
    let stopped = labeler.former().iter().filter(|former| former.frames() < 50).count();
    assert_eq!((labeler.former().len(), stopped), (3, 3));
}

#[tokio::test]
async fn a_labeler_of_did_web_serves_its_own_document_and_moves() {
    let documents = Documents::new();
    let mut labeler = Labeler::start_web(world, settings(), &documents).unwrap();
    let did = labeler.world().labeler().to_owned();
    assert_eq!(did, format!("did:web:localhost%3A{}", labeler.host().addr().port()));
    let well_known = "/.well-known/did.json";
    let own = labeler.host().http_url();
    let document = get(&own, well_known).await.json();
    assert_eq!((document["id"].as_str(), says(&document).1), (Some(&*did), own.clone()));
    let mut client = Subscriber::dial(labeler.host(), 0).await.unwrap();
    expect(&mut client, &labeler, 0..20).await;

    labeler.move_away(Leaving::Refusing { status: 503 }).await.unwrap();
    assert_eq!(says(&get(&own, well_known).await.json()).1, labeler.host().http_url());
    // The new host is not the one that its DID names.
    assert_eq!(get(&labeler.host().http_url(), well_known).await.status, 404);
    assert_eq!(documents.count(&did), 2);
}
