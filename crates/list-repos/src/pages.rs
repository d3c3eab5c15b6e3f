use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::Endpoint;
use standpipe_guarded_http::{self as http, Answer, Client, Guard, Url};

use crate::body::{Body, parse};
use crate::course::Request;
use crate::error::ListError;
use crate::fault::Fault;
use crate::flight::Flight;
use crate::listing::{Listing, Rows};
use crate::{Reach, Settings};

/// Redirects that are followed for one page.
const MAX_REDIRECTS: usize = 3;

/// Where the pages of one list of one host are asked for.
pub(crate) struct Pages<L> {
    client: Client,
    /// The URL without `limit` and `cursor`.
    url: Url,
    within: Duration,
    listing: PhantomData<fn(L)>,
}

/// An answer that was read.
pub(crate) struct Fetched<R> {
    pub(crate) body: Body<R>,
    pub(crate) buffer: Vec<u8>,
    /// How long the host wants to be left alone.
    pub(crate) pause: Option<Duration>,
}

impl<L: Listing> Pages<L> {
    /// The pages of this host. Nothing is sent yet.
    pub(crate) fn of(listing: &L, settings: &Settings, endpoint: &Endpoint) -> Result<Self, ListError> {
        let setup = |source| ListError::Setup { host: endpoint.name().to_owned(), source };
        let guard = match settings.reach {
            Reach::Written => Guard::written(endpoint.host()),
            Reach::Public => Guard::public(),
        };
        let limits = http::Settings {
            user_agent: settings.user_agent.clone(),
            tls: Arc::clone(&settings.tls),
            accept: "application/json",
            redirects: MAX_REDIRECTS,
            body_max_bytes: settings.bounds.page_max_bytes,
            idle_connections: 1,
        };
        let client = Client::new(&limits, guard).map_err(setup)?;
        let url = endpoint.http_url(&format!("/xrpc/{}", L::NSID));
        let mut url: Url = url.parse().map_err(|_| ListError::Host { host: endpoint.name().to_owned() })?;
        if let Some((name, value)) = listing.parameter() {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(Self { client, url, within: settings.bounds.page_within, listing: PhantomData })
    }

    /// A request, on its way once it is looked at. `spare` lends a buffer for the answer.
    pub(crate) fn ask(&self, request: &Request, spare: Vec<u8>) -> Flight<Fetched<L::Rows>> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("limit", &request.limit.to_string());
        if let Some(cursor) = &request.cursor {
            url.query_pairs_mut().append_pair("cursor", &cursor.to_string());
        }
        let client = self.client.clone();
        Flight::new(self.within, async move {
            let Answer { body: buffer, pause } = client.get(url, spare).await.map_err(Fault::Http)?;
            let mut body = parse::<L::Rows>(&buffer, L::FIELD).map_err(Fault::Body)?;
            body.rows.judge(client.guard().host_is_private());
            Ok(Fetched { body, buffer, pause })
        })
    }

    /// Whether the host itself was found at a private address.
    pub(crate) fn host_is_private(&self) -> bool {
        self.client.guard().host_is_private()
    }
}
