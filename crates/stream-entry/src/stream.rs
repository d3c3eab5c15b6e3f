/// The names under which the entries of one kind are found in Redis.
///
/// They are the names that existing consumers know. With several partitions the stream's name is the base that the
/// partition names are made from; the field stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// The name of the stream, which is its key.
    pub name: &'static str,
    /// The one field of each entry; its value is the entry's JSON text.
    pub field: &'static str,
}

/// What relays send, as it happens: [`firehose`](crate::firehose) entries.
pub const FIREHOSE_LIVE: Stream = Stream { name: "firehose_live", field: "event" };

/// The repositories that a host lists, for a backfill: [`backfill`](crate::backfill) entries.
pub const REPO_BACKFILL: Stream = Stream { name: "repo_backfill", field: "repo" };

/// What labelers send, as it happens: [`label`](crate::label) entries.
pub const LABEL_LIVE: Stream = Stream { name: "label_live", field: "labels" };
