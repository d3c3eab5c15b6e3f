use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{Document, Lookup};
use crate::net::answer::{Answer, header};
use crate::relay::{FaultPlan, Ledger};

/// The documents that a [`Directory`](super::Directory) and hosts of `did:web` serve, what goes wrong with them, and who
/// asked for them. Clones are the same documents.
///
/// What is changed here is served from the next request on. Nothing expires, and nothing is cached.
#[derive(Clone, Debug)]
pub struct Documents(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    records: Mutex<BTreeMap<String, Record>>,
    faults: FaultPlan,
    lookups: Ledger<Lookup>,
}

/// What is known of a DID.
#[derive(Clone)]
enum Record {
    Fixed(Value),
    Made(Arc<dyn Fn() -> Document + Send + Sync>),
    Gone(u16),
}

impl Default for Documents {
    fn default() -> Self {
        Self::new()
    }
}

impl Documents {
    /// Without a document, a fault, or a request.
    #[must_use]
    pub fn new() -> Self {
        let (faults, lookups) = (FaultPlan::new(), Ledger::new());
        Self(Arc::new(Inner { records: Mutex::default(), faults, lookups }))
    }

    /// This is from now on the document of its DID.
    pub fn put(&self, document: &Document) {
        self.put_json(&document.did, document.to_json());
    }

    /// This is from now on the document of a DID, whatever it is.
    pub fn put_json(&self, did: impl Into<String>, document: Value) {
        self.records().insert(did.into(), Record::Fixed(document));
    }

    /// The document of a DID is from now on what `make` gives, each time that somebody asks.
    pub fn follow(&self, did: impl Into<String>, make: impl Fn() -> Document + Send + Sync + 'static) {
        self.records().insert(did.into(), Record::Made(Arc::new(make)));
    }

    /// The DID is from now on gone, which is said with this status: 404, as the directory does, or 410.
    pub fn tombstone(&self, did: impl Into<String>, status: u16) {
        self.records().insert(did.into(), Record::Gone(status));
    }

    /// The DID is from now on unknown.
    pub fn remove(&self, did: &str) {
        self.records().remove(did);
    }

    /// The document of a DID as it is now; `None` where there is none.
    #[must_use]
    pub fn document(&self, did: &str) -> Option<Value> {
        let record = self.records().get(did).cloned();
        match record? {
            Record::Fixed(document) => Some(document),
            Record::Made(make) => Some(make().to_json()),
            Record::Gone(_) => None,
        }
    }

    /// The faults that requests for documents are to have, to add to and to count.
    #[must_use]
    pub fn faults(&self) -> &FaultPlan {
        &self.0.faults
    }

    /// All requests for documents so far, in the order of their ordinals.
    #[must_use]
    pub fn lookups(&self) -> Vec<Lookup> {
        self.0.lookups.snapshot()
    }

    /// How often the document of each DID was asked for.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for lookup in self.lookups() {
            *counts.entry(lookup.did).or_default() += 1;
        }
        counts
    }

    /// How often the document of this DID was asked for.
    #[must_use]
    pub fn count(&self, did: &str) -> u64 {
        self.lookups().iter().filter(|lookup| lookup.did == did).count() as u64
    }

    /// Waits until the requests for documents are as wanted; `wanted` is asked whenever something changes about them.
    /// Without a deadline of its own. Cancel-safe.
    pub async fn until(&self, wanted: impl FnMut(&[Lookup]) -> bool) {
        self.0.lookups.until(wanted).await;
    }

    pub(super) fn ledger(&self) -> &Ledger<Lookup> {
        &self.0.lookups
    }

    /// What is answered to whoever asks for the document of a DID.
    pub(super) fn answer(&self, did: &str) -> Answer {
        let message = |status, text: &str| Answer::json(status, json!({ "message": text }).to_string());
        if let Some(document) = self.document(did) {
            let kind =
                if did.starts_with("did:web:") { "application/json" } else { "application/did+ld+json" };
            let headers = vec![header("Content-Type", format!("{kind}; charset=utf-8"))];
            return Answer { status: 200, headers, body: document.to_string().into_bytes() };
        }
        match self.records().get(did) {
            Some(Record::Gone(status)) => message(*status, &format!("DID not available: {did}")),
            Some(Record::Fixed(_) | Record::Made(_)) | None => {
                message(404, &format!("DID not registered: {did}"))
            }
        }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(document) => f.debug_tuple("Fixed").field(document).finish(),
            Self::Made(_) => f.write_str("Made"),
            Self::Gone(status) => f.debug_tuple("Gone").field(status).finish(),
        }
    }
}
