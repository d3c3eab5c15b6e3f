//! What people write, from all places, and what becomes of it. The process's own environment is never looked at.

mod collector;
mod hosts;

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::time::Duration;

use standpipe_cursor::Start;
use standpipe_daemon::settings::{
    BackfillMode, CommandLine, Config, Effective, KEYS, LabelPlan, OlderThanKey, OnFutureCursor, Plan,
    SettingsError, SinkPlan, Upstream, Verify,
};
use standpipe_log_sink::Retention;
use standpipe_stream_entry::firehose::Profile;
use standpipe_supervisor::OnGiveUp;

/// What was written where.
#[derive(Default)]
struct Written<'a> {
    file: &'a str,
    variables: &'a [(&'a str, &'a str)],
    arguments: &'a [&'a str],
}

type Outcome = Result<(Plan, Effective), SettingsError>;

impl Written<'_> {
    fn read(&self) -> Outcome {
        self.read_for(Upstream::Relays)
    }

    fn read_for(&self, upstream: Upstream) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        if !self.file.is_empty() {
            fs::write(folder.path().join("standpipe.toml"), self.file).unwrap();
        }
        let arguments = [&["firehose"], self.arguments].concat();
        let command_line =
            CommandLine::parse("firehose", "reads", arguments.into_iter().map(OsString::from)).unwrap();
        let variables: Vec<_> = self
            .variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect();
        Plan::read(Config::gather(&command_line, &variables, folder.path()), upstream)
    }
}

fn variables(variables: &[(&str, &str)]) -> Outcome {
    Written { variables, ..Written::default() }.read()
}

fn plan(outcome: Outcome) -> Plan {
    outcome.unwrap_or_else(|error| panic!("{error}")).0
}

/// The problems as they are told, without the folder that the test has for itself.
fn problems(outcome: Outcome) -> Vec<String> {
    let told = outcome.map(|_| ()).unwrap_err().problems;
    told.iter()
        .map(|problem| {
            let told = problem.to_string();
            told.find("standpipe.toml").map_or(told.clone(), |at| told[at..].to_owned())
        })
        .collect()
}

const HOST: (&str, &str) = ("STANDPIPE_RELAY_HOSTS", "relay.example");

#[test]
fn with_a_host_alone_every_default_holds() {
    let plan = plan(variables(&[HOST]));
    assert_eq!(plan.hosts[0].name(), "relay.example");
    assert_eq!((plan.start, plan.on_future_cursor), (Start::Live, OnFutureCursor::Hold));
    assert_eq!(plan.repos.profile, Profile::Compatible);
    assert!(plan.repos.collections.passes("app.bsky.feed.post"));
    assert!(!plan.repos.collections.passes("com.example.thing"));
    assert!(matches!(&plan.sink, SinkPlan::Log(retention) if *retention == Retention::default()));
    assert_eq!((plan.limits.max_entries, plan.limits.max_bytes), (500, 1 << 20));
    assert_eq!(plan.deadlines, standpipe_subscription::Deadlines::repos());
    assert_eq!(plan.admin.to_string(), "127.0.0.1:4100");
    assert_eq!((plan.grace, plan.limits.drain), (Duration::from_secs(10), Duration::from_secs(8)));
    assert_eq!(plan.on_give_up, OnGiveUp::Stay);
}

#[test]
fn a_later_place_has_the_later_word() {
    let file = "relay_hosts = ['file.example']\nstart = 'oldest'\n[batch]\nentries = 1\nbytes = '2KiB'\n";
    let origin = [("INGESTER_BATCH_SIZE", "2"), ("INGESTER_RELAY_HOSTS", "origin.example")];
    let ours = [origin.as_slice(), &[("STANDPIPE_BATCH__ENTRIES", "3")]].concat();
    let flag = ["--batch-entries", "4"];
    let entries =
        |file, variables, arguments| plan(Written { file, variables, arguments }.read()).limits.max_entries;
    assert_eq!(entries("", &[HOST], &[]), 500);
    assert_eq!(entries(file, &[], &[]), 1);
    assert_eq!(entries(file, &origin, &[]), 2);
    assert_eq!(entries(file, &ours, &[]), 3);
    assert_eq!(entries(file, &ours, &flag), 4);

    let plan = plan(Written { file, variables: &ours, arguments: &flag }.read());
    assert_eq!(plan.hosts[0].name(), "origin.example");
    assert_eq!((plan.start, plan.limits.max_bytes), (Start::Oldest, 2048));
}

#[test]
fn an_existing_deployment_moves_over_with_its_variables() {
    let plan = plan(variables(&[
        ("REDIS_URL", "redis://redis:6379"),
        ("INGESTER_RELAY_HOSTS", "bsky.network, https://relay1.us-east.bsky.network/"),
        ("INGESTER_LABELER_HOSTS", "mod.bsky.app"),
        ("INGESTER_HIGH_WATER_MARK", "1000000"),
        ("INGESTER_BATCH_SIZE", "200"),
        ("INGESTER_BATCH_TIMEOUT_MS", "250"),
        ("INGESTER_MODE", "firehose"),
        ("METRICS_PORT", "9090"),
        ("RUST_LOG", "trace"),
    ]));
    let hosts: Vec<_> = plan.hosts.iter().map(standpipe_cursor::Endpoint::name).collect();
    assert_eq!(hosts, ["bsky.network", "relay1.us-east.bsky.network"]);
    let SinkPlan::Redis(redis) = &plan.sink else { panic!("{:?}", plan.sink) };
    assert_eq!(redis.address.to_string(), "redis://redis:6379/0");
    assert_eq!((redis.marks.high(), redis.marks.low()), (1_000_000, 900_000));
    assert_eq!((plan.limits.max_entries, plan.limits.linger), (200, Duration::from_millis(250)));
    assert_eq!(plan.admin.to_string(), "0.0.0.0:9090");
}

#[test]
fn what_checks_from_outside_rely_on_is_read() {
    let plan = plan(variables(&[
        ("INGESTER_RELAY_HOSTS", "ws://127.0.0.1:7777,http://localhost:7778"),
        ("STANDPIPE_START", "oldest"),
        ("STANDPIPE_COLLECTIONS", "*"),
        ("STANDPIPE_ENTRIES", "full"),
        ("STANDPIPE_ADMIN__LISTEN", "127.0.0.1:4999"),
        ("STANDPIPE_STATE_DIR", "/var/lib/standpipe"),
    ]));
    assert_eq!(plan.hosts[0].websocket_url("/"), "ws://127.0.0.1:7777/");
    assert_eq!(plan.hosts[1].websocket_url("/"), "ws://localhost:7778/");
    assert_eq!((plan.start, plan.repos.profile), (Start::Oldest, Profile::Full));
    assert!(plan.repos.collections.passes("com.example.thing"));
    assert_eq!(plan.admin.to_string(), "127.0.0.1:4999");
    assert_eq!(plan.state.path().to_str(), Some("/var/lib/standpipe"));
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let file = "start = 'yesterday'\nbatch = 5\ncolour = 'red'\n[redis]\nhigh_water = 10\nlow_water = 10\n";
    let outcome = Written {
        file,
        variables: &[
            ("STANDPIPE_RELAY_HOSTS", "ok.example,ftp://bad.example,ok.example"),
            ("STANDPIPE_COLOUR__DEPTH", "8"),
            ("STANDPIPE_TIMEOUTS__IDLE", "5"),
            ("METRICS_PORT", "seventy"),
            ("STANDPIPE_DIDS", "did:plc:7iza6de2dwap2sbkpav7c6c6,alice"),
        ],
        arguments: &["--entries", "some", "--grace", "2h"],
    }
    .read();
    let mut told = problems(outcome);
    told.sort();
    assert_eq!(
        told,
        [
            "--entries: \"some\" is none of compatible, full",
            "--grace: 2h is not between 1s and 1h",
            "METRICS_PORT: \"seventy\" is no port from 1 to 65535",
            "STANDPIPE_COLOUR__DEPTH: there is no such setting",
            "STANDPIPE_DIDS: \"alice\" is no DID like did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            "STANDPIPE_RELAY_HOSTS: host \"ftp://bad.example\" has an unknown scheme; write it without one, or with https, wss, http or ws",
            "STANDPIPE_RELAY_HOSTS: the host ok.example is named twice",
            "STANDPIPE_TIMEOUTS__IDLE: \"5\" is no duration; write a number with its unit, like 500ms, 30s or 5m",
            "standpipe.toml: batch: expected a table of settings",
            "standpipe.toml: redis.low_water: the low-water mark 10 is not below the high-water mark 10",
            "standpipe.toml: start: \"yesterday\" is none of live, oldest",
        ]
    );
}

#[test]
fn a_setting_under_an_unknown_table_is_told() {
    let file = "relay_hosts = 'a.b'\ncolour = 'red'\n[metrics]\nport = 1\n[batch]\nentires = 5\n";
    let mut told = problems(Written { file, ..Written::default() }.read());
    told.sort();
    let expected = ["batch.entires", "colour", "metrics.port"]
        .map(|key| format!("standpipe.toml: {key}: there is no such setting"));
    assert_eq!(told, expected);
}

#[test]
fn a_named_file_must_be_there_and_the_default_one_need_not() {
    let outcome = Written { arguments: &["--config", "/nowhere/s.toml"], ..Written::default() }.read();
    let told = problems(outcome);
    assert!(told[0].starts_with("/nowhere/s.toml: read /nowhere/s.toml: No such file"), "{told:?}");
    let by_variable = problems(variables(&[HOST, ("STANDPIPE_CONFIG", "/nowhere/t.toml")]));
    assert!(by_variable[0].starts_with("/nowhere/t.toml: "), "{by_variable:?}");
}

#[test]
fn i12_a_file_that_is_no_toml_is_told_without_its_text() {
    let file = "relay_hosts = 'a.b'\n[redis]\nurl = \"redis://:hunter2@h\nuser = 'x'\n";
    let told = problems(Written { file, ..Written::default() }.read()).join("\n");
    assert!(told.contains("line 3: "), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn i12_no_way_to_write_a_password_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, "hunter3\n").unwrap();
    let told_of = |url: &str| {
        let arguments =
            ["--redis-url", url, "--redis-password-file", password.to_str().unwrap(), "--relay-hosts", "a.b"];
        let command_line = CommandLine::parse(
            "firehose",
            "reads",
            ["firehose"].into_iter().chain(arguments).map(OsString::from),
        )
        .unwrap();
        let config = Config::gather(&command_line, &[], folder.path());
        let mut told = format!("{command_line:?} {config:?} ");
        match Plan::read(config, Upstream::Relays) {
            Ok((plan, effective)) => write!(told, "{plan:?} {effective:?} {effective}"),
            Err(error) => write!(told, "{error} {error:?}"),
        }
        .unwrap();
        told
    };
    for url in [
        "redis://u:hunter2@h:6379/0",
        "redis://:hunter2@h",
        "redis://u:hunter2@h/x",
        "redis://u:hunter2@",
        "postgres://u:hunter2@h",
        "u:hunter2@h",
        "redis://u:hunter2%zz@h",
    ] {
        let told = told_of(url);
        assert!(!told.contains("hunter"), "{url}: {told}");
    }
}

#[test]
fn the_sink_follows_from_a_redis_url_unless_it_is_named() {
    let url = ("REDIS_URL", "redis://h");
    let sink = |more: &[(&str, &str)]| plan(variables(&[&[HOST], more].concat())).sink;
    assert!(matches!(sink(&[]), SinkPlan::Log(_)));
    assert!(matches!(sink(&[url]), SinkPlan::Redis(_)));
    assert!(matches!(sink(&[url, ("STANDPIPE_SINK", "stdout")]), SinkPlan::Stdout));
    assert!(matches!(sink(&[url, ("STANDPIPE_SINK", "log")]), SinkPlan::Log(_)));
    let told = problems(variables(&[HOST, ("STANDPIPE_SINK", "redis")]));
    assert_eq!(told, ["redis.url: it is needed by the sink redis"]);
}

#[test]
fn an_embedded_log_with_readers_waits_for_them() {
    let log = ("STANDPIPE_EMBEDDED_LOG__READERS", "indexer, search");
    let plan = plan(variables(&[HOST, log, ("STANDPIPE_EMBEDDED_LOG__HIGH_WATER", "1000")]));
    let SinkPlan::Log(Retention::Block(block)) = plan.sink else { panic!("{:?}", plan.sink) };
    assert_eq!((block.high_water(), block.low_water(), block.readers().len()), (1000, 900, 2));
}

#[test]
fn what_holds_is_shown_for_every_setting_with_its_place() {
    let file = "relay_hosts = ['a.b', 'c.d']\n";
    let variables = [("REDIS_URL", "redis://u:secret@h"), ("STANDPIPE_BATCH__LINGER", "")];
    let (_, effective) =
        Written { file, variables: &variables, arguments: &["--grace", "5s"] }.read().unwrap();
    let paths: Vec<_> = effective.settings().iter().map(|setting| setting.path).collect();
    let keys: Vec<_> = KEYS.iter().map(|key| key.path).collect();
    assert_eq!(paths, keys);

    let shown = |path| {
        let setting = effective.settings().iter().find(|setting| setting.path == path).unwrap();
        let place = setting.place.rsplit('/').next().unwrap();
        format!("{} ({place})", setting.value.as_deref().unwrap_or("(none)"))
    };
    assert_eq!(shown("relay_hosts"), "a.b,c.d (standpipe.toml: relay_hosts)");
    assert_eq!(shown("redis.url"), "redis://u:***@h (REDIS_URL)");
    assert_eq!(shown("sink"), "redis (default)");
    assert_eq!(shown("redis.low_water"), "90000 (default)");
    assert_eq!(shown("batch.linger"), "1s (default)");
    assert_eq!(shown("grace"), "5s (--grace)");
    assert_eq!(shown("contact"), "(none) (default)");
    assert_eq!(shown("start"), "live (default)");
    assert_eq!(shown("timeouts.idle"), "1m 15s (default)");
}

#[test]
fn bounds_keep_what_could_not_work_out() {
    let refused = |name: &str, value: &str| {
        let told = problems(variables(&[HOST, (name, value)]));
        assert_eq!(told.len(), 1, "{name}={value}: {told:?}");
        assert!(told[0].starts_with(name), "{told:?}");
    };
    for (name, value) in [
        ("STANDPIPE_BATCH__ENTRIES", "0"),
        ("STANDPIPE_BATCH__ENTRIES", "10001"),
        ("STANDPIPE_BATCH__BYTES", "1TiB"),
        ("STANDPIPE_BATCH__LINGER", "0s"),
        ("STANDPIPE_BATCH__PARK_AFTER", "10ms"),
        ("STANDPIPE_REDIS__HIGH_WATER", "0"),
        ("STANDPIPE_REDIS__URL", "localhost:6379"),
        ("STANDPIPE_REDIS__PASSWORD_FILE", "/nowhere/password"),
        ("STANDPIPE_TLS__ROOTS_FILE", "/nowhere/roots.pem"),
        ("STANDPIPE_EMBEDDED_LOG__READERS", "../escape"),
        ("STANDPIPE_ADMIN__LISTEN", "4100"),
        ("STANDPIPE_GRACE", "0s"),
        ("STANDPIPE_HEARTBEAT", "1ms"),
        ("STANDPIPE_CONTACT", "ops (at) example"),
        ("STANDPIPE_COLLECTIONS", "app.bsky*"),
        ("STANDPIPE_LOG", "info,a=b=c"),
        ("STANDPIPE_LOG_FORMAT", "xml"),
        ("STANDPIPE_ON_GIVE_UP", "sulk"),
        ("STANDPIPE_ON_FUTURE_CURSOR", "guess"),
        ("STANDPIPE_HASH_BLOCKS", "none"),
        ("STANDPIPE_SINK", "kafka"),
    ] {
        refused(name, value);
    }
    let empty =
        problems(Written { file: "relay_hosts = 'a.b'\ncollections = []\n", ..Written::default() }.read());
    assert_eq!(empty, ["standpipe.toml: collections: the list of collections is empty; write * for all"]);
}
