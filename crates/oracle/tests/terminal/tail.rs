use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use standpipe_oracle::PseudoTerminal;
use tokio::time::{Instant, sleep};

use crate::rig::{
    ABLE, Commands, Ended, LOOK_EVERY, PATIENCE, as_lines, firehose, has_color, plain, relay, until_read,
};

/// The summary, which begins its line anew, and what is before it.
fn parted(said: &str) -> (&str, &str) {
    let (lines, summary) = said.rsplit_once('\r').unwrap();
    (lines, summary.trim_end())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_is_lines_for_people_on_a_terminal_and_json_elsewhere() {
    let relay = relay();
    let mut daemon = firehose(&relay).await;
    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), Some(0));
    let commands = Commands::of("firehose", &daemon.state_folder());

    let json = commands.piped(&["tail"]);
    assert!(!json.contains(['\x1b', '\r']));
    let entries: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(json.len() > 64 << 10, "{} bytes fit into a pipe", json.len());
    assert_eq!(commands.piped(&["tail", "--json"]), json);
    assert_eq!(commands.on_terminal(80, &["tail", "--json"], ABLE), json);

    let colored = commands.on_terminal(80, &["tail"], ABLE);
    let uncolored = plain(&colored);
    assert!(has_color(&colored) && !has_color(&uncolored));
    let (lines, summary) = parted(&uncolored);
    assert_eq!(lines.lines().count(), entries.len());
    let start = format!("{} entries, 1 to {}, in ", entries.len(), entries.len());
    assert!(summary.replace(',', "").starts_with(&start.replace(',', "")), "{summary}");
    for ((line, entry), index) in lines.lines().zip(&entries).zip(1..) {
        let [kind, did, time] = ["type", "did", "time"].map(|key| entry[key].as_str().unwrap());
        let begins = format!("{index:>8}  {}  {kind:<8}  {did}", &time[11..19]);
        assert!(line.starts_with(&begins) && line.chars().count() <= 80, "{line}\n{entry}");
    }

    for variables in [&[ABLE, &[("NO_COLOR", "1")]].concat()[..], &[("TERM", "dumb")], &[]] {
        let said = commands.on_terminal(80, &["tail"], variables);
        assert!(!has_color(&said), "{variables:?}");
        assert_eq!(parted(&said).0, lines, "{variables:?}");
    }
    assert!(has_color(&commands.on_terminal(80, &["tail"], &[ABLE, &[("NO_COLOR", "")]].concat())));
    let narrow = plain(&commands.on_terminal(40, &["tail"], ABLE));
    assert!(parted(&narrow).0.lines().all(|line| line.chars().count() <= 40));

    let text = commands.piped(&["tail", "--text"]);
    assert!(!text.contains(['\x1b', '\r']));
    assert_eq!(text.lines().count(), entries.len(), "a pipe gets no summary");
    for (whole, cut) in text.lines().zip(lines.lines()) {
        assert!(whole.starts_with(cut.trim_end_matches("..")), "{whole}\n{cut}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_ends_quietly_when_its_reader_has_had_enough() {
    let relay = relay();
    let daemon = firehose(&relay).await;
    let commands = Commands::of("firehose", &daemon.state_folder());
    for words in [&["tail"][..], &["tail", "--text"], &["tail", "--follow", "--from", "oldest"]] {
        commands.ends_quietly_unread(words);
        let mut command = commands.command(words, ABLE);
        let mut process = Ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let mut first = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.ends_with('\n'), "{first}");
        let mut complaint = String::new();
        process.0.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        assert_eq!((process.code().await, complaint.as_str()), (Some(0), ""), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_ends_where_the_log_did_when_it_began_however_slowly_it_is_read() {
    let relay = relay();
    let mut daemon = firehose(&relay).await;
    let commands = Commands::of("firehose", &daemon.state_folder());
    let entries = commands.piped(&["tail"]).lines().count();
    let mut process = Ended(commands.command(&["tail"], ABLE).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    // It waits at a full pipe while more is written.
    relay.grow(200);
    until_read(&mut daemon, &relay).await;
    assert_eq!(1 + lines.count(), entries);
    assert_eq!(process.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_on_a_terminal_follows_until_it_is_interrupted_and_sums_up() {
    let relay = relay();
    let daemon = firehose(&relay).await;
    let commands = Commands::of("firehose", &daemon.state_folder());
    let terminal = PseudoTerminal::open(50, 120).unwrap();
    let words = ["tail", "--follow", "--from", "oldest"];
    let process = commands.command(&words, ABLE).stdout(terminal.device().unwrap()).spawn().unwrap();
    let mut process = Ended(process);
    let deadline = Instant::now() + PATIENCE;
    let until_lines = async |wanted: usize| loop {
        let lines = as_lines(terminal.written()).lines().count();
        if lines >= wanted {
            break lines;
        }
        assert!(Instant::now() < deadline, "{lines} of {wanted} lines");
        sleep(LOOK_EVERY).await;
    };
    let before = until_lines(commands.piped(&["tail"]).lines().count()).await;
    // Not every frame becomes an entry.
    relay.grow(100);
    until_lines(before + 50).await;
    let pid = Pid::from_raw(i32::try_from(process.0.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(process.code().await, Some(0));
    let said = plain(&as_lines(terminal.all_written()));
    let (lines, summary) = parted(&said);
    let count = lines.lines().count();
    let told: String = summary.chars().filter(|char| *char != ',').collect();
    assert!(told.starts_with(&format!("{count} entries 1 to {count} in ")), "{count} {summary}");
}
