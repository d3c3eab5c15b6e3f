use std::fmt;

use thiserror::Error;

/// The `User-Agent` of every request: `standpipe/VERSION`, and who runs it where that was said.
///
/// Hosts key their consumer metrics on it, and write to the contact before they block an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent(String);

impl UserAgent {
    /// The longest contact, in bytes.
    pub const MAX_CONTACT_BYTES: usize = 200;

    /// `standpipe/VERSION`.
    #[must_use]
    pub fn anonymous() -> Self {
        Self(format!("standpipe/{}", env!("CARGO_PKG_VERSION")))
    }

    /// `standpipe/VERSION (+contact)`, where the contact is an URL or a mail address.
    ///
    /// # Errors
    ///
    /// [`ContactError`], when the contact would not fit into an HTTP comment.
    pub fn with_contact(contact: &str) -> Result<Self, ContactError> {
        let contact = contact.trim();
        if contact.is_empty() || contact.len() > Self::MAX_CONTACT_BYTES {
            return Err(ContactError::Length { len_bytes: contact.len() });
        }
        let unfit = |found: char| !found.is_ascii_graphic() || matches!(found, '(' | ')' | '\\');
        if let Some(found) = contact.chars().find(|&found| unfit(found)) {
            return Err(ContactError::Character { found });
        }
        Ok(Self(format!("{} (+{contact})", Self::anonymous())))
    }

    /// The header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text cannot stand as contact in a `User-Agent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContactError {
    /// Empty, or longer than [`UserAgent::MAX_CONTACT_BYTES`].
    #[error("use a contact of {len_bytes} bytes: 1 to {} fit", UserAgent::MAX_CONTACT_BYTES)]
    Length {
        /// The contact's length without the space around it.
        len_bytes: usize,
    },
    /// A space, a parenthesis, a backslash or something beyond printable ASCII.
    #[error("use a contact with {found:?}: write an URL or a mail address")]
    Character {
        /// The first unfit character.
        found: char,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_names_the_version_and_who_runs_it() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(UserAgent::anonymous().to_string(), format!("standpipe/{version}"));
        let named = UserAgent::with_contact(" mailto:ops@example.com ").unwrap();
        assert_eq!(named.as_str(), format!("standpipe/{version} (+mailto:ops@example.com)"));
    }

    #[test]
    fn a_contact_cannot_smuggle_a_header() {
        for (contact, found) in [("a\r\nX: y", '\r'), ("a b", ' '), ("a)", ')'), ("ä", 'ä'), ("a\0", '\0')]
        {
            assert_eq!(
                UserAgent::with_contact(contact),
                Err(ContactError::Character { found }),
                "{contact:?}"
            );
        }
        assert_eq!(UserAgent::with_contact(" "), Err(ContactError::Length { len_bytes: 0 }));
        let long = "a".repeat(201);
        assert_eq!(UserAgent::with_contact(&long), Err(ContactError::Length { len_bytes: 201 }));
    }
}
