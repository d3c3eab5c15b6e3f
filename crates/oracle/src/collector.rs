use std::env;
use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::RigError;
use crate::port::Port;

/// The longest that a collector may take to listen after its start.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// A real OpenTelemetry collector (`rotel`) as a process of its own. It passes on what it takes, over OTLP/HTTP, to
/// somebody who can look into it. It is killed when this is dropped.
#[derive(Debug)]
pub struct Collector {
    binary: PathBuf,
    downstream: String,
    folder: TempDir,
    http: Port,
    grpc: Port,
    process: Option<Child>,
}

impl Collector {
    /// Starts a collector that passes on to this base address; `None` where `STANDPIPE_COLLECTOR` names no binary.
    ///
    /// `cargo xtask test` fetches one and names it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the rig looks for its collector itself; it is no library of the product"
    )]
    pub async fn start(downstream: &str) -> Result<Option<Self>, RigError> {
        let Some(binary) = env::var_os("STANDPIPE_COLLECTOR").filter(|named| !named.is_empty()) else {
            return Ok(None);
        };
        let folder = tempfile::Builder::new()
            .prefix("standpipe-collector-")
            .tempdir()
            .map_err(RigError::io("make a folder"))?;
        let (http, grpc) = (Port::reserve()?, Port::reserve()?);
        let (binary, downstream) = (binary.into(), downstream.to_owned());
        let mut collector = Self { binary, downstream, folder, http, grpc, process: None };
        collector.restart().await?;
        Ok(Some(collector))
    }

    /// The address to send to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Kills it with SIGKILL; what it holds is lost.
    pub fn kill(&mut self) -> Result<(), RigError> {
        if let Some(mut child) = self.process.take() {
            child.kill().map_err(RigError::io("kill the collector"))?;
            child.wait().map_err(RigError::io("await the collector's end"))?;
        }
        Ok(())
    }

    /// Starts it again on the same port, and waits until it listens; kills it first if it runs.
    ///
    /// Not cancel-safe: a cancelled call may leave it down.
    pub async fn restart(&mut self) -> Result<(), RigError> {
        self.kill()?;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("collector.log"))
            .map_err(RigError::io("open the collector's log"))?;
        let errors = log.try_clone().map_err(RigError::io("open the collector's log"))?;
        let grpc = format!("127.0.0.1:{}", self.grpc.number);
        let child = Command::new(&self.binary)
            .arg("start")
            .args(["--otlp-http-endpoint", &self.address().to_string(), "--otlp-grpc-endpoint", &grpc])
            .args(["--otlp-exporter-endpoint", &self.downstream, "--otlp-exporter-protocol", "http"])
            .arg("--pid-file")
            .arg(self.folder.path().join("pid"))
            .env_clear()
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(RigError::io("start the collector"))?;
        self.process = Some(child);
        let deadline = Instant::now() + START_DEADLINE;
        while TcpStream::connect(self.address()).await.is_err() {
            let ended = match &mut self.process {
                Some(child) => child.try_wait().map_err(RigError::io("watch the collector"))?.is_some(),
                None => true,
            };
            if ended {
                self.process = None;
                let log = fs::read_to_string(self.folder.path().join("collector.log")).unwrap_or_default();
                return Err(RigError::Ended { server: self.binary.display().to_string(), log });
            }
            if Instant::now() > deadline {
                return Err(RigError::Deadline { what: "the collector to listen", after: START_DEADLINE });
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.http.number).into()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.kill();
    }
}
