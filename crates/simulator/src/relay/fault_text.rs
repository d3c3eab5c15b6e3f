//! Faults as they are written on a command line.

use std::str::FromStr;

use crate::SimulatorError;
use crate::relay::fault::{Message, Rule, Silence, StreamFault, UpgradeFault};
use crate::relay::{lookup_text, page_text};

/// `KIND[:ARGUMENT…][@WHEN][*TIMES]`, where `WHEN` is a number of frames (0 if absent), `every=FRAMES` or
/// `seq=SEQ`.
///
/// On the upgrade: `refuse:STATUS[:RETRY-AFTER]`, `html`, `reset-upgrade`, `stall-accept`, `stall-upgrade`.
/// In the stream: `error:NAME`, `close:CODE[:REASON]`, `hang-up`, `reset`, `cut-mid-message`, `silence`,
/// `silence-no-pong`, `half-open`, `trickle:BYTES-A-SECOND`, `fragment:COUNT`, `repeat:TIMES`,
/// `jump-back:FRAMES`, `skip:FRAMES`, `text`, `empty`, `garbage`, `oversized`, `ping`.
///
/// With pages of lists, `WHEN` is a request's number, `every=REQUESTS`, `chance=PER-MILLE:SEED`, `row=PLACE` or
/// `every-row=ROWS`, and each page if absent: `page-status:STATUS`, `page-html`, `page-retry-after:SECONDS`,
/// `page-retry-date:SECONDS`, `page-rate-reset:SECONDS`, `page-too-many`, `page-redirect:ORIGIN`, `page-stall`,
/// `page-stall-body`, `page-cut`, `page-reset`, `page-oversized`, `page-empty`, `page-repeat-cursor`,
/// `page-null-repos`, `page-no-repos`, `page-empty-cursor`, `page-null-cursor`; with rows only: `row-bad-did`,
/// `row-no-active`, `row-empty-rev`, `row-no-tid`.
///
/// With documents, `WHEN` is a request's number or `did=DID`, and each request if absent: `lookup-status:STATUS`,
/// `lookup-redirect:ORIGIN`, `lookup-stall`, `lookup-stall-body`, `lookup-cut`, `lookup-reset`, `lookup-oversized`,
/// `lookup-garbage`, `lookup-wrong-id`.
impl FromStr for Rule {
    type Err = SimulatorError;

    fn from_str(text: &str) -> Result<Self, SimulatorError> {
        parse(text).map_err(|reason| SimulatorError::Fault { text: text.to_owned(), reason })
    }
}

/// What is larger than any message may be.
const OVERSIZED: usize = 5_500_000;

fn parse(text: &str) -> Result<Rule, &'static str> {
    let (text, times) = match text.split_once('*') {
        Some((text, times)) => (text, number(Some(times))?),
        None => (text, u64::MAX),
    };
    if let Some(rule) = page_text::parse(text)? {
        return Ok(rule.times(times));
    }
    if let Some(rule) = lookup_text::parse(text)? {
        return Ok(rule.times(times));
    }
    let (what, when) = text.split_once('@').unwrap_or((text, "0"));
    let mut words = what.splitn(3, ':');
    let kind = words.next().unwrap_or_default();
    let (first, second) = (words.next(), words.next());
    let rule = if let Some(fault) = upgrade(kind, first, second)? {
        Rule::on_upgrade(fault)
    } else {
        let fault = stream(kind, first, second)?;
        match when.split_once('=') {
            None => Rule::after_frames(number(Some(when))?, fault),
            Some(("every", frames)) => Rule::every_frames(number(Some(frames))?, fault),
            Some(("seq", seq)) => Rule::at_seq(number(Some(seq))?, fault),
            Some(_) => return Err("after @ comes a number, every=… or seq=…"),
        }
    };
    Ok(rule.times(times))
}

fn upgrade(
    kind: &str,
    first: Option<&str>,
    second: Option<&str>,
) -> Result<Option<UpgradeFault>, &'static str> {
    Ok(Some(match kind {
        "refuse" => UpgradeFault::Refuse {
            status: number(first)?,
            headers: second.map(|after| ("Retry-After".to_owned(), after.to_owned())).into_iter().collect(),
            body: Vec::new(),
        },
        "html" => UpgradeFault::Refuse {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
            body: b"<!doctype html><title>Welcome</title>".to_vec(),
        },
        "reset-upgrade" => UpgradeFault::Reset,
        "stall-accept" => UpgradeFault::StallAccept { time: None },
        "stall-upgrade" => UpgradeFault::StallUpgrade { time: None },
        _ => return Ok(None),
    }))
}

fn stream(kind: &str, first: Option<&str>, second: Option<&str>) -> Result<StreamFault, &'static str> {
    Ok(match kind {
        "error" => StreamFault::Error { name: first.ok_or("a name is missing")?.to_owned(), message: None },
        "close" => StreamFault::Close { code: number(first)?, reason: second.unwrap_or_default().to_owned() },
        "hang-up" => StreamFault::HangUp,
        "reset" => StreamFault::Reset,
        "cut-mid-message" => StreamFault::CutMidMessage,
        "silence" => StreamFault::Silence(Silence::AnswersPings, None),
        "silence-no-pong" => StreamFault::Silence(Silence::IgnoresPings, None),
        "half-open" => StreamFault::Silence(Silence::HalfOpen, None),
        "trickle" => StreamFault::Trickle { bytes_per_second: number(first)? },
        "fragment" => StreamFault::Fragment { fragments: number(first)? },
        "repeat" => StreamFault::Repeat { times: number(first)? },
        "jump-back" => StreamFault::JumpBack { frames: number(first)? },
        "skip" => StreamFault::Skip { frames: number(first)? },
        "text" => StreamFault::Send(Message::Text("{\"not\": \"binary\"}".to_owned())),
        "empty" => StreamFault::Send(Message::Binary(Vec::new())),
        "garbage" => StreamFault::Send(Message::Binary(vec![0xff; 64])),
        "oversized" => StreamFault::Send(Message::Zeros { len: OVERSIZED }),
        "ping" => StreamFault::Send(Message::Ping(b"simulator".to_vec())),
        _ => return Err("there is no such kind"),
    })
}

/// `KIND[:ARGUMENT][@WHEN]`, where `WHEN` is `NAME=VALUE` or a request's number, which has the name `request`.
pub(super) struct Written<'t> {
    pub(super) kind: &'t str,
    pub(super) argument: Option<&'t str>,
    pub(super) when: Option<(&'t str, &'t str)>,
}

impl<'t> Written<'t> {
    pub(super) fn read(text: &'t str) -> Self {
        let (what, when) = match text.rsplit_once('@') {
            Some((what, when)) => (what, Some(when)),
            None => (text, None),
        };
        let (kind, argument) = match what.split_once(':') {
            Some((kind, argument)) => (kind, Some(argument)),
            None => (what, None),
        };
        Self { kind, argument, when: when.map(|when| when.split_once('=').unwrap_or(("request", when))) }
    }
}

pub(super) fn number<N: FromStr>(text: Option<&str>) -> Result<N, &'static str> {
    text.ok_or("a number is missing")?.parse().map_err(|_| "a number is not one, or out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_as_they_are_written() {
        let close = StreamFault::Close { code: 1011, reason: "so: there".to_owned() };
        let retry = ("Retry-After".to_owned(), "7".to_owned());
        for (text, expected) in [
            ("reset", Rule::after_frames(0, StreamFault::Reset)),
            ("reset@100*2", Rule::after_frames(100, StreamFault::Reset).times(2)),
            ("close:1011:so: there@seq=77", Rule::at_seq(77, close)),
            ("jump-back:5@every=10", Rule::every_frames(10, StreamFault::JumpBack { frames: 5 })),
            ("refuse:503", Rule::on_upgrade(UpgradeFault::refuse(503))),
            (
                "refuse:429:7*1",
                Rule::on_upgrade(UpgradeFault::Refuse {
                    status: 429,
                    headers: vec![retry],
                    body: Vec::new(),
                })
                .times(1),
            ),
        ] {
            assert_eq!(text.parse::<Rule>().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn faults_that_make_no_sense_are_refused() {
        for text in
            ["", "resett", "reset@", "reset@x", "reset@soon=1", "close", "close:70000", "skip:-1", "reset*"]
        {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }
}
