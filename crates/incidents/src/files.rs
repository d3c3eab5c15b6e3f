use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::paths::Paths;

/// The two files of a log: one that grows by whole lines to half of the bound, and one before it.
///
/// When the newer is full it takes the place of the older. The lines that explain all others of a run, its first ones,
/// are carried over, so that they leave last.
#[derive(Debug)]
pub(crate) struct Files {
    paths: Paths,
    half: u64,
    open: Option<Open>,
    head: Vec<String>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Where the last whole line ends.
    len: u64,
}

impl Files {
    pub(crate) fn new(paths: Paths, bytes: u64) -> Self {
        Self { paths, half: bytes / 2, open: None, head: Vec::new() }
    }

    /// Has a line stand first in each file that follows.
    pub(crate) fn carry(&mut self, line: String) {
        self.head.push(line);
    }

    pub(crate) fn head(&self) -> &[String] {
        &self.head
    }

    /// Appends lines and syncs them to the disk; where this fails, a line that was not written whole is cut off.
    pub(crate) fn append(&mut self, lines: &[String]) -> io::Result<()> {
        let appended = self.try_append(lines);
        if appended.is_err()
            && let Some(Open { file, len }) = self.open.take()
        {
            // Where this fails too, the next opening cuts off the torn line.
            let _ = file.set_len(len);
        }
        appended
    }

    fn try_append(&mut self, lines: &[String]) -> io::Result<()> {
        for line in lines {
            let bytes = line.len() as u64 + 1;
            let open = self.open()?;
            if open.len > 0 && open.len + bytes > self.half {
                self.turn()?;
            }
            self.open()?.write(line)?;
        }
        self.open()?.file.sync_data()
    }

    fn open(&mut self) -> io::Result<&mut Open> {
        if self.open.is_none() {
            fs::create_dir_all(&self.paths.folder)?;
            let is_new = !self.paths.current.exists();
            self.open = Some(Open::new(&self.paths)?);
            if is_new {
                self.sync_names()?;
            }
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("the file is gone"))
    }

    /// Begins a new file; the one before the full one leaves.
    fn turn(&mut self) -> io::Result<()> {
        if let Some(Open { file, .. }) = self.open.take() {
            file.sync_data()?;
        }
        fs::rename(&self.paths.current, &self.paths.older)?;
        self.open()?;
        let head = self.head.clone();
        head.iter().try_for_each(|line| self.open()?.write(line))
    }

    /// Makes durable which files there are.
    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.paths.folder)?.sync_all()
    }
}

impl Open {
    /// Opens the file, and cuts off what follows the last whole line.
    fn new(paths: &Paths) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&paths.current)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let len = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at as u64 + 1);
        if len < bytes.len() as u64 {
            file.set_len(len)?;
        }
        file.seek(SeekFrom::Start(len))?;
        Ok(Self { file, len })
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        self.file.write_all(line.as_bytes())?;
        self.len += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn files(folder: &Path, bytes: u64) -> Files {
        Files::new(Paths::new(folder, "d"), bytes)
    }

    fn read(folder: &Path, file: &str) -> String {
        fs::read_to_string(folder.join(file)).unwrap_or_default()
    }

    #[test]
    fn a_torn_last_line_is_cut_off_at_the_next_opening() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("d.jsonl"), "whole\nto").unwrap();
        files(folder.path(), 1_000).append(&["next".to_owned()]).unwrap();
        assert_eq!(read(folder.path(), "d.jsonl"), "whole\nnext\n");
    }

    #[test]
    fn i7_both_files_stay_within_the_bound_and_the_newest_lines_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(folder.path(), 200);
        for number in 0..100 {
            files.append(&[format!("line {number:04}")]).unwrap();
            let sizes = ["d.jsonl", "d.older.jsonl"].map(|file| read(folder.path(), file).len());
            assert!(sizes.iter().all(|&size| size <= 100), "{sizes:?}");
        }
        let kept = read(folder.path(), "d.older.jsonl") + &read(folder.path(), "d.jsonl");
        assert!(kept.ends_with("line 0098\nline 0099\n"), "{kept}");
        let numbers: Vec<_> = kept.lines().map(|line| line[5..].parse::<u64>().unwrap()).collect();
        assert!(numbers.is_sorted() && numbers.len() > 10, "{numbers:?}");
    }

    #[test]
    fn the_first_lines_of_a_run_are_carried_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = files(folder.path(), 100);
        files.carry("first".to_owned());
        files.append(&["first".to_owned()]).unwrap();
        for number in 0..100 {
            files.append(&[format!("line {number:04}")]).unwrap();
        }
        assert!(read(folder.path(), "d.jsonl").starts_with("first\n"));
        assert!(read(folder.path(), "d.older.jsonl").starts_with("first\n"));
    }

    #[test]
    fn a_folder_that_comes_back_is_written_to_again() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("incidents");
        fs::write(&inner, "in the way").unwrap();
        let mut files = files(&inner, 1_000);
        assert!(files.append(&["lost".to_owned()]).is_err());
        fs::remove_file(&inner).unwrap();
        files.append(&["kept".to_owned()]).unwrap();
        assert_eq!(read(&inner, "d.jsonl"), "kept\n");
    }
}
