use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::gaps::Gap;

/// Who writes down what must outlive the process, and tells what it wrote last.
///
/// Called where hosts are read: it must not block.
pub trait Chronicle: Send + Sync {
    /// A host waits for an operator's decision, for this reason.
    fn held(&self, host: &Arc<str>, cause: &str, last_seq: Option<u64>);

    /// A held host goes on.
    fn released(&self, host: &Arc<str>);

    /// A host is at another place, and is read on there.
    fn moved(&self, host: &Arc<str>, from: &str, to: &str) {
        let _ = (host, from, to);
    }

    /// Events of a host are missing. Told once, as soon as both of its ends are known.
    fn gap(&self, host: &Arc<str>, gap: &Gap);

    /// The last records, newest first, for `/status`. Each is an object with `at` and `kind`.
    fn recent(&self) -> Vec<Value>;

    /// How the run before this one ended, in one word of the incident log; `None` where nobody kept it.
    fn last_run(&self) -> Option<&'static str> {
        None
    }

    /// How many records are where nothing that becomes of the process can harm them.
    fn written(&self) -> u64;

    /// How many are not, by why.
    fn lost(&self) -> Vec<(&'static str, u64)>;
}

/// The chronicle of this process, once there is one. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Chronicled(Arc<OnceLock<Arc<dyn Chronicle>>>);

impl Chronicled {
    /// Says who writes. Only the first word counts.
    pub(crate) fn by(&self, chronicle: Arc<dyn Chronicle>) {
        let _ = self.0.set(chronicle);
    }

    /// Who writes, if anybody does.
    pub(crate) fn get(&self) -> Option<&dyn Chronicle> {
        self.0.get().map(AsRef::as_ref)
    }
}

impl fmt::Debug for Chronicled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chronicled({})", self.0.get().is_some())
    }
}
