//! TLS: whom we trust, and what happens where we do not.

use std::path::Path;
use std::process::{Command, Output};

use rustls::crypto::CryptoProvider;
use standpipe_pipeline::{Remedy, Source, Transient};
use standpipe_subscription::{
    Deadlines, RootsFrom, Settings, Subscription, SubscriptionError, Tls, UserAgent,
};
use tokio_rustls::TlsAcceptor;

use crate::certificates::Authority;
use crate::host::{BINARY, Host, PING, PONG, message};
use crate::sockets::{accepted, connect, listen};

fn settings(tls: Tls) -> Settings {
    Settings { user_agent: UserAgent::anonymous(), tls, deadlines: Deadlines::repos() }
}

/// Subscribes at a host behind this acceptor, which says one message and waits for the answer to a ping.
async fn subscribed(acceptor: TlsAcceptor, settings: &Settings) -> Result<(), SubscriptionError> {
    let (listener, address) = listen("127.0.0.1:0").await;
    let script = async {
        let Ok(stream) = acceptor.accept(accepted(&listener).await).await else { return };
        let mut host = Host::new(stream);
        host.accept("").await;
        host.send(PING, b"?").await;
        assert_eq!(host.receive().await.unwrap(), (PONG, b"?".to_vec()));
        host.send(BINARY, b"secret").await;
    };
    let client = async {
        let url = format!("wss://{address}");
        let mut subscription: Subscription = connect(settings, &url).await?;
        assert_eq!(message(&mut subscription).await, b"secret");
        let end = subscription.next().await.unwrap_err();
        assert_eq!(end.label(), "ended", "a TLS connection without a close_notify: {end:?}");
        Ok(())
    };
    tokio::join!(script, client).1
}

#[tokio::test]
async fn a_host_is_trusted_by_the_roots_of_a_pem_file_and_its_pings_are_answered() {
    let authority = Authority::new();
    let tls = Tls::with_roots_in(&authority.pem_file());
    assert_eq!((tls.roots().from, tls.roots().count, tls.roots().unusable), (RootsFrom::File, 1, 0));
    subscribed(authority.acceptor("127.0.0.1"), &settings(tls)).await.unwrap();
    assert!(CryptoProvider::get_default().is_none(), "nothing of the process's was needed or set");
}

#[tokio::test]
async fn a_host_that_another_authority_vouches_for_or_that_has_another_name_is_not_trusted() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let settings = settings(Tls::with_roots_in(&ours.pem_file()));
    for acceptor in [theirs.acceptor("127.0.0.1"), ours.acceptor("127.0.0.2"), ours.acceptor("relay.example")]
    {
        let error = subscribed(acceptor, &settings).await.unwrap_err();
        assert_eq!((error.label(), error.remedy()), ("tls", Remedy::Retry));
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("certificate"), "{source}");
    }
}

#[tokio::test]
async fn a_host_that_does_not_speak_tls_is_a_tls_error() {
    let (listener, address) = listen("127.0.0.1:0").await;
    let settings = settings(Tls::with_roots_in("/dev/null".as_ref()));
    let script = async {
        Host::new(accepted(&listener).await).write(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    };
    let url = format!("wss://{address}");
    let ((), subscription) = tokio::join!(script, connect(&settings, &url));
    assert_eq!(subscription.unwrap_err().label(), "tls");
}

#[test]
fn a_file_without_roots_trusts_nobody_rather_than_everybody() {
    for file in ["/dev/null", "/nowhere/at/all.pem"] {
        let roots = Tls::with_roots_in(file.as_ref()).roots();
        assert_eq!((roots.from, roots.count), (RootsFrom::File, 0), "{file}");
    }
}

/// Runs [`what_the_platform_trusts`] in a process of its own whose environment names this file.
fn with_environment(ssl_cert_file: &Path) -> String {
    let Output { status, stdout, stderr } = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "trust::what_the_platform_trusts", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", ssl_cert_file)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{said}\n{}", String::from_utf8_lossy(&stderr));
    said
}

#[test]
#[ignore = "run by other tests, with an environment"]
fn what_the_platform_trusts() {
    tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(std::io::stdout).init();
    println!("{:?}", Tls::with_platform_roots().roots());
}

#[test]
fn the_platforms_roots_are_those_that_ssl_cert_file_names_and_one_line_says_so() {
    let said = with_environment(&Authority::new().pem_file());
    assert!(said.contains("Roots { from: Platform, count: 1, unusable: 0 }"), "{said}");
    let line = "INFO standpipe_subscription::tls: trusting the platform's roots count=1 unusable=0";
    assert!(said.contains(line), "{said}");
    assert!(!said.contains("WARN"), "{said}");
}

#[test]
fn a_platform_without_roots_is_said_loudly_and_the_bundled_ones_stand_in() {
    for file in ["/dev/null", "/nowhere/at/all.pem"] {
        let said = with_environment(file.as_ref());
        let count = webpki_roots::TLS_SERVER_ROOTS.len();
        assert!(said.contains(&format!("from: Bundled, count: {count}")), "{said}");
        assert!(
            said.contains("WARN standpipe_subscription::tls: no root certificate on this platform"),
            "{said}"
        );
    }
}
