//! Pages: which rows, which cursor, and their bytes.

use serde_json::{Map, Value, json};

use crate::listing::token::Token;
use crate::listing::{ListEnd, ListedAccount, ListingSettings, PageShape, RowFlaw, Tokens};

/// One page of a host's accounts.
#[derive(Debug)]
pub(super) struct Page {
    /// Each with its place in the host's list.
    pub(super) rows: Vec<(u64, ListedAccount)>,
    /// `null` instead of no rows.
    null_repos: bool,
    pub(super) next: Next,
    begin: Token,
    tokens: Tokens,
}

/// What a page says of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// No `cursor`.
    Absent,
    /// `cursor: null`.
    Null,
    /// `cursor` with this text.
    Cursor(String),
}

/// Which part of a host's accounts is asked for.
pub(super) struct Part<'q> {
    pub(super) tokens: Tokens,
    pub(super) end: ListEnd,
    pub(super) cursor: Option<&'q str>,
    pub(super) limit: usize,
}

impl Page {
    /// The page of those accounts that are `wanted`; `None`: the cursor is malformed.
    pub(super) fn of(
        settings: &ListingSettings,
        part: &Part<'_>,
        wanted: impl Fn(&ListedAccount) -> bool,
    ) -> Option<Self> {
        let Part { tokens, end, cursor, limit } = *part;
        let begin = match cursor {
            None => Token::before(0),
            Some(cursor) => Token::parse(cursor, tokens, settings)?,
        };
        let accounts = (begin.next..).map_while(|place| Some((place, settings.account_at(place)?)));
        let mut rows: Vec<_> = accounts.filter(|(_, account)| wanted(account)).take(limit + 1).collect();
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let goes_on = match end {
            ListEnd::ShortPage => rows.len() == limit && limit > 1,
            ListEnd::EmptyPage | ListEnd::NullRepos => !rows.is_empty(),
            ListEnd::EmptyText | ListEnd::Null | ListEnd::Repeats => has_more,
        };
        let next = match end {
            _ if goes_on => {
                let last = rows.last().map_or(begin, |(last, _)| Token::before(last + 1));
                Next::Cursor(last.text(tokens, settings))
            }
            ListEnd::ShortPage | ListEnd::EmptyPage | ListEnd::NullRepos => Next::Absent,
            ListEnd::EmptyText => Next::Cursor(String::new()),
            ListEnd::Null => Next::Null,
            ListEnd::Repeats => cursor.map_or(Next::Absent, |cursor| Next::Cursor(cursor.to_owned())),
        };
        let null_repos = end == ListEnd::NullRepos && rows.is_empty();
        Some(Self { rows, null_repos, next, begin, tokens })
    }

    pub(super) fn goes_on(&self) -> bool {
        matches!(&self.next, Next::Cursor(text) if !text.is_empty())
    }

    /// The body, in another shape and with flawed rows if so planned; `by_did`: rows of `did` only.
    pub(super) fn into_body(
        mut self,
        settings: &ListingSettings,
        sent: Option<&str>,
        shape: Option<PageShape>,
        flaws: &[(u64, RowFlaw)],
        by_did: bool,
    ) -> (Vec<u8>, Self) {
        let repeated = || sent.map_or(Next::Absent, |sent| Next::Cursor(sent.to_owned()));
        match shape {
            None => {}
            Some(PageShape::EmptyPage) => {
                self.rows.clear();
                self.next = Next::Cursor(self.begin.another().text(self.tokens, settings));
            }
            Some(PageShape::RepeatedCursor) => self.next = repeated(),
            Some(PageShape::NullRepos) => {
                self.rows.clear();
                self.null_repos = true;
                self.next = repeated();
            }
            Some(PageShape::NoRepos) => self.rows.clear(),
            Some(PageShape::EmptyCursor) => self.next = Next::Cursor(String::new()),
            Some(PageShape::NullCursor) => self.next = Next::Null,
        }
        let mut body = Map::new();
        match &self.next {
            Next::Absent => {}
            Next::Null => _ = body.insert("cursor".to_owned(), Value::Null),
            Next::Cursor(text) => _ = body.insert("cursor".to_owned(), text.as_str().into()),
        }
        if shape != Some(PageShape::NoRepos) {
            let has_status = settings.rules.inactive;
            let row = |(place, account): &(u64, ListedAccount)| {
                let flaws = flaws.iter().filter(|(flawed, _)| flawed == place).map(|(_, flaw)| *flaw);
                row(account, flaws, has_status, by_did)
            };
            let repos = if self.null_repos { Value::Null } else { self.rows.iter().map(row).collect() };
            body.insert("repos".to_owned(), repos);
        }
        (Value::Object(body).to_string().into_bytes(), self)
    }
}

fn row(
    account: &ListedAccount,
    flaws: impl Iterator<Item = RowFlaw>,
    has_status: bool,
    by_did: bool,
) -> Value {
    let mut row = json!({ "did": account.did });
    if !by_did {
        row["head"] = account.head.as_str().into();
        row["rev"] = account.rev.as_str().into();
        row["active"] = account.active.into();
        if let Some(status) = account.status.filter(|_| has_status) {
            row["status"] = status.into();
        }
    }
    for flaw in flaws {
        match flaw {
            RowFlaw::BadDid => row["did"] = format!("account-{} without a DID", account.account).into(),
            RowFlaw::NoActive => _ = row.as_object_mut().and_then(|row| row.remove("active")),
            RowFlaw::EmptyRev => row["rev"] = "".into(),
            RowFlaw::NoTid => row["rev"] = "1".into(),
        }
    }
    row
}
