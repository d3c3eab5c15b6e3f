use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::port::Port;
use crate::{RigError, http};

/// The longest that the driver may take to listen.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// The longest that one command may take.
const COMMAND_DEADLINE: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What keeps a browser to the pages that it is sent to.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
];

/// A real Chromium without a window, with a folder of its own, driven over `WebDriver`. It ends when this is dropped.
///
/// Half a dozen commands are all that checks need, so the protocol is spoken here, in JSON over HTTP, rather than by a
/// crate: one of the two that are alive would change how JSON objects are ordered in the whole workspace, the other
/// brings a licence that is found nowhere else in it, and both lack the logs of console and network.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: Port,
    session: String,
    chromium: Option<Pid>,
    folder: TempDir,
}

impl Browser {
    /// Starts one; `None` where there is no Chromium with its driver. `STANDPIPE_CHROMIUM` and
    /// `STANDPIPE_CHROMEDRIVER` name them, or they are on the PATH; `cargo xtask test` sees to that.
    pub async fn start() -> Result<Option<Self>, RigError> {
        let chromium = find("STANDPIPE_CHROMIUM", &["chromium", "chromium-browser", "google-chrome"]);
        let (Some(chromium), Some(driver)) = (chromium, find("STANDPIPE_CHROMEDRIVER", &["chromedriver"]))
        else {
            return Ok(None);
        };
        let folder = tempfile::Builder::new()
            .prefix("standpipe-browser-")
            .tempdir()
            .map_err(RigError::io("make a folder"))?;
        let port = Port::reserve()?;
        let log =
            File::create(folder.path().join("driver.log")).map_err(RigError::io("open the driver's log"))?;
        let errors = log.try_clone().map_err(RigError::io("open the driver's log"))?;
        let driver = Command::new(driver)
            .arg(format!("--port={}", port.number))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(RigError::io("start the driver"))?;
        let mut browser = Self { driver, port, session: String::new(), chromium: None, folder };
        browser.until_it_listens().await?;
        let profile = browser.folder.path().join("profile");
        let flags = FLAGS.iter().map(|flag| (*flag).to_owned());
        let flags: Vec<_> = flags.chain([format!("--user-data-dir={}", profile.display())]).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": flags },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let session = browser.post("/session", &wanted).await?;
        session["sessionId"].as_str().unwrap_or_default().clone_into(&mut browser.session);
        let pid = session["capabilities"]["goog:processID"].as_i64().and_then(|pid| i32::try_from(pid).ok());
        browser.chromium = pid.and_then(Pid::from_raw);
        Ok(Some(browser))
    }

    /// Opens a page and waits until it is loaded.
    pub async fn open(&self, url: &str) -> Result<(), RigError> {
        self.command("/url", &json!({ "url": url })).await.map(drop)
    }

    /// Runs the body of a function in the page with these arguments, and answers what it returns; a promise is awaited.
    pub async fn run(&self, script: &str, arguments: &Value) -> Result<Value, RigError> {
        self.command("/execute/sync", &json!({ "script": script, "args": arguments })).await
    }

    /// Presses these keys, one after the other: characters, or the code points that `WebDriver` has for others.
    pub async fn press(&self, keys: &str) -> Result<(), RigError> {
        let strokes =
            |key: char| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }));
        let actions: Vec<_> = keys.chars().flat_map(strokes).collect();
        let wanted = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.command("/actions", &wanted).await.map(drop)
    }

    /// A command of the browser's own protocol, such as `Emulation.setEmulatedMedia`.
    pub async fn devtools(&self, command: &str, parameters: &Value) -> Result<Value, RigError> {
        self.command("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }

    /// What the page said on its console since the last time, and what the browser said of it.
    pub async fn console(&self) -> Result<Vec<String>, RigError> {
        let entries = self.command("/se/log", &json!({ "type": "browser" })).await?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        Ok(entries.iter().map(|entry| format!("{}: {}", entry["level"], entry["message"])).collect())
    }

    /// The addresses that were asked since the last time, those of data and of the page's own memory left out.
    pub async fn requests(&self) -> Result<Vec<String>, RigError> {
        let entries = self.command("/se/log", &json!({ "type": "performance" })).await?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        let url = |entry: &Value| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let is_request = message["message"]["method"] == "Network.requestWillBeSent";
            let url = message["message"]["params"]["request"]["url"].as_str().filter(|_| is_request)?;
            (!url.starts_with("data:") && !url.starts_with("blob:")).then(|| url.to_owned())
        };
        Ok(entries.iter().filter_map(url).collect())
    }

    /// The page as PNG in base64, from its top to this height or its end.
    pub async fn picture(&self, width: u32, height: u32) -> Result<String, RigError> {
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let taken = self.devtools("Page.captureScreenshot", &wanted).await?;
        Ok(taken["data"].as_str().unwrap_or_default().to_owned())
    }

    async fn command(&self, path: &str, wanted: &Value) -> Result<Value, RigError> {
        self.post(&format!("/session/{}{path}", self.session), wanted).await
    }

    async fn post(&self, path: &str, wanted: &Value) -> Result<Value, RigError> {
        let answer = http::post(self.address(), path, &wanted.to_string(), COMMAND_DEADLINE).await?;
        let odd = |found: String| RigError::Protocol { found };
        let mut body: Value = serde_json::from_str(&answer.body).map_err(|error| odd(error.to_string()))?;
        if answer.status == 200 {
            Ok(body["value"].take())
        } else {
            Err(odd(body["value"]["message"].to_string()))
        }
    }

    async fn until_it_listens(&mut self) -> Result<(), RigError> {
        let deadline = Instant::now() + START_DEADLINE;
        while !http::get(self.address(), "/status").await.is_ok_and(|answer| answer.status == 200) {
            let ended = self.driver.try_wait().map_err(RigError::io("watch the driver"))?;
            if ended.is_some() {
                let log = fs::read_to_string(self.folder.path().join("driver.log")).unwrap_or_default();
                return Err(RigError::Ended { server: "chromedriver".to_owned(), log });
            }
            if Instant::now() > deadline {
                return Err(RigError::Deadline { what: "the driver to listen", after: START_DEADLINE });
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number).into()
    }
}

impl Drop for Browser {
    /// The driver does not take the browser along, and the browser's own processes end with the first of them.
    fn drop(&mut self) {
        for process in self.chromium.into_iter().chain([Pid::from_child(&self.driver)]) {
            // One that has ended by itself is as good.
            let _ = kill_process(process, Signal::KILL);
        }
        let _ = self.driver.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the rig looks for its browser itself; it is no library of the product"
)]
fn find(variable: &str, names: &[&str]) -> Option<PathBuf> {
    if let Some(named) = env::var_os(variable).filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named)).filter(|named| named.is_file());
    }
    let path = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&path).collect();
    let candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}
