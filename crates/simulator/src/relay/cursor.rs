//! What a host makes of the cursor that a client asks for.

use crate::feed::Feed;

/// What a host makes of cursors. Hosts differ; the constants are what they have been seen to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorRules {
    /// Whether the frame at the cursor is sent again.
    pub inside: Inside,
    /// What happens when frames after the cursor are gone.
    pub too_old: TooOld,
    /// What happens when the cursor is above the newest seq.
    pub future: FutureCursor,
}

/// Whether the frame at the cursor is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Frames above the cursor.
    Exclusive,
    /// Frames at or above the cursor.
    Inclusive,
}

/// What happens when frames after the cursor are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooOld {
    /// An `#info` frame named `OutdatedCursor`, then from the oldest frame.
    Announced,
    /// From the oldest frame, as if nothing were missing.
    Silent,
}

/// What happens when the cursor is above the newest seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FutureCursor {
    /// An error frame named `FutureCursor`, and close code 1008.
    Refused,
    /// Live frames, whose seqs are below the cursor.
    Silent,
}

impl CursorRules {
    /// What the specification says: inclusive, announced, refused.
    pub const SPECIFIED: Self =
        Self { inside: Inside::Inclusive, too_old: TooOld::Announced, future: FutureCursor::Refused };
    /// A PDS: exclusive, announced, refused.
    pub const PDS: Self = Self { inside: Inside::Exclusive, ..Self::SPECIFIED };
    /// A relay that keeps its log on disk: exclusive, silent, silent.
    pub const RELAY: Self =
        Self { inside: Inside::Exclusive, too_old: TooOld::Silent, future: FutureCursor::Silent };
    /// A relay behind a fan-out server: inclusive, silent, silent.
    pub const FAN_OUT: Self = Self { inside: Inside::Inclusive, ..Self::RELAY };

    /// Where to begin for a client with this cursor, when frames `oldest..frames` are there.
    pub(super) fn begin(self, feed: &Feed, cursor: Option<u64>, oldest: u64, frames: u64) -> Begin {
        let Some(cursor) = cursor else { return Begin::At(frames) };
        let newest = frames.checked_sub(1).and_then(|newest| feed.seq_at(newest));
        if cursor > newest.unwrap_or(0) {
            return match self.future {
                FutureCursor::Refused => Begin::Refuse,
                FutureCursor::Silent => Begin::At(frames),
            };
        }
        // 0 stands before everything, also before frames that have no seq.
        let after = if cursor == 0 { 0 } else { feed.index_after(cursor).min(frames) };
        let is_gap = feed.index_after(cursor) < oldest;
        if is_gap {
            return match self.too_old {
                TooOld::Announced => Begin::Outdated(oldest),
                TooOld::Silent => Begin::At(oldest),
            };
        }
        match (self.inside, cursor.checked_sub(1)) {
            (Inside::Inclusive, Some(before)) => Begin::At(feed.index_after(before).max(oldest)),
            (Inside::Inclusive | Inside::Exclusive, _) => Begin::At(after.max(oldest)),
        }
    }
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// At this frame.
    At(u64),
    /// At this frame, after saying that the cursor is outdated.
    Outdated(u64),
    /// Not at all: the cursor is in the future.
    Refuse,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, WorldSettings};

    /// A hundred frames with seqs 1000 to 1099, of which the first `oldest` are gone.
    fn check(rules: CursorRules, cursor: Option<u64>, oldest: u64, expected: Begin) {
        let feed = Feed::World(World::new(WorldSettings { first_seq: 1000, ..WorldSettings::default() }));
        assert_eq!(rules.begin(&feed, cursor, oldest, 100), expected, "{rules:?} {cursor:?} {oldest}");
    }

    #[test]
    fn cursors_inside_the_window() {
        check(CursorRules::SPECIFIED, Some(1050), 0, Begin::At(50));
        check(CursorRules::FAN_OUT, Some(1050), 0, Begin::At(50));
        check(CursorRules::PDS, Some(1050), 0, Begin::At(51));
        check(CursorRules::RELAY, Some(1050), 0, Begin::At(51));
        check(CursorRules::PDS, Some(1099), 0, Begin::At(100));
        check(CursorRules::SPECIFIED, Some(1099), 0, Begin::At(99));
        check(CursorRules::SPECIFIED, Some(1010), 10, Begin::At(10));
        check(CursorRules::SPECIFIED, Some(1009), 10, Begin::At(10));
        check(CursorRules::PDS, Some(0), 0, Begin::At(0));
        check(CursorRules::SPECIFIED, None, 10, Begin::At(100));
    }

    #[test]
    fn cursors_too_old() {
        for rules in [CursorRules::SPECIFIED, CursorRules::PDS] {
            check(rules, Some(1008), 10, Begin::Outdated(10));
            check(rules, Some(0), 10, Begin::Outdated(10));
        }
        for rules in [CursorRules::RELAY, CursorRules::FAN_OUT] {
            check(rules, Some(1008), 10, Begin::At(10));
        }
    }

    #[test]
    fn cursors_in_the_future() {
        check(CursorRules::SPECIFIED, Some(1100), 0, Begin::Refuse);
        check(CursorRules::PDS, Some(u64::MAX), 0, Begin::Refuse);
        check(CursorRules::RELAY, Some(1100), 0, Begin::At(100));
        check(CursorRules::FAN_OUT, Some(u64::MAX), 0, Begin::At(100));
    }
}
