//! DID documents, and the hosts that serve them.

mod document;
mod documents;
mod fault;
mod lookup;
mod serve;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use self::document::{Document, plc_did};
pub use self::documents::Documents;
pub use self::fault::LookupFault;
pub use self::lookup::Lookup;
pub(crate) use self::serve::{is_well_known, serve};
use crate::SimulatorError;
use crate::net::http;
use crate::net::listener::{Stream, accept_each, listen};

/// How long a client may take for its request.
const GREETING: Duration = Duration::from_secs(30);

/// A running directory of `did:plc`: `GET /did:plc:…` gives a document. It ends, connections and all, when it is dropped.
///
/// What it has, does, and was asked is in its [`Documents`]. Unknown DIDs, and those that are gone, are answered as
/// <https://plc.directory> answers them.
#[derive(Debug)]
pub struct Directory {
    addr: SocketAddr,
    documents: Documents,
    accepting: JoinHandle<()>,
}

impl Directory {
    /// Starts a directory of these documents on the current runtime; port 0 is any that is free.
    ///
    /// # Errors
    /// [`SimulatorError::Listen`] if the address cannot be had.
    pub fn start(documents: Documents, listen_at: SocketAddr) -> Result<Self, SimulatorError> {
        let listener = listen(listen_at, None)?;
        let listen_error = |source| SimulatorError::Listen { addr: listen_at, source };
        let addr = listener.local_addr().map_err(listen_error)?;
        let (serving, ordinals) = (documents.clone(), Arc::new(AtomicU64::new(0)));
        let accepting = accept_each(listener, move |tcp| {
            greet(tcp, serving.clone(), ordinals.fetch_add(1, Ordering::Relaxed))
        });
        Ok(Self { addr, documents, accepting })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What it has, does, and was asked.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Ends all connections and stops listening; when it returns, the address is free. Not cancel-safe.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // An aborted task has no other outcome than being cancelled.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn greet(tcp: TcpStream, documents: Documents, connection: u64) {
    let Ok(mut stream) = Stream::accept(tcp, None).await else { return };
    let Ok(Ok((request, _))) = timeout(GREETING, http::read_request(&mut stream)).await else { return };
    // A client that is gone needs no answer, and what it was to have is in the ledger.
    let _ = serve(stream, request, &documents, connection).await;
}
