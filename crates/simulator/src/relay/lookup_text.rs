//! Faults of documents as they are written on a command line.

use crate::directory::LookupFault;
use crate::relay::fault::Rule;
use crate::relay::fault_text::{Written, number};

/// A rule about documents without its number of times; `None`: the text is about something else.
pub(super) fn parse(text: &str) -> Result<Option<Rule>, &'static str> {
    let Written { kind, argument, when } = Written::read(text);
    let Some(fault) = fault(kind, argument)? else { return Ok(None) };
    Ok(Some(match when {
        None => Rule::each_lookup(fault),
        Some(("did", did)) => Rule::on_did(did, fault),
        Some(("request", ordinal)) => {
            let ordinal: u64 = number(Some(ordinal))?;
            Rule::each_lookup(fault).on_connections(ordinal..ordinal.saturating_add(1))
        }
        Some(_) => return Err("after @ comes a number or did=…"),
    }))
}

fn fault(kind: &str, argument: Option<&str>) -> Result<Option<LookupFault>, &'static str> {
    Ok(Some(match kind {
        "lookup-status" => LookupFault::status(number(argument)?),
        "lookup-redirect" => LookupFault::Redirect { to: argument.ok_or("an origin is missing")?.to_owned() },
        "lookup-stall" => LookupFault::Stall { time: None },
        "lookup-stall-body" => LookupFault::StallBody,
        "lookup-cut" => LookupFault::CutBody,
        "lookup-reset" => LookupFault::Reset,
        "lookup-oversized" => LookupFault::Oversized,
        "lookup-garbage" => LookupFault::Garbage,
        "lookup-wrong-id" => LookupFault::WrongId,
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_documents_are_read_as_they_are_written() {
        let did = "did:plc:7rvn2fejhf474djdyuspmjnt";
        for (text, expected) in [
            ("lookup-status:503*2", Rule::each_lookup(LookupFault::status(503)).times(2)),
            ("lookup-cut@3", Rule::each_lookup(LookupFault::CutBody).on_connections(3..4)),
            (&*format!("lookup-wrong-id@did={did}"), Rule::on_did(did, LookupFault::WrongId)),
        ] {
            assert_eq!(text.parse::<Rule>().unwrap(), expected, "{text}");
        }
        for text in ["lookup-cutt", "lookup-status", "lookup-cut@row=1"] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }
}
