use std::sync::Arc;

use futures_util::StreamExt as _;
use standpipe_simulator::{Authority, ListingSettings, RelaySettings, Share};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::client::{relay, within, world};

fn connector(trusted: &[CertificateDer<'static>]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().cloned());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_gets_frames_over_tls() {
    let authority = Authority::generate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    authority.write_ca(&ca).unwrap();
    let relay = relay(RelaySettings { tls: Some(authority), ..RelaySettings::default() });
    assert!(relay.url().starts_with("wss://"));

    let trusted: Vec<_> = CertificateDer::pem_file_iter(&ca).unwrap().map(Result::unwrap).collect();
    for name in ["localhost", "127.0.0.1"] {
        let tcp = TcpStream::connect(relay.addr()).await.unwrap();
        let server = ServerName::try_from(name).unwrap();
        let tls = within(connector(&trusted).connect(server, tcp)).await.unwrap();
        let url = format!("{}/xrpc/com.atproto.sync.subscribeRepos?cursor=0", relay.url());
        let (mut socket, _) = within(Box::pin(tokio_tungstenite::client_async(url, tls))).await.unwrap();
        for index in 0..100 {
            let message = within(socket.next()).await.unwrap().unwrap();
            assert_eq!(message.into_data(), world().frame_at(index));
        }
    }
}

#[tokio::test]
async fn lists_are_served_over_tls_too() {
    let authority = Authority::generate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    authority.write_ca(&ca).unwrap();
    let listing = Some(ListingSettings::pds(world(), Share::ALL));
    let relay = relay(RelaySettings { tls: Some(authority), listing, ..RelaySettings::default() });
    assert!(relay.http_url().starts_with("https://"));

    let trusted: Vec<_> = CertificateDer::pem_file_iter(&ca).unwrap().map(Result::unwrap).collect();
    let tcp = TcpStream::connect(relay.addr()).await.unwrap();
    let server = ServerName::try_from("127.0.0.1").unwrap();
    let mut tls = within(connector(&trusted).connect(server, tcp)).await.unwrap();
    let request = b"GET /xrpc/com.atproto.sync.listRepos?limit=3 HTTP/1.1\r\n\r\n";
    within(tls.write_all(request)).await.unwrap();
    let mut answer = [0; 15];
    within(tls.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    within(relay.until_pages(|pages| pages.iter().any(|page| page.answered && page.rows == 3))).await;
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_gets_nothing() {
    let relay =
        relay(RelaySettings { tls: Some(Authority::generate().unwrap()), ..RelaySettings::default() });
    let tcp = TcpStream::connect(relay.addr()).await.unwrap();
    let server = ServerName::try_from("localhost").unwrap();
    assert!(within(connector(&[]).connect(server, tcp)).await.is_err());
    within(relay.until(|connections| connections[0].ended.is_some())).await;
    assert!(!relay.connections()[0].upgraded);
}
