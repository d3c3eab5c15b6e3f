use std::time::Duration;

/// What bounds a pump: memory by the batch, waiting by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries at which a batch takes no further frame. Default 500: beyond it only the latency grows, since one
    /// batch occupies the store for about 3 µs an entry.
    pub max_entries: usize,
    /// Bytes of entries at which a batch takes no further frame. Default 1 MiB. A batch passes it by at most the
    /// entries of one frame.
    pub max_bytes: usize,
    /// The longest that a moved cursor waits to be stored when there are no entries to store with it. Default 1 s.
    pub linger: Duration,
    /// How long the host may go unread before its connection is given back. Default 20 s: a relay tolerates 16,384
    /// unread events, a PDS 500, before it cuts a reader off.
    pub park_after: Duration,
    /// How long a stopping pump waits for what it has taken to become durable. Default 5 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_entries: 500,
            max_bytes: 1 << 20,
            linger: Duration::from_secs(1),
            park_after: Duration::from_secs(20),
            drain: Duration::from_secs(5),
        }
    }
}
