//! What somebody sees who runs `backfill` on a terminal, and what a program reads from it.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use serde_json::Value;
use standpipe_oracle::PseudoTerminal;
use standpipe_simulator::{
    Feed, ListedHost, ListingSettings, PageFault, Relay, RelaySettings, Retry, Rule, World, WorldSettings,
};
use tokio::time::{Instant, sleep};

use crate::rig::{LOOK_EVERY, PATIENCE, Rig};

const ROWS: u16 = 400;

/// What the relay's own list of hosts adds up to, over more than one of its pages.
const ESTIMATE: u64 = 20_000;
const HOSTS: u64 = 400;

/// The row that the host tells us to wait with.
const LATER: u64 = 2_500;

/// A relay with a list of hosts.
fn relay(accounts: u32) -> Relay {
    let accounts = NonZeroU32::new(accounts).unwrap();
    let world = World::new(WorldSettings { accounts, ..WorldSettings::default() });
    let host = |number| ListedHost {
        hostname: format!("pds{number}.example"),
        account_count: (number % 2 == 0).then_some(2 * ESTIMATE / HOSTS),
        ..ListedHost::default()
    };
    let listing =
        ListingSettings { hosts: (0..HOSTS).map(host).collect(), ..ListingSettings::relay(world.clone()) };
    Relay::start(Feed::World(world), RelaySettings { listing: Some(listing), ..RelaySettings::default() })
        .unwrap()
}

/// A daemon that reads this relay, and ends when it is done.
async fn rig(relay: &Relay) -> Rig {
    let mut rig = Rig::new(1, |_| {}).await;
    rig.daemon.set("INGESTER_RELAY_HOSTS", relay.http_url());
    rig.daemon.set("STANDPIPE_BACKFILL__INTERVAL", "off");
    rig.daemon.set("STANDPIPE_HEARTBEAT", "1s");
    rig.daemon.set("TERM", "xterm-256color");
    rig
}

/// A relay that says at a row when to come back, which is not soon.
fn waiting_relay() -> Relay {
    let relay = relay(5_000);
    let later = relay.servable().map(|account| account.account).find(|account| *account >= LATER).unwrap();
    relay.faults().add(Rule::on_row(later, PageFault::TooMany(Retry::After(900))));
    relay
}

/// A terminal, and what is to be seen on it.
struct Screen {
    terminal: PseudoTerminal,
    emulator: vt100::Parser,
    seen: usize,
}

impl Screen {
    fn new(columns: u16) -> Self {
        let terminal = PseudoTerminal::open(ROWS, columns).unwrap();
        let [rows, width] = [ROWS, columns].map(|size| NonZeroU16::new(size).unwrap());
        Self { terminal, emulator: vt100::Parser::new(rows, width, 0), seen: 0 }
    }

    /// The rows that are not empty, from top to bottom; a line that was too long for one is joined again.
    fn lines(&mut self) -> Vec<String> {
        let written = self.terminal.written();
        self.emulator.process(&written[self.seen..]);
        self.seen = written.len();
        let screen = self.emulator.screen();
        let mut lines: Vec<String> = Vec::new();
        let mut is_more = false;
        for (number, row) in screen.rows(0, screen.size().1.get()).enumerate() {
            match lines.last_mut() {
                Some(line) if is_more => line.push_str(&row),
                Some(_) | None => lines.push(row),
            }
            is_more = screen.row_wrapped(u16::try_from(number).unwrap());
        }
        lines.retain(|line| !line.is_empty());
        lines
    }

    /// Looks until the lines are as wanted. At every look, whatever is not the last line is a whole line of the log.
    async fn until(&mut self, what: &str, mut wanted: impl FnMut(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = self.lines();
            let above = lines.split_last().map_or(&[][..], |(_, above)| above);
            assert!(above.iter().all(|line| is_log_line(line)), "torn:\n{}", lines.join("\n"));
            if wanted(&lines) {
                return lines;
            }
            assert!(Instant::now() < deadline, "waited for {what}:\n{}", lines.join("\n"));
            sleep(LOOK_EVERY).await;
        }
    }

    fn written(&self) -> String {
        String::from_utf8(self.terminal.written()).unwrap()
    }
}

/// Begins with the one time and the level, and has nothing of what is kept at the bottom.
fn is_log_line(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let time = words.next().unwrap_or_default();
    let level = words.next().unwrap_or_default();
    is_time(time)
        && ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level)
        && !words.any(|word| word.starts_with('~') || is_time(word))
}

/// As log lines begin: `2026-07-04T14:00:00.123456Z`.
fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.ends_with('Z') && word.as_bytes().get(10) == Some(&b'T')
}

fn has_color(written: &str) -> bool {
    written.split("\x1b[").skip(1).any(|code| {
        code.trim_start_matches(|char: char| char.is_ascii_digit() || char == ';').starts_with('m')
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_progress_stays_below_whole_log_lines_and_a_summary_is_left() {
    let relay = relay(2_000);
    relay.faults().add(Rule::each_page(PageFault::Stall { time: Some(Duration::from_millis(100)) }));
    let mut rig = rig(&relay).await;
    rig.daemon.set("STANDPIPE_BACKFILL__PAGE_LIMIT", "50");
    rig.daemon.set("STANDPIPE_LOG", "debug");
    let mut screen = Screen::new(200);
    rig.daemon.start_on(&screen.terminal).unwrap();

    let host = relay.addr().to_string();
    screen
        .until("a bar with a rate and estimates", |lines| {
            let last = lines.last().map(String::as_str).unwrap_or_default();
            let parts = ["  first  [=", ">", "]  ~", " %  ", " repos  ", " pages  ", "/s  ", " left"];
            last.starts_with(&host) && parts.iter().all(|part| last.contains(part))
        })
        .await;
    let beside =
        |lines: &[String]| lines.len() > 20 && lines.last().is_some_and(|last| last.starts_with(&host));
    screen.until("a bar below many lines", beside).await;
    let ended = |lines: &[String]| lines.last().is_some_and(|last| last.contains("leaving"));
    let lines = screen.until("the end", ended).await;
    assert_eq!(rig.daemon.ended(PATIENCE).await.unwrap().code(), Some(0));

    let rows = relay.servable().count();
    for (message, parts) in
        [("the enumeration is done", &["exact=true"][..]), ("listed in this run", &["hosts=1", "done=1"])]
    {
        let told: Vec<_> = lines.iter().filter(|line| line.contains(message)).collect();
        let [line] = told[..] else { panic!("{message}: {told:?}") };
        let pages = rows.div_ceil(50);
        let counts = [format!("repos={rows}"), format!("entries={rows}"), format!("pages={pages}")];
        let all =
            counts.iter().map(String::as_str).chain(["withheld_ranges=0", "took=", "repos_per_second="]);
        for part in all.chain(parts.iter().copied()) {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
    assert!(has_color(&screen.written()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrow_terminal_without_color_has_a_row_a_host_and_one_for_all_and_none_wraps() {
    const COLUMNS: u16 = 40;
    let relays = [waiting_relay(), waiting_relay(), relay(500)];
    let [first, second, _] = relays.each_ref().map(|relay| relay.addr().to_string());
    let mut rig = rig(&relays[0]).await;
    rig.daemon.set("INGESTER_RELAY_HOSTS", relays.each_ref().map(Relay::http_url).join(","));
    rig.daemon.set("NO_COLOR", "1");
    let mut screen = Screen::new(COLUMNS);
    rig.daemon.start_on(&screen.terminal).unwrap();

    // Rows that are filled up to their end look like one line.
    let region = |lines: &[String]| -> Vec<String> {
        let cells: Vec<char> = lines.last().map(|last| last.chars().collect()).unwrap_or_default();
        cells.chunks(usize::from(COLUMNS)).map(|row| row.iter().collect()).collect()
    };
    let is_shown = |lines: &[String]| {
        let [one, other, all] = &region(lines)[..] else { return false };
        let of_host = |row: &String, host: &str| row.starts_with(host) && row.contains("  ~10 %  ");
        of_host(one, &first) && of_host(other, &second) && all.starts_with("1 of 3 done ")
    };
    let heartbeats = |lines: &[String]| lines.iter().filter(|line| line.contains("heartbeat")).count();
    let before = heartbeats(&screen.until("progress", is_shown).await);
    screen.until("more lines", |lines| is_shown(lines) && heartbeats(lines) >= before + 6).await;

    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(PATIENCE).await.unwrap().code(), Some(0));
    let lines =
        screen.until("the end", |lines| lines.last().is_some_and(|last| last.contains("leaving"))).await;
    assert!(lines.iter().any(|line| line.contains("listed in this run hosts=3 done=1 ")), "{lines:?}");
    assert!(!has_color(&screen.written()), "{:?}", screen.written());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn piped_there_are_json_lines_alone_and_an_estimate_is_called_one_and_right() {
    let relay = waiting_relay();
    let mut rig = rig(&relay).await;
    rig.daemon.start().unwrap();

    let host = rig
        .until_status("a wait with an estimate, behind all that was read", |host| {
            let is_stored = host["bytes_in_flight"] == 0;
            is_stored && host["state"] == "waiting" && !host["enumeration"]["estimated_repos"].is_null()
        })
        .await;
    let known = &host["enumeration"];
    let repos = relay.servable().filter(|account| account.account < LATER).count() / 1_000 * 1_000;
    assert_eq!((&known["repos"], &known["estimated_repos"]), (&repos.into(), &ESTIMATE.into()), "{host}");
    assert_eq!(known["estimated_percent"], 10.0, "{host}");
    assert!(known["percent"].is_null() && known["done"].is_null(), "{host}");

    let deadline = Instant::now() + PATIENCE;
    let heartbeat = loop {
        let log = rig.daemon.log();
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut beats = lines.filter(|line: &Value| line["message"] == "heartbeat");
        if let Some(beat) =
            beats.find(|beat| beat["state"] == "waiting" && !beat["estimated_percent"].is_null())
        {
            break beat;
        }
        assert!(Instant::now() < deadline, "{log}");
        sleep(LOOK_EVERY).await;
    };
    assert_eq!((&heartbeat["estimated_percent"], &heartbeat["repos"]), (&10.0.into(), &repos.into()));

    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(PATIENCE).await.unwrap().code(), Some(0));
    let log = rig.daemon.log();
    assert!(!log.contains(['\x1b', '\r']), "{log}");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.iter().find(|line| line["message"] == "listed in this run").unwrap();
    for (field, value) in
        [("hosts", 1), ("done", 0), ("repos", repos), ("entries", repos), ("withheld_ranges", 0)]
    {
        assert_eq!(summary[field], value, "{summary}");
    }
    assert!(summary["took"].is_string() && summary["repos_per_second"].is_f64(), "{summary}");
}
