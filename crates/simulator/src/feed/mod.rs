//! Where a relay's frames come from.

mod file;
mod locate;
mod ring;

pub use self::file::{read_frames, write_frames};
pub use self::ring::Ring;
use std::sync::Arc;

use crate::labels::LabelWorld;
use crate::net::websocket::{self, Opcode};
use crate::world::World;

const SUBSCRIBE_REPOS: &str = "/xrpc/com.atproto.sync.subscribeRepos";
const SUBSCRIBE_LABELS: &str = "/xrpc/com.atproto.label.subscribeLabels";

/// The frames that a relay serves, numbered from 0. Cloning is cheap.
#[derive(Clone, Debug)]
pub enum Feed {
    /// A seeded world: frames are computed as they are sent. Endless.
    World(World),
    /// A seeded labeler: its frames are computed as they are sent. Endless.
    Labels(LabelWorld),
    /// Frames prepared once and sent over and over, each time with the next seq. Endless, and as cheap to
    /// serve as can be: what a benchmark wants.
    Ring(Arc<Ring>),
    /// Frames sent as they are, once. Made by [`Feed::canned`].
    Canned(Arc<Canned>),
}

/// Frames that are sent byte for byte, and the seqs that were found in them.
#[derive(Debug)]
pub struct Canned {
    messages: Vec<Vec<u8>>,
    seqs: Vec<Option<u64>>,
}

impl Feed {
    /// Serves these frames, well-formed or not, byte for byte and once.
    ///
    /// A cursor is honoured by the seqs that can be read from them; a frame without one is sent after the
    /// frame that precedes it.
    pub fn canned(frames: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let (mut messages, mut seqs) = (Vec::new(), Vec::new());
        for frame in frames {
            seqs.push(locate::places(&frame).and_then(|places| places.seq).map(|seq| seq.value));
            messages.push(websocket::message(Opcode::Binary, &frame));
        }
        Self::Canned(Arc::new(Canned { messages, seqs }))
    }

    /// How many frames there are; `None` where there is no end.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match self {
            Self::World(_) | Self::Labels(_) | Self::Ring(_) => None,
            Self::Canned(canned) => Some(canned.messages.len() as u64),
        }
    }

    /// Whether there is nothing to serve.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The seq of frame number `index`, or of the last one before it that has one.
    #[must_use]
    pub fn seq_at(&self, index: u64) -> Option<u64> {
        match self {
            Self::World(world) => Some(world.seq_at(index)),
            Self::Labels(labels) => Some(labels.seq_at(index)),
            Self::Ring(ring) => Some(ring.seq_at(index)),
            Self::Canned(canned) => {
                let index = usize::try_from(index).ok()?;
                canned.seqs.get(..=index)?.iter().rev().find_map(|seq| *seq)
            }
        }
    }

    /// The number of the first frame whose seq is above `cursor`; for canned frames their count where there
    /// is none.
    #[must_use]
    pub fn index_after(&self, cursor: u64) -> u64 {
        match self {
            Self::World(world) => world.index_after(cursor),
            Self::Labels(labels) => labels.index_after(cursor),
            Self::Ring(ring) => ring.index_after(cursor),
            Self::Canned(canned) => {
                let found = canned.seqs.iter().position(|seq| seq.is_some_and(|seq| seq > cursor));
                found.unwrap_or(canned.seqs.len()) as u64
            }
        }
    }

    /// Whether this is what is to be had under a path; canned frames and rings are to be had under both.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        match path {
            SUBSCRIBE_REPOS => !matches!(self, Self::Labels(_)),
            SUBSCRIBE_LABELS => matches!(self, Self::Labels(_) | Self::Ring(_) | Self::Canned(_)),
            _ => false,
        }
    }

    /// Appends frame number `index` as a websocket message.
    pub(crate) fn append(&self, index: u64, out: &mut Vec<u8>) {
        match self {
            Self::World(world) => websocket::append(out, Opcode::Binary, &world.frame_at(index)),
            Self::Labels(labels) => websocket::append(out, Opcode::Binary, &labels.frame_at(index)),
            Self::Ring(ring) => ring.append(index, out),
            Self::Canned(canned) => {
                let message = usize::try_from(index).ok().and_then(|index| canned.messages.get(index));
                out.extend_from_slice(message.map_or(&[], Vec::as_slice));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Value;
    use crate::encode::frame;

    #[test]
    fn canned_frames_are_found_by_their_seqs() {
        let with_seq = |seq| frame::message("#identity", &Value::map([("seq", Value::Int(seq))]));
        let feed =
            Feed::canned([frame::info("Hello", None), with_seq(5), vec![0xff], with_seq(300), Vec::new()]);
        assert_eq!(feed.len(), Some(5));
        assert_eq!(
            (0..5).map(|i| feed.seq_at(i)).collect::<Vec<_>>(),
            [None, Some(5), Some(5), Some(300), Some(300)]
        );
        assert_eq!([0, 4, 5, 299, 300].map(|cursor| feed.index_after(cursor)), [1, 1, 3, 3, 5]);
    }
}
