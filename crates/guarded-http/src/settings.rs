use std::sync::Arc;

use rustls::ClientConfig;

/// How requests are sent and answers read: the same for all requests of one client.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who we say that we are: the value of `User-Agent`.
    pub user_agent: String,
    /// Whom we trust, with ring as its provider. All clients share one.
    pub tls: Arc<ClientConfig>,
    /// What we ask for: the value of `Accept`.
    pub accept: &'static str,
    /// Redirects that are followed for one answer.
    pub redirects: usize,
    /// The largest body in bytes, inflated. It is read piece by piece, never allocated ahead.
    pub body_max_bytes: usize,
    /// Idle connections that are kept to each host.
    pub idle_connections: usize,
}
