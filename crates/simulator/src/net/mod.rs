//! Sockets, TLS, HTTP heads and websocket framing, as far as a server of a simulated network needs them.

pub(crate) mod answer;
pub(crate) mod http;
pub(crate) mod listener;
mod tls;
pub(crate) mod websocket;

pub use self::tls::Authority;
