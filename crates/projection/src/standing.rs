use standpipe_stream_entry::firehose::AccountStatus;

use crate::FilterError;

/// Accounts of which standing become entries.
///
/// Words: `active`, whatever the status beside it; the six statuses of the protocol, for accounts that are not
/// active; `inactive`, for those that are not active without one of the six. The default lets all pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandingFilter {
    /// Empty: all pass.
    words: Vec<String>,
}

impl StandingFilter {
    /// A filter that lets pass what any of the words names; all, if there is none.
    ///
    /// # Errors
    ///
    /// [`FilterError::Standing`] for the first text that is none of the words.
    pub fn parse<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Self, FilterError> {
        let checked = |word: &str| {
            let status = AccountStatus::from(word);
            if status.is_known() || word == "active" || word == "inactive" {
                Ok(status.as_str().to_owned())
            } else {
                Err(FilterError::Standing(word.to_owned()))
            }
        };
        Ok(Self { words: words.into_iter().map(checked).collect::<Result<_, _>>()? })
    }

    /// Whether an account of this standing becomes an entry.
    #[must_use]
    pub fn passes(&self, active: bool, status: Option<&AccountStatus<'_>>) -> bool {
        let standing = match status {
            _ if active => "active",
            Some(status) if status.is_known() => status.as_str(),
            Some(_) | None => "inactive",
        };
        self.words.is_empty() || self.words.iter().any(|word| word == standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], passing: &[(bool, Option<&str>)], stopped: &[(bool, Option<&str>)]) {
        let filter = StandingFilter::parse(words.iter().copied()).unwrap();
        for (rows, expected) in [(passing, true), (stopped, false)] {
            for (active, status) in rows {
                let status = status.map(AccountStatus::from);
                assert_eq!(
                    filter.passes(*active, status.as_ref()),
                    expected,
                    "{words:?} {active} {status:?}"
                );
            }
        }
    }

    #[test]
    fn a_standing_passes_if_it_is_named() {
        let active = [(true, None), (true, Some("desynchronized")), (true, Some("novel"))];
        let gone = [(false, Some("deleted")), (false, Some("Takendown"))];
        let vague = [(false, None), (false, Some("novel"))];
        check(&[], &[&active[..], &gone, &vague].concat(), &[]);
        check(&["active"], &active, &[&gone[..], &vague].concat());
        check(&["deleted", "takendown"], &gone, &[&active[..], &vague].concat());
        check(&["inactive"], &vague, &[&active[..], &gone].concat());
    }

    #[test]
    fn a_word_that_names_no_standing_is_refused() {
        for word in ["", "*", "Active", "gone"] {
            assert_eq!(StandingFilter::parse([word]), Err(FilterError::Standing(word.to_owned())));
        }
    }
}
