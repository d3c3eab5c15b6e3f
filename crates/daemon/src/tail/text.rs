//! Entries as people read them: one line an entry, and one a label.

use jiff::Timestamp;
use standpipe_log_sink::Entry;
use standpipe_stream_entry::backfill::ListedRepo;
use standpipe_stream_entry::firehose::{AccountStatus, Entry as FirehoseEntry, Event, Kind};
use standpipe_stream_entry::label::{Label, LabelsEntry, Verdict};
use standpipe_stream_entry::{FIREHOSE_LIVE, LABEL_LIVE, REPO_BACKFILL};

use crate::terminal::{Align, Line, Paint};

/// The most characters of a record, or of what cannot be read, that are shown. The JSON has all of it.
const RECORD: usize = 600;

// How wide columns are at least, so that lines stand in rows.
const INDEX: usize = 8;
const CLOCK: usize = 8;
const DAY: usize = 10;
const KIND: usize = 8;
const DID: usize = 32;
const VALUE: usize = 16;
const VERDICT: usize = 10;
const STATUS: usize = 11;
const REV: usize = 13;

/// Tells an entry of a stream, in lines of at most so many columns.
pub(super) fn lines(stream: &str, entry: &Entry, columns: Option<usize>, has_color: bool) -> Vec<String> {
    let Entry { index, payload } = entry;
    let begin = || {
        let mut line = Line::within(columns, has_color);
        line.add(&index.to_string(), INDEX, Align::Right, Paint::Dim);
        line
    };
    let told = if stream == FIREHOSE_LIVE.name {
        FirehoseEntry::parse(payload).ok().map(|entry| vec![event(&entry, begin())])
    } else if stream == REPO_BACKFILL.name {
        ListedRepo::parse(payload).ok().map(|listed| vec![repo(&listed, begin())])
    } else if stream == LABEL_LIVE.name {
        LabelsEntry::parse(payload)
            .ok()
            .map(|entry| entry.labels.iter().map(|said| label(said, begin())).collect::<Vec<_>>())
    } else {
        None
    };
    told.filter(|lines| !lines.is_empty()).unwrap_or_else(|| {
        let mut line = begin();
        add(&mut line, &beginning(&String::from_utf8_lossy(payload)), 0, Paint::Yellow);
        vec![line.finish()]
    })
}

/// `INDEX  14:38:08  create    did:plc:…  app.bsky.feed.post/3mpuxk4rz2c2s  {"text":…`
fn event(entry: &FirehoseEntry<'_>, mut line: Line) -> String {
    let kind = entry.kind();
    let paint = match kind {
        Kind::Create => Paint::Green,
        Kind::Update => Paint::Yellow,
        Kind::Delete => Paint::Red,
        Kind::Identity | Kind::Account | Kind::Sync | Kind::Repo => Paint::Cyan,
    };
    add(&mut line, &moment(&entry.time, "%H:%M:%S", CLOCK), CLOCK, Paint::Dim);
    add(&mut line, kind.as_str(), KIND, paint);
    add(&mut line, &entry.did, DID, Paint::None);
    match &entry.event {
        Event::Create(write) | Event::Update(write) => {
            add(&mut line, &format!("{}/{}", write.collection, write.rkey), 0, Paint::Bold);
            add(&mut line, &beginning(write.record.as_str()), 0, Paint::Dim);
        }
        Event::Delete(delete) => {
            add(&mut line, &format!("{}/{}", delete.collection, delete.rkey), 0, Paint::Bold);
        }
        Event::Identity(identity) => add(&mut line, identity.handle.as_deref().unwrap_or(""), 0, Paint::Bold),
        Event::Account(account) => {
            let status = account.status.as_ref().map(AccountStatus::as_str);
            add(&mut line, standing(account.active), 0, Paint::Bold);
            add(&mut line, status.unwrap_or_default(), 0, Paint::None);
        }
        Event::Sync(state) | Event::Repo(state) => add(&mut line, &state.rev, 0, Paint::Bold),
    }
    line.finish()
}

/// `INDEX  active  did:plc:…  3mpuxk5o4lk2h  https://bsky.network`
fn repo(repo: &ListedRepo<'_>, mut line: Line) -> String {
    let status = repo.status.as_ref().map_or(standing(repo.active), AccountStatus::as_str);
    let paint = if repo.active { Paint::Green } else { Paint::Yellow };
    add(&mut line, status, STATUS, paint);
    add(&mut line, &repo.did, DID, Paint::None);
    add(&mut line, &repo.rev, REV, Paint::Dim);
    add(&mut line, &repo.host, 0, Paint::Dim);
    line.finish()
}

/// `INDEX  2026-07-04  porn  verified  at://did:plc:…/app.bsky.feed.post/3mpuxk4rz2c2s  by did:plc:…`
fn label(label: &Label<'_>, mut line: Line) -> String {
    let (said, paint) = match label.neg {
        Some(true) => (format!("not {}", label.val), Paint::Dim),
        Some(false) | None => (label.val.to_string(), Paint::Bold),
    };
    add(&mut line, &moment(&label.cts, "%Y-%m-%d", DAY), DAY, Paint::Dim);
    add(&mut line, &said, VALUE, paint);
    let (verdict, paint) = match label.verdict {
        Some(verdict @ Verdict::Verified) => (verdict.as_str(), Paint::Green),
        Some(verdict @ Verdict::Unverified) => (verdict.as_str(), Paint::Yellow),
        Some(verdict @ Verdict::Failed) => (verdict.as_str(), Paint::Red),
        None => ("", Paint::None),
    };
    add(&mut line, verdict, VERDICT, paint);
    add(&mut line, &label.uri, 0, Paint::None);
    if let Some(until) = &label.exp {
        add(&mut line, &format!("until {}", moment(until, "%Y-%m-%d", DAY)), 0, Paint::Yellow);
    }
    add(&mut line, &format!("by {}", label.src), 0, Paint::Dim);
    line.finish()
}

fn add(line: &mut Line, text: &str, width: usize, paint: Paint) {
    line.add(text, width, Align::Left, paint);
}

fn standing(is_active: bool) -> &'static str {
    if is_active { "active" } else { "inactive" }
}

/// A moment in UTC; the beginning of what is none.
fn moment(text: &str, format: &str, width: usize) -> String {
    match text.parse::<Timestamp>() {
        Ok(at) => at.strftime(format).to_string(),
        Err(_) => text.chars().take(width).collect(),
    }
}

fn beginning(text: &str) -> String {
    let mut chars = text.chars();
    let mut beginning: String = chars.by_ref().take(RECORD).collect();
    if chars.next().is_some() {
        beginning.push_str("..");
    }
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &str = r#"{"type":"create","seq":7,"time":"2026-07-04T14:38:08.999Z","did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","commit":"bafyreihx6zxsmhnjsyvbqrf2rnuxrm2n6hzr3kbdm4suqmbwnp4rjnyzci","rev":"3mpuxk5o4lk2h","collection":"app.bsky.feed.post","rkey":"3mpuxk4rz2c2s","cid":"bafyreihx6zxsmhnjsyvbqrf2rnuxrm2n6hzr3kbdm4suqmbwnp4rjnyzci","record":{"text":"up the \u009b2J standpipe"}}"#;

    fn told(stream: &str, payload: &str, columns: Option<usize>, has_color: bool) -> Vec<String> {
        let entry = Entry { index: 12_345, payload: payload.to_owned().into() };
        lines(stream, &entry, columns, has_color)
    }

    #[track_caller]
    fn check(stream: &str, payload: &str, expected: &[&str]) {
        assert_eq!(told(stream, payload, None, false), expected);
    }

    #[test]
    fn an_event_says_when_what_whose_and_where() {
        check(
            "firehose_live",
            POST,
            &[
                r#"   12345  14:38:08  create    did:plc:ewvi7nxzyoun6zhxrhs64oiz  app.bsky.feed.post/3mpuxk4rz2c2s  {"text":"up the \u009b2J standpipe"}"#,
            ],
        );
        let head = r#""seq":7,"time":"2026-07-04T14:38:08.999Z","did":"did:plc:a""#;
        for (rest, shown) in [
            (
                r#""type":"delete","commit":"bafy","rev":"3k","collection":"app.bsky.feed.like","rkey":"3k""#,
                "delete    did:plc:a                         app.bsky.feed.like/3k",
            ),
            (r#""type":"identity""#, "identity  did:plc:a"),
            (
                r#""type":"identity","handle":"a.example""#,
                "identity  did:plc:a                         a.example",
            ),
            (
                r#""type":"account","active":false,"status":"takendown""#,
                "account   did:plc:a                         inactive  takendown",
            ),
            (
                r#""type":"sync","commit":"bafy","rev":"3mpuxk5o4lk2h""#,
                "sync      did:plc:a                         3mpuxk5o4lk2h",
            ),
        ] {
            let line = format!("   12345  14:38:08  {shown}");
            check("firehose_live", &format!("{{{rest},{head}}}"), &[&line]);
        }
    }

    #[test]
    fn a_listed_repo_says_its_standing_and_who_lists_it() {
        let host = "https://bsky.network";
        for (rest, shown) in [
            (
                r#""rev":"3mpuxk5o4lk2h","status":null,"active":true"#,
                "active       did:plc:a                         3mpuxk5o4lk2h",
            ),
            (
                r#""rev":"","status":"takendown","active":false"#,
                "takendown    did:plc:a                                      ",
            ),
            (
                r#""rev":"","status":null,"active":false"#,
                "inactive     did:plc:a                                      ",
            ),
        ] {
            let line = format!("   12345  {shown}  {host}");
            check("repo_backfill", &format!(r#"{{"did":"did:plc:a","host":"{host}",{rest}}}"#), &[&line]);
        }
    }

    #[test]
    fn each_label_has_a_line_and_one_that_takes_back_says_not() {
        check(
            "label_live",
            r#"{"seq":9,"labels":[
                {"src":"did:plc:l","uri":"did:plc:a","val":"spam","cts":"2024-07-04T14:38:08Z","verdict":"verified"},
                {"src":"did:plc:l","uri":"at://did:plc:a/app.bsky.feed.post/3k","val":"spam","neg":true,"cts":"no time at all","exp":"2027-01-02T00:00:00Z"}]}"#,
            &[
                "   12345  2024-07-04  spam              verified    did:plc:a  by did:plc:l",
                "   12345  no time at  not spam                      at://did:plc:a/app.bsky.feed.post/3k  until 2027-01-02  by did:plc:l",
            ],
        );
    }

    #[test]
    fn what_cannot_be_read_is_shown_as_it_is() {
        for payload in [r#"{"type":"novel"}"#, r#"{"seq":9,"labels":[]}"#, "no JSON"] {
            for stream in ["firehose_live", "repo_backfill", "label_live", "another"] {
                check(stream, payload, &[&format!("   12345  {payload}")]);
            }
        }
        let long = "x".repeat(2 * RECORD);
        check("firehose_live", &long, &[&format!("   12345  {}..", &long[..RECORD])]);
    }

    #[test]
    fn a_line_ends_where_the_terminal_does_and_color_takes_no_place() {
        for columns in 1..200 {
            let plain = told("firehose_live", POST, Some(columns), false).remove(0);
            assert!(plain.len() <= columns, "{plain}");
            let colored = told("firehose_live", POST, Some(columns), true).remove(0);
            let codes = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m"];
            let stripped = codes.iter().fold(colored, |line, code| line.replace(code, ""));
            assert_eq!(stripped.trim_end(), plain);
        }
        assert!(told("firehose_live", POST, None, true)[0].contains("\x1b[32mcreate\x1b[0m"));
    }
}
