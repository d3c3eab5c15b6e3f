//! What checks of this crate walk with, over real sockets to hosts on loopback.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use standpipe_list_repos::{Bounds, PageLimit, Poison, Reach, Settings};

pub(crate) fn on_loopback() -> Settings {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Settings {
        user_agent: "test".to_owned(),
        tls: Arc::new(tls),
        reach: Reach::Written,
        limit: PageLimit::default(),
        poison: Poison::Hold,
        bounds: Bounds::default(),
    }
}
