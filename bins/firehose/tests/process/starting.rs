use std::fs;
use std::net::TcpListener;

use standpipe_oracle::{RedisOptions, RedisServer};

use crate::{CONFIGURATION, COULD_NOT_START, NOT_READY, PATIENCE, STOPPED, firehose, lonely, run};

#[tokio::test]
async fn a_flaw_on_the_command_line_is_a_flaw_of_the_settings_and_help_is_none() {
    let (code, said) = run(lonely().argument("--no-such-flag")).await;
    assert_eq!(code, CONFIGURATION, "{said}");
    assert!(said.contains("--no-such-flag"), "{said}");
    let (code, said) = run(firehose()).await;
    assert_eq!(code, CONFIGURATION, "{said}");
    assert!(said.contains("relay_hosts: no host is named"), "{said}");
    for flag in ["--help", "--version"] {
        let (code, said) = run(firehose().argument(flag)).await;
        assert_eq!(code, STOPPED, "{said}");
    }
}

#[tokio::test]
async fn i12_a_check_shows_what_holds_with_masks_and_starts_nothing() {
    let daemon = lonely().with("REDIS_URL", "redis://u:hunter2@127.0.0.1:1/0").argument("--check");
    let folder = daemon.state_folder();
    let (code, said) = run(daemon).await;
    assert_eq!(code, STOPPED, "{said}");
    assert!(said.contains("= redis://u:***@127.0.0.1:1/0  (REDIS_URL)"), "{said}");
    assert!(said.contains("= ws://127.0.0.1:1  (INGESTER_RELAY_HOSTS)"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(!folder.exists());
}

#[tokio::test]
async fn an_admin_port_that_is_taken_is_told_in_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said) = run(lonely().with("STANDPIPE_ADMIN__LISTEN", &address)).await;
    assert_eq!(code, COULD_NOT_START, "{said}");
    let sentence = format!(
        "firehose: could not start: listen on {address} for the admin pages; set admin.listen to another address \
         or port: Address already in use"
    );
    assert!(said.contains(&sentence), "{said}");
}

#[tokio::test]
async fn a_state_folder_that_cannot_be_written_is_told_in_a_sentence() {
    let daemon = lonely();
    fs::write(daemon.state_folder(), "in the way").unwrap();
    let (code, said) = run(daemon).await;
    assert_eq!(code, COULD_NOT_START, "{said}");
    assert!(said.contains("use the state folder "), "{said}");
    assert!(said.contains("set state_dir to one that can be written"), "{said}");
}

#[tokio::test]
async fn a_log_that_another_process_writes_is_told_in_a_sentence() {
    let mut first = lonely();
    first.start().unwrap();
    first.until("the first to be there", PATIENCE, |_| true).await.unwrap();
    while !first.log().contains("writing to the embedded log") {
        tokio::task::yield_now().await;
    }
    let state = first.state_folder().display().to_string();
    let (code, said) = run(lonely().with("STANDPIPE_STATE_DIR", state)).await;
    assert_eq!(code, COULD_NOT_START, "{said}");
    assert!(said.contains("another process writes it"), "{said}");
}

#[tokio::test]
async fn a_key_of_another_type_is_told_in_a_sentence() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    server.command(["SET", "firehose_live", "something else"]).await.unwrap();
    let (code, said) = run(lonely().with("REDIS_URL", format!("redis://{}", server.address()))).await;
    assert_eq!(code, COULD_NOT_START, "{said}");
    assert!(said.contains("use firehose_live as a stream: it holds a string"), "{said}");
}

#[tokio::test]
async fn i12_refused_credentials_are_told_in_a_sentence_without_them() {
    let options = RedisOptions { password: Some("hunter2".to_owned()), ..RedisOptions::default() };
    let server = RedisServer::start(options).await.unwrap();
    let refused = lonely().with("REDIS_URL", format!("redis://:hunter3@{}", server.address()));
    let (code, said) = run(refused.with("STANDPIPE_LOG", "trace")).await;
    assert_eq!(code, COULD_NOT_START, "{said}");
    assert!(said.contains("could not start: use the sink: log in to redis"), "{said}");
    assert!(!said.contains("hunter"), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, "hunter2\n").unwrap();
    let mut daemon = lonely()
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("STANDPIPE_REDIS__PASSWORD_FILE", password.display().to_string())
        .with("STANDPIPE_LOG", "trace");
    daemon.start().unwrap();
    let connecting = "\"state\":\"connecting\"";
    let asks =
        |page: &standpipe_oracle::Answer| page.body.contains(connecting) || page.body.contains("backing_off");
    daemon.until("the host to be tried", PATIENCE, asks).await.unwrap();
    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), STOPPED);
    assert!(!daemon.log().contains("hunter"), "{}", daemon.log());
}

#[tokio::test]
async fn a_redis_that_is_away_is_waited_for_and_said() {
    let mut server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let address = server.address();
    server.kill().unwrap();
    let mut daemon = lonely().with("REDIS_URL", format!("redis://{address}"));
    daemon.start().unwrap();
    let said = |page: &standpipe_oracle::Answer| {
        page.status == 503 && page.body.contains("the sink does not answer: ")
    };
    daemon.until("the sink to be missed", PATIENCE, said).await.unwrap();
    server.restart().await.unwrap();
    let found = |page: &standpipe_oracle::Answer| !page.body.contains("the sink does not answer");
    daemon.until("the sink to be found", PATIENCE, found).await.unwrap();
    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), STOPPED);
}

#[tokio::test]
async fn a_health_check_of_nobody_says_so_without_hosts_being_named() {
    let (code, said) = run(firehose().argument("healthcheck")).await;
    assert_eq!(code, NOT_READY, "{said}");
    assert!(said.starts_with("no answer from 127.0.0.1:"), "{said}");
    let (code, said) = run(firehose().argument("tail")).await;
    assert_eq!(code, COULD_NOT_START, "{said}");
    assert!(said.contains("open the log "), "{said}");
}
