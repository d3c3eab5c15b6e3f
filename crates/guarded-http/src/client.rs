use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};
use tokio::time::{Instant, timeout_at};

use crate::Settings;
use crate::fault::{Fault, PrivateAddress, RedirectFault, excerpt};
use crate::guard::Guard;
use crate::pace;

/// How much of the body of a failure is read; a little of it is quoted.
const FAILURE_BYTES: usize = 4096;
/// How long that is waited for: what the status says is known already.
const FAILURE_WITHIN: Duration = Duration::from_secs(1);
/// More headers than any host and its proxies have.
const MAX_HEADERS: usize = 100;
/// How long one address is tried, beside which the others have their turn.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How large a body's buffer may be to be kept for the next answer.
const SPARE_BYTES: usize = 1 << 20;

/// One request at a time to anywhere that its [`Guard`] permits, within limits. Clones share their connections.
///
/// The client runs its connections in tasks of its own. A connection that nobody reads takes what fits into its buffers,
/// and ends when the last clone is dropped.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    guard: Guard,
    accept: HeaderValue,
    redirects: usize,
    body_max_bytes: usize,
}

/// An answer that arrived whole.
#[derive(Debug)]
pub struct Answer {
    /// The body, inflated.
    pub body: Vec<u8>,
    /// How long the host's rate limit wants us to wait before the next request.
    pub pause: Option<Duration>,
}

impl Client {
    /// A client that has connected to nobody yet.
    ///
    /// # Errors
    ///
    /// What the HTTP client says of the user agent and the TLS settings.
    pub fn new(settings: &Settings, guard: Guard) -> Result<Self, reqwest::Error> {
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
            .pool_max_idle_per_host(settings.idle_connections)
            .build()?;
        Ok(Self {
            http,
            guard,
            accept: HeaderValue::from_static(settings.accept),
            redirects: settings.redirects,
            body_max_bytes: settings.body_max_bytes,
        })
    }

    /// Who says where it may connect to.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Asks for what is at a URL. `spare` is a buffer to read it into. It has no deadline of its own; dropping it ends
    /// the request.
    ///
    /// # Errors
    ///
    /// [`Fault`], for everything but a whole body with status 200.
    pub async fn get(&self, url: Url, spare: Vec<u8>) -> Result<Answer, Fault> {
        let mut response = self.follow(url).await?;
        let now = SystemTime::now();
        let told = pace::told(response.headers(), now);
        let status = response.status();
        if status == StatusCode::OK {
            let pause = pace::pause(response.headers(), now);
            let mut body = spare;
            body.clear();
            body.shrink_to(SPARE_BYTES);
            let limit_bytes = self.body_max_bytes;
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
            let request = self.http.get(url.clone()).header(ACCEPT, self.accept.clone());
            let response = request.send().await.map_err(failed)?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            if redirects == self.redirects {
                return Err(Fault::Redirect { fault: RedirectFault::TooMany(self.redirects) });
            }
            url =
                target(&url, response.headers().get(LOCATION)).map_err(|fault| Fault::Redirect { fault })?;
        }
        Err(Fault::Redirect { fault: RedirectFault::TooMany(self.redirects) })
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

/// As much of a body as is worth reading. That it breaks off, or does not come, says nothing that the status does not.
async fn beginning(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    let deadline = Instant::now() + FAILURE_WITHIN;
    while body.len() < FAILURE_BYTES
        && let Ok(Ok(Some(piece))) = timeout_at(deadline, response.chunk()).await
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
    use tokio::time::sleep;

    use super::*;

    fn settings() -> Settings {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Settings {
            user_agent: "test".to_owned(),
            tls: Arc::new(tls),
            accept: "application/json",
            redirects: 3,
            body_max_bytes: 1_000_000,
            idle_connections: 1,
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
        let guard = Guard::judging("127.0.0.1", all_but_one);
        let client = Client::new(&settings(), guard).unwrap();
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
        let guard = Guard::judging("relay.org", |_| true);
        let client = Client::new(&settings(), guard).unwrap();
        let Err(fault) = client.get("http://localhost:1/".parse().unwrap(), Vec::new()).await else {
            panic!("it was dialled")
        };
        assert!(matches!(&fault, Fault::Private(private) if private.name == "localhost"), "{fault:?}");
    }

    #[tokio::test]
    async fn i10_what_a_status_says_does_not_wait_for_a_body_that_never_comes() {
        for (head, label) in [
            ("429 Too Many Requests\r\nRetry-After: 7", "rate_limited"),
            ("404 Not Found", "refused"),
            ("500 Internal Server Error", "status"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let client = Client::new(&settings(), Guard::written("127.0.0.1")).unwrap();
            let host = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await.unwrap();
                let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 10\r\n\r\nhal");
                stream.write_all(answer.as_bytes()).await.unwrap();
                // The connection stays open.
                std::future::pending::<()>().await;
            };
            let fault = tokio::select! {
                answer = client.get(url.parse().unwrap(), Vec::new()) => answer.unwrap_err(),
                () = host => panic!("it leaves"),
                () = sleep(Duration::from_secs(30)) => panic!("{head}: it waits for the body"),
            };
            assert_eq!(fault.label(), label);
        }
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
