use serde::Deserialize;
use serde::de::MapAccess;
use standpipe_eventstream::Did;
use standpipe_pipeline::Counts;

use crate::body::parse;
use crate::lenient::Lenient;
use crate::{BodyFault, Listing, Repos, Rows};

/// One row of a page of repos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repo<'a> {
    /// The account: a valid DID.
    pub did: &'a str,
    /// The CID of the repo's last commit as the host wrote it, unchecked; empty where it gave none. Stale by nature.
    pub head: &'a str,
    /// The repo's revision as the host wrote it, unchecked; empty where it gave none. Stale by nature.
    pub rev: &'a str,
    /// Why it is inactive, as the host wrote it.
    pub status: Option<&'a str>,
    /// Whether the account is active; so where nothing was said.
    pub active: bool,
}

/// The repos of one page, with all their text in one buffer.
#[derive(Debug, Default)]
pub struct RepoRows {
    text: String,
    spans: Vec<Span>,
    /// Rows that are forgotten at the beginning.
    forgotten: usize,
    dropped: Counts,
}

/// Where a row's texts end. They lie one after the other: DID, head, rev, status.
#[derive(Clone, Copy, Debug)]
struct Span {
    begin: usize,
    did: usize,
    head: usize,
    rev: usize,
    status: Option<usize>,
    active: bool,
}

impl RepoRows {
    /// The reason of a row that is no object.
    pub const MALFORMED_ROW: &'static str = "malformed_row";
    /// The reason of a row without a valid DID.
    pub const INVALID_DID: &'static str = "invalid_did";

    /// Reads the body of a page.
    ///
    /// # Errors
    ///
    /// [`BodyFault`]: it is no page, or its cursor is none.
    pub fn parse(body: &[u8]) -> Result<Self, BodyFault> {
        Ok(parse(body, Repos::FIELD)?.rows)
    }

    /// The rows in the host's order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Repo<'_>> + DoubleEndedIterator {
        self.spans[self.forgotten..].iter().map(|span| self.row(*span))
    }

    fn row(&self, span: Span) -> Repo<'_> {
        Repo {
            did: &self.text[span.begin..span.did],
            head: &self.text[span.did..span.head],
            rev: &self.text[span.head..span.rev],
            status: span.status.map(|end| &self.text[span.rev..end]),
            active: span.active,
        }
    }

    fn append(&mut self, text: &str) -> usize {
        self.text.push_str(text);
        self.text.len()
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Did,
    Head,
    Rev,
    Status,
    Active,
    #[serde(other)]
    Unknown,
}

impl Rows for RepoRows {
    fn take<'de, A: MapAccess<'de>>(&mut self, mut fields: A) -> Result<(), A::Error> {
        let [mut did, mut head, mut rev, mut status] = [const { Lenient::Null }; 4];
        let mut active = true;
        while let Some(field) = fields.next_key()? {
            match field {
                Field::Did => did = fields.next_value()?,
                Field::Head => head = fields.next_value()?,
                Field::Rev => rev = fields.next_value()?,
                Field::Status => status = fields.next_value()?,
                Field::Active => active = fields.next_value::<Lenient<'_>>()? != Lenient::Bool(false),
                Field::Unknown => drop(fields.next_value::<serde::de::IgnoredAny>()?),
            }
        }
        let Some(did) = did.as_text().filter(|did| Did::parse(did).is_ok()) else {
            self.dropped.add(Self::INVALID_DID);
            return Ok(());
        };
        let begin = self.text.len();
        let did = self.append(did);
        let head = self.append(head.as_text().unwrap_or_default());
        let rev = self.append(rev.as_text().unwrap_or_default());
        let status = status.as_text().map(|status| self.append(status));
        self.spans.push(Span { begin, did, head, rev, status, active });
        Ok(())
    }

    fn take_malformed(&mut self) {
        self.dropped.add(Self::MALFORMED_ROW);
    }

    fn len(&self) -> usize {
        self.spans.len() - self.forgotten
    }

    fn dropped(&self) -> &Counts {
        &self.dropped
    }

    fn first(&self) -> Option<&str> {
        self.iter().next().map(|row| row.did)
    }

    fn last(&self) -> Option<&str> {
        self.iter().next_back().map(|row| row.did)
    }

    fn forget_first(&mut self) {
        self.forgotten = self.spans.len().min(self.forgotten + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(json: &str) -> RepoRows {
        RepoRows::parse(format!(r#"{{"repos":[{json}]}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn a_row_is_what_the_host_wrote() {
        let rows = rows(
            r#"{"did":"did:plc:a","head":"bafy","rev":"3jzfcijpj2z2a","active":false,"status":"takendown"},
               {"rev":"","did":"did:web:b.example","new":{"x":[1]},"active":true}"#,
        );
        assert_eq!(
            rows.iter().collect::<Vec<_>>(),
            [
                Repo {
                    did: "did:plc:a",
                    head: "bafy",
                    rev: "3jzfcijpj2z2a",
                    status: Some("takendown"),
                    active: false
                },
                Repo { did: "did:web:b.example", head: "", rev: "", status: None, active: true },
            ]
        );
        assert_eq!(rows.dropped().total(), 0);
    }

    #[test]
    fn a_missing_active_means_active() {
        for said in ["", r#","active":true"#, r#","active":null"#, r#","active":"false""#] {
            assert!(rows(&format!(r#"{{"did":"did:plc:a"{said}}}"#)).iter().all(|row| row.active), "{said}");
        }
    }

    #[test]
    fn i5_a_row_that_cannot_be_used_costs_itself_alone_and_is_counted() {
        let rows = rows(
            r#"{"did":"did:plc:a"},{"did":"nonsense"},{"did":7},{},{"did":"did:plc:a b"},null,"x",[{}],
               {"did":"did:plc:z","rev":7,"head":[],"status":{}}"#,
        );
        assert_eq!(rows.iter().map(|row| row.did).collect::<Vec<_>>(), ["did:plc:a", "did:plc:z"]);
        assert_eq!(rows.dropped().of(RepoRows::INVALID_DID), 4);
        assert_eq!(rows.dropped().of(RepoRows::MALFORMED_ROW), 3);
    }

    #[test]
    fn escaped_text_is_read_as_what_it_says() {
        assert_eq!(rows(r#"{"did":"did:plc:\u0061","rev":"\n"}"#).iter().next().unwrap().did, "did:plc:a");
    }

    #[test]
    fn the_first_row_can_be_forgotten() {
        let mut rows = rows(r#"{"did":"did:plc:a"},{"did":"did:plc:b"}"#);
        assert_eq!((rows.first(), rows.last(), rows.len()), (Some("did:plc:a"), Some("did:plc:b"), 2));
        rows.forget_first();
        assert_eq!((rows.first(), rows.last(), rows.len()), (Some("did:plc:b"), Some("did:plc:b"), 1));
        rows.forget_first();
        rows.forget_first();
        assert!(rows.is_empty());
    }
}
