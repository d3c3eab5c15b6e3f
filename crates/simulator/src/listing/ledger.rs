//! What is known of each request for a page.

/// What a host knows of one request for a page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// The request's number, from 0 in the order of arrival.
    pub ordinal: u64,
    /// The number of the connection that it came on.
    pub connection: u64,
    /// The path.
    pub path: String,
    /// The query, as it was sent.
    pub query: String,
    /// The cursor, decoded.
    pub cursor: Option<String>,
    /// The limit that was taken; 0 where the request was refused.
    pub limit: u64,
    /// The places of the first and the last row that were in the answer, if any were.
    pub places: Option<(u64, u64)>,
    /// How many rows were in the answer.
    pub rows: u64,
    /// The cursor in the answer.
    pub next: Option<String>,
    /// The status of the answer; 0 where there was none.
    pub status: u16,
    /// The names of the faults that the answer had.
    pub faults: Vec<&'static str>,
    /// Whether the whole answer was handed to the socket.
    pub answered: bool,
}
