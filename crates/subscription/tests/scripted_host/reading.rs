//! An established subscription, over memory and under paused time.

use std::time::Duration;

use standpipe_pipeline::{RawMessage, Remedy, Source, Transient};
use standpipe_subscription::{Deadlines, SubscriptionError};
use tokio::select;
use tokio::time::timeout;

use crate::host::{
    BINARY, CLOSE, Host, PING, TEXT, ending, established, frame, header, message, raw_message,
};

/// What becomes of a subscription whose host sends these bytes and then stays.
async fn ending_after(bytes: &[u8]) -> SubscriptionError {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let (error, ()) = tokio::join!(ending(&mut subscription), host.write(bytes));
    error
}

#[tokio::test(start_paused = true)]
async fn i3_messages_arrive_as_they_were_sent_and_in_their_order() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let payloads: Vec<Vec<u8>> = (0..300_u16).map(|n| vec![n.to_be_bytes()[1]; usize::from(n) * 7]).collect();
    let script = async {
        for payload in &payloads {
            host.send(BINARY, payload).await;
        }
    };
    let read = async {
        for payload in &payloads {
            assert_eq!(&message(&mut subscription).await, payload);
        }
    };
    tokio::join!(script, read);
}

#[tokio::test(start_paused = true)]
async fn an_empty_message_is_passed_on_for_the_decoder_to_judge() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    host.send(BINARY, b"").await;
    assert_eq!(message(&mut subscription).await, b"");
}

#[tokio::test(start_paused = true)]
async fn i4_fragments_are_put_together_with_pings_between_them() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    host.send(0x02, b"one ").await;
    host.send(PING, b"?").await;
    host.send(0x00, b"").await;
    host.send(0x00, b"message").await;
    host.send(0x80, b"").await;
    assert_eq!(message(&mut subscription).await, b"one message");
}

#[tokio::test(start_paused = true)]
async fn frames_that_come_with_the_upgrade_are_read() {
    let (host, client) = tokio::io::duplex(4096);
    let mut host = Host::new(host);
    let script = async {
        let request = host.request().await;
        let mut bytes = crate::host::switch(&request, "").into_bytes();
        bytes.extend(frame(BINARY, b"first"));
        bytes.extend(&frame(BINARY, b"second")[..4]);
        host.write(&bytes).await;
    };
    let ((), subscription) = tokio::join!(script, crate::host::subscribe(client, Deadlines::repos()));
    let mut subscription = subscription.unwrap();
    assert_eq!(message(&mut subscription).await, b"first");
    host.write(b"cond").await;
    assert_eq!(message(&mut subscription).await, b"second");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_next_loses_nothing() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let stream = [frame(BINARY, b"first"), frame(PING, b"?"), frame(BINARY, &[7; 300])].concat();
    let mut messages = Vec::new();
    for byte in stream {
        host.write(&[byte]).await;
        if let Ok(message) = timeout(Duration::from_millis(1), message(&mut subscription)).await {
            messages.push(message);
        }
    }
    assert_eq!(messages, [b"first".to_vec(), vec![7; 300]]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_somewhat_too_large_is_passed_on_for_the_decoder_to_judge() {
    for len in [5_000_000, 5_000_001, 5_242_880] {
        let (mut host, mut subscription) = established(Deadlines::repos()).await;
        let payload = vec![1; len];
        let script = async {
            host.send(BINARY, &payload).await;
            host.send(TEXT, &payload).await;
            host.send(BINARY, b"the next").await;
        };
        let read = async {
            assert!(message(&mut subscription).await == payload, "{len}");
            assert!(
                raw_message(&mut subscription).await == RawMessage::Text(payload.clone().into()),
                "{len}"
            );
            assert_eq!(message(&mut subscription).await, b"the next");
        };
        tokio::join!(script, read);
    }
}

#[tokio::test(start_paused = true)]
async fn i7_a_length_that_is_only_declared_is_refused_before_anything_of_it_has_come() {
    for declared in [5_242_881, 1 << 40, u64::MAX >> 1] {
        for first in [BINARY, TEXT] {
            let error = ending_after(&header(first, declared)).await;
            assert_eq!(error.to_string(), format!("read a message of {declared} bytes: 5242880 are allowed"));
            assert_eq!((error.label(), error.remedy()), ("too_large", Remedy::Retry));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn i7_fragments_that_together_are_too_large_are_refused() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let script = async {
        host.send(0x02, b"").await;
        loop {
            host.send(0x00, &[1; 10_000]).await;
        }
    };
    let error = select! {
        error = ending(&mut subscription) => error,
        () = script => unreachable!(),
    };
    assert!(matches!(error, SubscriptionError::TooLarge { len_bytes: ..5_300_000 }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn i7_a_message_in_fragments_of_one_byte_arrives() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let fragments = frame(0x00, b"x").repeat(10_000);
    let script = async {
        host.send(0x02, b"").await;
        for _ in 0..500 {
            host.write(&fragments).await;
        }
        host.send(0x80, b"").await;
    };
    let (message, ()) = tokio::join!(message(&mut subscription), script);
    assert_eq!(message.len(), 5_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_text_message_is_passed_on_as_what_it_is_for_the_decoder_to_judge() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    host.send(BINARY, b"before").await;
    host.send(TEXT, "{\"op\":\"ü\"}".as_bytes()).await;
    host.send(BINARY, b"after").await;
    assert_eq!(message(&mut subscription).await, b"before");
    let text = RawMessage::Text("{\"op\":\"ü\"}".into());
    assert_eq!(raw_message(&mut subscription).await, text);
    assert_eq!(message(&mut subscription).await, b"after");
}

#[tokio::test(start_paused = true)]
async fn every_close_that_names_no_known_error_is_retried_and_says_its_code_and_reason() {
    for (code, label) in [
        (1000, "close_1000"),
        (1001, "close_1001"),
        (1002, "close_1002"),
        (1003, "close_1003"),
        (1007, "close_1007"),
        (1008, "close_1008"),
        (1009, "close_1009"),
        (1011, "close_1011"),
        (1012, "close_1012"),
        (1013, "close_1013"),
        (3000, "close_other"),
        (4999, "close_other"),
    ] {
        let payload = [&u16::to_be_bytes(code)[..], b"going\naway"].concat();
        let error = ending_after(&frame(CLOSE, &payload)).await;
        assert_eq!((error.label(), error.remedy()), (label, Remedy::Retry));
        assert_eq!(error.to_string(), format!(r#"read on: the host closed with {code} "going\naway""#));
        assert_eq!(error.error_name(), (code == 1008).then_some("going\\naway"));
    }
}

#[tokio::test(start_paused = true)]
async fn i11_a_goodbye_that_names_an_error_has_the_remedy_of_its_error_frame() {
    let held = Remedy::Hold(Duration::from_mins(5));
    let too_slow = Remedy::RetryAfter(Duration::from_secs(1));
    for (code, reason, remedy) in [
        (1008, "FutureCursor", held),
        (1008, "ConsumerTooSlow", too_slow),
        (1008, "futureCursor", Remedy::Retry),
        (1008, "FutureCursor ", Remedy::Retry),
        (1008, "FutureCursor: 7", Remedy::Retry),
        (1008, "ConsumerTooSlow.", Remedy::Retry),
        (1008, "InvalidRequest", Remedy::Retry),
        (1008, "", Remedy::Retry),
        (1000, "FutureCursor", Remedy::Retry),
        (1011, "ConsumerTooSlow", Remedy::Retry),
    ] {
        let payload = [&u16::to_be_bytes(code)[..], reason.as_bytes()].concat();
        let error = ending_after(&frame(CLOSE, &payload)).await;
        assert_eq!(error.remedy(), remedy, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_without_a_code_is_1005() {
    let error = ending_after(&frame(CLOSE, b"")).await;
    assert_eq!((error.label(), error.error_name()), ("close_1005", None));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_was_too_slow_is_told_by_name_and_answers_the_goodbye() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let goodbye = [&1008_u16.to_be_bytes()[..], b"ConsumerTooSlow"].concat();
    host.send(BINARY, b"the last").await;
    host.send(CLOSE, &goodbye).await;
    assert_eq!(message(&mut subscription).await, b"the last");
    assert_eq!(ending(&mut subscription).await.error_name(), Some("ConsumerTooSlow"));
    let (first, payload) = timeout(Duration::from_secs(1), host.receive()).await.unwrap().unwrap();
    assert_eq!((first, &payload[..2]), (CLOSE, &1008_u16.to_be_bytes()[..]));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_without_a_goodbye_says_whether_a_message_was_cut() {
    let whole = frame(BINARY, b"whole");
    for (sent_len, label) in [(whole.len(), "ended"), (1, "ended_in_message"), (4, "ended_in_message")] {
        let (mut host, mut subscription) = established(Deadlines::repos()).await;
        host.write(&whole).await;
        host.write(&whole[..sent_len]).await;
        drop(host);
        let mut outcome = subscription.next().await;
        while let Ok(message) = outcome {
            assert_eq!(
                message.unwrap(),
                RawMessage::Binary("whole".into()),
                "a part of a message is no message"
            );
            outcome = subscription.next().await;
        }
        let error = outcome.unwrap_err();
        assert_eq!((error.label(), error.remedy()), (label, Remedy::Retry));
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_over_stays_over() {
    let (host, mut subscription) = established(Deadlines::repos()).await;
    drop(host);
    for _ in 0..3 {
        assert_eq!(ending(&mut subscription).await.label(), "ended");
    }
}

#[tokio::test(start_paused = true)]
async fn i6_what_is_no_websocket_stream_is_a_violation() {
    let cases: [(&str, Vec<u8>); 9] = [
        ("reserved bits", frame(BINARY | 0x40, b"x")),
        ("reserved data opcode", frame(0x83, b"x")),
        ("reserved control opcode", frame(0x8b, b"")),
        ("continuation of nothing", frame(0x80, b"x")),
        ("a message inside a message", [frame(0x02, b"x"), frame(BINARY, b"y")].concat()),
        ("fragmented ping", frame(0x09, b"x")),
        ("ping of 126 bytes", frame(PING, &[0; 126])),
        ("close of one byte", frame(CLOSE, b"x")),
        ("masked", vec![BINARY, 0x81, 1, 2, 3, 4, 5]),
    ];
    for (case, bytes) in cases {
        let error = ending_after(&bytes).await;
        assert_eq!((error.label(), error.remedy()), ("violation", Remedy::Retry), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn i6_text_that_is_no_text_ends_in_an_error_as_well() {
    assert_eq!(ending_after(&frame(TEXT, &[0xff, 0xfe])).await.label(), "violation");
}
