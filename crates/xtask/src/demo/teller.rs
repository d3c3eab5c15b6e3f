use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::audience::{Audience, Form};
use super::sample::{Rates, Sample};

/// Between two parts of a line.
const GAP: &str = "   ";

/// Says what the demo does and sees, in the form for whoever reads it.
pub(super) struct Teller<W> {
    audience: Audience,
    to: W,
    /// How many columns the line has that the next one is written over.
    line: usize,
}

/// What takes part.
pub(super) struct Parts<'a> {
    pub(super) rate: u32,
    pub(super) relay: &'a str,
    pub(super) admin: &'a str,
    /// Where the streams are, in words.
    pub(super) sink: &'a str,
}

impl<W: Write> Teller<W> {
    pub(super) fn new(audience: Audience, to: W) -> Self {
        Self { audience, to, line: 0 }
    }

    pub(super) fn begin(&mut self, parts: &Parts<'_>) -> io::Result<()> {
        let Parts { rate, relay, admin, sink } = parts;
        match self.audience.form {
            Form::Json => self.object(&json!({
                "kind": "started", "rate": rate, "relay": relay, "sink": sink, "admin": format!("http://{admin}"),
            })),
            Form::Text => {
                writeln!(self.to, "\n{rate} events a second from a simulated relay at {relay}")?;
                writeln!(self.to, "firehose writes them into {sink}")?;
                writeln!(self.to, "its page is http://{admin}/ (and /readyz, /metrics); Ctrl-C ends the demo\n")
            }
        }
    }

    /// Says what is seen after so long, and how long it will go on, if that is known.
    pub(super) fn progress(
        &mut self,
        now: &Sample,
        rates: Rates,
        after: Duration,
        left: Option<Duration>,
    ) -> io::Result<()> {
        match self.audience.form {
            Form::Json => self.object(&told("progress", now, rates, after)),
            Form::Text => {
                let columns = self.audience.columns();
                let (line, shown) = progress(now, rates, (after, left), columns, self.audience);
                if columns.is_some() {
                    let blank = " ".repeat(self.line.saturating_sub(shown));
                    self.line = shown;
                    write!(self.to, "\r{line}{blank}")?;
                } else {
                    writeln!(self.to, "{line}")?;
                }
                self.to.flush()
            }
        }
    }

    /// Says what there was over the whole time.
    pub(super) fn sum_up(
        &mut self,
        last: &Sample,
        rates: Rates,
        took: Duration,
        sink: &str,
    ) -> io::Result<()> {
        match self.audience.form {
            Form::Json => self.object(&told("summary", last, rates, took)),
            Form::Text => {
                if self.line > 0 {
                    writeln!(self.to)?;
                }
                let title = format!("stopped after {} s", tenths(took.as_secs_f64()));
                writeln!(self.to, "\n{}", self.audience.bold(&title))?;
                summary(last, rates, sink).iter().try_for_each(|line| writeln!(self.to, "{line}"))
            }
        }
    }

    fn object(&mut self, object: &Value) -> io::Result<()> {
        writeln!(self.to, "{object}")?;
        self.to.flush()
    }
}

fn told(kind: &str, sample: &Sample, rates: Rates, after: Duration) -> Value {
    let streams: serde_json::Map<_, _> =
        sample.streams.iter().map(|(stream, held)| (stream.clone(), whole(*held).into())).collect();
    json!({
        "kind": kind,
        "seconds": tenths(after.as_secs_f64()),
        "events": whole(sample.events),
        "events_per_second": tenths(rates.events),
        "entries": whole(sample.entries),
        "entries_per_second": tenths(rates.entries),
        "lag_seconds": sample.lag_seconds,
        "streams": streams,
    })
}

/// A line with as much as finds room, the most important first; and how many columns it has.
fn progress(
    now: &Sample,
    rates: Rates,
    (after, left): (Duration, Option<Duration>),
    columns: Option<usize>,
    audience: Audience,
) -> (String, usize) {
    let time = match left {
        Some(left) => format!("{} s, {} s left", seconds(after), seconds(left)),
        None => format!("{} s", seconds(after)),
    };
    let mut parts = vec![
        format!("{:>7} entries/s", grouped(rates.entries)),
        time,
        format!("lag {:.2} s", now.lag_seconds),
    ];
    parts.extend(now.streams.iter().map(|(stream, held)| format!("{stream} {}", grouped(*held))));
    parts.push(format!("{} events/s", grouped(rates.events)));
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(1));
    let (mut line, mut shown) = (String::new(), 0);
    for part in parts {
        let gap = if shown == 0 { "" } else { GAP };
        if shown + gap.len() + part.len() > room {
            continue;
        }
        line.push_str(gap);
        line.push_str(&if shown == 0 { audience.bold(&part) } else { part.clone() });
        shown += gap.len() + part.len();
    }
    (line, shown)
}

/// A row for each count, and one for each stream.
fn summary(last: &Sample, rates: Rates, sink: &str) -> Vec<String> {
    let row = |what: &str, count: f64, unit: &str, rate: f64| {
        format!("  {what:<8} {:>12} {unit:<8} {:>9}/s", grouped(count), grouped(rate))
    };
    let mut lines = vec![
        row("read", last.events, "events", rates.events),
        row("written", last.entries, "entries", rates.entries),
    ];
    let held =
        |(stream, held): (&String, &f64)| format!("  {stream} holds {} entries, in {sink}", grouped(*held));
    lines.extend(last.streams.iter().map(held));
    lines
}

fn seconds(time: Duration) -> u64 {
    whole(time.as_secs_f64())
}

/// `1,234`
fn grouped(number: f64) -> String {
    let digits = whole(number).to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates at both ends")]
    let whole = number.round() as u64;
    whole
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const RATES: Rates = Rates { events: 1_999.6, entries: 2_066.0 };
    const AFTER: Duration = Duration::from_millis(30_040);

    fn sample() -> Sample {
        let streams = [("firehose_live".to_owned(), 61_980.0)].into();
        Sample {
            events: 59_988.0,
            entries: 61_980.0,
            lag_seconds: 0.01,
            streams,
            ..Sample::nothing(Instant::now())
        }
    }

    fn said(form: Form, tell: impl FnOnce(&mut Teller<&mut Vec<u8>>)) -> String {
        let mut said = Vec::new();
        tell(&mut Teller::new(Audience { form, is_terminal: false, has_color: false }, &mut said));
        String::from_utf8(said).unwrap()
    }

    fn all(teller: &mut Teller<&mut Vec<u8>>) {
        let parts = Parts { rate: 2_000, relay: "ws://r", admin: "127.0.0.1:1", sink: "a \"log\"" };
        teller.begin(&parts).unwrap();
        teller.progress(&sample(), RATES, AFTER, Some(Duration::from_secs(9))).unwrap();
        teller.sum_up(&sample(), RATES, AFTER, parts.sink).unwrap();
    }

    #[test]
    fn people_are_told_how_fast_it_goes_how_long_and_what_came_of_it() {
        let text = said(Form::Text, all);
        for line in [
            "\n  2,066 entries/s   30 s, 9 s left   lag 0.01 s   firehose_live 61,980   2,000 events/s\n",
            "\nstopped after 30 s\n",
            "\n  read           59,988 events       2,000/s\n",
            "\n  written        61,980 entries      2,066/s\n",
            "\n  firehose_live holds 61,980 entries, in a \"log\"\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in:\n{text}");
        }
    }

    #[test]
    fn a_program_reads_an_object_a_line_the_last_of_which_sums_up() {
        let lines: Vec<Value> =
            said(Form::Json, all).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["started", "progress", "summary"]);
        assert_eq!(
            (&lines[0]["sink"], &lines[0]["admin"]),
            (&"a \"log\"".into(), &"http://127.0.0.1:1".into())
        );
        let expected = json!({
            "kind": "summary", "seconds": 30.0, "events": 59_988, "events_per_second": 1_999.6, "entries": 61_980,
            "entries_per_second": 2_066.0, "lag_seconds": 0.01, "streams": { "firehose_live": 61_980 },
        });
        assert_eq!(lines[2], expected);
    }

    #[test]
    fn a_narrow_line_has_what_matters_most_and_color_takes_no_place() {
        let line = |columns, has_color| {
            let audience = Audience { form: Form::Text, is_terminal: true, has_color };
            progress(&sample(), RATES, (AFTER, None), Some(columns), audience)
        };
        for columns in 1..100 {
            let (plain, shown) = line(columns, false);
            assert!(plain.len() == shown && shown < columns, "{columns}: {plain}");
            let (bold, same) = line(columns, true);
            assert_eq!(same, shown);
            assert_eq!(bold.replace("\x1b[1m", "").replace("\x1b[0m", ""), plain);
        }
        assert_eq!(line(40, false).0, "  2,066 entries/s   30 s   lag 0.01 s");
    }
}
