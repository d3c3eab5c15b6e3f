//! A browser at a page, and the four ways in which it is looked at.

use std::time::Duration;

use serde_json::{Value, json};
use standpipe_oracle::{Browser, is_ci};
use tokio::time::{Instant, sleep};

use crate::comparison::differences;
use crate::{axe, rig};

/// The longest that the page may take to show what is so.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How somebody looks at a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eyes {
    pub(crate) width: u32,
    pub(crate) dark: bool,
}

pub(crate) const WIDE: Eyes = Eyes { width: 1280, dark: false };
pub(crate) const WIDE_DARK: Eyes = Eyes { width: 1280, dark: true };
pub(crate) const NARROW: Eyes = Eyes { width: 390, dark: false };
pub(crate) const NARROW_DARK: Eyes = Eyes { width: 390, dark: true };
pub(crate) const ALL: [Eyes; 4] = [WIDE, WIDE_DARK, NARROW, NARROW_DARK];

/// What the page shows, read from its document, and what `/status` says at the same time.
const READ: &str = include_str!("read.js");

pub(crate) struct View {
    pub(crate) browser: Browser,
    origin: String,
}

impl View {
    /// Opens the page at this address; `None` where there is no Chromium, which is said.
    pub(crate) async fn open(address: std::net::SocketAddr) -> Option<Self> {
        let Some(browser) = Browser::start().await.unwrap() else {
            assert!(!is_ci(), "there is no Chromium here, and CI skips nothing");
            println!("skipped: no Chromium");
            return None;
        };
        let view = Self { browser, origin: format!("http://{address}") };
        view.look(WIDE).await;
        // What a browser begins with is no matter of the page's.
        view.browser.open("about:blank").await.unwrap();
        view.browser.requests().await.unwrap();
        view.browser.console().await.unwrap();
        view.reload().await;
        Some(view)
    }

    pub(crate) async fn reload(&self) {
        self.browser.open(&format!("{}/", self.origin)).await.unwrap();
    }

    /// Looks with other eyes from here on.
    pub(crate) async fn look(&self, eyes: Eyes) {
        let Eyes { width, dark } = eyes;
        let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.browser.devtools("Emulation.setDeviceMetricsOverride", &screen).await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.browser.devtools("Emulation.setEmulatedMedia", &media).await.unwrap();
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.browser.run(script, &json!([])).await.unwrap()
    }

    /// What the page shows (`shown`), and what `/status` says (`status`).
    pub(crate) async fn read(&self) -> Value {
        self.run(READ).await
    }

    /// Waits until the page shows nothing else than what `/status` says, and answers both.
    pub(crate) async fn agrees(&self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let read = self.read().await;
            let found = differences(&read);
            if found.is_empty() {
                return read;
            }
            assert!(
                Instant::now() < deadline,
                "the page shows something else:\n{}\n{read:#}",
                found.join("\n")
            );
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until this script returns true.
    pub(crate) async fn until(&self, what: &str, script: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.run(script).await != true {
            assert!(
                Instant::now() < deadline,
                "waited {PATIENCE:?} for {what}: {:#}",
                self.read().await["shown"]
            );
            sleep(LOOK_EVERY).await;
        }
    }

    /// Looks at the page in all four ways: it shows what is so, has no fault that keeps anybody out, does not scroll
    /// sideways, says nothing on the console and asks nobody but its daemon. Pictures it where that is asked for.
    pub(crate) async fn holds(&self, name: &str) -> Value {
        let mut read = Value::Null;
        for eyes in ALL {
            self.look(eyes).await;
            read = self.agrees().await;
            axe::finds_nothing(self, &format!("{name} with {eyes:?}")).await;
            self.does_not_scroll_sideways(&format!("{name} with {eyes:?}")).await;
            rig::picture(self, name, eyes).await;
        }
        assert!(self.is_quiet().await > 0, "the log of requests is empty");
        read
    }

    pub(crate) async fn does_not_scroll_sideways(&self, name: &str) {
        let script = "const it = document.documentElement;
            const wide = [...document.querySelectorAll('body *')].filter((part) => part.checkVisibility() && part.getBoundingClientRect().right > it.clientWidth);
            return [it.scrollWidth, it.clientWidth, wide.slice(0, 5).map((part) => part.outerHTML.slice(0, 120))]";
        let widths = self.run(script).await;
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{name}: {widths:#}");
    }

    /// Nothing was said on the console since the last time, and nobody was asked but the daemon; says how often that was.
    pub(crate) async fn is_quiet(&self) -> usize {
        let said = self.browser.console().await.unwrap();
        assert!(said.is_empty(), "{said:#?}");
        let asked = self.browser.requests().await.unwrap();
        let within = format!("{}/", self.origin);
        for url in &asked {
            assert!(url.starts_with(&within), "{url} is not of {within}");
        }
        asked.len()
    }
}
