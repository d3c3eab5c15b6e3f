//! A real Prometheus with our rules, whose times are shortened by replacing text.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use standpipe_oracle::DaemonProcess;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::files::{items, text};

/// The longest that anything may take to be seen.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often it scrapes and evaluates; a page takes longer than one expects on a busy machine.
const INTERVAL: &str = "500ms";

/// What is replaced in the rules, in this order: times, and marks that take hours to reach.
const SHORTER: [(&str, &str); 15] = [
    ("for: 10m", "for: 1s"),
    ("for: 5m", "for: 1s"),
    ("for: 2m", "for: 1s"),
    ("for: 1m", "for: 1s"),
    ("[15m]", "[6s]"),
    ("[10m]", "[4s]"),
    ("[5m]", "[4s]"),
    ("[1h]", "[40s]"),
    ("offset 1h", "offset 40s"),
    ("< 3600", "< 40"),
    // Ages in seconds, restarts of a host, and frames within what stands for an hour.
    ("> 5\n", "> 1\n"),
    ("> 180", "> 2"),
    ("> 300", "> 5"),
    ("> 60", "> 4"),
    ("> 20", "> 3"),
];

/// The text of rules or of a panel with shorter times.
pub(crate) fn shortened(text: &str) -> String {
    SHORTER.iter().fold(text.to_owned(), |text, (long, short)| text.replace(long, short))
}

/// A Prometheus that scrapes some daemons.
pub(crate) struct Prometheus {
    address: SocketAddr,
    _own: Option<Own>,
}

/// The process of one that was started here, and what it stores. It is killed when this is dropped.
struct Own {
    process: Child,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts one, and waits until it has seen every daemon; `None` where there is none, which is said.
    pub(crate) async fn scraping(daemons: &[(&str, &DaemonProcess)]) -> Option<Self> {
        let binary = binary("prometheus")?;
        let folder = tempfile::Builder::new().prefix("standpipe-prometheus-").tempdir().unwrap();
        let mut configured = format!(
            "global: {{scrape_interval: {INTERVAL}, scrape_timeout: {INTERVAL}, evaluation_interval: {INTERVAL}}}\n\
             rule_files: [recording.yml, alerts.yml]\nscrape_configs:\n"
        );
        for (job, daemon) in daemons {
            let target = daemon.admin_address();
            let _ = writeln!(
                configured,
                "  - {{job_name: {job}, static_configs: [{{targets: [\"{target}\"]}}]}}"
            );
        }
        fs::write(folder.path().join("prometheus.yml"), configured).unwrap();
        for rules in ["recording.yml", "alerts.yml"] {
            // Evaluated as often as all else.
            let text = shortened(&text(&format!("deploy/prometheus/{rules}")));
            fs::write(folder.path().join(rules), text).unwrap();
        }
        let mut process = Command::new(binary)
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=info"])
            .arg("--web.listen-address=127.0.0.1:0")
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let address = listening(&mut process);
        let own = Own { process, _folder: folder };
        let prometheus = Self { address, _own: Some(own) };
        prometheus.ready().await;
        for (job, daemon) in daemons {
            let expression = format!("up{{job=\"{job}\", instance=\"{}\"}} == 1", daemon.admin_address());
            prometheus.until(&expression).await;
        }
        Some(prometheus)
    }

    /// One that is there already, once it is ready.
    pub(crate) async fn at(address: SocketAddr) -> Self {
        let prometheus = Self { address, _own: None };
        prometheus.ready().await;
        prometheus
    }

    /// The names of its rules, once each of them has been evaluated without an error.
    pub(crate) async fn rules_once_evaluated(&self) -> BTreeSet<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer: Value = serde_json::from_str(&get(self.address, "/api/v1/rules").await).unwrap();
            let groups = items(&answer["data"]["groups"]).iter();
            let rules: Vec<_> = groups.flat_map(|group| items(&group["rules"])).collect();
            if !rules.is_empty() && rules.iter().all(|rule| rule["health"] == "ok") {
                return rules.iter().map(|rule| rule["name"].as_str().unwrap().to_owned()).collect();
            }
            assert!(Instant::now() < deadline, "not all rules could be evaluated: {answer}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// It listens before it answers queries.
    async fn ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !get(self.address, "/-/ready").await.contains("is Ready") {
            assert!(Instant::now() < deadline, "Prometheus is not ready");
            sleep(LOOK_EVERY).await;
        }
    }

    /// What an expression is at this moment: the samples, each with `metric` and `value`.
    pub(crate) async fn ask(&self, expression: &str) -> Vec<Value> {
        let query: String = expression.bytes().fold(String::new(), |mut query, byte| {
            let _ = write!(query, "%{byte:02X}");
            query
        });
        let answer = get(self.address, &format!("/api/v1/query?query={query}")).await;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        items(&answer["data"]["result"]).to_vec()
    }

    /// Waits until an expression has samples, and gives them.
    pub(crate) async fn until(&self, expression: &str) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let samples = self.ask(expression).await;
            if !samples.is_empty() {
                return samples;
            }
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {expression}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until an alert fires, and gives the labels of one.
    pub(crate) async fn until_fires(&self, alert: &str) -> Value {
        let fires = self.until(&firing(alert)).await;
        println!("{alert} fires: {}", fires[0]["metric"]);
        fires[0]["metric"].clone()
    }

    /// Waits until an alert does not fire.
    pub(crate) async fn until_over(&self, alert: &str) {
        self.until(&format!("absent({})", firing(alert))).await;
    }

    /// Whether an alert fires.
    pub(crate) async fn fires(&self, alert: &str) -> bool {
        !self.ask(&firing(alert)).await.is_empty()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = (self.process.kill(), self.process.wait());
    }
}

fn firing(alert: &str) -> String {
    format!("ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}")
}

/// Reads its log until it says where it listens, and leaves a reader behind so that it never waits to write.
fn listening(process: &mut Child) -> SocketAddr {
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut said = String::new();
    while let Some(Ok(line)) = lines.next() {
        let address = line.split("\"Listening on\" address=").nth(1).map(|rest| rest.trim_matches('"'));
        if let Some(address) = address.and_then(|address| address.parse().ok()) {
            std::thread::spawn(move || lines.for_each(drop));
            return address;
        }
        said = said + &line + "\n";
    }
    panic!("Prometheus ended:\n{said}");
}

/// One page, over a connection of its own.
async fn get(address: SocketAddr, path: &str) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // With 1.0 the body is whole and ends with the connection.
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    };
    timeout(PATIENCE, exchange).await.unwrap()
}

/// promtool, as a command; `None` where there is none, which is said.
pub(crate) fn promtool() -> Option<Command> {
    binary("promtool").map(Command::new)
}

/// A program that comes with Prometheus: beside the one that `STANDPIPE_PROMETHEUS` names, else on the PATH.
#[expect(clippy::disallowed_methods, reason = "checks are told by the environment what to use")]
fn binary(name: &str) -> Option<PathBuf> {
    let named = env::var_os("STANDPIPE_PROMETHEUS").filter(|named| !named.is_empty());
    let folders = match &named {
        Some(named) => vec![Path::new(named).parent().unwrap_or(Path::new("/")).to_owned()],
        None => env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect(),
    };
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    assert!(
        found.is_some() || named.is_none(),
        "STANDPIPE_PROMETHEUS is {named:?}, and has no {name} beside it"
    );
    if found.is_none() {
        println!("skipped: no {name}");
    }
    found
}

#[test]
fn every_time_that_is_shortened_is_in_the_rules() {
    let mut rules = text("deploy/prometheus/recording.yml") + &text("deploy/prometheus/alerts.yml");
    for (long, short) in SHORTER {
        assert!(rules.contains(long), "{long:?} is in no rule");
        rules = rules.replace(long, short);
    }
    for left in ["m]", "h]", "for: 1m", "offset 1h"] {
        assert!(!rules.contains(left), "{left:?} is left");
    }
}
