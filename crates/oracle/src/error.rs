use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why the rig could not be set up or did not do what a check asked of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RigError {
    /// This machine has no server to check against.
    #[error(
        "find redis-server or valkey-server: STANDPIPE_REDIS_SERVER names none and PATH has none; \
         run `cargo xtask setup`"
    )]
    NoServer,
    /// A folder of binaries lacks one.
    #[error("find {name}: {} has none", folder.display())]
    NoProgram {
        /// The binary.
        name: String,
        /// What `STANDPIPE_BIN_DIR` says.
        folder: PathBuf,
    },
    /// A binary could not be built.
    #[error("build {name}: {said}")]
    Build {
        /// The binary.
        name: String,
        /// What cargo said.
        said: String,
    },
    /// A file, socket or process operation failed.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// A process ended by itself while it was to run.
    #[error("run {server}: it ended with these words: {log}")]
    Ended {
        /// The binary.
        server: String,
        /// The last lines of its log.
        log: String,
    },
    /// The server was built without TLS.
    #[error("run {server} with TLS: it was built without")]
    NoTls {
        /// The binary.
        server: String,
    },
    /// A condition did not come true in time.
    #[error("wait for {what}: not so after {after:?}")]
    Deadline {
        /// What was waited for.
        what: &'static str,
        /// How long.
        after: Duration,
    },
    /// The server sent something that is no RESP2 reply.
    #[error("read a reply that begins with {found:?}")]
    Protocol {
        /// The line that made no sense.
        found: String,
    },
    /// The server refused the rig's own credentials.
    #[error("log in to the server: {reply}")]
    Login {
        /// Its words.
        reply: String,
    },
    /// A certificate could not be made.
    #[error("make a certificate")]
    Certificate(#[source] rcgen::Error),
}

impl RigError {
    /// Names what an I/O error came in the way of.
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}
