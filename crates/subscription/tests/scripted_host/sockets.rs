//! Real sockets on loopback, without TLS.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use socket2::SockRef;
use standpipe_cursor::Resume;
use standpipe_pipeline::{Remedy, Silent, Source, Transient};
use standpipe_subscription::{Deadlines, Settings, Subscription, SubscriptionError};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::host::{BINARY, Host, NSID, message, settings};

pub(crate) async fn connect(settings: &Settings, host: &str) -> Result<Subscription, SubscriptionError> {
    Subscription::connect(settings, &host.parse().unwrap(), NSID, Resume::Live, &Silent::shared()).await
}

pub(crate) async fn listen(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) async fn accepted(listener: &TcpListener) -> TcpStream {
    listener.accept().await.unwrap().0
}

#[tokio::test]
async fn plain_websocket_is_spoken_over_either_family_where_it_was_written() {
    let settings = settings(Deadlines::repos());
    for family in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(family).await else {
            println!("skipped: {family} is no address of this machine");
            continue;
        };
        let address = listener.local_addr().unwrap();
        let script = async {
            let mut host = Host::new(accepted(&listener).await);
            let request = host.accept("").await;
            assert!(request.contains(&format!("Host: {address}\r\n")), "{request}");
            host.send(BINARY, b"frame").await;
            host
        };
        let url = format!("ws://{address}");
        let (_host, subscription) = tokio::join!(script, connect(&settings, &url));
        assert_eq!(message(&mut subscription.unwrap()).await, b"frame");
    }
}

#[tokio::test]
async fn a_name_is_resolved_and_the_address_that_answers_is_taken() {
    let (listener, address) = listen("127.0.0.1:0").await;
    let settings = settings(Deadlines::repos());
    let script = async {
        let mut host = Host::new(accepted(&listener).await);
        host.accept("").await;
        host
    };
    let url = format!("ws://localhost:{}", address.port());
    let (_host, subscription) = tokio::join!(script, connect(&settings, &url));
    subscription.unwrap();
}

#[tokio::test]
async fn a_websocket_server_that_is_not_ours_is_understood_and_understands() {
    let (listener, address) = listen("127.0.0.1:0").await;
    let settings = settings(Deadlines::repos());
    let script = async {
        let stream = accepted(&listener).await;
        let mut server = tokio_tungstenite::accept_async(stream).await.unwrap();
        server.send(Message::Ping("here".into())).await.unwrap();
        server.send(Message::binary(vec![5; 70_000])).await.unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), Message::Pong("here".into()));
        assert!(server.next().await.unwrap().unwrap().is_close());
        assert!(server.next().await.is_none());
    };
    let client = async {
        let mut subscription = connect(&settings, &format!("ws://{address}")).await.unwrap();
        assert_eq!(message(&mut subscription).await, vec![5; 70_000]);
        subscription.park().await;
    };
    let both = async { tokio::join!(script, client) };
    timeout(Duration::from_secs(10), both).await.expect("both are through");
}

#[tokio::test]
async fn a_connection_that_is_reset_is_broken_and_says_whether_a_message_was_cut() {
    let settings = settings(Deadlines::repos());
    for (sent, in_message) in [(&b""[..], false), (&[BINARY, 5, b'c', b'u', b't'], true)] {
        let (listener, address) = listen("127.0.0.1:0").await;
        let script = async {
            let mut host = Host::new(accepted(&listener).await);
            host.accept("").await;
            host.send(BINARY, b"whole").await;
            host.write(sent).await;
            host
        };
        let url = format!("ws://{address}");
        let (host, subscription) = tokio::join!(script, connect(&settings, &url));
        let mut subscription = subscription.unwrap();
        assert_eq!(message(&mut subscription).await, b"whole");
        SockRef::from(&host.transport).set_linger(Some(Duration::ZERO)).unwrap();
        drop(host);
        let error = subscription.next().await.unwrap_err();
        assert_eq!((error.label(), error.remedy()), ("broken", Remedy::Retry), "{error:?}");
        assert!(
            matches!(error, SubscriptionError::Broken { in_message: found, .. } if found == in_message),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_a_dial_error() {
    let (listener, address) = listen("127.0.0.1:0").await;
    drop(listener);
    let error = connect(&settings(Deadlines::repos()), &format!("ws://{address}")).await.unwrap_err();
    assert_eq!((error.label(), error.remedy()), ("dial", Remedy::Retry));
    assert_eq!(error.to_string(), format!("reach {address}"));
}

#[tokio::test]
async fn i10_a_host_that_accepts_and_then_says_nothing_is_overdue() {
    let (_listener, address) = listen("127.0.0.1:0").await;
    let soon = Deadlines { connect: Duration::from_millis(200), ..Deadlines::repos() };
    for (scheme, label) in [("ws", "overdue_upgrade"), ("wss", "overdue_tls")] {
        let error = connect(&settings(soon), &format!("{scheme}://{address}")).await.unwrap_err();
        assert_eq!((error.label(), error.remedy()), (label, Remedy::Retry));
    }
}
