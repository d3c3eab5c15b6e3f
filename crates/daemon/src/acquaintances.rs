//! Who was looked up, kept for the next process: a directory that is away at a start takes nobody's key.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::Metrics;
use crate::lookups::Lookups;
use crate::state_file::StateFile;

/// How often they are written. After a kill, those of the last minute are missing.
const EVERY: Duration = Duration::from_mins(1);

/// No larger file is read.
const MAX_BYTES: u64 = 16 << 20;

/// The file of one daemon's acquaintances: what [`Lookups::keepsakes`] says.
///
/// Losing it costs a directory that is away at the next start what it had said before, and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Acquaintances {
    file: StateFile,
}

impl Acquaintances {
    /// The acquaintances that this daemon keeps in the folder.
    pub(crate) fn of(folder: &Path, daemon: &str) -> Self {
        Self { file: StateFile::of(folder, daemon, "identities") }
    }

    /// Tells whoever looks identities up what an earlier process knew.
    pub(crate) async fn recall(&self, metrics: &Metrics) {
        let Some(lookups) = metrics.lookups() else { return };
        if let Some(keepsakes) = self.file.read(MAX_BYTES).await {
            lookups.recall(&keepsakes);
        }
    }

    /// Writes them now and then, for ever. Cancel-safe: the file is replaced as a whole.
    pub(crate) async fn keep(&self, metrics: &Metrics) -> std::convert::Infallible {
        loop {
            sleep(EVERY).await;
            self.write(metrics).await;
        }
    }

    /// Writes them, where there are any.
    pub(crate) async fn write(&self, metrics: &Metrics) {
        let Some(lookups) = metrics.lookups().filter(|lookups| lookups.remembered() > 0) else { return };
        let lookups: Arc<dyn Lookups> = Arc::clone(lookups);
        self.file.replace(move || Ok(lookups.keepsakes())).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Mutex;

    use super::*;
    use crate::Quarantine;
    use crate::settings::QuarantinePlan;

    /// Remembers a text.
    #[derive(Default)]
    struct Scripted(Mutex<Vec<u8>>);

    impl Lookups for Scripted {
        fn outcomes(&self) -> Vec<(&'static str, u64)> {
            Vec::new()
        }

        fn remembered(&self) -> u64 {
            self.0.lock().unwrap().len() as u64
        }

        fn keepsakes(&self) -> Vec<u8> {
            self.0.lock().unwrap().clone()
        }

        fn recall(&self, keepsakes: &[u8]) {
            *self.0.lock().unwrap() = keepsakes.to_vec();
        }
    }

    fn process(folder: &Path, knows: &[u8]) -> (Metrics, Arc<Scripted>) {
        let kept = QuarantinePlan { frames: 10, bytes: 1 << 20 };
        let quarantine = Quarantine::new(folder.join("quarantine"), kept);
        let metrics = Metrics::new("labeler", "label_live", None, quarantine.intake()).unwrap();
        let lookups = Arc::new(Scripted(Mutex::new(knows.to_vec())));
        metrics.looked_up_by(Arc::clone(&lookups) as _);
        (metrics, lookups)
    }

    #[tokio::test]
    async fn the_next_process_knows_what_this_one_did_and_nothing_replaces_it_by_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let acquaintances = Acquaintances::of(folder.path(), "labeler");
        acquaintances.write(&process(folder.path(), b"all that").0).await;
        acquaintances.write(&process(folder.path(), b"").0).await;
        let (metrics, lookups) = process(folder.path(), b"");
        acquaintances.recall(&metrics).await;
        assert_eq!(lookups.keepsakes(), b"all that");
    }

    #[tokio::test]
    async fn i7_a_file_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::File::create(folder.path().join("labeler.identities.json")).unwrap();
        file.set_len(MAX_BYTES + 1).unwrap();
        let (metrics, lookups) = process(folder.path(), b"");
        Acquaintances::of(folder.path(), "labeler").recall(&metrics).await;
        assert_eq!(lookups.remembered(), 0);
    }
}
