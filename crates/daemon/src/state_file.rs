use std::path::{Path, PathBuf};
use std::{fs, io};

use tokio::task::spawn_blocking;

/// A small file in the state folder that is read and replaced as a whole, and whose loss costs little: trouble with it is
/// told at DEBUG and keeps nobody from anything.
#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// What it holds, for a log line.
    what: &'static str,
}

impl StateFile {
    /// The file `{daemon}.{what}.json` in this folder.
    pub(crate) fn of(folder: &Path, daemon: &str, what: &'static str) -> Self {
        Self { path: folder.join(format!("{daemon}.{what}.json")), what }
    }

    /// What it holds, where it is there, can be read, and is no larger than this. Cancel-safe.
    pub(crate) async fn read(&self, max_bytes: u64) -> Option<Vec<u8>> {
        let path = self.path.clone();
        let read = spawn_blocking(move || match fs::metadata(&path)?.len() {
            len if len > max_bytes => Err(io::Error::other(format!("it has {len} bytes"))),
            _ => fs::read(&path),
        });
        match read.await.map_err(io::Error::other).flatten() {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::debug!(%error, what = self.what, "a file in the state folder cannot be read");
                None
            }
        }
    }

    /// Replaces it by what is made of this, which may take a while. Cancel-safe: it is replaced as a whole, or not.
    pub(crate) async fn replace(&self, contents: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static) {
        let path = self.path.clone();
        let written = spawn_blocking(move || {
            let beside = path.with_extension("json~");
            fs::write(&beside, contents()?)?;
            fs::rename(beside, path)
        });
        if let Err(error) = written.await.map_err(io::Error::other).flatten() {
            tracing::debug!(%error, what = self.what, "a file in the state folder cannot be written");
        }
    }
}
