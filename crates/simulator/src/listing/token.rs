//! Cursors: a place in a list, as each kind of host writes it.

use crate::listing::account::{born, born_at};
use crate::listing::{ListingSettings, Tokens};

/// A place in a host's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// The place that comes next.
    pub(super) next: u64,
    /// Tells cursors for the same place apart, below [`ALIASES`].
    pub(super) alias: u64,
}

/// Different cursors that there are for each place: an empty page leads from one to the next.
const ALIASES: u64 = 64;

impl Token {
    /// Where the next page begins.
    pub(super) fn before(next: u64) -> Self {
        Self { next, alias: 0 }
    }

    /// Another cursor for the same place.
    pub(super) fn another(self) -> Self {
        Self { alias: (self.alias + 1) % ALIASES, ..self }
    }

    pub(super) fn text(self, tokens: Tokens, settings: &ListingSettings) -> String {
        let Self { next, alias } = self;
        let repeats = usize::try_from(alias).unwrap_or(0);
        match tokens {
            Tokens::Decimal => format!("{}{next}", "0".repeat(repeats)),
            Tokens::Opaque => format!("p+{next}/{alias}=="),
            Tokens::CreatedAt => {
                let aliases = "~".repeat(repeats);
                match next.checked_sub(1).and_then(|last| settings.account_at(last)) {
                    Some(last) => format!("{}::{}{aliases}", born(last.account), last.did),
                    None => format!("0::{aliases}"),
                }
            }
        }
    }

    /// Reads what [`Self::text`] wrote for a host of the same settings.
    pub(super) fn parse(text: &str, tokens: Tokens, settings: &ListingSettings) -> Option<Self> {
        let token = match tokens {
            Tokens::Decimal => {
                let next: u64 = text.parse().ok()?;
                let digits = next.to_string().len();
                Self { next, alias: text.len().checked_sub(digits)? as u64 }
            }
            Tokens::Opaque => {
                let (next, alias) = text.strip_prefix("p+")?.strip_suffix("==")?.split_once('/')?;
                Self { next: next.parse().ok()?, alias: alias.parse().ok()? }
            }
            Tokens::CreatedAt => {
                let plain = text.trim_end_matches('~');
                let alias = (text.len() - plain.len()) as u64;
                let (millis, _) = plain.split_once("::")?;
                let next = match millis.parse().ok()? {
                    0 => 0,
                    millis => {
                        born_at(millis)?.checked_sub(settings.share.index)? / settings.share.of.max(1) + 1
                    }
                };
                Self { next, alias }
            }
        };
        (token.text(tokens, settings) == text).then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ListingRules, Share, World, WorldSettings};

    #[test]
    fn every_cursor_leads_back_to_its_place_and_all_are_different() {
        for rules in [ListingRules::RELAY, ListingRules::PDS, ListingRules::OTHER] {
            let world = World::new(WorldSettings::default());
            let settings =
                ListingSettings { rules, ..ListingSettings::pds(world, Share { index: 2, of: 3 }) };
            let mut seen = std::collections::HashSet::new();
            for next in [0, 1, 2, 100, 332, 333] {
                let mut token = Token::before(next);
                for _ in 0..12 {
                    let text = token.text(rules.tokens, &settings);
                    assert_eq!(Token::parse(&text, rules.tokens, &settings), Some(token), "{text}");
                    assert!(seen.insert(text.clone()), "{text}");
                    assert_eq!(Token::parse(&format!(" {text}"), rules.tokens, &settings), None, "{text}");
                    token = token.another();
                }
            }
            for foreign in ["", "!ingester-done", "x", "-1", "1::did:plc:x", "p 1/0=="] {
                assert_eq!(Token::parse(foreign, rules.tokens, &settings), None, "{rules:?} {foreign}");
            }
        }
    }
}
