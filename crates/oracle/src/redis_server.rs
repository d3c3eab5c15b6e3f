use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::port::Port;
use crate::{Reply, RespClient, RigError};

/// The longest that a server may take to answer after its start.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// What a server keeps across a crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing.
    #[default]
    None,
    /// The append-only file, synced before each answer, so that a killed process loses nothing that it has acknowledged.
    /// Synced every second, it would answer before it has written while a sync is under way.
    AppendOnly,
}

/// How a server is set up.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// What it keeps.
    pub persistence: Persistence,
    /// The `default` user's password.
    pub password: Option<String>,
    /// Further users, each an ACL rule such as `ingest on >secret ~* +@all`.
    pub users: Vec<String>,
    /// Whether there is a TLS port too, with a certificate for `localhost` and `127.0.0.1`.
    pub tls: bool,
    /// Any other directives, name and value: `("maxmemory", "3mb")`.
    pub directives: Vec<(&'static str, String)>,
}

/// A server process of its own, in a folder of its own, on a free loopback port. It is killed when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    binary: PathBuf,
    options: RedisOptions,
    folder: TempDir,
    port: Port,
    tls: Option<Tls>,
    process: Option<Child>,
}

#[derive(Debug)]
struct Tls {
    port: Port,
    certificate_pem: String,
}

impl RedisServer {
    /// Starts the server that `STANDPIPE_REDIS_SERVER` names, else the `redis-server` or `valkey-server` of `PATH`, and
    /// waits until it answers.
    ///
    /// Not cancel-safe in one respect only: a cancelled call leaves no server behind, but may have started one.
    ///
    /// # Errors
    ///
    /// [`RigError::NoServer`] with a sentence that says what to do; [`RigError::NoTls`] where TLS is asked of a server
    /// that has none; the server's own last words when it ends for another reason.
    pub async fn start(options: RedisOptions) -> Result<Self, RigError> {
        let binary = find_server()?;
        loop {
            let mut server = Self::prepare(binary.clone(), options.clone())?;
            match server.launch().await {
                Ok(()) => return Ok(server),
                Err(RigError::Ended { log, .. }) if log.contains("in use") => {}
                Err(RigError::Ended { server, log }) if no_tls(&log) => {
                    return Err(RigError::NoTls { server });
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn prepare(binary: PathBuf, options: RedisOptions) -> Result<Self, RigError> {
        let folder = tempfile::Builder::new()
            .prefix("standpipe-redis-")
            .tempdir()
            .map_err(RigError::io("make a folder"))?;
        let port = Port::reserve()?;
        let tls = if options.tls { Some(Tls::make(folder.path())?) } else { None };
        let server = Self { binary, options, folder, port, tls, process: None };
        fs::write(server.folder.path().join("redis.conf"), server.configuration())
            .map_err(RigError::io("write the server's configuration"))?;
        Ok(server)
    }

    fn configuration(&self) -> String {
        let append_only = match self.options.persistence {
            Persistence::None => "no",
            Persistence::AppendOnly => "yes",
        };
        let mut text = format!(
            "bind 127.0.0.1\nport {}\ndir \"{}\"\nsave \"\"\nappendonly {append_only}\nappendfsync always\n",
            self.port.number,
            self.folder.path().display(),
        );
        let mut directive = |name: &str, value: &str| {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{name} {value}");
        };
        if let Some(password) = &self.options.password {
            directive("requirepass", &format!("{password:?}"));
        }
        for user in &self.options.users {
            directive("user", user);
        }
        if let Some(tls) = &self.tls {
            let file = |name: &str| format!("\"{}\"", self.folder.path().join(name).display());
            directive("tls-port", &tls.port.number.to_string());
            directive("tls-cert-file", &file("certificate.pem"));
            directive("tls-key-file", &file("key.pem"));
            directive("tls-ca-cert-file", &file("certificate.pem"));
            directive("tls-auth-clients", "no");
        }
        for (name, value) in &self.options.directives {
            directive(name, value);
        }
        text
    }

    async fn launch(&mut self) -> Result<(), RigError> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .map_err(RigError::io("open the server's log"))?;
        let errors = log.try_clone().map_err(RigError::io("open the server's log"))?;
        let child = Command::new(&self.binary)
            .arg(self.folder.path().join("redis.conf"))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(RigError::io("start the server"))?;
        self.process = Some(child);
        let deadline = Instant::now() + START_DEADLINE;
        while !self.answers().await {
            let ended = match &mut self.process {
                Some(child) => child.try_wait().map_err(RigError::io("watch the server"))?.is_some(),
                None => true,
            };
            if ended {
                self.process = None;
                return Err(RigError::Ended {
                    server: self.binary.display().to_string(),
                    log: self.last_words(),
                });
            }
            if Instant::now() > deadline {
                return Err(RigError::Deadline { what: "the server to answer PING", after: START_DEADLINE });
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Whether this very process answers: another one may have got the port.
    async fn answers(&self) -> bool {
        let Ok(mut client) = self.client().await else { return false };
        let Ok(Reply::Status(pong)) = client.command(["PING"]).await else { return false };
        let Ok(info) = client.command(["INFO", "server"]).await else { return false };
        let own = self.pid().map(|pid| format!("process_id:{pid}\r\n"));
        pong == "PONG" && own.is_some_and(|own| info.text().is_some_and(|text| text.contains(&own)))
    }

    /// Where the server listens without TLS.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number).into()
    }

    /// Where the server listens with TLS, if it was asked to.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(|tls| (Ipv4Addr::LOCALHOST, tls.port.number).into())
    }

    /// The certificate that a client has to trust, in PEM, if there is a TLS port.
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.tls.as_ref().map(|tls| tls.certificate_pem.as_str())
    }

    /// The process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// A connection of its own, logged in as the `default` user.
    ///
    /// Cancel-safe; it has a deadline.
    pub async fn client(&self) -> Result<RespClient, RigError> {
        let mut client = RespClient::connect(self.address()).await?;
        if let Some(password) = &self.options.password {
            let reply = client.command(["AUTH", password]).await?;
            if let Reply::Error(reply) = reply {
                return Err(RigError::Login { reply });
            }
        }
        Ok(client)
    }

    /// Sends one command over a connection of its own, past any proxy.
    ///
    /// Cancel-safe as the command is; it has a deadline.
    pub async fn command<I>(&self, words: I) -> Result<Reply, RigError>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.client().await?.command(words).await
    }

    /// Kills the server with SIGKILL and waits for its end.
    pub fn kill(&mut self) -> Result<(), RigError> {
        if let Some(mut child) = self.process.take() {
            child.kill().map_err(RigError::io("kill the server"))?;
            child.wait().map_err(RigError::io("await the server's end"))?;
        }
        Ok(())
    }

    /// Starts the server again, on the same port and folder, and waits until it answers; kills it first if it runs.
    ///
    /// Not cancel-safe: a cancelled call may leave the server down.
    pub async fn restart(&mut self) -> Result<(), RigError> {
        self.kill()?;
        self.launch().await
    }

    /// Freezes the server with SIGSTOP; its connections stay open and silent. Returns once it stands still.
    ///
    /// Not cancel-safe: a cancelled call may leave the server frozen.
    pub async fn pause(&self) -> Result<(), RigError> {
        let Some(child) = &self.process else { return Ok(()) };
        let pid = Pid::from_child(child);
        let failed = |error: rustix::io::Errno| RigError::io("pause the server")(error.into());
        kill_process(pid, Signal::STOP).map_err(failed)?;
        let deadline = Instant::now() + START_DEADLINE;
        while waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG)
            .map_err(failed)?
            .is_none()
        {
            if Instant::now() > deadline {
                return Err(RigError::Deadline { what: "the server to stand still", after: START_DEADLINE });
            }
            sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Lets a frozen server go on.
    pub fn resume(&self) -> Result<(), RigError> {
        let Some(child) = &self.process else { return Ok(()) };
        kill_process(Pid::from_child(child), Signal::CONT)
            .map_err(|error| RigError::io("resume the server")(error.into()))
    }

    /// The last lines of the server's log.
    #[must_use]
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("redis.log")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.kill();
    }
}

/// Servers that were built without TLS either do not know the directive, or say so.
fn no_tls(log: &str) -> bool {
    log.contains("tls-port") || log.contains("Failed finding TLS support")
}

impl Tls {
    fn make(folder: &Path) -> Result<Self, RigError> {
        let names = ["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string()];
        let made = rcgen::generate_simple_self_signed(names).map_err(RigError::Certificate)?;
        let certificate_pem = made.cert.pem();
        let written = fs::write(folder.join("certificate.pem"), &certificate_pem)
            .and_then(|()| fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()));
        written.map_err(RigError::io("write a certificate"))?;
        Ok(Self { port: Port::reserve()?, certificate_pem })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the rig looks for its server itself; it is no library of the product"
)]
fn find_server() -> Result<PathBuf, RigError> {
    let named = env::var_os("STANDPIPE_REDIS_SERVER").filter(|named| !named.is_empty());
    match named {
        Some(named) => Some(PathBuf::from(named)).filter(|named| named.is_file()),
        None => env::var_os("PATH").and_then(|path| search(&path)),
    }
    .ok_or(RigError::NoServer)
}

fn search(path: &OsStr) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(path).collect();
    let candidates = ["redis-server", "valkey-server"]
        .into_iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_server_is_one_sentence_that_says_what_to_run() {
        assert_eq!(search(OsStr::new("/nonexistent:/nowhere")), None);
        let sentence = RigError::NoServer.to_string();
        assert!(sentence.contains("`cargo xtask setup`") && sentence.lines().count() == 1, "{sentence}");
    }
}
