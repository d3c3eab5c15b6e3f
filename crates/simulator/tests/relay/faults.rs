use std::time::Duration;

use standpipe_simulator::{
    Ended, FaultId, Message as Sent, Relay, RelaySettings, Rule, Silence, StreamFault, UpgradeFault, frame,
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{Client, relay, within, world};

/// A relay with one fault.
fn with(rule: Rule) -> (Relay, FaultId) {
    let relay = relay(RelaySettings::default());
    let id = relay.faults().add(rule);
    (relay, id)
}

fn after(frames: u64, fault: StreamFault) -> (Relay, FaultId) {
    with(Rule::after_frames(frames, fault))
}

#[tokio::test]
async fn an_upgrade_is_refused_with_status_headers_and_body() {
    let (relay, id) = with(
        Rule::on_upgrade(UpgradeFault::Refuse {
            status: 429,
            headers: vec![("Retry-After".to_owned(), "17".to_owned())],
            body: b"<html>no</html>".to_vec(),
        })
        .times(1),
    );
    match Client::dial(&relay, "?cursor=0").await {
        Err(Error::Http(response)) => {
            assert_eq!(response.status(), 429);
            assert_eq!(response.headers()["retry-after"], "17");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
    assert_eq!(relay.faults().fired(id), 1);
    Client::at(&relay, 1098).await.expect(98..100).await;
    assert_eq!(relay.connections()[0].ended, Some(Ended::Refused));
}

#[tokio::test]
async fn an_upgrade_is_reset_or_answered_late_or_not_at_all() {
    let (relay, reset) = with(Rule::on_upgrade(UpgradeFault::Reset).on_connections(0..1));
    let time = Some(Duration::from_millis(100));
    let accept = Rule::on_upgrade(UpgradeFault::StallAccept { time }).on_connections(1..2);
    let upgrade = Rule::on_upgrade(UpgradeFault::StallUpgrade { time }).on_connections(2..3);
    let late = [relay.faults().add(accept), relay.faults().add(upgrade)];
    let never = Rule::on_upgrade(UpgradeFault::StallUpgrade { time: None }).on_connections(3..4);
    let never = relay.faults().add(never);
    assert!(Client::dial(&relay, "").await.is_err());
    assert_eq!(relay.faults().fired(reset), 1);
    for id in late {
        let began = Instant::now();
        Client::at(&relay, 1099).await.expect(99..100).await;
        assert!(began.elapsed() >= Duration::from_millis(100));
        assert_eq!(relay.faults().fired(id), 1);
    }
    let dial = Client::dial(&relay, "");
    assert!(tokio::time::timeout(Duration::from_millis(200), dial).await.is_err());
    assert_eq!(relay.faults().fired(never), 1);
    within(relay.until(|connections| connections[3].ended == Some(Ended::ClientGone))).await;
}

#[tokio::test]
async fn a_close_frame_comes_after_so_many_frames_on_each_connection() {
    let (relay, id) = after(5, StreamFault::Close { code: 1011, reason: "oops".to_owned() });
    for times in 1..=3 {
        let mut client = Client::at(&relay, 0).await;
        client.expect(0..5).await;
        assert_eq!(client.closed().await, (1011, "oops".to_owned()));
        assert_eq!(relay.faults().fired(id), times);
        assert!(client.raw().await.is_none());
    }
    within(relay.until(|connections| connections.iter().all(|c| c.ended == Some(Ended::ByFault)))).await;
}

#[tokio::test]
async fn a_reset_is_one_and_a_hang_up_is_none() {
    for (fault, is_reset) in [(StreamFault::Reset, true), (StreamFault::HangUp, false)] {
        let (relay, id) = after(3, fault);
        let mut client = Client::at(&relay, 0).await;
        if !is_reset {
            // A reset may overtake what was sent before it.
            client.expect(0..3).await;
        }
        let error = loop {
            match client.raw().await {
                Some(Err(error)) => break error,
                Some(Ok(_)) => {}
                None => panic!("ended in order"),
            }
        };
        let kind = match &error {
            Error::Io(error) => Some(error.kind()),
            _ => None,
        };
        assert_eq!(kind == Some(std::io::ErrorKind::ConnectionReset), is_reset, "{error:?}");
        assert_eq!(relay.faults().fired(id), 1);
    }
}

#[tokio::test]
async fn a_message_is_cut_in_the_middle() {
    let (relay, id) = after(4, StreamFault::CutMidMessage);
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..4).await;
    assert!(matches!(client.raw().await, Some(Err(_))));
    assert_eq!(relay.faults().fired(id), 1);
}

#[tokio::test]
async fn silence_answers_pings_or_ignores_them_and_can_end() {
    let time = Some(Duration::from_millis(200));
    let (relay, id) = after(2, StreamFault::Silence(Silence::AnswersPings, time));
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..2).await;
    client.send(Message::Ping("x".into())).await;
    assert!(client.raw().await.unwrap().unwrap().is_pong());
    client.expect(2..100).await;
    assert_eq!(relay.faults().fired(id), 1);

    let (relay, id) = after(2, StreamFault::Silence(Silence::IgnoresPings, time));
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..2).await;
    client.send(Message::Ping("x".into())).await;
    within(relay.until(|connections| connections[0].pings == 1)).await;
    client.expect(2..100).await;
    assert_eq!(relay.faults().fired(id), 1);
}

#[tokio::test]
async fn a_half_open_connection_does_nothing_at_all() {
    let half_open = StreamFault::Silence(Silence::HalfOpen, None);
    let (relay, id) = with(Rule::after_frames(2, half_open).on_connections(0..1));
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..2).await;
    within(relay.faults().until_fired(id, 1)).await;
    client.send(Message::Ping("x".into())).await;
    let silence = tokio::time::timeout(Duration::from_millis(200), client.raw()).await;
    assert!(silence.is_err(), "{silence:?}");
    drop(client);
    // Another connection from the first to the last gives the relay time to see what it should not.
    let mut other = Client::at(&relay, 0).await;
    other.expect(0..2).await;
    other.close().await;
    within(relay.until(|connections| connections[1].ended.is_some())).await;
    assert_eq!((relay.connections()[0].pings, relay.connections()[0].ended), (0, None));
}

#[tokio::test]
async fn a_trickle_is_slow() {
    let (relay, id) = after(2, StreamFault::Trickle { bytes_per_second: 500 });
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..2).await;
    let next = tokio::time::timeout(Duration::from_millis(300), client.raw()).await;
    assert!(next.is_err(), "a whole frame came within 150 bytes' time: {next:?}");
    assert_eq!(relay.faults().fired(id), 1);
}

#[tokio::test]
async fn hostile_messages_come_between_the_frames() {
    let relay = relay(RelaySettings::default());
    let add = |frames, message| relay.faults().add(Rule::after_frames(frames, StreamFault::Send(message)));
    let ids = [
        add(1, Sent::Text("text".to_owned())),
        add(2, Sent::Binary(Vec::new())),
        add(3, Sent::Binary(b"\xff".to_vec())),
        add(4, Sent::Ping(b"ping".to_vec())),
        add(5, Sent::Pong(b"pong".to_vec())),
        add(6, Sent::Zeros { len: 5_000_001 }),
    ];
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..1).await;
    assert_eq!(client.raw().await.unwrap().unwrap(), Message::Text("text".into()));
    client.expect(1..2).await;
    assert_eq!(client.frame().await, b"");
    client.expect(2..3).await;
    assert_eq!(client.frame().await, b"\xff");
    client.expect(3..4).await;
    assert_eq!(client.raw().await.unwrap().unwrap(), Message::Ping("ping".into()));
    client.expect(4..5).await;
    assert_eq!(client.raw().await.unwrap().unwrap(), Message::Pong("pong".into()));
    client.expect(5..6).await;
    assert!(matches!(client.raw().await, Some(Err(Error::Capacity(_)))));
    assert_eq!(ids.map(|id| relay.faults().fired(id)), [1; 6]);
    let counts = relay.faults().counts();
    assert_eq!((counts["send-binary"], counts["send-text"], counts["send-zeros"]), (2, 1, 1));
}

#[tokio::test]
async fn a_hostile_frame_stays_at_its_seq_or_comes_once() {
    let (relay, always) = with(Rule::at_seq(1050, StreamFault::Send(Sent::Binary(b"bad".to_vec()))));
    let once = relay.faults().add(Rule::at_seq(1060, StreamFault::Replace(b"worse".to_vec())).times(1));
    for round in 1..=3 {
        let mut client = Client::at(&relay, 1045).await;
        client.expect(45..50).await;
        assert_eq!(client.frame().await, b"bad");
        client.expect(50..60).await;
        if round == 1 {
            assert_eq!(client.frame().await, b"worse");
            client.expect(61..100).await;
        } else {
            client.expect(60..100).await;
        }
        assert_eq!((relay.faults().fired(always), relay.faults().fired(once)), (round, 1));
    }
    Client::at(&relay, 1051).await.expect(51..100).await;
    assert_eq!(relay.faults().fired(always), 3);
}

#[tokio::test]
async fn error_frames_end_the_stream_with_1008() {
    let name = "ConsumerTooSlow".to_owned();
    let (relay, id) = after(1, StreamFault::Error { name, message: None });
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..1).await;
    assert_eq!(client.frame().await, frame::error("ConsumerTooSlow", None));
    assert_eq!(client.closed().await, (1008, "ConsumerTooSlow".to_owned()));
    assert_eq!(relay.faults().fired(id), 1);
}

#[tokio::test]
async fn a_frame_in_fragments_is_still_that_frame() {
    for fragments in [1, 2, 300, 10_000] {
        let (relay, id) = after(7, StreamFault::Fragment { fragments });
        Client::at(&relay, 0).await.expect(0..100).await;
        assert_eq!(relay.faults().fired(id), 1);
    }
}

#[tokio::test]
async fn seqs_repeat_go_back_and_are_left_out() {
    let relay = relay(RelaySettings::default());
    relay.faults().add(Rule::after_frames(10, StreamFault::Repeat { times: 2 }));
    relay.faults().add(Rule::after_frames(20, StreamFault::JumpBack { frames: 5 }));
    relay.faults().add(Rule::after_frames(30, StreamFault::Skip { frames: 5 }));
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..10).await;
    client.expect([10, 10, 10]).await;
    client.expect(11..20).await;
    client.expect(15..25).await;
    client.expect(30..100).await;
    assert!(relay.faults().counts().values().all(|count| *count == 1));
}

#[tokio::test]
async fn a_fault_comes_again_and_again_until_it_is_removed() {
    let ping = StreamFault::Send(Sent::Ping(Vec::new()));
    let (relay, id) = with(Rule::every_frames(10, ping));
    let mut client = Client::at(&relay, 0).await;
    for round in 0..10 {
        client.expect(round * 10..(round + 1) * 10).await;
        assert!(client.raw().await.unwrap().unwrap().is_ping());
    }
    assert_eq!(relay.faults().fired(id), 10);
    relay.faults().remove(id);
    relay.grow(20);
    client.expect(100..120).await;
    assert_eq!((relay.faults().fired(id), relay.faults().counts()["send-ping"]), (10, 10));
}

#[tokio::test]
async fn existing_connections_are_disrupted_at_once_and_later_ones_are_not() {
    let relay = relay(RelaySettings::default());
    let mut clients = [Client::at(&relay, 0).await, Client::at(&relay, 1050).await];
    clients[0].expect(0..100).await;
    clients[1].expect(50..100).await;
    let id = relay.disrupt(StreamFault::Close { code: 1012, reason: String::new() });
    for client in &mut clients {
        assert_eq!(client.closed().await.0, 1012);
    }
    assert_eq!(relay.faults().fired(id), 2);
    let mut later = Client::at(&relay, 0).await;
    later.expect(0..100).await;
    relay.grow(1);
    assert_eq!(later.frame().await, world().frame_at(100));
}

#[tokio::test]
async fn a_strike_meets_the_client_that_is_served_and_ends_when_one_is_served_again() {
    let relay = relay(RelaySettings::default());
    let mut client = Client::at(&relay, 0).await;
    client.expect(0..100).await;
    let asks_nothing = async || {
        let count = relay.connections().len();
        drop(tokio::net::TcpStream::connect(relay.addr()).await.unwrap());
        relay.until(|connections| connections.len() > count && connections[count].ended.is_some()).await;
    };
    // Somebody who only looked whether the host answers is neither the client nor its return.
    asks_nothing().await;
    let reset = StreamFault::Close { code: 1012, reason: String::new() };
    let strike = relay.strike(reset);
    let back = async {
        assert_eq!(client.closed().await.0, 1012);
        drop(client);
        relay.until(|connections| connections[0].ended.is_some()).await;
        asks_nothing().await;
        assert_eq!(relay.serving(), None);
        let back = Client::at(&relay, 1100).await;
        asks_nothing().await;
        back
    };
    let ((), _back) = within(Box::pin(async { tokio::join!(strike, back) })).await;
    assert_eq!(relay.serving(), Some(3));
}
