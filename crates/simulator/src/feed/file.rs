//! Files of frames: `[u32 little-endian length][frame]`, repeated.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::SimulatorError;

/// Reads a file of frames; one whose name ends in `.zst` is decompressed.
///
/// # Errors
/// [`SimulatorError::File`] if it cannot be read, [`SimulatorError::CutOff`] if it ends within a frame.
pub fn read_frames(path: &Path) -> Result<Vec<Vec<u8>>, SimulatorError> {
    let bytes = read(path).map_err(|source| SimulatorError::File { path: path.to_owned(), source })?;
    let mut frames = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let cut_off = || SimulatorError::CutOff { path: path.to_owned(), ordinal: frames.len() };
        let (len, after) = rest.split_first_chunk().ok_or_else(cut_off)?;
        let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
        let (frame, after) = after.split_at_checked(len).ok_or_else(cut_off)?;
        frames.push(frame.to_vec());
        rest = after;
    }
    Ok(frames)
}

/// Writes a file of frames, uncompressed.
///
/// # Errors
/// [`SimulatorError::File`] if it cannot be written.
pub fn write_frames(path: &Path, frames: impl IntoIterator<Item = Vec<u8>>) -> Result<(), SimulatorError> {
    let write = || {
        let mut file = io::BufWriter::new(fs::File::create(path)?);
        for frame in frames {
            let len = u32::try_from(frame.len()).map_err(io::Error::other)?;
            file.write_all(&len.to_le_bytes())?;
            file.write_all(&frame)?;
        }
        file.flush()
    };
    write().map_err(|source| SimulatorError::File { path: path.to_owned(), source })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path.extension().is_some_and(|extension| extension == "zst") {
        let mut bytes = Vec::new();
        zstd::Decoder::new(fs::File::open(path)?)?.read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames.bin");
        let frames = [vec![1, 2, 3], Vec::new(), vec![0; 70_000]];
        write_frames(&path, frames.clone()).unwrap();
        assert_eq!(read_frames(&path).unwrap(), frames);

        let bytes = fs::read(&path).unwrap();
        let compressed = folder.path().join("frames.bin.zst");
        fs::write(&compressed, zstd::encode_all(bytes.as_slice(), 1).unwrap()).unwrap();
        assert_eq!(read_frames(&compressed).unwrap(), frames);

        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(matches!(read_frames(&path), Err(SimulatorError::CutOff { ordinal: 2, .. })));
    }
}
