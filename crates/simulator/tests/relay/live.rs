use std::time::Duration;

use standpipe_simulator::{AtEnd, Connection, Ended, Feed, Pace, Relay, RelaySettings, Ring};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, relay, within, world};

#[tokio::test]
async fn live_frames_come_at_their_pace_until_it_is_changed() {
    let relay = relay(RelaySettings { pace: Pace::per_second(1000), ..RelaySettings::default() });
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..200).await;
    relay.set_pace(Pace::STILL);
    let there = relay.frames();
    client.expect(200..there).await;
    relay.grow(5);
    client.expect(there..there + 5).await;
    assert_eq!(relay.frames(), there + 5);
}

#[tokio::test]
async fn a_client_that_has_got_all_is_sent_away_if_so_set() {
    let at_end = AtEnd::Close { code: 1000, reason: "that was all".to_owned() };
    let relay = relay(RelaySettings { at_end, total: Some(10), ..RelaySettings::default() });
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..10).await;
    assert_eq!(client.closed().await, (1000, "that was all".to_owned()));
    assert!(client.raw().await.is_none());
    within(relay.until(|connections| connections[0].ended == Some(Ended::AtEnd))).await;
    assert_eq!(relay.connections()[0].close, Some((1000, "that was all".to_owned())));
}

#[tokio::test]
async fn clients_are_independent_and_a_slow_one_blocks_only_itself() {
    let relay = relay(RelaySettings { send_buffer: Some(16 * 1024), ..RelaySettings::default() });
    relay.grow(4000);
    let mut slow = Client::at(&relay, 0).await;
    slow.expect(0..1).await;
    let mut quick = Client::at(&relay, 1050).await;
    quick.expect(50..4100).await;
    let stuck_at = relay.connections()[0].frames;
    assert!(stuck_at < 4000, "the slow client was sent {stuck_at} frames");
    slow.expect(1..4100).await;
}

#[tokio::test]
async fn a_client_that_is_too_slow_is_told_so_and_cut_off() {
    let relay = relay(RelaySettings {
        send_buffer: Some(16 * 1024),
        too_slow: Some(Duration::from_millis(300)),
        ..RelaySettings::default()
    });
    relay.grow(100_000);
    let mut client = Client::at(&relay, 0).await;
    within(relay.until(|connections| connections[0].too_slow)).await;
    while !client.frame().await.starts_with(b"\xa1\x62op\x20") {}
    assert_eq!(client.closed().await, (1008, "ConsumerTooSlow".to_owned()));
    assert!(client.raw().await.is_none());
    within(relay.until(|connections| connections[0].ended == Some(Ended::TooSlow))).await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_reset_in_the_end() {
    let relay = relay(RelaySettings {
        send_buffer: Some(16 * 1024),
        too_slow: Some(Duration::from_millis(50)),
        ..RelaySettings::default()
    });
    relay.grow(100_000);
    let _client = Client::at(&relay, 0).await;
    within(relay.until(|connections| connections[0].ended == Some(Ended::TooSlow))).await;
}

#[tokio::test]
async fn the_ledger_tells_what_each_client_asked_for_and_did() {
    let relay =
        relay(RelaySettings { ping_after: Some(Duration::from_millis(20)), ..RelaySettings::default() });
    let mut client = Client::at(&relay, 1089).await;
    client.expect(89..100).await;
    assert!(matches!(client.raw().await, Some(Ok(Message::Ping(_)))));
    client.send(Message::Ping("hello".into())).await;
    let answer = async {
        loop {
            match client.raw().await {
                Some(Ok(Message::Ping(_))) => {}
                other => break other,
            }
        }
    };
    assert_eq!(within(answer).await.unwrap().unwrap(), Message::Pong("hello".into()));
    client.close().await;
    within(relay.until(|connections| connections[0].ended.is_some())).await;
    let connection = relay.connections().remove(0);
    assert!(connection.pongs >= 1);
    let expected = Connection {
        ordinal: 0,
        cursor: Some(1089),
        query: "cursor=1089".to_owned(),
        user_agent: Some("test/1".to_owned()),
        upgraded: true,
        frames: 11,
        bytes: connection.bytes,
        last_seq: Some(1099),
        too_slow: false,
        pings: 1,
        pongs: connection.pongs,
        messages: 0,
        close: Some((1005, String::new())),
        ended: Some(Ended::ByClient),
    };
    assert_eq!(connection, expected);
    assert!(connection.bytes > 1000);
}

#[tokio::test]
async fn a_ring_goes_round_with_rising_seqs() {
    let first_seq = 1 << 40;
    let ring = Ring::new((0..7).map(|index| world().frame_at(index)), first_seq).unwrap();
    let relay =
        Relay::start(Feed::Ring(ring.into()), RelaySettings { backlog: 100, ..RelaySettings::default() })
            .unwrap();
    let mut client = Client::at(&relay, first_seq + 13).await;
    for index in 13..100_u64 {
        let frame = client.frame().await;
        let mut body = frame.as_slice();
        let _: ciborium::Value = ciborium::from_reader(&mut body).unwrap();
        let body: ciborium::Value = ciborium::from_reader(&mut body).unwrap();
        let seq = body.as_map().unwrap().iter().find(|(key, _)| key.as_text() == Some("seq")).unwrap();
        assert_eq!(seq.1, (first_seq + index).into());
    }
    assert_eq!(relay.newest_seq(), Some(first_seq + 99));
}

#[tokio::test]
async fn a_relay_that_was_stopped_can_be_started_where_it_was() {
    let first = relay(RelaySettings::default());
    let mut client = Client::at(&first, 1099).await;
    client.expect(99..100).await;
    let listen = first.addr();
    first.stop().await;
    assert!(!matches!(client.raw().await, Some(Ok(_))));
    let second = relay(RelaySettings { listen, ..RelaySettings::default() });
    Client::at(&second, 1099).await.expect(99..100).await;
}
