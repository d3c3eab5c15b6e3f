//! What one delivery does to the stream and the cursor.

use standpipe_oracle::Cut;
use standpipe_pipeline::{Ack, Acquire};

use crate::setup::{World, deliver, key, key_of, seq, soon};

#[tokio::test]
async fn i1_entries_and_cursor_are_stored_together() {
    let world = World::new().await;
    let mut acquired = world.acquire().await;
    assert_eq!(acquired.cursor, None);
    assert_eq!(deliver(&mut acquired.sink, (0, 7, &["a", "b"])).await.unwrap(), Ack::applied(Some(2)));
    assert_eq!(world.entries().await, ["a", "b"]);
    assert_eq!(world.cursor().await.as_deref(), Some("7"));
    assert_eq!(world.acquire().await.cursor, Some(seq(7)));
}

#[tokio::test]
async fn i3_i4_a_batch_is_appended_whole_and_in_order() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    let expected: Vec<String> =
        (0..1500).map(|number| format!("event {number} {}", "x".repeat(600))).collect();
    let entries: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert_eq!(deliver(&mut writer, (0, 1, &entries[..500])).await.unwrap(), Ack::applied(Some(500)));
    assert_eq!(deliver(&mut writer, (1, 2, &entries[500..])).await.unwrap(), Ack::applied(Some(1500)));
    assert_eq!(world.entries().await, expected);
}

#[tokio::test]
async fn a_batch_without_entries_moves_the_cursor() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    assert_eq!(deliver(&mut writer, (0, 5, &[])).await.unwrap(), Ack::applied(Some(0)));
    assert_eq!(world.cursor().await.as_deref(), Some("5"));
}

#[tokio::test]
async fn i2_a_batch_whose_reply_was_eaten_is_answered_already() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.proxy.eat_replies(1, b"EVALSHA");
    assert_eq!(deliver(&mut writer, (1, 2, &["b"])).await.unwrap(), Ack::already(Some(2)));
    assert_eq!(world.proxy.fired().eaten, 1);
    assert_eq!(deliver(&mut writer, (2, 3, &["c"])).await.unwrap(), Ack::applied(Some(3)));
    assert_eq!(world.entries().await, ["a", "b", "c"]);
}

#[tokio::test]
async fn i2_a_first_batch_whose_reply_was_eaten_is_answered_already() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    // The server does not know the script yet, so it is sent with the batch.
    world.proxy.eat_replies(1, b"EVAL\r\n");
    assert_eq!(deliver(&mut writer, (0, 2, &["a"])).await.unwrap(), Ack::already(Some(1)));
    assert_eq!(world.entries().await, ["a"]);
}

#[tokio::test]
async fn i2_an_acquisition_whose_reply_was_eaten_is_tried_again() {
    let world = World::new().await;
    world.proxy.eat_replies(2, b"EVAL\r\n");
    let mut writer = world.writer().await;
    assert_eq!(world.proxy.fired().eaten, 2);
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    assert_eq!(world.entries().await, ["a"]);
}

/// Replies are eaten and connections cut at random, a hundred times; a failure replays from its seed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_i2_i3_every_entry_is_there_once_and_in_order_whatever_the_network_does() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let world = World::new().await;
    let mut writer = world.writer().await;
    let mut expected = Vec::new();
    for through in 1..=150 {
        match random.u8(..10) {
            0..4 => world.proxy.eat_replies(1, b"EVALSHA"),
            4 => world.proxy.cut(Cut::Reset),
            5 => world.proxy.cut(Cut::Fin),
            _ => {}
        }
        let entries: Vec<String> = (0..random.u64(..4)).map(|entry| format!("{through}.{entry}")).collect();
        let given: Vec<&str> = entries.iter().map(String::as_str).collect();
        deliver(&mut writer, (through - 1, through, &given)).await.unwrap();
        expected.extend(entries);
        assert_eq!(world.cursor().await, Some(through.to_string()), "seed {seed}");
    }
    let fired = world.proxy.fired();
    assert!(fired.eaten > 25 && fired.cut > 8, "seed {seed}: {fired:?}");
    assert_eq!(world.entries().await, expected, "seed {seed}");
}

#[tokio::test]
async fn i8_every_host_has_a_connection_of_its_own() {
    let world = World::new().await;
    let before = world.proxy.fired().connections;
    let (one, other) =
        (world.writer().await, soon(world.sinks.acquire(&key_of("other.example"))).await.unwrap().sink);
    assert_eq!(world.proxy.fired().connections, before + 2);
    drop((one, other));
}

#[tokio::test]
async fn a_probe_and_the_answers_tell_the_backlog() {
    let world = World::new().await;
    let mut probe = world.sinks.probe();
    assert_eq!(soon(probe.backlog()).await.unwrap(), 0);
    let mut acquired = soon(world.sinks.acquire(&key())).await.unwrap();
    deliver(&mut acquired.sink, (0, 1, &["a", "b", "c"])).await.unwrap();
    assert_eq!(soon(probe.backlog()).await.unwrap(), 3);
    world.proxy.cut(Cut::Reset);
    world.proxy.until(|fired| fired.cut > 0).await.unwrap();
    let after_a_cut = soon(probe.backlog()).await;
    assert_eq!(soon(probe.backlog()).await.unwrap(), 3, "{after_a_cut:?}");
}

/// Connections that the server has besides the one that asks.
async fn connections(world: &World) -> usize {
    world.run(&["CLIENT", "LIST", "TYPE", "normal"]).await.text().unwrap().lines().count() - 1
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_no_connection_behind() {
    let world = World::new().await;
    let writer = world.writer().await;
    assert_eq!(connections(&world).await, 1);
    drop(writer);
    soon(async { while connections(&world).await > 0 {} }).await;
}

#[tokio::test]
async fn an_acquisition_that_is_cancelled_leaves_no_connection_behind() {
    let world = World::new().await;
    world.proxy.delay(std::time::Duration::from_millis(20));
    let key = key();
    let mut acquiring = Box::pin(world.sinks.acquire(&key));
    tokio::select! {
        _ = &mut acquiring => panic!("it is cancelled while the proxy delays the login"),
        delayed = world.proxy.until(|fired| fired.delayed > 0) => assert!(delayed.is_ok()),
    }
    drop(acquiring);
    // Had it gone on, its login would have passed the proxy by then.
    let mut probe = world.sinks.probe();
    soon(probe.backlog()).await.unwrap();
    soon(async { while connections(&world).await > 1 {} }).await;
}
