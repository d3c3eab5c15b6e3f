//! What can go wrong in setting up a simulated network.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the simulator cannot do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The address is taken, not ours, or not local.
    #[error("listen on {addr}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Certificates could not be made.
    #[error("make certificates")]
    Certificate(#[from] rcgen::Error),
    /// The certificates that were made are not accepted by the TLS library.
    #[error("set up TLS")]
    Tls(#[from] tokio_rustls::rustls::Error),
    /// A file of frames could not be read, or a file of certificates not be written.
    #[error("access {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of frames ends within a frame.
    #[error("read frame {ordinal} of {path}: cut off")]
    CutOff {
        /// The file.
        path: PathBuf,
        /// The frame's number in the file, from 0.
        ordinal: usize,
    },
    /// A ring needs frames with a seq, and there are none.
    #[error("make a ring of no frames with a seq")]
    NothingToLoop,
    /// A ring's seqs are nine bytes of CBOR, which they are from 2^32 on.
    #[error("start a ring at seq {0}, which is below 2^32")]
    RingSeq(u64),
    /// A fault that was written down cannot be read.
    #[error("read the fault {text:?}: {reason}")]
    Fault {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}
