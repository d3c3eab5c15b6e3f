//! Requests for documents, one after another on one connection.

use std::io;

use super::{Documents, Lookup, LookupFault};
use crate::net::answer::{Answer, BreakOff, Outcome, next_request};
use crate::net::http::{self, Request};
use crate::net::listener::Stream;
use crate::relay::Ended;

/// Where a host has the document of its own DID.
const WELL_KNOWN: &str = "/.well-known/did.json";

/// What makes a body too large for any client.
const PADDING: usize = 1_100_000;

/// Whether the document of the host itself is asked for.
pub(crate) fn is_well_known(request: &Request) -> bool {
    request.path == WELL_KNOWN
}

/// Answers the request and those that follow, until the client leaves or a fault ends the connection.
pub(crate) async fn serve(
    mut stream: Stream,
    mut request: Request,
    documents: &Documents,
    connection: u64,
) -> io::Result<Ended> {
    loop {
        if answer(&mut stream, &request, documents, connection).await? == Outcome::Broken {
            return Ok(Ended::ByFault);
        }
        let Some(next) = next_request(&mut stream).await else { return Ok(Ended::Listed) };
        request = next;
    }
}

async fn answer(
    stream: &mut Stream,
    request: &Request,
    documents: &Documents,
    connection: u64,
) -> io::Result<Outcome> {
    let did = asked(request);
    let ledger = documents.ledger();
    let ordinal = ledger.open(|ordinal| Lookup {
        ordinal,
        connection,
        did: did.clone(),
        user_agent: request.header("user-agent").map(str::to_owned),
        ..Lookup::default()
    });
    let fault = documents.faults().lookup(ordinal, &did);
    ledger.note(ordinal, |lookup| lookup.fault = fault.as_ref().map(LookupFault::name));
    match &fault {
        Some(LookupFault::Reset) => {
            stream.reset_on_drop();
            return Ok(Outcome::Broken);
        }
        Some(LookupFault::Stall { time }) => stream.stall(*time).await?,
        _ => {}
    }
    let answer = match request.method.as_str() {
        "GET" => spoilt(documents.answer(&did), fault.as_ref(), request, &did),
        _ => Answer::error(405, "InvalidRequest", "not a GET"),
    };
    ledger.note(ordinal, |lookup| lookup.status = answer.status);
    let breaks_off = match fault {
        Some(LookupFault::CutBody) => Some(BreakOff::Cut),
        Some(LookupFault::StallBody) => Some(BreakOff::Stall),
        _ => None,
    };
    if let Some(how) = breaks_off {
        return answer.break_off(stream, how).await;
    }
    answer.send(stream).await?;
    ledger.note(ordinal, |lookup| lookup.answered = true);
    Ok(Outcome::Answered)
}

/// Whose document is asked for.
fn asked(request: &Request) -> String {
    if is_well_known(request) {
        return format!("did:web:{}", request.header("host").unwrap_or_default().replace(':', "%3A"));
    }
    let path = request.path.strip_prefix('/').unwrap_or(&request.path);
    http::unescape(path).unwrap_or_else(|| path.to_owned())
}

/// The answer after what goes wrong with it.
fn spoilt(mut answer: Answer, fault: Option<&LookupFault>, request: &Request, did: &str) -> Answer {
    match fault {
        Some(LookupFault::Answer { status, headers, body }) => {
            Answer { status: *status, headers: headers.clone(), body: body.clone() }
        }
        Some(LookupFault::Redirect { to }) => Answer::redirect(to, request),
        Some(LookupFault::Garbage) => {
            answer.body = vec![0xff; 64];
            answer
        }
        Some(LookupFault::WrongId) => {
            let text = String::from_utf8_lossy(&answer.body);
            answer.body = text.replace(did, &super::plc_did(0, "somebody else")).into_bytes();
            answer
        }
        Some(LookupFault::Oversized) => {
            answer.body.resize(answer.body.len() + PADDING, b' ');
            answer
        }
        Some(
            LookupFault::Stall { .. } | LookupFault::StallBody | LookupFault::CutBody | LookupFault::Reset,
        )
        | None => answer,
    }
}
