//! A stream of the newest entries: what it keeps, and how it bears trouble.

use standpipe_oracle::{Cut, RedisOptions};
use standpipe_redis_sink::{CappedStream, Password, RedisError, RedisSettings};

use crate::setup::{World, settings, soon};

const INCIDENTS: &str = "standpipe:incidents";

fn stream(world: &World, entries: u64) -> CappedStream {
    let settings = settings(world.proxy.address());
    let (stream, field) = (INCIDENTS.to_owned(), "incident".to_owned());
    CappedStream::new(RedisSettings { stream, field, ..settings }, entries)
}

#[tokio::test]
async fn it_keeps_about_its_newest_entries() {
    let world = World::new().await;
    let mut stream = stream(&world, 100);
    for number in 0..1_000 {
        soon(stream.append(&number.to_string())).await.unwrap();
    }
    // Redis cuts off whole nodes of a hundred entries.
    let length = world.run(&["XLEN", INCIDENTS]).await.integer().unwrap();
    assert!((100..=200).contains(&length), "{length}");
    let newest = world.run(&["XREVRANGE", INCIDENTS, "+", "-", "COUNT", "1"]).await;
    let fields = newest.items()[0].items()[1].items();
    assert_eq!((fields[0].text(), fields[1].text()), (Some("incident"), Some("999")));
}

#[tokio::test]
async fn i10_a_server_that_does_not_answer_is_an_error_in_time_and_is_reached_again() {
    let world = World::new().await;
    let mut stream = stream(&world, 100);
    soon(stream.append("a")).await.unwrap();
    world.proxy.black_hole(true);
    let error = soon(stream.append("b")).await.unwrap_err();
    assert!(matches!(error, RedisError::Unreachable(_)), "{error}");
    world.proxy.black_hole(false);
    world.proxy.cut(Cut::Reset);
    soon(stream.append("c")).await.unwrap();
    assert!(world.run(&["XLEN", INCIDENTS]).await.integer() >= Some(2));
}

#[tokio::test]
async fn i12_a_user_who_may_not_is_told_so_without_its_password() {
    let users = vec!["ingest on >hunter2 ~firehose_live* +xadd".to_owned()];
    let world = World::with(RedisOptions { users, ..RedisOptions::default() }, |settings| settings).await;
    let mut settings = settings(world.proxy.address());
    settings.address = settings.address.with_user("ingest").with_password(Password::new("hunter2"));
    let mut stream = CappedStream::new(RedisSettings { stream: INCIDENTS.to_owned(), ..settings }, 100);
    let error = soon(stream.append("a")).await.unwrap_err();
    assert!(matches!(error, RedisError::Permission { .. }), "{error}");
    assert!(!format!("{error} {error:?} {stream:?}").contains("hunter2"));
}
