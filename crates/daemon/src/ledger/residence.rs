use standpipe_cursor::Endpoint;

use super::{HostLedger, lock};

/// Where the host is.
impl HostLedger {
    /// Says where a host is whose name tells, so that it never moves.
    pub(crate) fn is_at(&self, endpoint: &Endpoint) {
        self.change(|condition| condition.endpoint = Some(endpoint.http_url("")));
    }

    /// Says where a host was found that had to be looked up. Where it was elsewhere before, it has moved, and that is told.
    pub(crate) fn resides_at(&self, endpoint: &Endpoint) {
        let url = endpoint.http_url("");
        let mut before = None;
        self.change(|condition| {
            condition.endpoint = Some(url.clone());
            before = condition.residence.replace(url.clone());
        });
        if before.as_ref() == Some(&url) {
            return;
        }
        self.relocated.notify_one();
        let Some(before) = before else { return };
        tracing::info!(host = &*self.host, from = before, to = url, "the host has moved");
        if let Some(chronicle) = self.chronicle.get() {
            chronicle.moved(&self.host, &before, &url);
        }
    }

    /// Says where an earlier process found it last. What this one has found wins.
    pub(crate) fn resided_at(&self, url: String) {
        self.change(|condition| {
            condition.residence.get_or_insert(url);
        });
    }

    /// Where a host was found last that has to be looked up.
    pub(crate) fn residence(&self) -> Option<String> {
        lock(&self.condition).residence.clone()
    }
}
