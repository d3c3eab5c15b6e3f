use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::Specimen;
use crate::settings::QuarantinePlan;

/// The folder of unusable frames: `{sha256}.frame` as received, and `{sha256}.json` with where it came from and why.
///
/// Bounded by count and bytes; the oldest leave. A frame that is there already is not written again.
pub(super) struct Shelf {
    folder: PathBuf,
    bounds: QuarantinePlan,
    kept: VecDeque<Kept>,
    bytes: u64,
}

struct Kept {
    name: String,
    bytes: u64,
}

impl Shelf {
    /// Looks at what is there, and lets go of what is beyond the bounds.
    pub(super) fn open(folder: PathBuf, bounds: QuarantinePlan) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut found: Vec<(SystemTime, Kept)> = Vec::new();
        for item in fs::read_dir(&folder)? {
            let item = item?;
            let path = item.path();
            let is_frame = path.extension().is_some_and(|extension| extension == "frame");
            if let (true, Some(name)) = (is_frame, path.file_stem().and_then(|name| name.to_str())) {
                let metadata = item.metadata()?;
                let kept = Kept { name: name.to_owned(), bytes: metadata.len() };
                found.push((metadata.modified()?, kept));
            }
        }
        found.sort_by_key(|(modified, _)| *modified);
        let kept: VecDeque<_> = found.into_iter().map(|(_, kept)| kept).collect();
        let bytes = kept.iter().map(|kept| kept.bytes).sum();
        let mut shelf = Self { folder, bounds, kept, bytes };
        shelf.let_go(0, 0);
        Ok(shelf)
    }

    /// Keeps a frame; answers whether it was not there before.
    pub(super) fn keep(&mut self, specimen: &Specimen) -> io::Result<bool> {
        let digest = Sha256::digest(&specimen.frame);
        let name = format!("{digest:x}");
        let bytes = specimen.frame.len() as u64;
        if self.kept.iter().any(|kept| kept.name == name) || bytes > self.bounds.bytes {
            return Ok(false);
        }
        self.let_go(1, bytes);
        let tag = serde_json::to_vec(&specimen.tag()).map_err(io::Error::other)?;
        put(&self.path(&name, "json"), &tag)?;
        put(&self.path(&name, "frame"), &specimen.frame)?;
        self.bytes += bytes;
        self.kept.push_back(Kept { name, bytes });
        Ok(true)
    }

    /// Makes room for so many frames and bytes.
    fn let_go(&mut self, frames: u64, bytes: u64) {
        let is_over = |shelf: &Self| {
            shelf.kept.len() as u64 + frames > shelf.bounds.frames || shelf.bytes + bytes > shelf.bounds.bytes
        };
        while is_over(self) {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes -= oldest.bytes;
            for extension in ["frame", "json"] {
                let path = self.path(&oldest.name, extension);
                if let Err(error) = fs::remove_file(&path) {
                    tracing::warn!(%error, path = %path.display(), "a frame cannot be removed from the quarantine");
                }
            }
        }
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }
}

/// Writes beside and renames, so that nobody finds half a file.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes)?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn specimen(frame: &[u8]) -> Specimen {
        Specimen {
            host: "relay.example".into(),
            reason: "cbor_truncated",
            seq: Some(7),
            time: Timestamp::UNIX_EPOCH,
            frame: frame.to_vec(),
        }
    }

    fn frames(folder: &Path) -> usize {
        let is_frame = |path: PathBuf| path.extension().is_some_and(|extension| extension == "frame");
        fs::read_dir(folder).unwrap().filter(|item| is_frame(item.as_ref().unwrap().path())).count()
    }

    fn bounds(frames: u64, bytes: u64) -> QuarantinePlan {
        QuarantinePlan { frames, bytes }
    }

    #[test]
    fn i5_a_frame_is_kept_as_received_with_where_it_came_from() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::open(folder.path().into(), bounds(10, 100)).unwrap();
        assert!(shelf.keep(&specimen(b"bad")).unwrap());
        assert!(!shelf.keep(&specimen(b"bad")).unwrap());
        // `printf bad | sha256sum`
        let found =
            folder.path().join("2f05d4b689d270cafb02285f35f44866f7dc8a2d368a3f9d1124373eeab31fb1.frame");
        assert_eq!(fs::read(found.with_extension("frame")).unwrap(), b"bad");
        let tag = fs::read_to_string(found.with_extension("json")).unwrap();
        assert_eq!(
            tag,
            r#"{"host":"relay.example","reason":"cbor_truncated","seq":7,"time":"1970-01-01T00:00:00Z","bytes":3}"#
        );
    }

    #[test]
    fn i7_the_oldest_leave_by_count_and_by_bytes_also_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::open(folder.path().into(), bounds(3, 100)).unwrap();
        for number in 0..10_u8 {
            shelf.keep(&specimen(&[number; 10])).unwrap();
        }
        assert_eq!(frames(folder.path()), 3);
        shelf.keep(&specimen(&[11; 90])).unwrap();
        assert_eq!(frames(folder.path()), 2);
        assert!(!shelf.keep(&specimen(&[12; 101])).unwrap());
        let shelf = Shelf::open(folder.path().into(), bounds(1, 100)).unwrap();
        assert_eq!((frames(folder.path()), shelf.kept.len()), (1, 1));
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 2);
    }
}
