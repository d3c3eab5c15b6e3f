//! Accounts as hosts list them.

use crate::encode::{Cid, radix};
use crate::world::{Stream, World};

/// One account of a world as a host lists it: a pure function of the world's settings and the account's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAccount {
    /// The account's number in the world, from 0.
    pub account: u64,
    /// Its DID, the same as in the world's frames.
    pub did: String,
    /// CID of a commit, one that exists nowhere.
    pub head: String,
    /// The revision, a TID.
    pub rev: String,
    /// Whether it is active; about nine in ten are.
    pub active: bool,
    /// The status, which few active accounts have and some others lack.
    pub status: Option<&'static str>,
}

/// Accounts came to be at this distance from one another, in milliseconds.
const BIRTHS_APART: u64 = 1000;

/// When the first account came to be, in milliseconds since 1970: years before any world begins.
const FIRST_BIRTH: u64 = 1_500_000_000_000;

impl World {
    /// Account number `account` as hosts list it; `None` beyond the world's last.
    #[must_use]
    pub fn listed_account(&self, account: u64) -> Option<ListedAccount> {
        const INACTIVE: [Option<&str>; 6] = [
            Some("takendown"),
            Some("suspended"),
            Some("deleted"),
            Some("deactivated"),
            Some("inactive"),
            None,
        ];
        if account >= u64::from(self.settings().accounts.get()) {
            return None;
        }
        let mut rng = self.rng(Stream::Listing, account);
        let mut digest = [0; 32];
        rng.fill(&mut digest);
        let millis = self.settings().epoch_millis.saturating_sub(rng.u64(0..10_000_000_000));
        let (active, status) = match rng.u8(0..100) {
            0..88 => (true, None),
            88 => (true, Some("desynchronized")),
            89 => (true, Some("throttled")),
            _ => (false, INACTIVE[rng.usize(..INACTIVE.len())]),
        };
        Some(ListedAccount {
            account,
            did: self.account_did(account),
            head: Cid::of_nothing(digest).to_string(),
            rev: radix::tid(millis * 1000, rng.u16(0..1024)),
            active,
            status,
        })
    }

    /// Whether the account has records of the collection: two of three have.
    #[must_use]
    pub fn has_collection(&self, account: u64, collection: &str) -> bool {
        let name = collection.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte));
        self.rng(Stream::Member, account ^ (name << 32)).u8(0..3) > 0
    }
}

/// When the account came to be, in milliseconds since 1970.
pub(super) fn born(account: u64) -> u64 {
    FIRST_BIRTH + account * BIRTHS_APART
}

/// The account that came to be then.
pub(super) fn born_at(millis: u64) -> Option<u64> {
    let since = millis.checked_sub(FIRST_BIRTH)?;
    since.is_multiple_of(BIRTHS_APART).then_some(since / BIRTHS_APART)
}
