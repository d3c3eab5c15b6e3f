//! One writer a host.

use standpipe_oracle::{Cut, Reply};
use standpipe_pipeline::{Acquire, Remedy, Transient};
use standpipe_redis_sink::{RedisError, RedisSinks};

use crate::setup::{FENCE, World, deliver, key, seq, settings, soon};

/// Sinks of another process.
fn stranger(world: &World) -> RedisSinks {
    RedisSinks::new(settings(world.proxy.address()))
}

fn check_fenced(error: &RedisError) {
    assert!(matches!(error, RedisError::Fenced { key, .. } if key == FENCE), "{error}");
    assert_eq!(error.remedy(), Remedy::Fail);
}

#[tokio::test]
async fn i2_of_two_writers_only_the_later_one_appends() {
    let world = World::new().await;
    let mut earlier = world.writer().await;
    deliver(&mut earlier, (0, 1, &["a"])).await.unwrap();
    let mut later = soon(stranger(&world).acquire(&key())).await.unwrap();
    assert_eq!(later.cursor, Some(seq(1)));
    check_fenced(&deliver(&mut earlier, (1, 2, &["b"])).await.unwrap_err());
    deliver(&mut later.sink, (1, 2, &["c"])).await.unwrap();
    assert_eq!(world.entries().await, ["a", "c"]);
}

#[tokio::test]
async fn a_fenced_process_never_takes_the_host_back_without_an_operators_word() {
    let world = World::new().await;
    let mut earlier = world.writer().await;
    let mut later = soon(stranger(&world).acquire(&key())).await.unwrap().sink;
    check_fenced(&deliver(&mut earlier, (0, 1, &["a"])).await.unwrap_err());
    for _ in 0..3 {
        check_fenced(&soon(world.sinks.acquire(&key())).await.unwrap_err());
    }
    deliver(&mut later, (0, 1, &["b"])).await.unwrap();
    world.run(&["DEL", FENCE]).await;
    let mut again = world.acquire().await;
    assert_eq!(again.cursor, Some(seq(1)));
    deliver(&mut again.sink, (1, 2, &["c"])).await.unwrap();
    check_fenced(&deliver(&mut later, (1, 2, &["d"])).await.unwrap_err());
    assert_eq!(world.entries().await, ["b", "c"]);
}

#[tokio::test]
async fn a_writer_that_lost_its_connection_does_not_take_the_host_back() {
    let world = World::new().await;
    let mut earlier = world.writer().await;
    deliver(&mut earlier, (0, 1, &["a"])).await.unwrap();
    let mut later = soon(stranger(&world).acquire(&key())).await.unwrap().sink;
    world.proxy.cut(Cut::Reset);
    world.proxy.until(|fired| fired.cut > 1).await.unwrap();
    check_fenced(&deliver(&mut earlier, (1, 2, &["b"])).await.unwrap_err());
    deliver(&mut later, (1, 2, &["c"])).await.unwrap();
    assert_eq!(world.entries().await, ["a", "c"]);
}

#[tokio::test]
async fn the_next_incarnation_fences_the_one_before_in_the_same_process() {
    let world = World::new().await;
    let mut before = world.writer().await;
    let mut after = world.writer().await;
    check_fenced(&deliver(&mut before, (0, 1, &["a"])).await.unwrap_err());
    deliver(&mut after, (0, 1, &["b"])).await.unwrap();
    drop(after);
    let mut next = world.writer().await;
    deliver(&mut next, (1, 2, &["c"])).await.unwrap();
    assert_eq!(world.entries().await, ["b", "c"]);
}

#[tokio::test]
async fn a_deleted_fence_is_put_up_again() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.run(&["DEL", FENCE]).await;
    deliver(&mut writer, (1, 2, &["b"])).await.unwrap();
    assert_ne!(world.run(&["GET", FENCE]).await, Reply::Nil);
    assert_eq!(world.entries().await, ["a", "b"]);
    assert_eq!(world.told.all(), ["flowing"]);
}
