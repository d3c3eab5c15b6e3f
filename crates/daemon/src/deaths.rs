use std::fs;
use std::thread;

use nix::sys::signal::{SigSet, Signal, raise};

/// Signals that end a process and are sent from outside, or by a fault of the process itself. SIGTERM and SIGINT are
/// none of them: they ask. SIGKILL cannot be seen, and SIGTRAP belongs to debuggers.
const DEADLY: [Signal; 12] = [
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGILL,
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGSEGV,
    Signal::SIGALRM,
    Signal::SIGXCPU,
    Signal::SIGSYS,
];

/// Signals that end this process, held back until their name is written down.
///
/// A process that is sent one of them dies of it all the same, a moment later. A fault of its own, such as an access to
/// memory that is not there, cannot be held back: it ends the process at once and leaves no word.
pub(crate) struct Deaths(SigSet);

impl Deaths {
    /// Holds them back in this thread and in all that it starts from here on, so it must be the first.
    pub(crate) fn hold_back() -> Self {
        let ignored = ignored();
        let held: SigSet = DEADLY.into_iter().filter(|&signal| ignored & bit(signal) == 0).collect();
        // Where it fails nothing is held back, and such a death has no name.
        let _ = held.thread_block();
        Self(held)
    }

    /// Waits for the first of them on a thread of its own, tells its name, and dies of it.
    pub(crate) fn watch(self, last_word: impl Fn(&'static str) + Send + 'static) {
        let Self(held) = self;
        let watching = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            while let Ok(signal) = held.wait() {
                last_word(signal.as_str());
                let _ = held.thread_unblock();
                // The standard library handles SIGSEGV and SIGBUS once, to tell overflows of the stack, and leaves the
                // next to the system.
                let _ = (raise(signal), raise(signal));
                let _ = held.thread_block();
            }
        });
        if let Err(error) = watching {
            tracing::warn!(%error, "signals that end the process will not be named");
            let _ = held.thread_unblock();
        }
    }
}

/// Whoever starts a process can have it ignore a signal, as `nohup` does with SIGHUP. One that is held back would be
/// seen all the same.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn bit(signal: Signal) -> u64 {
    1 << (signal as u32 - 1)
}
