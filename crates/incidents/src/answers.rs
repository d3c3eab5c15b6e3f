use jiff::Timestamp;
use serde::Serialize;

use crate::{ChildEnded, Record, What};

/// Five questions answered from records: which ended first, how, where, after which message, how often since.
///
/// An ending that was asked for, as by a stop of the process, answers none of them and is counted apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Answers {
    /// The ending that came first; its fields answer how, where and after which message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstEnding>,
    /// The first among them that was our own doing: failed, panicked or stalled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_of_ours: Option<FirstEnding>,
    /// How many endings there were.
    pub endings: u64,
    /// Endings that were asked for.
    pub stopped: u64,
    /// Each child with its endings, the most frequent first.
    pub children: Vec<ChildCount>,
    /// Hosts that are held at the end, and since when.
    pub held: Vec<Held>,
    /// Events that are missing.
    pub gaps: Vec<Gap>,
    /// Children that failed more often than they may, and when first.
    pub over_intensity: Vec<Over>,
    /// Records that could not be kept.
    pub omitted: u64,
}

/// The ending that came first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstEnding {
    /// When.
    pub at: Timestamp,
    /// In which run.
    pub run: String,
    /// All else.
    #[serde(flatten)]
    pub report: ChildEnded,
}

/// How often one child ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChildCount {
    /// The child.
    pub child: String,
    /// The host that it speaks with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// How often it ended.
    pub endings: u64,
    /// By how it ended, the most frequent first.
    pub by_ending: Vec<(String, u64)>,
    /// When it ended last.
    pub last_at: Timestamp,
    /// How, and why.
    pub last_ending: String,
    /// After which seq.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seq: Option<u64>,
}

/// A host that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The host.
    pub host: String,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// Events that are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// When it was noticed.
    pub at: Timestamp,
    /// The host.
    pub host: String,
    /// How it was noticed.
    pub reason: String,
    /// The last seq before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// The time of an event shortly before it, as the host wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_time: Option<String>,
    /// The first seq after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// The time of the event after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_time: Option<String>,
}

/// A child that fails too often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Over {
    /// The child.
    pub child: String,
    /// When that was first so.
    pub at: Timestamp,
}

impl Answers {
    pub(crate) fn of(records: &[Record]) -> Self {
        let mut answers = Self::default();
        for Record { incident, .. } in records {
            let at = incident.at;
            match &incident.what {
                What::ChildEnded(report) if report.was_asked_for() => answers.stopped += 1,
                What::ChildEnded(report) => answers.ended(at, &incident.run, report),
                What::Held { host, cause, last_seq: _ } => {
                    answers.held.retain(|held| held.host != *host);
                    answers.held.push(Held { host: host.clone(), since: at, cause: cause.clone() });
                }
                What::Released { host } => answers.held.retain(|held| held.host != *host),
                What::Gap { host, reason, from, from_time, to, to_time } => answers.gaps.push(Gap {
                    at,
                    host: host.clone(),
                    reason: reason.clone(),
                    from: *from,
                    from_time: from_time.clone(),
                    to: *to,
                    to_time: to_time.clone(),
                }),
                What::OverIntensity { child, host: _ } => {
                    if answers.over_intensity.iter().all(|over| over.child != *child) {
                        answers.over_intensity.push(Over { child: child.clone(), at });
                    }
                }
                What::Omitted { records, reason: _ } => answers.omitted += records,
                // A new process holds nothing yet.
                What::RunStarted(_) => answers.held.clear(),
                What::Moved { .. } | What::RunEnded(_) | What::Unknown => {}
            }
        }
        answers.children.sort_by_key(|child| std::cmp::Reverse(child.endings));
        answers
    }

    fn ended(&mut self, at: Timestamp, run: &str, report: &ChildEnded) {
        self.endings += 1;
        let this = FirstEnding { at, run: run.to_owned(), report: report.clone() };
        if report.is_ours() {
            this.clone().put_first(&mut self.first_of_ours);
        }
        this.put_first(&mut self.first);
        let known =
            self.children.iter().position(|child| child.child == report.child && child.host == report.host);
        let at_index = known.unwrap_or_else(|| {
            self.children.push(ChildCount {
                child: report.child.clone(),
                host: report.host.clone(),
                endings: 0,
                by_ending: Vec::new(),
                last_at: at,
                last_ending: String::new(),
                last_seq: None,
            });
            self.children.len() - 1
        });
        let child = &mut self.children[at_index];
        child.endings += 1;
        match child.by_ending.iter_mut().find(|(ending, _)| *ending == report.ending) {
            Some((_, count)) => *count += 1,
            None => child.by_ending.push((report.ending.clone(), 1)),
        }
        child.by_ending.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        child.last_at = at;
        child.last_ending = report.told();
        child.last_seq = report.last_seq;
    }
}

impl FirstEnding {
    /// Reports are handed in by many tasks: the ordinal is the order, and within a run alone.
    fn put_first(self, known: &mut Option<Self>) {
        let is_earlier = |first: &Self| first.run == self.run && self.report.ordinal < first.report.ordinal;
        if known.as_ref().is_none_or(is_earlier) {
            *known = Some(self);
        }
    }
}

impl ChildEnded {
    /// Whether it was our own doing, or our operator's, and not the world's.
    fn is_ours(&self) -> bool {
        ["failed", "panicked", "stalled"].contains(&self.ending.as_str())
    }

    /// Whether it ended because the process was stopped.
    fn was_asked_for(&self) -> bool {
        self.ending == "stopped" || self.ending == "aborted"
    }

    /// How it ended, and why: `lost: connection reset by peer`.
    pub(crate) fn told(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{}: {cause}", self.ending),
            None => self.ending.clone(),
        }
    }
}
