use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use tokio_rustls::TlsConnector;

/// Whom we trust to vouch for a host. One for the whole process; clones share it.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    roots: Roots,
}

/// The root certificates that were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Where they come from.
    pub from: RootsFrom,
    /// How many there are.
    pub count: usize,
    /// How many certificates or files could not be used.
    pub unusable: usize,
}

/// Where root certificates come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootsFrom {
    /// The platform's store, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name in its place.
    Platform,
    /// A file that was named to us.
    File,
    /// The list that was compiled in (Mozilla's), because the platform has none.
    Bundled,
}

impl Tls {
    /// Trusts the platform's roots; only where there are none, those that were compiled in.
    ///
    /// Reads files, so call it once, before anything is served. Says what was found in one log line: INFO, or WARN
    /// where the platform had nothing.
    #[must_use]
    pub fn with_platform_roots() -> Self {
        let mut roots = Found::of(load_native_certs(), RootsFrom::Platform);
        if roots.store.is_empty() {
            roots.store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            roots.from = RootsFrom::Bundled;
        }
        roots.trusted()
    }

    /// Trusts the roots of one PEM file and no others. Reads the file and logs as
    /// [`with_platform_roots`](Self::with_platform_roots) does; a file without roots trusts nobody.
    #[must_use]
    pub fn with_roots_in(file: &Path) -> Self {
        Found::of(load_certs_from_paths(Some(file), None), RootsFrom::File).trusted()
    }

    /// What was found.
    #[must_use]
    pub fn roots(&self) -> Roots {
        self.roots
    }

    /// What a client of another protocol needs to trust the same.
    #[must_use]
    pub fn client_config(&self) -> Arc<ClientConfig> {
        Arc::clone(self.connector.config())
    }

    pub(crate) fn connector(&self) -> &TlsConnector {
        &self.connector
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("roots", &self.roots).finish_non_exhaustive()
    }
}

struct Found {
    store: RootCertStore,
    from: RootsFrom,
    unusable: usize,
    first_error: Option<rustls_native_certs::Error>,
}

impl Found {
    fn of(loaded: CertificateResult, from: RootsFrom) -> Self {
        let CertificateResult { certs, errors, .. } = loaded;
        let mut store = RootCertStore::empty();
        let (_, unparsable) =
            store.add_parsable_certificates(certs.into_iter().map(CertificateDer::into_owned));
        Self { store, from, unusable: unparsable + errors.len(), first_error: errors.into_iter().next() }
    }

    fn trusted(self) -> Tls {
        let roots = Roots { from: self.from, count: self.store.len(), unusable: self.unusable };
        let cause = self.first_error.as_ref().map(tracing::field::display);
        match roots.from {
            RootsFrom::Platform => {
                tracing::info!(
                    count = roots.count,
                    unusable = roots.unusable,
                    "trusting the platform's roots"
                );
            }
            RootsFrom::File if roots.count > 0 => {
                tracing::info!(
                    count = roots.count,
                    unusable = roots.unusable,
                    "trusting the roots of the named file"
                );
            }
            RootsFrom::File => {
                tracing::warn!(
                    unusable = roots.unusable,
                    cause,
                    "the named file has no root certificate: no host can be verified"
                );
            }
            RootsFrom::Bundled => {
                tracing::warn!(
                    count = roots.count,
                    unusable = roots.unusable,
                    cause,
                    "no root certificate on this platform: trusting those that were compiled in"
                );
            }
        }
        let provider = Arc::new(ring::default_provider());
        #[expect(
            clippy::expect_used,
            reason = "ring has cipher suites for TLS 1.2 and 1.3, which are compiled in"
        )]
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks the default TLS versions")
            .with_root_certificates(self.store)
            .with_no_client_auth();
        Tls { connector: TlsConnector::from(Arc::new(config)), roots }
    }
}
