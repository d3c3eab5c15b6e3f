use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::RigError;

/// A terminal that a process writes to and nobody sits at: what would be seen is kept.
#[derive(Debug)]
pub struct PseudoTerminal {
    /// The side that a process has. While it is open here too, the terminal does not end with the process.
    device: OwnedFd,
    written: Arc<Mutex<Vec<u8>>>,
    keeping: JoinHandle<()>,
}

impl PseudoTerminal {
    /// Opens one of so many rows and columns.
    pub fn open(rows: u16, columns: u16) -> Result<Self, RigError> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let open = || {
            let controller = openpt(flags)?;
            grantpt(&controller)?;
            unlockpt(&controller)?;
            let device = ioctl_tiocgptpeer(&controller, flags)?;
            tcsetwinsize(&device, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
            Ok((controller, device))
        };
        let (controller, device) =
            open().map_err(|error: rustix::io::Errno| RigError::io("open a terminal")(error.into()))?;
        let written = Arc::default();
        let kept = Arc::clone(&written);
        // It ends when no process has the terminal any more: then there is nothing to read.
        let keeping = thread::spawn(move || keep(File::from(controller), &kept));
        Ok(Self { device, written, keeping })
    }

    /// All that was written so far, with all its escape codes.
    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All that was written to it, once no process has it any more; it blocks until then.
    #[must_use]
    pub fn all_written(self) -> Vec<u8> {
        let Self { device, written, keeping } = self;
        drop(device);
        // One that panicked has kept what it read.
        let _ = keeping.join();
        mem::take(&mut written.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The side that a process writes to.
    pub fn device(&self) -> io::Result<OwnedFd> {
        self.device.try_clone()
    }
}

fn keep(mut controller: File, written: &Mutex<Vec<u8>>) {
    let mut part = [0; 16 << 10];
    while let Ok(read) = controller.read(&mut part) {
        written.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&part[..read]);
    }
}
