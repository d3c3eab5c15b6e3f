use serde_json::Value;
use standpipe_simulator::StreamFault;
use tokio::time::{Instant, sleep};

use crate::rig::{ABLE, Commands, LOOK_EVERY, PATIENCE, firehose, has_color, plain, relay};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn incidents_are_told_to_people_on_a_terminal_and_as_json_elsewhere() {
    let relay = relay();
    let mut daemon = firehose(&relay).await;
    let reset = relay.disrupt(StreamFault::Reset);
    relay.faults().until_fired(reset, 1).await;
    let commands = Commands::of("firehose", &daemon.state_folder());
    let deadline = Instant::now() + PATIENCE;
    while !commands.piped(&["incidents"]).contains("\"kind\":\"child_ended\"") {
        assert!(Instant::now() < deadline, "nothing ended");
        sleep(LOOK_EVERY).await;
    }
    daemon.kill().unwrap();

    let json = commands.piped(&["incidents"]);
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["kind"], &lines[0]["endings"]), (&"account".into(), &1.into()));
    assert_eq!(lines[1]["kind"], "run_started");
    assert_eq!(commands.piped(&["incidents", "--json"]), json);
    assert_eq!(commands.on_terminal(80, &["incidents", "--json"], ABLE), json);

    let colored = commands.on_terminal(80, &["incidents"], ABLE);
    let text = plain(&colored);
    assert!(text.contains("Which ended first?") && text.contains("1 ending of 1 task"), "{text}");
    for part in
        ["\x1b[1mfirehose: the last run\x1b[0m", "\x1b[1m  How?\x1b[0m", "\x1b[31m  It said no farewell"]
    {
        assert!(colored.contains(part), "{part:?} is not in:\n{colored}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(commands.piped(&["incidents", "--text"]), text);
    for variables in [&[ABLE, &[("NO_COLOR", "1")]].concat()[..], &[("TERM", "dumb")], &[]] {
        assert_eq!(commands.on_terminal(80, &["incidents"], variables), text, "{variables:?}");
    }
    assert!(has_color(&commands.on_terminal(80, &["incidents"], &[ABLE, &[("NO_COLOR", "")]].concat())));
    for words in [&["incidents"][..], &["incidents", "--text"]] {
        commands.ends_quietly_unread(words);
    }
}

#[test]
fn all_daemons_tell_alike() {
    let folder = tempfile::tempdir().unwrap();
    for daemon in ["firehose", "backfill", "labeler"] {
        let commands = Commands::of(daemon, folder.path());
        let json: Value = serde_json::from_str(&commands.piped(&["incidents"])).unwrap();
        assert_eq!((&json["kind"], &json["daemon"]), (&"account".into(), &daemon.into()));
        let text = format!("{daemon}: the last run\n  Nothing is known: no run left a word here.\n");
        assert_eq!(plain(&commands.on_terminal(80, &["incidents"], ABLE)), text);
        assert_eq!(commands.piped(&["incidents", "--text"]), text);
    }
}
