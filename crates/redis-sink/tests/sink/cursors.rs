//! What is stored, what is missing, what is adopted, and what is unreadable.

use standpipe_cursor::{Cursor, CursorError, CursorStore};
use standpipe_oracle::{Cut, Reply};
use standpipe_pipeline::{Acquire, Remedy, Transient};
use standpipe_redis_sink::{RedisError, RedisSinks};

use crate::setup::{CURSOR, World, deliver, key, key_of, seq, settings, soon};

const ORIGIN: &str = "firehose_live:cursor:https://relay.example/";

async fn refusal(world: &World) -> RedisError {
    soon(world.sinks.acquire(&key())).await.unwrap_err()
}

#[tokio::test]
async fn a_cursor_under_the_origins_name_is_adopted_and_kept_for_the_way_back() {
    let world = World::new().await;
    let key = key_of("https://relay.example/");
    world.run(&["SET", ORIGIN, "41"]).await;
    let mut acquired = soon(world.sinks.acquire(&key)).await.unwrap();
    assert_eq!(acquired.cursor, Some(seq(41)));
    assert_eq!(world.cursor().await.as_deref(), Some("41"));
    deliver(&mut acquired.sink, (41, 42, &["a"])).await.unwrap();
    assert_eq!(world.cursor().await.as_deref(), Some("42"));
    assert_eq!(world.run(&["GET", ORIGIN]).await.text(), Some("41"));
    assert_eq!(soon(world.sinks.acquire(&key)).await.unwrap().cursor, Some(seq(42)));
}

#[tokio::test]
async fn i11_a_cursor_of_our_own_is_not_replaced_by_one_under_the_origins_name() {
    let world = World::new().await;
    world.run(&["MSET", ORIGIN, "41", CURSOR, "50"]).await;
    let acquired = soon(world.sinks.acquire(&key_of("https://relay.example/"))).await.unwrap();
    assert_eq!(acquired.cursor, Some(seq(50)));
    assert_eq!(world.cursor().await.as_deref(), Some("50"));
}

#[tokio::test]
async fn i11_a_cursor_that_is_gone_is_not_replaced_by_an_older_one_under_the_origins_name() {
    let world = World::new().await;
    let key = key_of("https://relay.example/");
    world.run(&["SET", ORIGIN, "41"]).await;
    let mut acquired = soon(world.sinks.acquire(&key)).await.unwrap();
    deliver(&mut acquired.sink, (41, 42, &["a"])).await.unwrap();
    world.run(&["DEL", CURSOR]).await;
    let error = deliver(&mut acquired.sink, (42, 43, &["b"])).await.unwrap_err();
    assert!(matches!(error, RedisError::CursorVanished { .. }), "{error}");
    assert!(soon(world.sinks.acquire(&key)).await.is_err());
}

#[tokio::test]
async fn i11_a_cursor_that_vanished_is_never_a_beginning() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.run(&["FLUSHALL"]).await;
    let error = deliver(&mut writer, (1, 2, &["b"])).await.unwrap_err();
    assert!(matches!(&error, RedisError::CursorVanished { key } if key == CURSOR), "{error}");
    assert_eq!(error.remedy(), Remedy::Fail);
    assert!(error.to_string().contains(CURSOR));
    for _ in 0..3 {
        assert!(matches!(refusal(&world).await, RedisError::CursorVanished { .. }));
    }
    assert_eq!(world.entries().await, [""; 0]);

    world.run(&["SET", CURSOR, "1"]).await;
    assert_eq!(world.acquire().await.cursor, Some(seq(1)));
}

#[tokio::test]
async fn i11_a_cursor_that_was_only_seen_and_then_vanished_is_never_a_beginning() {
    let world = World::new().await;
    world.run(&["SET", CURSOR, "7"]).await;
    drop(world.acquire().await);
    world.run(&["FLUSHALL"]).await;
    assert!(matches!(refusal(&world).await, RedisError::CursorVanished { .. }));
}

#[tokio::test]
async fn i11_a_cursor_that_vanished_while_the_connection_was_down_is_never_a_beginning() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.run(&["FLUSHALL"]).await;
    world.proxy.cut(Cut::Reset);
    world.proxy.until(|fired| fired.cut > 0).await.unwrap();
    let error = deliver(&mut writer, (1, 2, &["b"])).await.unwrap_err();
    assert!(matches!(error, RedisError::CursorVanished { .. }), "{error}");
}

#[tokio::test]
async fn a_new_process_begins_anew_where_nothing_is_stored() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.run(&["FLUSHALL"]).await;
    let restarted = RedisSinks::new(settings(world.proxy.address()));
    assert_eq!(soon(restarted.acquire(&key())).await.unwrap().cursor, None);
}

#[tokio::test]
async fn i11_what_is_no_cursor_is_an_error_and_stays_as_it_is() {
    let world = World::new().await;
    let overlong = "9".repeat(Cursor::MAX_LEN + 1);
    for unreadable in ["", overlong.as_str()] {
        world.run(&["SET", CURSOR, unreadable]).await;
        let error = refusal(&world).await;
        assert!(matches!(&error, RedisError::Cursor { key, .. } if key == CURSOR), "{error}");
        assert_eq!(error.remedy(), Remedy::Fail);
        assert_eq!(world.cursor().await.as_deref(), Some(unreadable));
    }
    let script = format!("redis.call('SET', '{CURSOR}', '\\255\\254')");
    world.run(&["EVAL", &script, "0"]).await;
    assert!(matches!(refusal(&world).await, RedisError::Cursor { .. }));
}

#[tokio::test]
async fn i2_another_cursor_than_expected_refuses_the_batch_and_reading_begins_again_from_it() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 5, &["a"])).await.unwrap();
    for (found, cut) in [("3", false), ("9", true)] {
        let mut writer = world.writer().await;
        world.run(&["SET", CURSOR, found]).await;
        if cut {
            let cuts = world.proxy.fired().cut;
            world.proxy.cut(Cut::Reset);
            world.proxy.until(|fired| fired.cut > cuts).await.unwrap();
        }
        let from = if cut { 3 } else { 5 };
        let error = deliver(&mut writer, (from, 6, &["b"])).await.unwrap_err();
        assert!(
            matches!(&error, RedisError::CursorMoved { found: stored, .. } if stored.to_string() == found),
            "{error}"
        );
        assert_eq!(error.remedy(), Remedy::Retry);
        assert_eq!(world.acquire().await.cursor.unwrap().to_string(), found);
    }
    assert_eq!(world.entries().await, ["a"]);
}

#[tokio::test]
async fn operators_load_and_save_cursors() {
    let world = World::new().await;
    let key = key_of("https://relay.example/");
    assert_eq!(soon(world.sinks.load(&key)).await.unwrap(), None);
    world.run(&["SET", ORIGIN, "41"]).await;
    assert_eq!(soon(world.sinks.load(&key)).await.unwrap(), Some(seq(41)));
    soon(world.sinks.save(&key, &seq(50))).await.unwrap();
    assert_eq!(soon(world.sinks.load(&key)).await.unwrap(), Some(seq(50)));
    assert_eq!(world.cursor().await.as_deref(), Some("50"));

    world.run(&["SET", CURSOR, ""]).await;
    assert!(matches!(soon(world.sinks.load(&key)).await, Err(CursorError::Unreadable { .. })));
    world.run(&["DEL", CURSOR]).await;
    assert_eq!(world.run(&["RPUSH", CURSOR, "x"]).await, Reply::Integer(1));
    assert!(matches!(soon(world.sinks.load(&key)).await, Err(CursorError::Refused(_))));
    world.proxy.refuse(true);
    assert!(matches!(soon(world.sinks.load(&key)).await, Err(CursorError::Unavailable(_))));
}

#[tokio::test]
async fn a_cursor_that_is_cleared_is_gone_under_the_origins_name_too() {
    let world = World::new().await;
    let key = key_of("https://relay.example/");
    world.run(&["MSET", ORIGIN, "41", CURSOR, "50"]).await;
    world.sinks.clear(&key).await.unwrap();
    assert_eq!(world.sinks.load(&key).await.unwrap(), None);
    assert_eq!(soon(world.sinks.acquire(&key)).await.unwrap().cursor, None);
    world.sinks.clear(&key).await.unwrap();
}

#[tokio::test]
async fn a_writer_is_seen_while_it_is_connected() {
    let world = World::new().await;
    assert_eq!(world.sinks.holder(&key()).await.unwrap(), None);
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    let holder = world.sinks.holder(&key()).await.unwrap().unwrap();
    assert_eq!(holder.connected, Some(true), "{holder:?}");
    drop(writer);
    // The server notices the end of a connection when it gets to it.
    let gone = async {
        while world.sinks.holder(&key()).await.unwrap().unwrap().connected == Some(true) {
            tokio::task::yield_now().await;
        }
    };
    soon(gone).await;
    assert_eq!(world.sinks.holder(&key()).await.unwrap().unwrap().writer, holder.writer);
}
