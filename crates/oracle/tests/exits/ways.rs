use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;
use standpipe_simulator::{Pace, StreamFault};
use tokio::time::timeout;

use crate::rig::{PATIENCE, account, firehose, next_start_after, relay, send, text, told_after};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_a_stop_that_was_asked_for_is_told_as_clean() {
    let relay = relay(Pace::STILL);
    let mut daemon = firehose(&relay);
    let told = told_after(&mut daemon, async |daemon| {
        daemon.terminate().unwrap();
        assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), Some(0));
    })
    .await;
    assert_eq!((&told["how"], &told["reason"]), (&"clean".into(), &"SIGTERM".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_a_kill_is_told_as_such() {
    let relay = relay(Pace::STILL);
    let mut daemon = firehose(&relay);
    let told = told_after(&mut daemon, async |daemon| assert!(daemon.kill().unwrap())).await;
    assert_eq!(told["how"], "killed", "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_a_signal_from_outside_is_named_and_is_what_the_process_dies_of() {
    let relay = relay(Pace::STILL);
    let mut daemon = firehose(&relay);
    let signals = [
        (Signal::SEGV, "SIGSEGV"),
        (Signal::BUS, "SIGBUS"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::HUP, "SIGHUP"),
        (Signal::ILL, "SIGILL"),
        (Signal::FPE, "SIGFPE"),
        (Signal::SYS, "SIGSYS"),
        (Signal::USR1, "SIGUSR1"),
    ];
    for (signal, name) in signals {
        let told = told_after(&mut daemon, async |daemon| {
            send(daemon, signal);
            let status = daemon.ended(PATIENCE).await.unwrap();
            assert_eq!(status.signal(), Some(signal.as_raw()), "{status:?}");
        })
        .await;
        assert_eq!((&told["how"], &told["signal"]), (&"signal".into(), &name.into()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_a_start_that_fails_is_told_with_its_cause() {
    let relay = relay(Pace::STILL);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut daemon = firehose(&relay);
    let free = daemon.admin_address().to_string();
    daemon.set("STANDPIPE_ADMIN__LISTEN", taken.local_addr().unwrap().to_string());
    daemon.start().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), Some(71));
    let (ended, _) = account(&daemon.state_folder(), &[]);
    assert_eq!((&ended["runs"][0]["how"], &ended["runs"][0]["code"]), (&"fatal".into(), &71.into()));
    assert!(ended["runs"][0]["cause"].as_str().unwrap().contains("admin"), "{ended}");
    daemon.set("STANDPIPE_ADMIN__LISTEN", free);
    next_start_after(&mut daemon, &ended["runs"][0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_the_five_questions_are_answered_after_a_kill() {
    let relay = relay(Pace::STILL);
    let mut daemon = firehose(&relay);
    daemon.start().unwrap();
    daemon.ready().await.unwrap();
    let reset = relay.disrupt(StreamFault::Reset);
    timeout(PATIENCE, relay.faults().until_fired(reset, 1)).await.unwrap();
    let host = relay.addr().to_string();
    let ended = |page: &standpipe_oracle::Answer| page.status == 200;
    while account(&daemon.state_folder(), &[]).0["endings"] != 1 {
        daemon.until("an ending", PATIENCE, ended).await.unwrap();
    }
    daemon.kill().unwrap();
    let text = text(&daemon.state_folder(), &["--since", "1h"]);
    println!("{text}");
    for told in [
        "SIGKILL, or a crash that left no word".to_owned(),
        format!("Which ended first?\n    {host}, at "),
        "How?\n    lost: ".to_owned(),
        format!("Where?\n    host {host}."),
        "After which message?\n    seq ".to_owned(),
        "How often since?\n    1 ending of 1 task".to_owned(),
    ] {
        assert!(text.contains(&told), "{told:?} is not in:\n{text}");
    }
    let (_, records) = account(&daemon.state_folder(), &["--since", "2h", "--until", "1h"]);
    assert!(records.is_empty(), "{records:?}");
}
