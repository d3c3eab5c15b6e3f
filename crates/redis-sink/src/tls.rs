use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// Trusts what the platform trusts, with ring as the crypto provider.
pub(crate) fn platform_roots() -> Arc<ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, ignored) = roots.add_parsable_certificates(found.certs);
    for error in &found.errors {
        tracing::debug!(%error, "a certificate of the platform cannot be read");
    }
    if taken == 0 {
        tracing::warn!(ignored, "the platform has no certificates that redis could be verified with");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    #[expect(clippy::expect_used, reason = "ring has cipher suites for the default protocol versions")]
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions");
    Arc::new(versions.with_root_certificates(roots).with_no_client_auth())
}
