//! The pages for operators and their machines: `/` for people, and `/healthz`, `/readyz`, `/status`, `/history`,
//! `/incidents` and `/metrics`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::chronicle::Chronicle;
use crate::page::{Guard, LOOK_EVERY, Page, Rates, stay_within};
use crate::status::{About, Status};
use crate::{Metrics, StartError};

/// How many connections are served at once; the next ones wait to be accepted.
const CONNECTIONS: usize = 64;
/// How long a request's head may take to arrive, and a connection be idle.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection lasts at most.
const CONNECTION_FOR: Duration = Duration::from_mins(5);
/// What a request's head has at most, in bytes. Bodies are not read at all.
const HEAD_BYTES: usize = 16 * 1024;
/// How far back the incidents go that are shown.
const LAST_DAY: SignedDuration = SignedDuration::from_hours(24);

/// Serves the admin pages. It runs beside the children, so that it answers while they drain.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    router: Router,
    shown: Shown,
}

/// What the pages are made of.
#[derive(Clone, Debug)]
struct Shown {
    metrics: Arc<Metrics>,
    about: Arc<About>,
    page: Arc<Page>,
    rates: Arc<Rates>,
}

impl Admin {
    /// Takes the address, so that a port that is taken is known before anything starts.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`].
    pub async fn bind(address: SocketAddr, metrics: Arc<Metrics>, about: About) -> Result<Self, StartError> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| StartError::Listen { address, source })?;
        let shown =
            Shown { metrics, about: Arc::new(about), page: Arc::new(Page::new()), rates: Arc::default() };
        let router = Router::new()
            .route("/", get(page))
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/status", get(status))
            .route("/history", get(history))
            .route("/incidents", get(incidents))
            .route("/metrics", get(exposition))
            .layer(middleware::from_fn_with_state(Guard::of(address), stay_within))
            .with_state(shown.clone());
        Ok(Self { listener, router, shown })
    }

    /// The address that is listened on, with the port that the system chose for 0.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves for ever. Cancel-safe: connections are closed.
    pub async fn serve(self) -> Infallible {
        let mut connections = FuturesUnordered::new();
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = looks.tick() => self.shown.rates.look(self.shown.metrics.watched()),
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        let connection = AssertUnwindSafe(converse(stream, self.router.clone())).catch_unwind();
                        connections.push(connection);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "an admin connection could not be accepted");
                        sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(ended) = connections.next() => {
                    if ended.is_err() {
                        tracing::error!("an admin page panicked");
                    }
                }
            }
        }
    }
}

async fn converse(stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match timeout(CONNECTION_FOR, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an admin connection broke off"),
        Err(_) => tracing::debug!("an admin connection lasted too long"),
    }
}

/// The process and its supervisor answer: both are polled by one task.
async fn healthz() -> Response {
    json(StatusCode::OK, "{\"alive\":true}".to_owned())
}

async fn readyz(State(shown): State<Shown>) -> Response {
    let health = shown.metrics.health().without_found();
    let status = if health.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match serde_json::to_string(&health) {
        Ok(body) => json(status, body),
        Err(error) => broken(&error),
    }
}

async fn page(State(shown): State<Shown>) -> Response {
    shown.page.answer()
}

async fn status(State(shown): State<Shown>) -> Response {
    match serde_json::to_string_pretty(&Status::of(&shown.about, shown.metrics.watched(), &shown.rates)) {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => broken(&error),
    }
}

/// How fast each host was, and how full the stream, over the last half hour.
async fn history(State(shown): State<Shown>) -> Response {
    match serde_json::to_string(&shown.rates.history()) {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => broken(&error),
    }
}

/// What the incident log has of the last day, newest first.
async fn incidents(State(shown): State<Shown>) -> Response {
    let mut records = shown.metrics.watched().chronicle.get().map(Chronicle::recent).unwrap_or_default();
    let since = Timestamp::now() - LAST_DAY;
    records.retain(|record| {
        let at = record.get("at").and_then(|at| at.as_str()).and_then(|at| at.parse::<Timestamp>().ok());
        at.is_none_or(|at| at >= since)
    });
    match serde_json::to_string(&records) {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => broken(&error),
    }
}

async fn exposition(State(shown): State<Shown>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    match shown.metrics.exposition() {
        Ok(text) => (kind, text).into_response(),
        Err(error) => broken(&error),
    }
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body + "\n").into_response()
}

fn broken(error: &impl std::error::Error) -> Response {
    tracing::error!(%error, "an admin page cannot be shown");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
