//! Faults of pages as they are written on a command line.

use crate::listing::{PageFault, PageShape, Retry, RowFlaw};
use crate::relay::fault::Rule;
use crate::relay::fault_text::{Written, number};

/// A rule about pages without its number of times; `None`: the text is about something else.
pub(super) fn parse(text: &str) -> Result<Option<Rule>, &'static str> {
    let Written { kind, argument, when } = Written::read(text);
    let Some(fault) = fault(kind, argument)? else { return Ok(None) };
    let is_of_rows = matches!(fault, PageFault::Row(_));
    let rule = match when {
        Some(("row", place)) => Rule::on_row(number(Some(place))?, fault),
        Some(("every-row", rows)) => Rule::every_rows(number(Some(rows))?, fault),
        _ if is_of_rows => return Err("a fault of rows is written with @row=… or @every-row=…"),
        None => Rule::each_page(fault),
        Some(("request", ordinal)) => {
            let ordinal: u64 = number(Some(ordinal))?;
            Rule::each_page(fault).on_connections(ordinal..ordinal.saturating_add(1))
        }
        Some(("every", requests)) => Rule::every_pages(number(Some(requests))?, fault),
        Some(("chance", drawn)) => {
            let (per_mille, seed) = drawn.split_once(':').ok_or("after chance= come PER-MILLE:SEED")?;
            Rule::random_pages(number(Some(per_mille))?, number(Some(seed))?, fault)
        }
        Some(_) => return Err("after @ comes a number, every=…, chance=…, row=… or every-row=…"),
    };
    Ok(Some(rule))
}

fn fault(kind: &str, argument: Option<&str>) -> Result<Option<PageFault>, &'static str> {
    Ok(Some(match kind {
        "page-status" => PageFault::Answer {
            status: number(argument)?,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: br#"{"error":"InternalServerError","message":"Internal Server Error"}"#.to_vec(),
        },
        "page-html" => PageFault::Answer {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
            body: b"<!doctype html><title>Welcome</title>".to_vec(),
        },
        "page-retry-after" => PageFault::TooMany(Retry::After(number(argument)?)),
        "page-retry-date" => PageFault::TooMany(Retry::Date(number(argument)?)),
        "page-rate-reset" => PageFault::TooMany(Retry::Reset(number(argument)?)),
        "page-too-many" => PageFault::TooMany(Retry::Unsaid),
        "page-redirect" => PageFault::Redirect { to: argument.ok_or("an origin is missing")?.to_owned() },
        "page-stall" => PageFault::Stall { time: None },
        "page-stall-body" => PageFault::StallBody,
        "page-cut" => PageFault::CutBody,
        "page-reset" => PageFault::Reset,
        "page-oversized" => PageFault::Oversized,
        "page-empty" => PageFault::Shape(PageShape::EmptyPage),
        "page-repeat-cursor" => PageFault::Shape(PageShape::RepeatedCursor),
        "page-null-repos" => PageFault::Shape(PageShape::NullRepos),
        "page-no-repos" => PageFault::Shape(PageShape::NoRepos),
        "page-empty-cursor" => PageFault::Shape(PageShape::EmptyCursor),
        "page-null-cursor" => PageFault::Shape(PageShape::NullCursor),
        "row-bad-did" => PageFault::Row(RowFlaw::BadDid),
        "row-no-active" => PageFault::Row(RowFlaw::NoActive),
        "row-empty-rev" => PageFault::Row(RowFlaw::EmptyRev),
        "row-no-tid" => PageFault::Row(RowFlaw::NoTid),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Rule, crate::SimulatorError> {
        text.parse()
    }

    #[test]
    fn faults_of_pages_are_read_as_they_are_written() {
        let to = "http://10.0.0.1:80".to_owned();
        for (text, expected) in [
            ("page-cut", Rule::each_page(PageFault::CutBody)),
            ("page-cut@3*1", Rule::each_page(PageFault::CutBody).on_connections(3..4).times(1)),
            ("page-stall@every=9", Rule::every_pages(9, PageFault::Stall { time: None })),
            (
                "page-retry-after:2@chance=20:7",
                Rule::random_pages(20, 7, PageFault::TooMany(Retry::After(2))),
            ),
            ("page-redirect:http://10.0.0.1:80*2", Rule::each_page(PageFault::Redirect { to }).times(2)),
            ("row-empty-rev@every-row=100", Rule::every_rows(100, PageFault::Row(RowFlaw::EmptyRev))),
            ("page-oversized@row=5", Rule::on_row(5, PageFault::Oversized)),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn faults_of_pages_that_make_no_sense_are_refused() {
        for text in
            ["page-cutt", "page-cut@soon=1", "page-status", "page-status:x", "row-bad-did", "row-bad-did@7"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
