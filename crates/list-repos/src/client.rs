use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};
use standpipe_cursor::Endpoint;

use crate::Settings;
use crate::fault::{Fault, PrivateAddress, RedirectFault, excerpt};
use crate::guard::Guard;
use crate::pace;

/// Redirects that are followed for one page.
const MAX_REDIRECTS: usize = 3;
/// How much of the body of a failure is read; a little of it is quoted.
const FAILURE_BYTES: usize = 4096;
/// More headers than any host and its proxies have.
const MAX_HEADERS: usize = 100;
/// How long one address is tried, beside which the others have their turn.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How large a body's buffer may be to be kept for the next page.
const SPARE_BYTES: usize = 1 << 20;

/// The HTTP side of an enumeration: one request at a time, within limits.
///
/// The client runs its connections in tasks of its own. A connection that nobody reads takes what fits into its buffers,
/// and ends when the client is dropped.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    guard: Guard,
    page_max_bytes: usize,
}

/// A page that arrived whole.
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    /// How long the host's rate limit wants us to wait before the next.
    pub(crate) pause: Option<Duration>,
}

impl Client {
    pub(crate) fn new(settings: &Settings, endpoint: &Endpoint) -> Result<Self, reqwest::Error> {
        Self::guarded(settings, Guard::of(endpoint, settings.reach))
    }

    fn guarded(settings: &Settings, guard: Guard) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured((*settings.tls).clone())
            .user_agent(settings.user_agent.as_str())
            // The environment is not ours to read, and redirects are followed under our own rules.
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Arc::new(guard.clone()))
            .http1_only()
            .http1_max_headers(MAX_HEADERS)
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(1)
            .build()?;
        Ok(Self { http, guard, page_max_bytes: settings.bounds.page_max_bytes })
    }

    /// Whether the host itself was found at a private address.
    pub(crate) fn host_is_private(&self) -> bool {
        self.guard.host_is_private()
    }

    /// Asks for a page. `spare` is a buffer to read it into. It has no deadline of its own.
    pub(crate) async fn get(&self, url: Url, spare: Vec<u8>) -> Result<Answer, Fault> {
        let mut response = self.follow(url).await?;
        let now = SystemTime::now();
        let told = pace::told(response.headers(), now);
        let status = response.status();
        if status == StatusCode::OK {
            let pause = pace::pause(response.headers(), now);
            let mut body = spare;
            body.clear();
            body.shrink_to(SPARE_BYTES);
            let limit_bytes = self.page_max_bytes;
            while let Some(piece) = response.chunk().await.map_err(failed)? {
                if body.len() + piece.len() > limit_bytes {
                    return Err(Fault::TooLarge { limit_bytes });
                }
                body.extend_from_slice(&piece);
            }
            return Ok(Answer { body, pause });
        }
        let body = excerpt(&beginning(&mut response).await);
        let status = status.as_u16();
        Err(match status {
            429 => Fault::Limited { status, after: told },
            503 if told.is_some() => Fault::Limited { status, after: told },
            408 | 425 | 500 | 502.. => Fault::Status { status, body },
            ..408 | 409..=424 | 426..=499 | 501 => Fault::Refused { status, body },
        })
    }

    /// Sends the request, and follows redirects as far as they may be followed.
    async fn follow(&self, mut url: Url) -> Result<Response, Fault> {
        for redirects in 0.. {
            self.guard.check_literal(url.host_str().unwrap_or_default()).map_err(Fault::Private)?;
            let json = HeaderValue::from_static("application/json");
            let response = self.http.get(url.clone()).header(ACCEPT, json).send().await.map_err(failed)?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            if redirects == MAX_REDIRECTS {
                return Err(Fault::Redirect { fault: RedirectFault::TooMany(MAX_REDIRECTS) });
            }
            url =
                target(&url, response.headers().get(LOCATION)).map_err(|fault| Fault::Redirect { fault })?;
        }
        Err(Fault::Redirect { fault: RedirectFault::TooMany(MAX_REDIRECTS) })
    }
}

/// Where a redirect leads.
fn target(from: &Url, location: Option<&HeaderValue>) -> Result<Url, RedirectFault> {
    let location = location.and_then(|location| location.to_str().ok()).ok_or(RedirectFault::Location)?;
    let to = from.join(location).map_err(|_| RedirectFault::Location)?;
    match (from.scheme(), to.scheme()) {
        (_, "https") | ("http", "http") => {}
        ("https", "http") => return Err(RedirectFault::Downgrade),
        _ => return Err(RedirectFault::Scheme),
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err(RedirectFault::Credentials);
    }
    Ok(to)
}

/// As much of a body as is worth reading. That it breaks off says nothing that the status does not.
async fn beginning(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < FAILURE_BYTES
        && let Ok(Some(piece)) = response.chunk().await
    {
        body.extend_from_slice(&piece[..piece.len().min(FAILURE_BYTES - body.len())]);
    }
    body
}

/// What a failure of the HTTP client means. The URL is left out, since a redirect's may hold anything.
fn failed(error: reqwest::Error) -> Fault {
    let source = error.without_url();
    let mut cause = source.source();
    while let Some(error) = cause {
        if let Some(private) = error.downcast_ref::<PrivateAddress>() {
            return Fault::Private(private.clone());
        }
        cause = error.source();
    }
    if source.is_connect() { Fault::Connect { source } } else { Fault::Broken { source } }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use rustls::crypto::ring;
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::{Bounds, PageLimit, Poison, Reach};

    fn settings() -> Settings {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Settings {
            user_agent: "test".to_owned(),
            tls: Arc::new(tls),
            reach: Reach::Written,
            limit: PageLimit::default(),
            poison: Poison::Hold,
            bounds: Bounds::default(),
        }
    }

    /// In these tests one loopback address stands for a public one.
    fn all_but_one(address: IpAddr) -> bool {
        address != IpAddr::from([127, 0, 0, 1])
    }

    /// What comes of a host, taken for a public one, that redirects to this.
    async fn redirected_to(location: &str) -> Fault {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let guard = Guard::judging(&url.parse().unwrap(), Reach::Written, all_but_one);
        let client = Client::guarded(&settings(), guard).unwrap();
        let host = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (answer, ()) = tokio::join!(client.get(url.parse().unwrap(), Vec::new()), host);
        let Err(fault) = answer else { panic!("it was followed") };
        fault
    }

    #[tokio::test]
    async fn a_public_host_does_not_lead_us_to_a_private_address() {
        for (location, led_to) in [
            ("http://127.0.0.2:1/", "127.0.0.2"),
            ("http://2130706434:1/", "127.0.0.2"),
            ("http://[::1]:1/", "::1"),
            ("http://[::ffff:10.0.0.1]:1/", "::ffff:10.0.0.1"),
            ("https://169.254.169.254/latest", "169.254.169.254"),
        ] {
            let fault = redirected_to(location).await;
            let Fault::Private(private) = &fault else { panic!("{location}: {fault:?}") };
            assert_eq!(private.address, led_to.parse::<IpAddr>().unwrap(), "{location}");
        }
    }

    #[tokio::test]
    async fn the_address_that_is_dialled_is_the_one_that_was_judged() {
        // `localhost` has loopback addresses alone, here all judged private.
        let guard = Guard::judging(&"relay.org".parse().unwrap(), Reach::Written, |_| true);
        let client = Client::guarded(&settings(), guard).unwrap();
        let Err(fault) = client.get("http://localhost:1/".parse().unwrap(), Vec::new()).await else {
            panic!("it was dialled")
        };
        assert!(matches!(&fault, Fault::Private(private) if private.name == "localhost"), "{fault:?}");
    }

    #[test]
    fn a_redirect_is_read_against_where_it_came_from() {
        let to = |from: &str, location: &str| {
            target(&from.parse().unwrap(), Some(&HeaderValue::from_str(location).unwrap())).map(String::from)
        };
        assert_eq!(to("https://a.org/x?y=1", "/z").unwrap(), "https://a.org/z");
        assert_eq!(to("https://a.org/x", "//b.org/z").unwrap(), "https://b.org/z");
        assert_eq!(to("http://a.org/x", "https://b.org/").unwrap(), "https://b.org/");
        assert_eq!(to("https://a.org/x", "http://a.org/"), Err(RedirectFault::Downgrade));
        assert_eq!(to("https://a.org/x", "data:,x"), Err(RedirectFault::Scheme));
        assert_eq!(to("https://a.org/x", "https://u@b.org/"), Err(RedirectFault::Credentials));
    }
}
