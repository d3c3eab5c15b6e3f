use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::Incident;
use crate::paths::Paths;

/// What a log holds, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The records that this version understands, and those of kinds that it does not.
    pub records: Vec<Record>,
    /// Lines that are no records: torn by a kill or a loss of power, or written by somebody else.
    pub unreadable: u64,
}

/// One record, and the line that it was read from.
#[derive(Debug, Clone)]
pub struct Record {
    /// What it says.
    pub incident: Incident,
    /// Its line as written, without the line break, with what only a newer version understands.
    pub line: String,
}

impl Kept {
    /// Reads a log, whether or not somebody writes it meanwhile. A log that is not there is empty.
    ///
    /// # Errors
    ///
    /// What the system says of files that are there.
    pub fn read(folder: &Path, daemon: &str) -> io::Result<Self> {
        Self::at(&Paths::new(folder, daemon))
    }

    pub(crate) fn at(paths: &Paths) -> io::Result<Self> {
        // The current file first: if it becomes the older one in between, it is read twice rather than not at all.
        let current = text(&paths.current)?;
        let older = text(&paths.older)?;
        Ok(Self::of(&older, &current))
    }

    /// A line that stands twice was carried over when the files changed, and counts once. The last line counts even
    /// without its break, if it is whole.
    fn of(older: &str, current: &str) -> Self {
        let mut kept = Self::default();
        let mut seen = HashSet::new();
        let lines = older.lines().chain(current.lines());
        for line in lines.filter(|line| !line.is_empty() && seen.insert(*line)) {
            match serde_json::from_str(line) {
                Ok(incident) => kept.records.push(Record { incident, line: line.to_owned() }),
                Err(_) => kept.unreadable += 1,
            }
        }
        kept
    }
}

fn text(path: &Path) -> io::Result<String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::What;

    fn line(host: &str) -> String {
        format!(r#"{{"at":"2026-03-01T06:57:29Z","run":"r","daemon":"d","kind":"released","host":"{host}"}}"#)
    }

    #[track_caller]
    fn check(older: &str, current: &str, hosts: &[&str], unreadable: u64) {
        let kept = Kept::of(older, current);
        let read: Vec<_> = kept
            .records
            .iter()
            .map(|record| {
                let What::Released { host } = &record.incident.what else { panic!("{record:?}") };
                host.as_str()
            })
            .collect();
        assert_eq!((read.as_slice(), kept.unreadable), (hosts, unreadable));
    }

    #[test]
    fn a_torn_line_is_passed_over() {
        let (a, b) = (line("a"), line("b"));
        check("", "", &[], 0);
        check("", &format!("{a}\n{b}"), &["a", "b"], 0);
        check("", &format!("{a}\n{}", &b[..b.len() - 1]), &["a"], 1);
        check("", &format!("{a}\n\0\0\0\0\n{b}\n"), &["a", "b"], 1);
    }

    #[test]
    fn what_was_carried_over_counts_once() {
        let (a, b, c) = (line("a"), line("b"), line("c"));
        check(&format!("{a}\n{b}\n"), &format!("{a}\n{c}\n"), &["a", "b", "c"], 0);
        check(&format!("{a}\n{b}\n"), &format!("{a}\n{b}\n"), &["a", "b"], 0);
    }
}
