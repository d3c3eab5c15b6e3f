//! High and low water.

use std::num::NonZeroU64;

use standpipe_oracle::{RedisOptions, Reply};
use standpipe_pipeline::Ack;
use standpipe_redis_sink::Marks;

use crate::setup::{STREAM, World, deliver, deliver_patiently, soon};

/// Full at 10 entries, drained at 5.
async fn world() -> World {
    World::with(RedisOptions::default(), |mut settings| {
        settings.marks = Marks::at(NonZeroU64::new(10).unwrap()).with_low(5).unwrap();
        settings
    })
    .await
}

/// How often the server was asked for the stream's length by clients; scripts count too, so only differences tell.
async fn looks(world: &World) -> u64 {
    let info = world.run(&["INFO", "commandstats"]).await;
    let stats = info.text().unwrap().lines().find_map(|line| line.strip_prefix("cmdstat_xlen:calls="));
    stats.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

async fn two_more_looks(world: &World) {
    let before = looks(world).await;
    soon(async {
        while looks(world).await < before + 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn i7_a_full_stream_delays_delivery_until_it_is_at_the_low_water_mark() {
    let world = world().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["x"; 9])).await.unwrap();
    // One batch passes the mark, since a batch is never split.
    assert_eq!(deliver(&mut writer, (1, 2, &["y"; 5])).await.unwrap(), Ack::applied(Some(14)));

    let waiting = deliver_patiently(&mut writer, (2, 3, &["z"; 5]));
    let consuming = async {
        assert_eq!(world.told.until("full").await, "full 14");
        two_more_looks(&world).await;
        world.run(&["XTRIM", STREAM, "MAXLEN", "6"]).await;
        two_more_looks(&world).await;
        assert_eq!(world.run(&["XLEN", STREAM]).await, Reply::Integer(6));
        assert_eq!(world.told.all(), ["flowing", "full 14"]);
        assert_eq!(world.cursor().await.as_deref(), Some("2"));
        world.run(&["XTRIM", STREAM, "MAXLEN", "5"]).await;
    };
    let (delivered, ()) = soon(async { tokio::join!(waiting, consuming) }).await;
    assert_eq!(delivered.unwrap(), Ack::applied(Some(10)));
    assert_eq!(world.told.all(), ["flowing", "full 14", "flowing"]);
    assert_eq!(world.cursor().await.as_deref(), Some("3"));
}

#[tokio::test]
async fn i7_two_hosts_of_one_stream_share_its_mark() {
    let world = world().await;
    let mut one = world.writer().await;
    let mut other =
        soon(standpipe_pipeline::Acquire::acquire(&world.sinks, &crate::setup::key_of("b.example")))
            .await
            .unwrap()
            .sink;
    deliver(&mut one, (0, 1, &["x"; 10])).await.unwrap();
    let waiting = deliver_patiently(&mut other, (0, 1, &["y"]));
    let consuming = async {
        world.told.until("full").await;
        assert_eq!(world.entries().await.len(), 10);
        world.run(&["DEL", STREAM]).await;
    };
    let (delivered, ()) = soon(async { tokio::join!(waiting, consuming) }).await;
    delivered.unwrap();
    assert_eq!(world.entries().await, ["y"]);
}

#[tokio::test]
async fn a_batch_without_entries_passes_a_full_stream() {
    let world = world().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["x"; 12])).await.unwrap();
    assert_eq!(deliver(&mut writer, (1, 2, &[])).await.unwrap(), Ack::applied(Some(12)));
    assert_eq!(world.cursor().await.as_deref(), Some("2"));
    assert_eq!(world.told.all(), ["flowing"]);
}

#[tokio::test]
async fn a_server_that_dies_while_the_stream_is_full_is_waited_for_too() {
    let mut world = World::with(
        RedisOptions { persistence: standpipe_oracle::Persistence::AppendOnly, ..RedisOptions::default() },
        |mut settings| {
            settings.marks = Marks::at(NonZeroU64::new(10).unwrap()).with_low(5).unwrap();
            settings
        },
    )
    .await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["x"; 10])).await.unwrap();
    let told = std::sync::Arc::clone(&world.told);
    let waiting = deliver_patiently(&mut writer, (1, 2, &["y"]));
    let consuming = async {
        told.until("full").await;
        world.server.kill().unwrap();
        told.until("unavailable").await;
        world.server.restart().await.unwrap();
        world.run(&["XTRIM", STREAM, "MAXLEN", "0"]).await;
    };
    let (delivered, ()) = soon(async { tokio::join!(waiting, consuming) }).await;
    assert_eq!(delivered.unwrap(), Ack::applied(Some(1)));
    assert_eq!(world.entries().await, ["y"]);
}
