use standpipe_simulator::{CursorRules, Feed, Relay, RelaySettings, frame};
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, relay, within};

fn rules(cursors: CursorRules, retention: Option<u64>) -> RelaySettings {
    RelaySettings { cursors, retention, ..RelaySettings::default() }
}

#[tokio::test]
async fn an_inclusive_host_repeats_the_frame_at_the_cursor() {
    let relay = relay(rules(CursorRules::SPECIFIED, None));
    Client::at(&relay, 1050).await.expect(50..100).await;
}

#[tokio::test]
async fn an_exclusive_host_begins_after_the_cursor() {
    let relay = relay(rules(CursorRules::PDS, None));
    Client::at(&relay, 1050).await.expect(51..100).await;
    Client::at(&relay, 0).await.expect(0..100).await;
}

#[tokio::test]
async fn an_outdated_cursor_is_announced_or_not() {
    for cursor in [0, 1059, 3] {
        let announced = relay(rules(CursorRules::PDS, Some(30)));
        let mut client = Client::at(&announced, cursor).await;
        let info = frame::info("OutdatedCursor", Some("requested cursor exceeded limit"));
        assert_eq!(client.frame().await, info);
        client.expect(70..100).await;

        let silent = relay(rules(CursorRules::RELAY, Some(30)));
        Client::at(&silent, cursor).await.expect(70..100).await;
    }
}

#[tokio::test]
async fn a_future_cursor_is_refused_or_not() {
    let refusing = relay(rules(CursorRules::PDS, None));
    let mut client = Client::at(&refusing, 1100).await;
    assert_eq!(client.frame().await, frame::error("FutureCursor", Some("cursor in the future")));
    assert_eq!(client.closed().await, (1008, "FutureCursor".to_owned()));

    let silent = relay(rules(CursorRules::RELAY, None));
    let mut client = Client::at(&silent, 5000).await;
    within(silent.until(|connections| connections[0].upgraded)).await;
    client.send(tokio_tungstenite::tungstenite::Message::Ping("x".into())).await;
    // The pong shows that the cursor has been looked at.
    assert!(client.raw().await.unwrap().unwrap().is_pong());
    silent.grow(3);
    client.expect(100..103).await;
}

#[tokio::test]
async fn without_a_cursor_a_client_gets_live_frames() {
    let relay = relay(RelaySettings::default());
    let mut client = Client::dial(&relay, "").await.unwrap();
    client.send(tokio_tungstenite::tungstenite::Message::Ping("x".into())).await;
    assert!(client.raw().await.unwrap().unwrap().is_pong());
    relay.grow(2);
    client.expect(100..102).await;
}

#[tokio::test]
async fn what_is_no_cursor_or_no_method_is_refused_over_http() {
    let relay = relay(RelaySettings::default());
    for query in ["?cursor=abc", "?cursor=-1", "?cursor="] {
        match Client::dial(&relay, query).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 400),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{query} was accepted"),
        }
    }
}

#[tokio::test]
async fn canned_frames_are_served_byte_for_byte_from_any_cursor() {
    let world = crate::client::world();
    let mut frames: Vec<_> = (0..20).map(|index| world.frame_at(index)).collect();
    frames.insert(10, b"\xff\xff\xff".to_vec());
    let settings = RelaySettings { backlog: u64::MAX, cursors: CursorRules::PDS, ..RelaySettings::default() };
    let relay = Relay::start(Feed::canned(frames.clone()), settings).unwrap();
    let mut client = Client::at(&relay, 0).await;
    for frame in &frames {
        assert_eq!(&client.frame().await, frame);
    }
    let mut client = Client::at(&relay, 1012).await;
    for frame in &frames[14..] {
        assert_eq!(&client.frame().await, frame);
    }
    assert_eq!((relay.frames(), relay.newest_seq()), (21, Some(1019)));
}
