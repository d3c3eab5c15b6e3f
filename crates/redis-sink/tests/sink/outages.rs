//! What is waited out: the batch is kept, and appended once when the server can take it.

use std::sync::Arc;

use standpipe_oracle::{Cut, Persistence, RedisOptions, Reply};
use standpipe_pipeline::{Ack, Acquire};

use crate::setup::{World, deliver, deliver_patiently, key, soon};

/// Breaks the server with `begin`, delivers, sees that this was told and that nothing was changed, and ends it.
async fn check(begin: &[&str], told_as: &str, end: &[&str]) {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.run(begin).await;
    let waiting = deliver_patiently(&mut writer, (1, 2, &["b", "c"]));
    let ending = async {
        let told = world.told.until("unavailable").await;
        assert!(told.contains(told_as), "{told}");
        assert_eq!(world.entries().await, ["a"]);
        assert_eq!(world.cursor().await.as_deref(), Some("1"));
        world.run(end).await;
    };
    let (delivered, ()) = soon(async { tokio::join!(waiting, ending) }).await;
    assert_eq!(delivered.unwrap(), Ack::applied(Some(3)));
    assert_eq!(world.entries().await, ["a", "b", "c"]);
    assert_eq!(world.cursor().await.as_deref(), Some("2"));
    assert_eq!(world.told.all().last().map(String::as_str), Some("flowing"));
}

#[tokio::test]
async fn i1_out_of_memory_leaves_stream_and_cursor_untouched_and_passes() {
    check(&["CONFIG", "SET", "maxmemory", "1"], "OOM", &["CONFIG", "SET", "maxmemory", "0"]).await;
}

#[tokio::test]
async fn a_replica_is_waited_out_until_it_is_a_master_again() {
    check(&["REPLICAOF", "127.0.0.1", "1"], "READONLY", &["REPLICAOF", "NO", "ONE"]).await;
}

#[tokio::test]
async fn too_few_replicas_are_waited_for() {
    let directive = "min-replicas-to-write";
    check(&["CONFIG", "SET", directive, "1"], "NOREPLICAS", &["CONFIG", "SET", directive, "0"]).await;
}

#[tokio::test]
async fn a_server_that_is_busy_with_a_script_is_waited_out() {
    let directives = vec![("busy-reply-threshold", "10".to_owned())];
    let world =
        World::with(RedisOptions { directives, ..RedisOptions::default() }, |settings| settings).await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    let mut busy = world.server.client().await.unwrap();
    let script = soon(async {
        let looping = busy.command(["EVAL", "while true do end", "0"]);
        let delivering = async {
            // The other connection's script may begin after the delivery; then this begins another.
            let mut from = 1;
            while world.told.all().len() < 2 {
                deliver_patiently(&mut writer, (from, from + 1, &["b"])).await.unwrap();
                from += 1;
            }
            from
        };
        let killing = async {
            let told = world.told.until("unavailable").await;
            assert!(told.contains("BUSY"), "{told}");
            world.run(&["SCRIPT", "KILL"]).await;
        };
        tokio::join!(looping, delivering, killing)
    });
    let (looped, from, ()) = script.await;
    assert!(looped.unwrap().is_error());
    assert_eq!(world.cursor().await, Some(from.to_string()));
    assert_eq!(world.entries().await.len() as u64, from);
}

#[tokio::test]
async fn flushed_scripts_are_loaded_again_without_a_word() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.run(&["SCRIPT", "FLUSH"]).await;
    deliver(&mut writer, (1, 2, &["b"])).await.unwrap();
    assert_eq!(world.entries().await, ["a", "b"]);
    assert_eq!(world.told.all(), ["flowing"]);
}

#[tokio::test]
async fn a_killed_connection_is_replaced() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    for through in 1..=5 {
        deliver(&mut writer, (through - 1, through, &["a"])).await.unwrap();
        let killed = world.run(&["CLIENT", "KILL", "TYPE", "normal"]).await;
        assert_eq!(killed, Reply::Integer(1));
    }
    assert_eq!(world.entries().await.len(), 5);
}

#[tokio::test]
async fn i1_i2_a_server_that_is_killed_and_restarted_has_everything_once() {
    // With everysec the server puts off writing while a sync is under way, and a kill then loses what was
    // acknowledged: seen here in one of some dozens of kills. The sink says so, with CursorMoved.
    let options = RedisOptions {
        persistence: Persistence::AppendOnly,
        directives: vec![("appendfsync", "always".to_owned())],
        ..RedisOptions::default()
    };
    let mut world = World::with(options, |settings| settings).await;
    let mut writer = world.writer().await;
    let mut expected = Vec::new();
    for round in 0..5 {
        let through = round * 2 + 1;
        deliver(&mut writer, (through - 1, through, &["a"])).await.unwrap();
        world.server.kill().unwrap();
        let told = Arc::clone(&world.told);
        let waiting = deliver_patiently(&mut writer, (through, through + 1, &["b"]));
        let restarting = async {
            told.until("unavailable").await;
            world.server.restart().await.unwrap();
        };
        let (delivered, ()) = soon(async { tokio::join!(waiting, restarting) }).await;
        assert_eq!(delivered.unwrap(), Ack::applied(Some(through + 1)));
        expected.extend(["a", "b"]);
        assert_eq!(world.entries().await, expected);
    }
}

#[tokio::test]
async fn i10_a_frozen_server_is_noticed_and_gets_nothing_twice() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.server.pause().await.unwrap();
    let waiting = deliver_patiently(&mut writer, (1, 2, &["b"]));
    let resuming = async {
        world.told.until("unavailable: hear from the server within").await;
        world.server.resume().unwrap();
    };
    let (delivered, ()) = soon(async { tokio::join!(waiting, resuming) }).await;
    // The server has read the batch from the connection that was given up.
    assert_eq!(delivered.unwrap(), Ack::already(Some(2)));
    assert_eq!(world.entries().await, ["a", "b"]);
}

#[tokio::test]
async fn i10_a_network_that_loses_everything_is_noticed_and_delivers_nothing_twice() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.proxy.black_hole(true);
    let waiting = deliver_patiently(&mut writer, (1, 2, &["b"]));
    let lifting = async {
        world.told.until("unavailable").await;
        world.proxy.until(|fired| fired.held > 1).await.unwrap();
        world.proxy.black_hole(false);
    };
    let (delivered, ()) = soon(async { tokio::join!(waiting, lifting) }).await;
    delivered.unwrap();
    assert_eq!(world.entries().await, ["a", "b"]);
}

#[tokio::test]
async fn i10_a_large_batch_into_a_network_that_takes_nothing_is_noticed_too() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    let large = "x".repeat(1 << 20);
    let entries = [large.as_str(); 24];
    world.proxy.black_hole(true);
    let waiting = deliver_patiently(&mut writer, (0, 1, &entries));
    let lifting = async {
        // The client is stuck in a write and notices nothing; the command's deadline does.
        world.told.until("unavailable: hear from the server within").await;
        world.proxy.black_hole(false);
    };
    let (delivered, ()) = soon(async { tokio::join!(waiting, lifting) }).await;
    delivered.unwrap();
    assert_eq!(world.entries().await.len(), 24);
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    let mut world = World::new().await;
    world.server.kill().unwrap();
    let (sinks, told) = (world.sinks.clone(), Arc::clone(&world.told));
    let key = key();
    let waiting = sinks.acquire(&key);
    let restarting = async {
        told.until("unavailable").await;
        world.server.restart().await.unwrap();
    };
    let (acquired, ()) = soon(async { tokio::join!(waiting, restarting) }).await;
    deliver(&mut acquired.unwrap().sink, (0, 1, &["a"])).await.unwrap();
    assert_eq!(world.told.all().last().map(String::as_str), Some("flowing"));
}

#[tokio::test]
async fn a_connection_that_dies_between_batches_costs_nothing() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    for (through, cut) in [(1, Cut::Reset), (2, Cut::Fin)] {
        world.proxy.cut(cut);
        world.proxy.until(|fired| fired.cut == through).await.unwrap();
        deliver(&mut writer, (through - 1, through, &["a"])).await.unwrap();
    }
    assert_eq!(world.entries().await, ["a", "a"]);
}
