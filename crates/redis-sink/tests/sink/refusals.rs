//! What waiting does not cure, and what a check says about a server.

use standpipe_oracle::{Persistence, RedisOptions, Reply};
use standpipe_pipeline::{Acquire, Remedy, Transient};
use standpipe_redis_sink::{Concern, Password, RedisError};

use crate::setup::{CURSOR, FENCE, STREAM, World, deliver, key, soon};

fn check_wrong_type(error: &RedisError, key: &str, wanted: &str, found: &str) {
    let RedisError::WrongType { key: named, wanted: needed, found: there } = error else { panic!("{error}") };
    assert_eq!((named.as_str(), *needed, there.as_str()), (key, wanted, found));
    assert_eq!(error.remedy(), Remedy::Fail);
}

#[tokio::test]
async fn a_key_of_the_wrong_type_is_named_by_the_check_and_by_the_writer() {
    let world = World::new().await;
    for (key_name, put, wanted, found) in [
        (STREAM, ["SET", STREAM, "x"], "stream", "string"),
        (CURSOR, ["RPUSH", CURSOR, "x"], "string", "list"),
        (FENCE, ["SADD", FENCE, "x"], "string", "set"),
    ] {
        world.run(&put).await;
        check_wrong_type(&soon(world.sinks.check(&[key()])).await.unwrap_err(), key_name, wanted, found);
        check_wrong_type(&soon(world.sinks.acquire(&key())).await.unwrap_err(), key_name, wanted, found);
        world.run(&["DEL", key_name]).await;
    }
    assert!(soon(world.sinks.check(&[key()])).await.is_ok());
}

#[tokio::test]
async fn i1_a_stream_that_is_replaced_at_work_leaves_the_cursor_where_it_was() {
    let world = World::new().await;
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.run(&["SET", STREAM, "x"]).await;
    check_wrong_type(&deliver(&mut writer, (1, 2, &["b"])).await.unwrap_err(), STREAM, "stream", "string");
    assert_eq!(world.cursor().await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_check_names_the_server_and_what_may_lose_events() {
    let directives = vec![("maxmemory", "100mb".to_owned()), ("maxmemory-policy", "allkeys-lru".to_owned())];
    let world =
        World::with(RedisOptions { directives, ..RedisOptions::default() }, |settings| settings).await;
    let findings = soon(world.sinks.check(&[key()])).await.unwrap();
    let server = findings.server.unwrap();
    assert!(server.starts_with("redis ") || server.starts_with("valkey "), "{server}");
    let evicts = Concern::Evicts { policy: "allkeys-lru".to_owned() };
    assert_eq!(findings.concerns, [evicts, Concern::NotPersistent]);

    let options = RedisOptions { persistence: Persistence::AppendOnly, ..RedisOptions::default() };
    let world = World::with(options, |settings| settings).await;
    let findings = soon(world.sinks.check(&[key()])).await.unwrap();
    assert_eq!((findings.concerns, findings.unread), (vec![], vec![]));
    world.run(&["CONFIG", "SET", "appendfsync", "no"]).await;
    assert_eq!(soon(world.sinks.check(&[key()])).await.unwrap().concerns, [Concern::NeverSyncs]);
}

#[tokio::test]
async fn settings_that_a_server_does_not_show_are_said_and_passed_over() {
    let user = "ingest on >secret ~firehose_live* +@all -config".to_owned();
    let options =
        RedisOptions { persistence: Persistence::AppendOnly, users: vec![user], ..RedisOptions::default() };
    let world = World::with(options, |mut settings| {
        settings.address = settings.address.with_user("ingest").with_password(Password::new("secret"));
        settings
    })
    .await;
    let findings = soon(world.sinks.check(&[key()])).await.unwrap();
    assert_eq!((findings.concerns, findings.unread), (vec![], vec!["appendfsync"]));
}

#[tokio::test]
async fn a_cluster_is_refused_by_the_check() {
    let directives = vec![("cluster-enabled", "yes".to_owned())];
    let world =
        World::with(RedisOptions { directives, ..RedisOptions::default() }, |settings| settings).await;
    let error = soon(world.sinks.check(&[key()])).await.unwrap_err();
    assert!(matches!(error, RedisError::Cluster), "{error}");
}

#[tokio::test]
async fn i10_a_check_of_a_server_that_does_not_answer_ends_in_time() {
    let mut world = World::new().await;
    world.server.pause().await.unwrap();
    let error = soon(world.sinks.check(&[key()])).await.unwrap_err();
    assert!(matches!(error, RedisError::Unreachable(_)), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry);
    world.server.kill().unwrap();
    let error = soon(world.sinks.check(&[key()])).await.unwrap_err();
    assert!(matches!(error, RedisError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn a_check_changes_nothing() {
    let world = World::new().await;
    soon(world.sinks.check(&[key()])).await.unwrap();
    assert_eq!(world.run(&["DBSIZE"]).await, Reply::Integer(0));
}
