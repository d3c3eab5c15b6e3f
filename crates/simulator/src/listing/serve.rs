//! Requests for pages, one after another on one connection.

use std::io;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt as _;

use crate::listing::fault::PageAsked;
use crate::listing::limiter::{http_date, unix_seconds};
use crate::listing::page::{Next, Page, Part};
use crate::listing::{ListEnd, ListedHost, Listing, ListingSettings, PageFault, PageRequest, Retry, Tokens};
use crate::net::answer::{Answer, BreakOff, Outcome, header, next_request};
use crate::net::http::{self, Request};
use crate::net::listener::Stream;
use crate::relay::{Ended, FaultPlan};

const LIST_REPOS: &str = "/xrpc/com.atproto.sync.listRepos";
const LIST_HOSTS: &str = "/xrpc/com.atproto.sync.listHosts";
const LIST_BY_COLLECTION: &str = "/xrpc/com.atproto.sync.listReposByCollection";

/// What makes a body too large for any client.
const PADDING: usize = 6_500_000;

/// Whether there is a list at this path.
pub(crate) fn is_list(path: &str) -> bool {
    matches!(path, LIST_REPOS | LIST_HOSTS | LIST_BY_COLLECTION)
}

/// Answers the request and those that follow, until the client leaves or a fault ends the connection.
pub(crate) async fn serve(
    mut stream: Stream,
    mut request: Request,
    listing: &Listing,
    faults: &FaultPlan,
    connection: u64,
) -> io::Result<Ended> {
    loop {
        if !is_list(&request.path) {
            let response = http::error_response(501, "MethodNotImplemented", "not on this connection");
            stream.write_all(&response).await?;
            stream.hang_up().await;
            return Ok(Ended::Refused);
        }
        if answer(&mut stream, &request, listing, faults, connection).await? == Outcome::Broken {
            return Ok(Ended::ByFault);
        }
        let Some(next) = next_request(&mut stream).await else { return Ok(Ended::Listed) };
        request = next;
    }
}

async fn answer(
    stream: &mut Stream,
    request: &Request,
    listing: &Listing,
    faults: &FaultPlan,
    connection: u64,
) -> io::Result<Outcome> {
    let sent = request.unescaped("cursor");
    let ordinal = listing.requests.open(|ordinal| PageRequest {
        ordinal,
        connection,
        path: request.path.clone(),
        query: request.query.clone(),
        cursor: sent.clone(),
        ..PageRequest::default()
    });
    let (is_taken, rate_headers) = match &listing.limiter {
        Some(limiter) => limiter.take(),
        None => (true, Vec::new()),
    };
    let found =
        if is_taken { find(request, sent.as_deref(), listing.settings()) } else { Found::Ready(too_many()) };
    let (fault, flaws) = match &found {
        Found::Page(page, limit) => {
            listing.requests.note(ordinal, |entry| entry.limit = *limit);
            let places: Vec<u64> = page.rows.iter().map(|(place, _)| *place).collect();
            let (with_cursor, goes_on) = (sent.is_some(), page.goes_on());
            faults.page(&PageAsked { ordinal, places: &places, with_cursor, goes_on })
        }
        Found::Ready(_) => {
            faults.page(&PageAsked { ordinal, places: &[], with_cursor: false, goes_on: false })
        }
    };
    let names =
        fault.iter().map(PageFault::name).chain(flaws.iter().map(|(_, flaw)| PageFault::Row(*flaw).name()));
    listing.requests.note(ordinal, |entry| entry.faults = names.collect());
    match &fault {
        Some(PageFault::Reset) => {
            stream.reset_on_drop();
            return Ok(Outcome::Broken);
        }
        Some(PageFault::Stall { time }) => stream.stall(*time).await?,
        _ => {}
    }
    let mut answer = match substitute(fault.as_ref(), request) {
        Some(answer) => answer,
        None => match found {
            Found::Ready(answer) => answer,
            Found::Page(page, _) => {
                let shape = match fault {
                    Some(PageFault::Shape(shape)) => Some(shape),
                    _ => None,
                };
                let by_did = request.path == LIST_BY_COLLECTION;
                let (body, page) = page.into_body(listing.settings(), sent.as_deref(), shape, &flaws, by_did);
                listing.requests.note(ordinal, |entry| enter(entry, page));
                Answer::json(200, body)
            }
        },
    };
    // What a fault says of the rate stands for what the limiter says.
    let said: Vec<String> = answer.headers.iter().map(|(name, _)| name.clone()).collect();
    answer.headers.extend(rate_headers.into_iter().filter(|(name, _)| !said.contains(name)));
    if fault == Some(PageFault::Oversized) {
        answer.body.resize(answer.body.len() + PADDING, b' ');
    }
    listing.requests.note(ordinal, |entry| entry.status = answer.status);
    let breaks_off = match fault {
        Some(PageFault::CutBody) => Some(BreakOff::Cut),
        Some(PageFault::StallBody) => Some(BreakOff::Stall),
        _ => None,
    };
    if let Some(how) = breaks_off {
        return answer.break_off(stream, how).await;
    }
    answer.send(stream).await?;
    listing.requests.note(ordinal, |entry| entry.answered = true);
    Ok(Outcome::Answered)
}

/// What a request is answered with, when nobody planned anything else.
enum Found {
    /// A page of accounts, and the limit that was taken.
    Page(Page, u64),
    /// Anything else.
    Ready(Answer),
}

fn find(request: &Request, sent: Option<&str>, settings: &ListingSettings) -> Found {
    let refused = |error, message| Found::Ready(Answer::error(400, error, message));
    if request.method != "GET" {
        return Found::Ready(Answer::error(405, "InvalidRequest", "not a GET"));
    }
    let by_collection = request.path == LIST_BY_COLLECTION;
    let (most, usual) = match request.path.as_str() {
        LIST_HOSTS => (1000, 200),
        LIST_BY_COLLECTION => (2000, 500),
        _ => (1000, 500),
    };
    let limit = match request.parameter("limit").map(str::parse::<u64>) {
        None => usual,
        Some(Ok(limit)) if (1..=most).contains(&limit) => limit,
        Some(_) => return refused("InvalidRequest", "limit is out of range"),
    };
    if sent.is_none() && request.parameter("cursor").is_some() {
        return refused("BadRequest", "Malformed cursor");
    }
    if request.path == LIST_HOSTS {
        return match hosts(settings, sent, limit) {
            Some(body) => Found::Ready(Answer::json(200, body)),
            None => refused("BadRequest", "Malformed cursor"),
        };
    }
    let collection = request.unescaped("collection").filter(|_| by_collection);
    if by_collection && collection.is_none() {
        return refused("InvalidRequest", "collection is missing");
    }
    let (tokens, end) = if by_collection {
        (Tokens::Opaque, ListEnd::EmptyPage)
    } else {
        (settings.rules.tokens, settings.rules.end)
    };
    let part = Part { tokens, end, cursor: sent, limit: usize::try_from(limit).unwrap_or(usize::MAX - 1) };
    let page = Page::of(settings, &part, |account| match &collection {
        Some(collection) => settings.world.has_collection(account.account, collection),
        None => settings.lists(account),
    });
    match page {
        Some(page) => Found::Page(page, limit),
        None if by_collection => Found::Ready(Answer::error(500, "DatabaseError", "invalid cursor")),
        None => refused("BadRequest", "Malformed cursor"),
    }
}

/// A page of hosts; `None`: the cursor is malformed.
fn hosts(settings: &ListingSettings, sent: Option<&str>, limit: u64) -> Option<Vec<u8>> {
    let begin = sent.map_or(Some(0), |sent| sent.parse().ok())?;
    let limit = usize::try_from(limit).ok()?;
    let page: Vec<Value> = settings.hosts.iter().skip(begin).take(limit).map(host).collect();
    let mut body = Map::new();
    if page.len() == limit {
        body.insert("cursor".to_owned(), (begin + limit).to_string().into());
    }
    body.insert("hosts".to_owned(), page.into());
    Some(Value::Object(body).to_string().into_bytes())
}

fn host(listed: &ListedHost) -> Value {
    let fields = [
        ("seq", listed.seq.map(Value::from)),
        ("accountCount", listed.account_count.map(Value::from)),
        ("status", listed.status.as_deref().map(Value::from)),
    ];
    let said = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let name = ("hostname".to_owned(), listed.hostname.as_str().into());
    Value::Object([name].into_iter().chain(said).collect())
}

fn enter(entry: &mut PageRequest, page: Page) {
    entry.rows = page.rows.len() as u64;
    entry.places = page.rows.first().zip(page.rows.last()).map(|(first, last)| (first.0, last.0));
    entry.next = match page.next {
        Next::Cursor(text) => Some(text),
        Next::Absent | Next::Null => None,
    };
}

/// What a fault answers in the page's place.
fn substitute(fault: Option<&PageFault>, request: &Request) -> Option<Answer> {
    match fault? {
        PageFault::Answer { status, headers, body } => {
            Some(Answer { status: *status, headers: headers.clone(), body: body.clone() })
        }
        PageFault::TooMany(retry) => {
            let mut answer = too_many();
            let ahead = |seconds: u32| unix_seconds(Duration::from_secs(seconds.into()));
            match *retry {
                Retry::After(seconds) => answer.headers.push(header("Retry-After", seconds.to_string())),
                Retry::Date(seconds) => answer.headers.push(header("Retry-After", http_date(ahead(seconds)))),
                Retry::Reset(seconds) => {
                    answer.headers.push(header("RateLimit-Remaining", "0"));
                    answer.headers.push(header("RateLimit-Reset", ahead(seconds).to_string()));
                }
                Retry::Unsaid => {}
            }
            Some(answer)
        }
        PageFault::Redirect { to } => Some(Answer::redirect(to, request)),
        PageFault::Stall { .. }
        | PageFault::StallBody
        | PageFault::CutBody
        | PageFault::Reset
        | PageFault::Oversized
        | PageFault::Shape(_)
        | PageFault::Row(_) => None,
    }
}

fn too_many() -> Answer {
    Answer::error(429, "RateLimitExceeded", "Rate Limit Exceeded")
}
