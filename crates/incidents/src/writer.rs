use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;

use crate::files::Files;
use crate::log::Shared;
use crate::mark::{Mark, MarkFile, NoMark};
use crate::queue::Taken;
use crate::{Incident, Surroundings, What};

/// What the thread of the log does.
pub(crate) struct Writer<C> {
    shared: Arc<Shared>,
    files: Files,
    facts: Facts,
    mark_file: Option<MarkFile>,
    copy: C,
    has_first_ending: bool,
    /// Records that the disk refused, not told yet.
    refused: u64,
    standing: Standing,
}

/// What the sign of life is made of.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) surroundings: Surroundings,
    pub(crate) mark: Mark,
    pub(crate) alive: PathBuf,
}

/// What was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Sound,
    /// The disk refuses.
    Refused,
    /// Another process writes this log.
    Taken,
}

impl<C: FnMut(&str)> Writer<C> {
    pub(crate) fn new(
        shared: Arc<Shared>,
        files: Files,
        mark_file: Result<MarkFile, NoMark>,
        facts: Facts,
        copy: C,
    ) -> Self {
        let mut writer = Self {
            shared,
            files,
            facts,
            mark_file: None,
            copy,
            has_first_ending: false,
            refused: 0,
            standing: Standing::Sound,
        };
        writer.take_mark(mark_file);
        writer
    }

    /// Writes what was handed in, and gives a sign of life.
    pub(crate) fn deal_with(&mut self, taken: Taken, ran_for_ms: u64) {
        let Taken { incidents, farewell, overflowed, is_last } = taken;
        if is_last && incidents.is_empty() && farewell.is_none() && overflowed == 0 {
            return;
        }
        self.facts.mark.breathe(ran_for_ms, self.facts.surroundings.memory());
        if let Some(What::RunEnded(ended)) = farewell.as_ref().map(|incident| &incident.what) {
            self.facts.mark.say_farewell(&ended.farewell);
        }
        let is_farewell = farewell.is_some();
        self.breathe(is_farewell);
        let handed_in = incidents.len() as u64 + u64::from(is_farewell);
        let mut lines: Vec<String> = Vec::with_capacity(incidents.len() + 3);
        for incident in incidents.iter().chain(&farewell) {
            let Ok(line) = serde_json::to_string(incident) else { continue };
            self.carry(incident, &line);
            lines.push(line);
        }
        if overflowed > 0 {
            tracing::warn!(records = overflowed, "incidents came faster than the disk takes them");
            lines.extend(self.omitted(overflowed, "queue"));
        }
        for line in &lines {
            (self.copy)(line);
        }
        if !lines.is_empty() {
            self.write(&lines, handed_in);
        }
        self.shared.queue.dealt_with(handed_in);
    }

    fn write(&mut self, lines: &[String], records: u64) {
        if self.standing == Standing::Taken {
            self.shared.lost_to_another.fetch_add(records, Relaxed);
            return;
        }
        let told = (self.refused > 0).then(|| self.omitted(self.refused, "disk")).flatten();
        let lines: Vec<_> = told.into_iter().chain(lines.iter().cloned()).collect();
        match self.files.append(&lines) {
            Ok(()) => {
                self.refused = 0;
                self.shared.written.fetch_add(records, Relaxed);
                self.stand(Standing::Sound, None);
            }
            Err(error) => {
                self.refused += records;
                self.shared.lost_to_disk.fetch_add(records, Relaxed);
                self.stand(Standing::Refused, Some(&error));
            }
        }
    }

    /// The beginning of a run and its first ending explain the rest.
    fn carry(&mut self, incident: &Incident, line: &str) {
        let is_head = match &incident.what {
            What::RunStarted(_) => true,
            What::ChildEnded(_) => !std::mem::replace(&mut self.has_first_ending, true),
            What::Held { .. }
            | What::Released { .. }
            | What::Moved { .. }
            | What::Gap { .. }
            | What::OverIntensity { .. }
            | What::Omitted { .. }
            | What::RunEnded(_)
            | What::Unknown => false,
        };
        if is_head {
            self.files.carry(line.to_owned());
        }
    }

    fn omitted(&self, records: u64, reason: &str) -> Option<String> {
        let what = What::Omitted { records, reason: reason.to_owned() };
        serde_json::to_string(&self.shared.incident(Timestamp::now(), what)).ok()
    }

    /// A mark that cannot be written costs the next run its knowledge of when this one was last seen, and no more.
    fn breathe(&mut self, is_farewell: bool) {
        if self.mark_file.is_none() {
            let opened = MarkFile::open(&self.facts.alive);
            self.take_mark(opened);
        }
        let Some(file) = &self.mark_file else { return };
        let written = file.write(&self.facts.mark);
        // Power may be lost at any moment, and then another boot tells enough: only the last word is worth a sync.
        let written = if is_farewell { written.and_then(|()| file.sync()) } else { written };
        if let Err(error) = written {
            tracing::debug!(%error, "no sign of life can be left");
        }
    }

    fn take_mark(&mut self, opened: Result<MarkFile, NoMark>) {
        match opened {
            Ok(file) => {
                self.mark_file = Some(file);
                if self.standing == Standing::Taken {
                    // The run's first lines were not written yet.
                    let head = self.files.head().to_vec();
                    self.standing = Standing::Sound;
                    self.write(&head, 0);
                }
            }
            Err(NoMark::Taken) => self.stand(Standing::Taken, None),
            Err(NoMark::Refused(error)) => self.stand(Standing::Refused, Some(&error)),
        }
    }

    /// Tells a change once.
    fn stand(&mut self, standing: Standing, error: Option<&io::Error>) {
        let before = std::mem::replace(&mut self.standing, standing);
        if before == standing {
            return;
        }
        let file = self.facts.alive.with_extension("jsonl");
        let error = error.map(tracing::field::display);
        match standing {
            Standing::Sound => tracing::info!(file = %file.display(), "incidents are kept again"),
            Standing::Refused => tracing::warn!(error, file = %file.display(), "incidents cannot be kept"),
            Standing::Taken => {
                tracing::warn!(file = %file.display(), "incidents are not kept: another process writes this log");
            }
        }
    }
}

impl<C> fmt::Debug for Writer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("files", &self.files)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}
