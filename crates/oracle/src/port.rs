use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::RigError;

/// Ports below the range that systems hand out to outgoing connections, so that nobody takes a killed server's.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// How many ports this process has reserved.
static TURNS: AtomicU32 = AtomicU32::new(0);

/// A TCP port that no other rig takes, even while its server is down: its UDP twin is held for as long.
#[derive(Debug)]
pub struct Port {
    /// What it is bound by.
    pub(crate) number: u16,
    _held: UdpSocket,
}

impl Port {
    /// A port on loopback that nobody has.
    ///
    /// # Errors
    ///
    /// [`RigError::Deadline`] when all are taken.
    pub fn reserve() -> Result<Self, RigError> {
        // Processes begin to look at different places, and go on from there: a port that a server could not use is
        // not offered to its next try.
        let span = u32::from(PORTS.end - PORTS.start);
        let turn = TURNS.fetch_add(1, Ordering::Relaxed);
        let offset = std::process::id().wrapping_mul(97).wrapping_add(turn) % span;
        let candidates = (0..span).filter_map(|step| u16::try_from((offset + step) % span).ok());
        for number in candidates.map(|offset| PORTS.start + offset) {
            let address = (Ipv4Addr::LOCALHOST, number);
            if let Ok(held) = UdpSocket::bind(address)
                && TcpListener::bind(address).is_ok()
            {
                return Ok(Self { number, _held: held });
            }
        }
        Err(RigError::Deadline { what: "a free port", after: Duration::ZERO })
    }

    /// The address to listen at, each time that the server starts.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reserved_ports_differ() {
        let (one, other) = (Port::reserve().unwrap(), Port::reserve().unwrap());
        assert_ne!(one.number, other.number);
    }

    #[test]
    fn a_port_that_was_given_back_is_not_the_next() {
        let given_back = Port::reserve().unwrap().number;
        assert_ne!(Port::reserve().unwrap().number, given_back);
    }
}
