use std::fmt;
use std::io::Read;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, USER_AGENT};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::blocking;
use reqwest::redirect::Policy;
use standpipe_subscription::Tls;
use standpipe_supervisor::chain;

use super::account::Account;

/// An answer holds a few words at most.
const ANSWER_BYTES: u64 = 64 * 1024;

/// A connection pool to a collector, for all signals.
///
/// It blocks, since the SDK exports from threads of its own. It follows no redirect, which would carry the headers to
/// somebody else.
pub(super) fn pool(timeout: Duration, roots_file: Option<&Path>) -> Result<blocking::Client, reqwest::Error> {
    let tls = roots_file.map_or_else(Tls::with_platform_roots, Tls::with_roots_in);
    blocking::Client::builder()
        .tls_backend_preconfigured((*tls.client_config()).clone())
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(Policy::none())
        .build()
}

/// Sends the requests of one signal.
pub(super) struct Client {
    pub(super) pool: blocking::Client,
    pub(super) headers: HeaderMap,
    pub(super) account: Arc<Account>,
}

impl Client {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, reqwest::Error> {
        let (parts, body) = request.into_parts();
        // The exporter adds headers that it reads from the environment by itself; those that hold are in the plan.
        let mut headers = HeaderMap::new();
        for name in [CONTENT_TYPE, CONTENT_ENCODING, USER_AGENT] {
            if let Some(value) = parts.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        let request = self.pool.request(parts.method, parts.uri.to_string()).headers(headers).body(body);
        let response = request.send()?;
        let (status, retry_after) = (response.status(), response.headers().get("retry-after").cloned());
        let mut body = Vec::new();
        // The status says all; an answer that breaks off after it is as good as none.
        let _ = response.take(ANSWER_BYTES).read_to_end(&mut body);
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        if let Some(retry_after) = retry_after {
            response.headers_mut().insert("retry-after", retry_after);
        }
        Ok(response)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("account", &self.account).finish_non_exhaustive()
    }
}

impl HttpClient for Client {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let sent = self.send(request).map_err(reqwest::Error::without_url);
        match &sent {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => self.account.note_trouble(format!("the collector answers {}", response.status())),
            Err(error) => self.account.note_trouble(chain(error)),
        }
        Box::pin(std::future::ready(sent.map_err(Into::into)))
    }
}
