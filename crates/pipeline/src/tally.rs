/// What the frames of a batch amounted to: every frame is written, or dropped with a reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames closed.
    pub frames: u64,
    /// Bytes of these frames as received.
    pub frame_bytes: u64,
    /// Entries written, by kind.
    pub written: Counts,
    /// Frames, ops and records not written, by reason.
    pub dropped: Counts,
    /// What was written and is still worth counting, by what it is.
    pub noted: Counts,
    /// Labels by what is known of their signatures: the word, and the reason for it.
    pub judged: Counts<(&'static str, &'static str)>,
}

impl Tally {
    pub(crate) fn clear(&mut self) {
        self.frames = 0;
        self.frame_bytes = 0;
        self.written.0.clear();
        self.dropped.0.clear();
        self.noted.0.clear();
        self.judged.0.clear();
    }
}

/// Counts by label. The labels are few and known when the program is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts<L = &'static str>(Vec<(L, u64)>);

impl Counts {
    /// The count of one label.
    #[must_use]
    pub fn of(&self, label: &str) -> u64 {
        self.0.iter().find(|(known, _)| *known == label).map_or(0, |(_, count)| *count)
    }
}

impl<L: Copy + PartialEq> Counts<L> {
    /// Adds one to a label.
    pub fn add(&mut self, label: L) {
        match self.0.iter_mut().find(|(known, _)| *known == label) {
            Some((_, count)) => *count += 1,
            None => self.0.push((label, 1)),
        }
    }

    /// The labels that were counted, with their counts, in the order of their first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (L, u64)> {
        self.0.iter().copied()
    }

    /// The sum over all labels.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}
