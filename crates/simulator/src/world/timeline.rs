//! When and to whom each frame belongs: index, seq, time, rev and account.

use fastrand::Rng;

use crate::encode::radix;
use crate::world::WorldSettings;

/// Separates the random streams of one frame, so that a change in one leaves the others as they are.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Gap = 1,
    Round,
    Kind,
    Record,
    Ops,
    Tree,
    Padding,
    Commit,
    Account,
    Name,
    Listing,
    Member,
    Label,
    LabelFlaw,
    Signature,
}

/// The arithmetic of a world: everything here is computed in constant time from an index.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    seed: u64,
    accounts: u64,
    first_seq: u64,
    stride: u64,
    epoch_micros: u64,
    spacing_micros: u64,
}

impl Timeline {
    pub(crate) fn new(settings: &WorldSettings) -> Self {
        Self {
            seed: settings.seed,
            accounts: u64::from(settings.accounts.get()),
            first_seq: settings.first_seq,
            stride: settings.seq_stride.get(),
            epoch_micros: settings.epoch_millis * 1000,
            spacing_micros: u64::try_from(settings.spacing.as_micros()).unwrap_or(u64::MAX).max(1),
        }
    }

    pub(crate) fn rng(&self, stream: Stream, at: u64) -> Rng {
        let mixed = scramble(scramble(self.seed ^ ((stream as u64) << 56)) ^ at);
        Rng::with_seed(mixed)
    }

    pub(crate) fn seq_at(&self, index: u64) -> u64 {
        let within = if self.stride == 1 { 0 } else { self.rng(Stream::Gap, index).u64(0..self.stride) };
        self.first_seq + index * self.stride + within
    }

    pub(crate) fn index_of(&self, seq: u64) -> Option<u64> {
        let index = seq.checked_sub(self.first_seq)? / self.stride;
        (self.seq_at(index) == seq).then_some(index)
    }

    /// The first index whose seq is above `cursor`.
    pub(crate) fn index_after(&self, cursor: u64) -> u64 {
        let Some(distance) = cursor.checked_sub(self.first_seq) else { return 0 };
        let index = distance / self.stride;
        if self.seq_at(index) > cursor { index } else { index + 1 }
    }

    pub(crate) fn micros_at(&self, index: u64) -> u64 {
        self.epoch_micros + index * self.spacing_micros
    }

    pub(crate) fn time_at(&self, index: u64) -> String {
        datetime(self.micros_at(index) / 1000)
    }

    pub(crate) fn rev_at(&self, index: u64) -> String {
        radix::tid(self.micros_at(index), 0)
    }

    /// The account that frame `index` belongs to.
    ///
    /// Frames come in rounds of as many as there are accounts; in each round every account has its turn
    /// once, in an order of the round's own. So an account's frame in an earlier round can be computed.
    pub(crate) fn account_at(&self, index: u64) -> u64 {
        let (factor, offset) = self.round_order(index / self.accounts);
        (factor * (index % self.accounts) + offset) % self.accounts
    }

    /// The frame of the same account, `rounds` rounds before frame `index`.
    pub(crate) fn earlier(&self, index: u64, rounds: u64) -> Option<u64> {
        let round = (index / self.accounts).checked_sub(rounds)?;
        let account = self.account_at(index);
        let (factor, offset) = self.round_order(round);
        let turn = inverse(factor, self.accounts) * ((account + self.accounts - offset) % self.accounts);
        Some(round * self.accounts + turn % self.accounts)
    }

    /// A factor without a common divisor with the number of accounts, and an offset: together they permute
    /// the accounts. Both are below 2^32, so that products fit.
    fn round_order(&self, round: u64) -> (u64, u64) {
        let mut rng = self.rng(Stream::Round, round);
        let offset = rng.u64(0..self.accounts);
        let factor = std::iter::repeat_with(|| rng.u64(1..=self.accounts))
            .take(64)
            .find(|factor| divisor(*factor, self.accounts) == 1);
        (factor.unwrap_or(1), offset)
    }
}

/// Milliseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.mmmZ`.
pub(crate) fn datetime(millis: u64) -> String {
    let (days, millis_of_day) = (millis / 86_400_000, millis % 86_400_000);
    // Days are counted from 0000-03-01, so that a leap day is the last of its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (millis_of_day / 3_600_000, millis_of_day / 60_000 % 60);
    let (second, milli) = (millis_of_day / 1000 % 60, millis_of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The finalizer of splitmix64: every bit of the input moves every bit of the output.
fn scramble(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// The number whose product with `factor` is 1 modulo `modulus`; the two have no common divisor.
fn inverse(factor: u64, modulus: u64) -> u64 {
    let modulus = i128::from(modulus);
    let (mut old, mut new) = (i128::from(factor), modulus);
    let (mut old_coefficient, mut new_coefficient) = (1, 0);
    while new != 0 {
        let quotient = old / new;
        (old, new) = (new, old - quotient * new);
        (old_coefficient, new_coefficient) = (new_coefficient, old_coefficient - quotient * new_coefficient);
    }
    u64::try_from(old_coefficient.rem_euclid(modulus)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::num::{NonZeroU32, NonZeroU64};

    use super::*;

    fn timeline(accounts: u32, stride: u64) -> Timeline {
        Timeline::new(&WorldSettings {
            accounts: NonZeroU32::new(accounts).unwrap(),
            seq_stride: NonZeroU64::new(stride).unwrap(),
            first_seq: 10,
            ..WorldSettings::default()
        })
    }

    #[test]
    fn every_account_has_one_frame_in_each_round() {
        for accounts in [1, 2, 7, 60, 1000] {
            let timeline = timeline(accounts, 1);
            let accounts = u64::from(accounts);
            for round in 0..5 {
                let seen: HashSet<_> =
                    (round * accounts..(round + 1) * accounts).map(|i| timeline.account_at(i)).collect();
                assert_eq!(seen.len() as u64, accounts);
            }
        }
    }

    #[test]
    fn an_earlier_frame_belongs_to_the_same_account() {
        let timeline = timeline(97, 1);
        for index in 0..970 {
            match timeline.earlier(index, 3) {
                None => assert!(index < 3 * 97),
                Some(earlier) => {
                    assert_eq!(timeline.account_at(earlier), timeline.account_at(index));
                    assert_eq!(earlier / 97 + 3, index / 97);
                }
            }
        }
    }

    #[test]
    fn seqs_rise_and_lead_back_to_their_index() {
        for stride in [1, 2, 1000] {
            let timeline = timeline(5, stride);
            let seqs: Vec<_> = (0..500).map(|i| timeline.seq_at(i)).collect();
            assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
            for (index, seq) in (0..).zip(&seqs) {
                assert_eq!(timeline.index_of(*seq), Some(index));
                assert_eq!(timeline.index_after(*seq), index + 1);
                assert_eq!(timeline.index_after(*seq - 1), index);
            }
            assert_eq!(timeline.index_after(0), 0);
        }
    }

    #[test]
    fn times_are_written_as_on_the_wire() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(datetime(millis), expected);
        }
    }
}
