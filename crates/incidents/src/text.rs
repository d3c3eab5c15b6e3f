use std::fmt::{self, Write};

use jiff::Timestamp;

use crate::legible::broken;
use crate::{Account, Answers, FirstEnding, RunEnding, Selection, ToldRun};

/// Columns of a line.
const WIDTH: usize = 80;
/// The most runs, children, gaps and so on that are listed each.
const LISTED: usize = 20;

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Page { to: f, has_color: false }.account(self)
    }
}

/// An [`Account`] as text with color, for a terminal that has it.
#[derive(Debug)]
pub struct Colored<'a>(&'a Account);

impl Account {
    /// The same text as without, in which color marks the questions, how runs ended, and what needs somebody.
    #[must_use]
    pub const fn colored(&self) -> Colored<'_> {
        Colored(self)
    }
}

impl fmt::Display for Colored<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Page { to: f, has_color: true }.account(self.0)
    }
}

#[derive(Clone, Copy)]
enum Paint {
    None,
    Bold,
    Red,
    Green,
    Yellow,
}

impl Paint {
    /// The parameter of SGR.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Bold => Some("1"),
            Self::Red => Some("31"),
            Self::Green => Some("32"),
            Self::Yellow => Some("33"),
        }
    }
}

struct Page<'a, 'b> {
    to: &'a mut fmt::Formatter<'b>,
    has_color: bool,
}

impl Page<'_, '_> {
    fn account(&mut self, account: &Account) -> fmt::Result {
        self.runs(account)?;
        if account.runs.is_empty() {
            return Ok(());
        }
        self.answers(account)?;
        self.besides(&account.answers)?;
        if account.unreadable > 0 {
            let lines = counted(account.unreadable, "line");
            let told = format!("{lines} of the log could not be read and were passed over.");
            self.painted(Paint::Yellow, "", &told)?;
        }
        Ok(())
    }

    fn runs(&mut self, account: &Account) -> fmt::Result {
        let daemon = &account.daemon;
        let title = match account.selection {
            Selection::Last { runs: 1 } => format!("{daemon}: the last run"),
            Selection::Last { runs } => format!("{daemon}: the last {runs} runs"),
            Selection::Between { since, until: None } => format!("{daemon}: since {}", time(since)),
            Selection::Between { since, until: Some(until) } => {
                format!("{daemon}: from {} to {}", time(since), time(until))
            }
        };
        self.painted(Paint::Bold, "", &title)?;
        if account.runs.is_empty() {
            return self.item("  ", "Nothing is known: no run left a word here.");
        }
        let unlisted = account.runs.len().saturating_sub(LISTED);
        if unlisted > 0 {
            self.item("  ", &format!("({} before these)", counted(unlisted as u64, "run")))?;
        }
        account.runs.iter().skip(unlisted).try_for_each(|run| self.run(run))
    }

    fn run(&mut self, run: &ToldRun) -> fmt::Result {
        let mut began = match run.began_at {
            Some(at) => format!("It began at {}", time(at)),
            None => format!("Run {}, whose beginning has left the log", run.run),
        };
        if let Some(started) = &run.started {
            write!(
                began,
                " (pid {}, version {}, {})",
                started.pid,
                started.version,
                counted(started.hosts_total, "host")
            )?;
            if started.restarts_last_day > 0 {
                let (hour, day) = (started.restarts_last_hour, started.restarts_last_day);
                write!(began, "; restarts: {hour} within an hour, {day} within a day")?;
            }
        }
        self.item("  ", &format!("{began}."))?;
        let mut ended = format!("It {}", run.ending);
        if let Some(seen) = run.seen_at.filter(|_| run.ending != RunEnding::StillRunning) {
            let by = if run.ending.has_farewell() { "at" } else { "last seen at" };
            write!(ended, "; {by} {}", time(seen))?;
        }
        if let Some(uptime) = run.uptime_ms {
            let after = if run.ending == RunEnding::StillRunning { " for" } else { ", after" };
            write!(ended, "{after} {}", span(uptime))?;
        }
        self.painted(run.ending.paint(), "  ", &format!("{ended}."))
    }

    fn answers(&mut self, account: &Account) -> fmt::Result {
        let answers = &account.answers;
        let Some(first) = &answers.first else {
            let stopped = match answers.stopped {
                0 => "No host's task ended before the process did.".to_owned(),
                stopped => format!("None by itself; {} with the process.", counted(stopped, "task")),
            };
            return self.question("Which ended first?", &stopped);
        };
        self.question("Which ended first?", &which(first))?;
        self.question("How?", &how(first)?)?;
        let host = first.report.host.as_deref().map_or("no host".to_owned(), |host| format!("host {host}"));
        self.question("Where?", &format!("{host}."))?;
        self.question("After which message?", &message(first)?)?;
        self.how_often(answers)?;
        match &answers.first_of_ours {
            Some(ours) if ours != first => {
                let told = format!("{} {}", which(ours), how(ours)?);
                self.question("Which ended first by our own doing?", &told)?;
                self.item("    ", &format!("Its last message: {}", message(ours)?))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn how_often(&mut self, answers: &Answers) -> fmt::Result {
        let mut total = format!(
            "{} of {}",
            counted(answers.endings, "ending"),
            counted(answers.children.len() as u64, "task")
        );
        if answers.stopped > 0 {
            write!(total, ", and {} with the process", answers.stopped)?;
        }
        self.question("How often since?", &format!("{total}."))?;
        for child in answers.children.iter().take(LISTED) {
            let by_ending: Vec<_> =
                child.by_ending.iter().map(|(how, times)| format!("{how} {times}")).collect();
            let mut told = child.child.clone();
            if let Some(host) = child.host.as_ref().filter(|host| **host != child.child) {
                write!(told, " ({host})")?;
            }
            write!(
                told,
                ": {} ({}); last at {}",
                counted(child.endings, "ending"),
                by_ending.join(", "),
                time(child.last_at)
            )?;
            told.extend(child.last_seq.map(|seq| format!(" after seq {seq}")));
            write!(told, ", {}", child.last_ending)?;
            self.item("    ", &told)?;
        }
        let unlisted = answers.children.len().saturating_sub(LISTED);
        if unlisted > 0 {
            self.item("    ", &format!("and {} more", counted(unlisted as u64, "task")))
        } else {
            Ok(())
        }
    }

    fn besides(&mut self, answers: &Answers) -> fmt::Result {
        let Answers { held, gaps, over_intensity, omitted, .. } = answers;
        if !held.is_empty() || !gaps.is_empty() || !over_intensity.is_empty() || *omitted > 0 {
            writeln!(self.to)?;
        }
        for held in answers.held.iter().take(LISTED) {
            let cause = held.cause.as_deref().unwrap_or("no cause is known");
            self.painted(
                Paint::Yellow,
                "  Held: ",
                &format!("{} since {}: {cause}", held.host, time(held.since)),
            )?;
        }
        for gap in answers.gaps.iter().take(LISTED) {
            let end = |seq: Option<u64>, time: Option<&String>| {
                let seq = seq.map_or("?".to_owned(), |seq| seq.to_string());
                time.map_or(seq.clone(), |time| format!("{seq} of {time}"))
            };
            let from = end(gap.from, gap.from_time.as_ref());
            let to = end(gap.to, gap.to_time.as_ref());
            let told =
                format!("{} at {}: after {from}, before {to} ({})", gap.host, time(gap.at), gap.reason);
            self.painted(Paint::Yellow, "  Gap: ", &told)?;
        }
        for over in answers.over_intensity.iter().take(LISTED) {
            let told = format!(
                "{} failed more often than its intensity allows, from {} on",
                over.child,
                time(over.at)
            );
            self.painted(Paint::Yellow, "  Over intensity: ", &told)?;
        }
        if answers.omitted > 0 {
            let told = format!("{} could not be kept", counted(answers.omitted, "record"));
            self.painted(Paint::Yellow, "  Omitted: ", &told)?;
        }
        Ok(())
    }

    fn question(&mut self, question: &str, answer: &str) -> fmt::Result {
        writeln!(self.to)?;
        self.painted(Paint::Bold, "  ", question)?;
        self.item("    ", answer)
    }

    fn item(&mut self, lead: &str, text: &str) -> fmt::Result {
        self.painted(Paint::None, lead, text)
    }

    /// Writes a text after its lead, broken at spaces, and what follows the first line under the lead's end.
    fn painted(&mut self, paint: Paint, lead: &str, text: &str) -> fmt::Result {
        let room = WIDTH - lead.len();
        let blank = " ".repeat(lead.len());
        for (place, line) in broken(text, room).iter().enumerate() {
            let lead = if place == 0 { lead } else { &blank };
            match paint.code().filter(|_| self.has_color) {
                Some(code) => writeln!(self.to, "\x1b[{code}m{lead}{line}\x1b[0m")?,
                None => writeln!(self.to, "{lead}{line}")?,
            }
        }
        Ok(())
    }
}

fn which(ended: &FirstEnding) -> String {
    let FirstEnding { at, run: _, report } = ended;
    let life = nth(report.incarnation);
    format!("{}, at {}; ending {} of its run, in its {life} life.", report.child, time(*at), report.ordinal)
}

fn how(ended: &FirstEnding) -> Result<String, fmt::Error> {
    let report = &ended.report;
    let mut how = report.told();
    how.extend(report.task.as_ref().map(|task| format!(", in the task {task}")));
    how.extend(report.place.as_ref().map(|place| format!(", at {place}")));
    let (state, verdict) = (report.state.replace('_', " "), report.verdict.replace('_', " "));
    write!(how, " (after {}, while {state}; then {verdict}", span(report.ran_for_ms))?;
    how.extend(report.restart_in_ms.map(|wait| format!(" after {}", span(wait))));
    how.push_str(").");
    Ok(how)
}

fn message(ended: &FirstEnding) -> Result<String, fmt::Error> {
    let report = &ended.report;
    let mut message = report.last_seq.map_or("none that is known".to_owned(), |seq| format!("seq {seq}"));
    message.extend(report.last_event_time.as_ref().map(|time| format!(", of {time} by its own time")));
    write!(message, "; {}, {} in that life.", counted(report.events, "event"), size(report.bytes))?;
    Ok(message)
}

impl RunEnding {
    /// Whether the process itself said how it ends.
    fn has_farewell(&self) -> bool {
        match self {
            Self::Clean { .. } | Self::Fatal { .. } | Self::Signal { .. } => true,
            Self::FirstRun
            | Self::StillRunning
            | Self::OutOfMemory { .. }
            | Self::MachineRestarted
            | Self::Killed { .. }
            | Self::Unknown => false,
        }
    }

    fn paint(&self) -> Paint {
        match self {
            Self::FirstRun | Self::StillRunning | Self::Clean { .. } => Paint::Green,
            Self::MachineRestarted | Self::Unknown => Paint::Yellow,
            Self::Fatal { .. } | Self::Signal { .. } | Self::OutOfMemory { .. } | Self::Killed { .. } => {
                Paint::Red
            }
        }
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn nth(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        (_, _) => "th",
    };
    format!("{number}{ending}")
}

/// Milliseconds in the two largest units that they fill.
fn span(millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis}ms"),
        1..60 => format!("{seconds}.{}s", millis % 1_000 / 100),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
        86_400.. => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_240 => counted(bytes, "byte"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        10_485_760.. => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_sizes_and_ordinals_read_as_people_write_them() {
        let spans = [29, 29_400, 61_000, 3_720_000, 90_000_000].map(span);
        assert_eq!(spans, ["29ms", "29.4s", "1m 1s", "1h 2m", "1d 1h"]);
        assert_eq!(
            [1, 2, 3, 4, 11, 112, 121].map(nth),
            ["1st", "2nd", "3rd", "4th", "11th", "112th", "121st"]
        );
        assert_eq!([1, 20 << 10, 20 << 20].map(size), ["1 byte", "20 KiB", "20 MiB"]);
    }
}
