use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;

use crate::receiver::Receiver;
use crate::rig::{LOOK_EVERY, PATIENCE};
use crate::way::rig;

/// The daemon's grace period, and a little for the machine.
const STOP_WITHIN: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i12_a_collectors_headers_go_to_it_over_tls_and_nowhere_else() {
    let (tls, certificate) = identity();
    let receiver = Receiver::start(Some(tls)).await;
    let mut rig = rig(500, &receiver.url()).await;
    let (roots, headers) = (rig.daemon.folder().join("roots.pem"), rig.daemon.folder().join("headers"));
    fs::write(&roots, certificate).unwrap();
    fs::write(&headers, "Authorization: Bearer hunter2\n").unwrap();
    rig.daemon.set("STANDPIPE_TLS__ROOTS_FILE", roots.display().to_string());
    rig.daemon.set("STANDPIPE_OTLP__HEADERS_FILE", headers.display().to_string());
    rig.daemon.set("STANDPIPE_LOG", "trace");
    // What the exporter reads by itself must not go beside what holds.
    rig.daemon.set("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=hunter3");
    rig.daemon.set("STANDPIPE_OTLP__HEADERS", "x-tenant=seven");
    rig.daemon.start().unwrap();
    rig.complete().await;
    receiver.until("telemetry", |received| received.number("standpipe_frames") == Some(500.0)).await;
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(STOP_WITHIN).await.unwrap().code(), Some(0));
    let arrived = receiver.received();
    for head in &arrived.heads {
        assert!(head.contains("\r\nauthorization: bearer hunter2\r\n"), "{head}");
        assert!(head.contains("\r\nx-tenant: seven\r\n") && !head.contains("hunter3"), "{head}");
    }
    let contents = format!("{:?}{:?}{:?}", arrived.spans, arrived.logs, arrived.numbers);
    for secret in ["hunter2", "hunter3"] {
        assert!(!rig.daemon.log().contains(secret) && !contents.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_nobody_vouches_for_gets_nothing_and_ingestion_goes_on() {
    let (tls, _) = identity();
    let receiver = Receiver::start(Some(tls)).await;
    let mut rig = rig(500, &receiver.url()).await;
    rig.daemon.start().unwrap();
    rig.complete().await;
    let deadline = Instant::now() + PATIENCE;
    while !rig.daemon.log().contains("telemetry is lost") {
        assert!(Instant::now() < deadline, "no loss is told");
        sleep(LOOK_EVERY).await;
    }
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(STOP_WITHIN).await.unwrap().code(), Some(0));
    assert_eq!(receiver.received().heads.len(), 0);
    assert!(!rig.daemon.log().contains("panicked"), "{}", rig.daemon.log());
}

/// A server's identity, and the certificate that its clients have to trust.
fn identity() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}
