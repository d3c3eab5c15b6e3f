//! What the page has to show, said by `/status` and in words of this file's own.

use serde_json::Value;

/// What the page shows otherwise than `/status` says it. What grows with every look, such as ages, is only looked at
/// for its form.
pub(crate) fn differences(read: &Value) -> Vec<String> {
    let (status, shown) = (&read["status"], &read["shown"]);
    let mut found = Found::default();
    let hosts = list(&status["hosts"]);
    found.equal("daemon", &shown["daemon"], text(&status["daemon"]));
    found.equal("alarm", &shown["alarm"], "null");
    headline(&mut found, status, shown);
    sink(&mut found, status, shown);
    found.equal(
        "rows",
        &shown["rows"].as_array().map_or(0, Vec::len).into(),
        &hosts.len().min(50).to_string(),
    );
    let rows = list(&shown["rows"]);
    for host in hosts {
        // The first fifty are shown at first, those in trouble before others.
        match rows.iter().find(|row| row["host"] == host["host"]) {
            Some(row) => compare_host(&mut found, host, row),
            None if hosts.len() > 50 && tone(host) == "ok" => {}
            None => found.0.push(format!("{} has no row", host["host"])),
        }
    }
    let ranks: Vec<_> = rows.iter().map(|row| TONES.iter().position(|tone| row["tone"] == *tone)).collect();
    if !ranks.is_sorted() {
        found.0.push(format!("the rows are not in the order of their tones: {ranks:?}"));
    }
    decisions(&mut found, status, shown);
    let settings = list(&status["settings"]);
    let written: Vec<_> = settings
        .iter()
        .map(|it| serde_json::json!([it["key"], it["value"].as_str().unwrap_or("–"), it["place"]]))
        .collect();
    found.equal("settings", &shown["settings"], &Value::Array(written).to_string());
    found.holds("version", &shown["build"]["Version"], text(&status["build"]["version"]));
    found.equal("run", &shown["build"]["Run"], text(&status["run"]));
    incidents(&mut found, status, shown);
    found.0
}

#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn equal(&mut self, what: &str, shown: &Value, expected: &str) {
        if text_of(shown) != expected {
            self.0.push(format!("{what}: {shown}, and it is {expected:?}"));
        }
    }

    fn holds(&mut self, what: &str, shown: &Value, expected: &str) {
        if !text_of(shown).contains(expected) {
            self.0.push(format!("{what}: {shown} lacks {expected:?}"));
        }
    }
}

fn headline(found: &mut Found, status: &Value, shown: &Value) {
    let hosts = list(&status["hosts"]);
    let streaming = hosts.iter().filter(|host| streams(host)).count();
    let (one, more, not) = match text(&status["daemon"]) {
        "backfill" => ("is read", "are read", "is not read"),
        _ => ("streams", "stream", "does not stream"),
    };
    let expected = match (streaming, hosts.len()) {
        (_, 0) => "No host is read yet".to_owned(),
        (1, 1) => format!("{} {one}", text(&hosts[0]["host"])),
        (0, 1) => format!("{} {not}", text(&hosts[0]["host"])),
        (streaming, total) if streaming == total => format!("All {total} hosts {more}"),
        (0, total) => format!("None of {total} hosts {one}"),
        (1, total) => format!("1 of {total} hosts {one}"),
        (streaming, total) => format!("{streaming} of {total} hosts {more}"),
    };
    found.equal("headline", &shown["headline"], &expected);
    found.equal(
        "title",
        &shown["title"],
        &format!("{streaming}/{} · {}", hosts.len(), text(&status["daemon"])),
    );
    let mut tones: Vec<_> = hosts.iter().map(tone).collect();
    tones.sort_by_key(|tone| TONES.iter().position(|known| known == tone));
    let worst = if status["ready"] == true { tones.first().copied().unwrap_or("idle") } else { "bad" };
    found.equal("tone", &shown["tone"], worst);
    let why = shown["why"].to_string();
    if status["sink"]["answers"] == false && !why.contains("The sink does not answer") {
        found.0.push(format!("why: {why} says nothing of the sink"));
    }
    let off: Vec<_> = hosts.iter().filter(|host| !streams(host)).collect();
    if off.len() == 1 && off[0]["state"] != "unavailable" {
        for part in [text(&off[0]["host"]), word(off[0]), reason(off[0])] {
            found.holds("why", &shown["why"], Value::from(part).to_string().trim_matches('"'));
        }
    }
    if worst == "ok" {
        found.equal("why", &shown["why"], "[]");
    }
}

fn sink(found: &mut Found, status: &Value, shown: &Value) {
    let (sink, shown) = (&status["sink"], &shown["sink"]);
    found.holds("stream", &shown["title"], text(&sink["stream"]));
    let known = sink["entries"].as_u64().map_or("Length not known".to_owned(), grouped);
    found.equal("entries", &shown["entries"], &known);
    for mark in ["high_water", "low_water"] {
        if let Some(mark) = sink[mark].as_u64() {
            found.holds("marks", &shown["marks"], &grouped(mark));
        }
    }
    if let (Some(entries), Some(high)) = (sink["entries"].as_u64(), sink["high_water"].as_u64()) {
        found.equal("meter", &shown["meter"], &entries.to_string());
        if entries * 100 / high > 0 {
            found.holds("part", &shown["of"], &format!("{} %", entries * 100 / high));
        }
    }
    if sink["answers"] == false {
        found.holds("trouble", &shown["facts"]["Answers"], text(&sink["trouble"]));
    }
    if let Some(host) = sink["last_delivery"]["host"].as_str() {
        let wrote = text_of(&shown["facts"]["Writing"]);
        if !wrote.contains(host) && !wrote.starts_with("nobody") {
            found.0.push(format!("writing: {wrote:?} lacks {host}"));
        }
    }
}

fn compare_host(found: &mut Found, host: &Value, row: &Value) {
    let name = text(&host["host"]);
    let mut equal =
        |what: &str, expected: &str| found.equal(&format!("{name}: {what}"), &row[what], expected);
    equal("tone", tone(host));
    equal("state", word(host));
    equal("reason", reason(host));
    equal("found", &host["found"].to_string());
    let cursor =
        || host["cursor"].as_str().map_or("–".to_owned(), |cursor| cursor.chars().take(40).collect());
    let seq = host["last_seq"].as_u64().map_or_else(cursor, |seq| seq.to_string());
    equal("seq", &seq);
    let count = |field: &str| grouped(host[field].as_u64().unwrap());
    equal("restarts", &format!("{} / {}", count("restarts_last_hour"), count("restarts")));
    let rate = host["events_per_second"].as_f64();
    equal("rate", &rate.map_or("–".to_owned(), written_rate));
    if host["bytes_in_flight"] == 0 {
        equal("flight", "0 B");
    }
    if host["lag_ms"].is_null() {
        equal("lag", "–");
    }
    let exit = &host["last_exit"];
    let start = match text(&exit["ending"]) {
        "" => return equal("exit", ""),
        "lost" => "Lost",
        "stopped" => "Stopped as asked",
        "finished" => "Came to its end",
        "failed" => "Failed by our own doing",
        "panicked" => "Panicked",
        "stalled" => "Gave no sign of life",
        other => panic!("{other}"),
    };
    if !text_of(&row["exit"]).starts_with(start) {
        found.0.push(format!("{name}: the last exit is {}, and shown is {}", exit["ending"], row["exit"]));
    }
    found.holds(&format!("{name}: last exit"), &row["exit"], exit["cause"].as_str().unwrap_or_default());
}

fn decisions(found: &mut Found, status: &Value, shown: &Value) {
    let cards = list(&shown["decisions"]);
    let daemon = text(&status["daemon"]);
    let (mut holds, mut gaps) = (0, 0);
    for host in list(&status["hosts"]) {
        let name = text(&host["host"]);
        let of_host: Vec<_> = cards.iter().filter(|card| text(&card["title"]).starts_with(name)).collect();
        if !host["hold"].is_null() {
            holds += 1;
            let cause = text(&host["hold"]["cause"]);
            let way_out = format!("{daemon} cursor show --host {name}");
            let is_told = of_host.iter().any(|card| {
                text(&card["title"]).contains("is held since")
                    && text(&card["cause"]) == cause
                    && list(&card["commands"]).iter().any(|command| *command == way_out.as_str())
            });
            if !is_told {
                found.0.push(format!("the hold of {name} is not told: {of_host:?}"));
            }
        }
        for gap in list(&host["gaps"]) {
            gaps += 1;
            let is_told = of_host.iter().any(|card| {
                let cause = text(&card["cause"]);
                let has = |end: &Value| end.is_null() || cause.contains(&end.to_string());
                has(&gap["from"]) && has(&gap["to"]) && !list(&card["commands"]).is_empty()
            });
            if !is_told && gaps <= 12 {
                found.0.push(format!("the gap {gap} of {name} is not told: {of_host:?}"));
            }
        }
    }
    if cards.len() != holds + gaps.min(12) {
        found.0.push(format!("{} cards, {holds} holds and {gaps} gaps", cards.len()));
    }
}

fn incidents(found: &mut Found, status: &Value, shown: &Value) {
    let lines = list(&shown["incidents"]);
    let Some(newest) = list(&status["recent_incidents"]).first() else { return };
    let Some(line) = lines.first() else {
        found.0.push("no incident is shown".to_owned());
        return;
    };
    found.equal("newest incident", &line["at"], text(&newest["at"]));
    let all: String = lines.iter().map(|line| text(&line["text"])).collect();
    if !all.contains("The daemon began") && lines.len() < 15 {
        found.0.push(format!("the start is no incident: {all}"));
    }
}

/// From the worst on.
const TONES: [&str; 5] = ["bad", "act", "wait", "idle", "ok"];

fn tone(host: &Value) -> &'static str {
    let state = text(&host["state"]);
    match (host["ready"] == true, host["found"] == true) {
        _ if !host["hold"].is_null() || state == "held" => "act",
        _ if host["standing"] == "over_intensity" => "bad",
        (false, true) => "idle",
        (false, false) => "bad",
        (true, _) if ["streaming", "waiting", "ended"].contains(&state) => "ok",
        (true, _) => "wait",
    }
}

fn streams(host: &Value) -> bool {
    host["ready"] == true && (host["state"] == "streaming" || host["state"] == "waiting")
}

fn word(host: &Value) -> &str {
    match text(&host["state"]) {
        "unavailable" => "sink away",
        "backing_off" => "backing off",
        "not_started" => "not started",
        word => word,
    }
}

fn reason(host: &Value) -> &str {
    host["hold"]["cause"].as_str().or(host["reason"].as_str()).unwrap_or_default()
}

fn written_rate(rate: f64) -> String {
    let is_whole = rate >= 100.0 || rate.fract() == 0.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates of tests are small")]
    if is_whole { grouped(rate.round() as u64) } else { format!("{rate:.1}") }
}

/// In groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
