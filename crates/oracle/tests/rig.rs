//! The rig itself: each lever does what it says, against a real server.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use standpipe_oracle::{
    Cut, DaemonProcess, Persistence, Program, Proxy, RedisOptions, RedisServer, Reply, RespClient, RigError,
    StreamWatch,
};
use tokio::time::{Instant, timeout};

/// A connection that is to stay silent is given this long to speak.
const SILENCE: Duration = Duration::from_millis(100);

async fn server() -> RedisServer {
    RedisServer::start(RedisOptions::default()).await.unwrap()
}

fn ok() -> Reply {
    Reply::Status("OK".to_owned())
}

#[tokio::test]
async fn a_killed_server_comes_back_on_its_port_with_what_it_had_acknowledged() {
    let options = RedisOptions { persistence: Persistence::AppendOnly, ..RedisOptions::default() };
    let mut server = RedisServer::start(options).await.unwrap();
    let (address, pid) = (server.address(), server.pid());
    assert_eq!(server.command(["SET", "k", "v"]).await.unwrap(), ok());
    server.kill().unwrap();
    assert!(server.command(["PING"]).await.is_err());
    server.restart().await.unwrap();
    assert_eq!(server.address(), address);
    assert_ne!(server.pid(), pid);
    assert_eq!(server.command(["GET", "k"]).await.unwrap().text(), Some("v"));
}

#[tokio::test]
async fn a_paused_server_is_silent_until_it_is_resumed() {
    let server = server().await;
    let mut client = server.client().await.unwrap();
    server.pause().await.unwrap();
    let mut waiting = Box::pin(client.command(["PING"]));
    assert!(timeout(SILENCE, &mut waiting).await.is_err());
    server.resume().unwrap();
    assert_eq!(waiting.await.unwrap().text(), Some("PONG"));
}

#[tokio::test]
async fn every_kind_of_reply_is_read() {
    let server = server().await;
    let script = "return {1, 'two', false, {redis.status_reply('three')}}";
    let reply = server.command(["EVAL", script, "0"]).await.unwrap();
    assert_eq!(
        reply.items(),
        [
            Reply::Integer(1),
            Reply::Bulk(b"two".to_vec()),
            Reply::Nil,
            Reply::Array(vec![Reply::Status("three".to_owned())])
        ]
    );
    assert!(server.command(["NONSENSE"]).await.unwrap().is_error());
}

#[tokio::test]
async fn a_password_users_and_tls_are_set_up() {
    let options = RedisOptions {
        password: Some("open \"sesame\"".to_owned()),
        users: vec!["ingest on >secret ~* +@all".to_owned()],
        tls: true,
        ..RedisOptions::default()
    };
    let server = RedisServer::start(options).await.unwrap();
    let mut stranger = RespClient::connect(server.address()).await.unwrap();
    assert!(stranger.command(["PING"]).await.unwrap().text().unwrap().starts_with("NOAUTH"));
    assert_eq!(stranger.command(["AUTH", "ingest", "secret"]).await.unwrap(), ok());
    assert_eq!(server.command(["PING"]).await.unwrap().text(), Some("PONG"));
    assert!(server.certificate_pem().unwrap().starts_with("-----BEGIN CERTIFICATE"));
    assert!(RespClient::connect(server.tls_address().unwrap()).await.is_ok());
}

#[tokio::test]
async fn a_dropped_server_leaves_no_process_behind() {
    let server = server().await;
    let address = server.address();
    drop(server);
    assert!(RespClient::connect(address).await.is_err());
}

#[tokio::test]
async fn cutting_ends_open_connections_and_no_later_ones() {
    let server = server().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    for (cuts, cut) in [(1, Cut::Reset), (2, Cut::Fin)] {
        let mut client = RespClient::connect(proxy.address()).await.unwrap();
        assert!(client.command(["PING"]).await.is_ok());
        proxy.cut(cut);
        proxy.until(|fired| fired.cut == cuts).await.unwrap();
        assert!(client.command(["PING"]).await.is_err());
    }
    let mut client = RespClient::connect(proxy.address()).await.unwrap();
    assert!(client.command(["PING"]).await.is_ok());
    assert_eq!(proxy.fired().connections, 3);
}

#[tokio::test]
async fn a_black_hole_holds_back_and_lets_go() {
    let server = server().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let mut client = RespClient::connect(proxy.address()).await.unwrap();
    proxy.black_hole(true);
    let mut waiting = Box::pin(client.command(["PING"]));
    assert!(timeout(SILENCE, &mut waiting).await.is_err());
    assert_eq!(proxy.until(|fired| fired.held >= 1).await.unwrap().held, 1);
    proxy.black_hole(false);
    assert_eq!(waiting.await.unwrap().text(), Some("PONG"));
}

#[tokio::test]
async fn a_delay_applies_to_each_direction() {
    let server = server().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let mut client = RespClient::connect(proxy.address()).await.unwrap();
    proxy.delay(Duration::from_millis(20));
    let begun = Instant::now();
    client.command(["PING"]).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(40));
    assert_eq!(proxy.fired().delayed, 2);
}

#[tokio::test]
async fn an_eaten_reply_means_done_but_not_heard() {
    let server = server().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    proxy.eat_replies(2, b"INCR");
    for eaten in 1..=2 {
        let mut client = RespClient::connect(proxy.address()).await.unwrap();
        assert_eq!(client.command(["PING"]).await.unwrap().text(), Some("PONG"));
        assert!(client.command(["INCR", "n"]).await.is_err());
        proxy.until(|fired| fired.eaten == eaten).await.unwrap();
    }
    let mut client = RespClient::connect(proxy.address()).await.unwrap();
    assert_eq!(client.command(["INCR", "n"]).await.unwrap().integer(), Some(3));
    assert_eq!(proxy.fired().eaten, 2);
}

#[tokio::test]
async fn refusing_turns_new_connections_away_and_keeps_open_ones() {
    let server = server().await;
    let proxy = Proxy::start(server.address()).await.unwrap();
    let mut open = RespClient::connect(proxy.address()).await.unwrap();
    assert!(open.command(["PING"]).await.is_ok());
    proxy.refuse(true);
    let turned_away = match RespClient::connect(proxy.address()).await {
        Ok(mut client) => client.command(["PING"]).await.is_err(),
        Err(_) => true,
    };
    assert!(turned_away);
    assert!(open.command(["PING"]).await.is_ok());
    assert_eq!(proxy.until(|fired| fired.refused > 0).await.unwrap().refused, 1);
    proxy.refuse(false);
    let mut client = RespClient::connect(proxy.address()).await.unwrap();
    assert!(client.command(["PING"]).await.is_ok());
}

#[tokio::test]
async fn a_stream_is_sampled_consumed_and_read_over_many_pages_and_a_restart() {
    let options = RedisOptions { persistence: Persistence::AppendOnly, ..RedisOptions::default() };
    let mut server = RedisServer::start(options).await.unwrap();
    let mut watch = StreamWatch::new(server.address(), "s", "h");
    let empty = watch.sample().await.unwrap();
    assert_eq!((empty.cursor, empty.length, empty.last), (None, 0, None));
    let script = "for i = 1, 2500 do redis.call('XADD', 's', '*', 'event', i) end redis.call('SET', 's:cursor:h', '77')";
    server.command(["EVAL", script, "0"]).await.unwrap();
    let full = watch.sample().await.unwrap();
    assert_eq!((full.cursor, full.length, full.last), (Some(77), 2500, Some(b"2500".to_vec())));
    assert!(watch.consume(0).await.unwrap().is_empty());
    assert_eq!(watch.consume(2).await.unwrap(), [b"1", b"2"]);

    server.kill().unwrap();
    assert!(watch.sample().await.is_err());
    server.restart().await.unwrap();
    assert_eq!(watch.sample().await.unwrap().length, 2498);
    server.restart().await.unwrap();
    let mut read = Vec::new();
    watch.read_all("event", |value| read.push(value.to_vec())).await.unwrap();
    let expected: Vec<Vec<u8>> = (3..=2500).map(|number: i32| number.to_string().into_bytes()).collect();
    assert_eq!(read, expected);
    assert!(matches!(watch.read_all("repo", |_| {}).await, Err(RigError::Protocol { .. })));
}

fn shell(script: &str) -> DaemonProcess {
    DaemonProcess::new(Program::at("/bin/sh")).unwrap().argument("-c").argument(script)
}

#[tokio::test]
async fn a_daemon_has_a_clean_environment_and_its_output_is_kept() {
    let mut daemon = shell("/usr/bin/env; echo oops >&2; exit 64").with("A", "1").with("A", "2");
    daemon.start().unwrap();
    assert_eq!(daemon.ended(Duration::from_secs(10)).await.unwrap().code(), Some(64));
    let log = daemon.log();
    let state = format!("STANDPIPE_STATE_DIR={}", daemon.state_folder().display());
    let listen = format!("STANDPIPE_ADMIN__LISTEN={}", daemon.admin_address());
    for line in ["A=2", "oops", &state, &listen] {
        assert!(log.lines().any(|found| found == line), "{line} is not in:\n{log}");
    }
    assert!(!log.contains("HOME=") && !log.contains("CARGO"), "{log}");
    assert!(!daemon.is_running().unwrap());
}

#[tokio::test]
async fn a_daemon_is_killed_asked_to_stop_and_started_again() {
    let mut daemon = shell("trap 'exit 7' TERM; echo up $$; while :; do /bin/sleep 0.01; done");
    assert!(!daemon.kill().unwrap());
    for starts in 1..=2 {
        daemon.start().unwrap();
        assert!(daemon.kill().unwrap());
        assert_eq!((daemon.starts(), daemon.pid()), (starts, None));
    }
    daemon.start().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let up = format!("up {}\n", daemon.pid().unwrap());
    while !daemon.log().contains(&up) {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    assert!(daemon.usage().unwrap().peak_bytes > 0);
    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(Duration::from_secs(10)).await.unwrap().code(), Some(7));
}

#[tokio::test]
async fn a_daemon_that_ended_by_itself_is_no_daemon_that_was_killed() {
    let mut daemon = shell("echo goodbye");
    daemon.start().unwrap();
    let Err(RigError::Ended { log, .. }) = daemon.ready().await else { panic!("ready") };
    assert_eq!(log, "goodbye");
    assert!(matches!(daemon.kill(), Err(RigError::Ended { .. })));
}
