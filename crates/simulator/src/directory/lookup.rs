/// What is known of one request for a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// The request's number, from 0 in the order of arrival.
    pub ordinal: u64,
    /// The number of the connection that it came on, among those of the host that was asked.
    pub connection: u64,
    /// Whose document was asked for: the path of the request, or of `did:web` the host's own name.
    pub did: String,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// The status of the answer; 0 where there was none.
    pub status: u16,
    /// The name of the fault that the answer had.
    pub fault: Option<&'static str>,
    /// Whether the whole answer was handed to the socket.
    pub answered: bool,
}
