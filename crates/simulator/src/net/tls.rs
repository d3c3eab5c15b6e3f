//! A certificate authority of the simulated network's own.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::SimulatorError;

/// A certificate authority, and a server certificate by it for `localhost`, `127.0.0.1` and `::1`.
///
/// Clients trust it by its certificate, for instance from a file named by `SSL_CERT_FILE`. Cloning is cheap,
/// and clones are the same authority: several relays can share one.
#[derive(Clone)]
pub struct Authority {
    ca_pem: Arc<str>,
    acceptor: TlsAcceptor,
}

impl Authority {
    /// Makes keys and certificates. They are new each time; nothing about them is seeded.
    ///
    /// # Errors
    /// [`SimulatorError::Certificate`] or [`SimulatorError::Tls`], if the libraries disagree.
    pub fn generate() -> Result<Self, SimulatorError> {
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca.distinguished_name.push(DnType::CommonName, "standpipe simulator");
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;

        let mut leaf = CertificateParams::new(vec!["localhost".to_owned()])?;
        leaf.distinguished_name.push(DnType::CommonName, "simulated relay");
        let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        leaf.subject_alt_names.extend(addresses.map(SanType::IpAddress));
        let key = KeyPair::generate()?;
        let certificate = leaf.signed_by(&key, &ca)?;

        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Self { ca_pem: ca.pem().into(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// The authority's certificate, in PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Writes the authority's certificate to a file, in PEM.
    ///
    /// # Errors
    /// [`SimulatorError::File`] if it cannot be written.
    pub fn write_ca(&self, path: &Path) -> Result<(), SimulatorError> {
        fs::write(path, self.ca_pem())
            .map_err(|source| SimulatorError::File { path: path.to_owned(), source })
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}
