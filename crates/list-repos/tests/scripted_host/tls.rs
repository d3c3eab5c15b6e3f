//! Over https: whom we trust, and what leads away from it.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use standpipe_list_repos::{Repos, Settings};
use tokio_rustls::TlsAcceptor;

use crate::answers::Answer;
use crate::host::{Asked, Host};
use crate::notes::{Steered, settings, trusting};

/// A host with a certificate of its own, and what trusts it.
fn secure(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Host, Settings) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let host = Host::secure(TlsAcceptor::from(Arc::new(server)), script);
    (host, Settings { tls: trusting(roots), ..settings() })
}

fn open(host: &Host, settings: &Settings) -> Steered<Repos> {
    // A bare name means https.
    Steered::open(&Repos, &format!("localhost:{}", host.address().port()), settings, None).unwrap()
}

#[tokio::test]
async fn a_host_is_read_over_https_with_ring_and_without_a_default_of_the_process() {
    let (host, settings) = secure(|_| Answer::page(["did:plc:a"], ""));
    assert_eq!(open(&host, &settings).read_to_the_end().await.unwrap(), [["did:plc:a"]]);
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn a_host_whose_certificate_nobody_vouches_for_is_not_read() {
    let (host, _) = secure(|_| Answer::page(["did:plc:a"], ""));
    let mut settings = settings();
    settings.bounds.give_up_after = std::num::NonZeroU32::new(1);
    let (_, error) = open(&host, &settings).read_to_the_error().await;
    let mut chain = vec![error.to_string()];
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        chain.push(error.to_string());
        cause = error.source();
    }
    assert!(chain.iter().any(|text| text.contains("certificate")), "{chain:?}");
    assert!(host.asked().is_empty());
}

#[tokio::test]
async fn https_stays_https() {
    let plain = Host::new(|_| Answer::page(["did:plc:evil"], ""));
    let there = plain.written();
    let (host, settings) = secure(move |_| Answer::status(302, "").with("location", there.clone()));
    let (_, error) = open(&host, &settings).read_to_the_error().await;
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "follow a redirect: it leads away from https");
    assert!(plain.asked().is_empty());
}
