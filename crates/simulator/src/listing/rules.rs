//! How hosts list what they have.

/// How a host lists its repos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListingRules {
    /// Whether accounts that are not active are listed, with `active: false` and their status. A host that does not
    /// list them has no `status` at all.
    pub inactive: bool,
    /// What its cursors look like.
    pub tokens: Tokens,
    /// How its list ends.
    pub end: ListEnd,
}

impl ListingRules {
    /// The Go relay.
    pub const RELAY: Self = Self { inactive: false, tokens: Tokens::Decimal, end: ListEnd::ShortPage };
    /// The TypeScript PDS.
    pub const PDS: Self = Self { inactive: true, tokens: Tokens::CreatedAt, end: ListEnd::EmptyPage };
    /// Some other host, with cursors that nobody can make sense of.
    pub const OTHER: Self = Self { inactive: true, tokens: Tokens::Opaque, end: ListEnd::EmptyText };
}

/// What cursors look like. None of them may be taken apart by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// The number of the last row among all that the host has, in decimal: the next row is one further or more. Leading
    /// zeros tell cursors for the same place apart.
    Decimal,
    /// `<milliseconds since 1970>::<did>` of the last row.
    CreatedAt,
    /// With characters that a query must escape: `+`, `/` and `=`.
    Opaque,
}

/// How a list ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListEnd {
    /// A page shorter than the limit has no cursor; nor has one of a single row. A full last page has one, and
    /// then comes an empty page.
    ShortPage,
    /// Every page with rows has a cursor; then comes an empty page without.
    EmptyPage,
    /// The last page has `cursor: ""`.
    EmptyText,
    /// The last page has `cursor: null`.
    Null,
    /// The last page has the cursor that it was asked with, and so it goes on for ever.
    Repeats,
    /// Every page with rows has a cursor; then comes `repos: null` without.
    NullRepos,
}
