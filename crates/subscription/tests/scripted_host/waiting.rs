//! What a subscription does while nothing comes, or not enough: pings, deadlines and taking leave. Over memory and
//! under paused time.

use std::time::Duration;

use standpipe_pipeline::{Remedy, Source, Transient};
use standpipe_subscription::Deadlines;
use tokio::select;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::host::{
    BINARY, CLOSE, PING, PONG, TEXT, ending, established, established_with, frame, header, message,
    raw_message,
};

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_at_once_though_nothing_else_is_ever_written() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let began = Instant::now();
    host.send(PING, b"are you there").await;
    let (first, payload) = select! {
        error = ending(&mut subscription) => panic!("{error}"),
        frame = host.receive() => frame.unwrap(),
    };
    assert_eq!((first, payload.as_slice()), (PONG, &b"are you there"[..]));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn our_own_ping_goes_out_every_thirty_seconds() {
    let (mut host, mut subscription) = established(Deadlines::labels()).await;
    let began = Instant::now();
    for nth in 1..=5 {
        let (first, payload) = select! {
            error = ending(&mut subscription) => panic!("{error}"),
            frame = host.receive() => frame.unwrap(),
        };
        assert_eq!(first, PING);
        assert!(began.elapsed().abs_diff(Duration::from_secs(30) * nth) < Duration::from_millis(50));
        host.send(PONG, &payload).await;
    }
}

#[tokio::test(start_paused = true)]
async fn i10_a_host_that_only_answers_pings_is_idle_after_its_deadline() {
    for first in [BINARY, TEXT] {
        let (mut host, mut subscription) = established(Deadlines::repos()).await;
        assert!(timeout(Duration::from_secs(10), subscription.next()).await.is_err(), "it still waits");
        host.send(first, b"the last").await;
        raw_message(&mut subscription).await;
        let began = Instant::now();
        let error = select! {
            error = ending(&mut subscription) => error,
            () = host.answer_pings() => unreachable!(),
        };
        assert_eq!((error.label(), error.remedy()), ("idle", Remedy::Retry));
        assert!(began.elapsed().abs_diff(Duration::from_secs(75)) < Duration::from_millis(50));
    }
}

#[tokio::test(start_paused = true)]
async fn i10_a_host_that_is_silent_after_the_upgrade_is_given_up() {
    let (_host, mut subscription) = established(Deadlines::repos()).await;
    let error = timeout(Duration::from_mins(2), ending(&mut subscription)).await.unwrap();
    assert_eq!(error.label(), "unanswered");
}

#[tokio::test(start_paused = true)]
async fn i10_a_half_open_connection_is_given_up_where_silence_is_normal() {
    let (_host, mut subscription) = established(Deadlines::labels()).await;
    let began = Instant::now();
    let error = ending(&mut subscription).await;
    assert_eq!((error.label(), error.remedy()), ("unanswered", Remedy::Retry));
    assert!(began.elapsed().abs_diff(Duration::from_secs(50)) < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn a_labeler_may_be_silent_for_a_day_while_it_answers_pings() {
    let (mut host, mut subscription) = established(Deadlines::labels()).await;
    select! {
        error = ending(&mut subscription) => panic!("{error}"),
        () = host.answer_pings() => unreachable!(),
        () = sleep(Duration::from_hours(24)) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn i10_a_message_that_comes_at_a_byte_a_second_is_given_up() {
    let (mut host, mut subscription) = established(Deadlines::labels()).await;
    let began = Instant::now();
    let script = async {
        for byte in header(BINARY, 1_000).into_iter().chain([0; 1_000]) {
            host.write(&[byte]).await;
            sleep(Duration::from_secs(1)).await;
        }
    };
    let error = select! {
        error = ending(&mut subscription) => error,
        () = script => unreachable!(),
    };
    assert_eq!((error.label(), error.remedy()), ("trickle", Remedy::Retry));
    assert!(began.elapsed().abs_diff(Duration::from_secs(30)) < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn i10_a_message_of_endless_empty_fragments_is_given_up() {
    let (mut host, mut subscription) = established(Deadlines::labels()).await;
    let fragments = frame(0x00, b"").repeat(1_000);
    let script = async {
        host.send(0x02, b"").await;
        loop {
            host.write(&fragments).await;
            advance(Duration::from_millis(100)).await;
        }
    };
    let error = select! {
        error = ending(&mut subscription) => error,
        () = script => unreachable!(),
    };
    assert_eq!(error.label(), "trickle");
}

#[tokio::test(start_paused = true)]
async fn i10_time_in_which_nobody_reads_is_not_held_against_the_host() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let both = [frame(BINARY, b"first"), frame(BINARY, b"second"), frame(BINARY, b"third")].concat();
    host.write(&both[..both.len() - 2]).await;
    assert_eq!(message(&mut subscription).await, b"first");
    advance(Duration::from_hours(1)).await;
    assert_eq!(message(&mut subscription).await, b"second");
    assert!(timeout(Duration::from_secs(10), subscription.next()).await.is_err(), "it still waits");
    host.write(&both[both.len() - 2..]).await;
    assert_eq!(message(&mut subscription).await, b"third");
}

#[tokio::test(start_paused = true)]
async fn i10_a_flood_of_pings_without_a_message_ends() {
    let (mut host, mut subscription) = established(Deadlines::labels()).await;
    host.write(&frame(PING, b"!").repeat(20_000)).await;
    let error = ending(&mut subscription).await;
    assert_eq!(error.label(), "control_flood");
}

#[tokio::test(start_paused = true)]
async fn pings_between_messages_are_no_flood() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    for first in [BINARY, TEXT] {
        host.write(&[frame(PING, b""), frame(first, b"!")].concat().repeat(5_000)).await;
        for _ in 0..5_000 {
            raw_message(&mut subscription).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_that_the_transport_takes_in_parts_arrives_whole() {
    let (mut host, mut subscription) = established_with(Deadlines::labels(), "", 4).await;
    select! {
        error = ending(&mut subscription) => panic!("{error}"),
        frame = host.receive() => assert_eq!(frame.unwrap(), (PING, Vec::new())),
    }
}

#[tokio::test(start_paused = true)]
async fn i10_a_message_that_stops_half_way_is_given_up_when_its_own_deadline_is_over() {
    let soon = Deadlines { message_within: Duration::from_secs(5), ..Deadlines::labels() };
    let (mut host, mut subscription) = established(soon).await;
    assert!(timeout(Duration::from_secs(1), subscription.next()).await.is_err());
    let began = Instant::now();
    host.write(&frame(BINARY, b"half")[..4]).await;
    assert_eq!(ending(&mut subscription).await.label(), "trickle");
    assert!(began.elapsed().abs_diff(Duration::from_secs(5)) < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn i7_a_host_that_does_not_take_our_pongs_is_read_on_and_they_do_not_pile_up() {
    let (mut host, mut subscription) = established_with(Deadlines::repos(), "", 700).await;
    let script = async {
        for _ in 0..200 {
            host.send(PING, &[b'?'; 125]).await;
            host.send(BINARY, b"news").await;
        }
    };
    let read = async {
        for _ in 0..200 {
            assert_eq!(message(&mut subscription).await, b"news");
        }
    };
    tokio::join!(script, read);
    let count_pongs = async {
        let mut count = 0;
        while let Ok(frame) = timeout(Duration::from_millis(1), host.receive()).await {
            assert_eq!(frame.unwrap().0, PONG);
            count += 1;
        }
        count
    };
    let count = select! {
        error = ending(&mut subscription) => panic!("{error}"),
        count = count_pongs => count,
    };
    assert!((1..50).contains(&count), "{count} of 200 pongs were kept");
}

#[tokio::test(start_paused = true)]
async fn parking_says_goodbye_and_waits_for_the_answer_while_messages_still_come() {
    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let began = Instant::now();
    let script = async {
        host.send(BINARY, b"on its way").await;
        let (first, payload) = host.receive().await.unwrap();
        assert_eq!((first, payload.as_slice()), (CLOSE, &1000_u16.to_be_bytes()[..]));
        host.send(CLOSE, &payload).await;
        let end = timeout(Duration::from_secs(1), host.receive()).await;
        assert!(end.unwrap().is_err(), "the client closes the connection");
    };
    tokio::join!(script, subscription.park());
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn i10_parking_is_bounded_where_the_host_does_not_answer_or_never_stops() {
    let (_host, mut subscription) = established(Deadlines::repos()).await;
    let began = Instant::now();
    timeout(Duration::from_secs(10), subscription.park()).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(2));

    let (mut host, mut subscription) = established(Deadlines::repos()).await;
    let script = async {
        loop {
            host.send(BINARY, &[1; 1_000]).await;
            advance(Duration::from_millis(1)).await;
        }
    };
    let began = Instant::now();
    select! {
        () = subscription.park() => {}
        () = script => unreachable!(),
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
