use std::convert::Infallible;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// From one look at what is to be shown to the next.
const EVERY: Duration = Duration::from_millis(400);

/// The lines at the bottom of the screen.
struct Region {
    bars: MultiProgress,
    /// Holds all lines; there while there are any.
    bar: Option<ProgressBar>,
    shown: Vec<String>,
}

/// While this lives, lines are kept at the bottom of the screen. They are gone when it is dropped.
#[must_use]
pub(crate) struct Shown(Option<(Sender<Infallible>, JoinHandle<()>)>);

impl Shown {
    pub(super) fn nothing() -> Self {
        Self(None)
    }

    /// Shows these lines, which are asked for now and then, on a thread of its own: a terminal that takes nothing, as
    /// after Ctrl-S, holds up nobody but who writes to it.
    pub(super) fn begin(bars: MultiProgress, lines: impl Fn() -> Vec<String> + Send + 'static) -> Self {
        let (end, ended) = mpsc::channel::<Infallible>();
        let mut region = Region { bars, bar: None, shown: Vec::new() };
        let showing = thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(EVERY) {
                region.show(lines());
            }
            region.show(Vec::new());
        });
        match showing {
            Ok(thread) => Self(Some((end, thread))),
            Err(error) => {
                tracing::warn!(%error, "progress will not be shown");
                Self::nothing()
            }
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take() {
            drop(end);
            // One that panicked shows nothing any more either.
            let _ = thread.join();
        }
    }
}

impl Region {
    fn show(&mut self, lines: Vec<String>) {
        if lines == self.shown {
            return;
        }
        if lines.is_empty() {
            if let Some(bar) = self.bar.take() {
                bar.finish_and_clear();
            }
        } else {
            let bar = self.bar.get_or_insert_with(|| {
                let bar = ProgressBar::new_spinner().with_style(style());
                self.bars.add(bar)
            });
            bar.set_message(lines.join("\n"));
        }
        self.shown = lines;
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}
