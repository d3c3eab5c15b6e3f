use std::io;

use jiff::Timestamp;
use serde::Serialize;

use crate::judgement::judge;
use crate::mark::{Mark, is_held};
use crate::paths::Paths;
use crate::{Answers, Kept, LastRun, LogSettings, Record, RunEnding, RunStarted, What};

/// What of a log is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The newest runs, as many as this.
    Last {
        /// How many; 1 is the last run.
        runs: u64,
    },
    /// What happened within a time.
    Between {
        /// From this moment on.
        since: Timestamp,
        /// Up to this moment; `None`: up to the end.
        until: Option<Timestamp>,
    },
}

/// What a log tells of some runs: five questions answered.
///
/// Displayed, it is text for people, at most 80 columns wide; [`json_lines`](Self::json_lines) is for programs.
#[derive(Debug, Clone)]
pub struct Account {
    /// The program.
    pub daemon: String,
    /// What was asked about.
    pub selection: Selection,
    /// The runs, oldest first.
    pub runs: Vec<ToldRun>,
    /// The answers over all of them.
    pub answers: Answers,
    /// Their records, oldest first.
    pub records: Vec<Record>,
    /// Lines of the whole log that are no records.
    pub unreadable: u64,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldRun {
    /// Its name.
    pub run: String,
    /// When it began, if its first record is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Timestamp>,
    /// What its first record says besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<RunStarted>,
    /// How it ended, or that it is running.
    #[serde(flatten)]
    pub ending: RunEnding,
    /// How long it ran, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
    /// When it said farewell, or was last seen alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
}

impl Account {
    /// Reads a log and answers, whether the daemon runs or not. Nothing is written.
    ///
    /// # Errors
    ///
    /// What the system says of files that are there.
    pub fn read(settings: &LogSettings, selection: Selection) -> io::Result<Self> {
        let LogSettings { folder, daemon, bytes: _, surroundings } = settings;
        let paths = Paths::new(folder, daemon);
        // Before the records: a daemon that ends in between has its farewell among them.
        let is_running = is_held(&paths.alive);
        let kept = Kept::at(&paths)?;
        let mut newest = judge(&kept.records, Mark::read(&paths.alive).as_ref(), surroundings);
        if is_running && newest.run.is_some() {
            newest.ending = RunEnding::StillRunning;
        }
        Ok(Self::of(kept, &newest, daemon, selection))
    }

    /// Answers from records; `newest` says how the newest run is or ended.
    pub(crate) fn of(kept: Kept, newest: &LastRun, daemon: &str, selection: Selection) -> Self {
        let Kept { records, unreadable } = kept;
        let mut runs = runs(&records, newest);
        match selection {
            Selection::Last { runs: wanted } => {
                let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
                runs.drain(..runs.len().saturating_sub(wanted));
            }
            Selection::Between { since, until } => {
                runs.retain(|run| run.touches(since, until));
            }
        }
        let is_asked_about = |record: &Record| match selection {
            Selection::Last { .. } => runs.iter().any(|run| run.run == record.incident.run),
            Selection::Between { since, until } => {
                record.incident.at >= since && until.is_none_or(|until| record.incident.at <= until)
            }
        };
        let records: Vec<_> = records.into_iter().filter(is_asked_about).collect();
        let answers = Answers::of(&records);
        Self { daemon: daemon.to_owned(), selection, runs, answers, records, unreadable }
    }

    /// The answers as one JSON object (`"kind":"account"`), then every record as it stands in the log, each on a line.
    pub fn json_lines(&self) -> impl Iterator<Item = String> {
        #[derive(Serialize)]
        struct Line<'a> {
            kind: &'static str,
            daemon: &'a str,
            runs: &'a [ToldRun],
            #[serde(flatten)]
            answers: &'a Answers,
            unreadable: u64,
        }
        let Self { daemon, runs, answers, unreadable, .. } = self;
        let line = Line { kind: "account", daemon, runs, answers, unreadable: *unreadable };
        let account = serde_json::to_string(&line).ok();
        account.into_iter().chain(self.records.iter().map(|record| record.line.clone()))
    }
}

impl ToldRun {
    fn touches(&self, since: Timestamp, until: Option<Timestamp>) -> bool {
        let began_before = until.is_none_or(|until| self.began_at.is_none_or(|began| began <= until));
        let ended_before =
            self.ending != RunEnding::StillRunning && self.seen_at.is_some_and(|seen| seen < since);
        began_before && !ended_before
    }
}

/// All runs that left a record, oldest first, and the newest even if it left none.
fn runs(records: &[Record], newest: &LastRun) -> Vec<ToldRun> {
    let mut runs: Vec<ToldRun> = Vec::new();
    for Record { incident, .. } in records {
        let at = runs.iter().position(|run| run.run == incident.run).unwrap_or_else(|| {
            runs.push(ToldRun::silent(&incident.run));
            runs.len() - 1
        });
        if let What::RunStarted(started) = &incident.what {
            let last_run = &started.last_run;
            if let Some(before) = runs.iter_mut().find(|run| Some(&run.run) == last_run.run.as_ref()) {
                before.learn(last_run);
            }
            runs[at].began_at = Some(incident.at);
            runs[at].started = Some(started.clone());
        }
        if let What::RunEnded(ended) = &incident.what {
            runs[at].ending = ended.farewell.clone().into();
            runs[at].uptime_ms = Some(ended.uptime_ms);
        }
        runs[at].seen_at = Some(incident.at);
    }
    if let Some(name) = &newest.run {
        if runs.iter().all(|run| run.run != *name) {
            runs.push(ToldRun::silent(name));
        }
        runs.iter_mut().filter(|run| run.run == *name).for_each(|run| run.learn(newest));
    }
    runs
}

impl ToldRun {
    /// A run of which nothing is known yet.
    fn silent(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            began_at: None,
            started: None,
            ending: RunEnding::Killed { memory_used_bytes: None, memory_limit_bytes: None },
            uptime_ms: None,
            seen_at: None,
        }
    }

    fn learn(&mut self, of_it: &LastRun) {
        self.ending = of_it.ending.clone();
        self.uptime_ms = of_it.uptime_ms;
        self.seen_at = of_it.seen_at.max(self.seen_at);
    }
}
