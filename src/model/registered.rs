//! What a dialect asks of what was registered in it, and what it is shown: no secrets.

use super::event::Dialect;
use super::scope::Scope;
use super::subscription::Name;
use super::tenant::Tenant;
use super::time::Wall;

/// A registration, as far as anybody is shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// By what it is known.
    pub name: Name,
    /// Whose it is; `None`: it hears of all tenants.
    pub tenant: Option<Tenant>,
    /// Who registered it first.
    pub owner: String,
    /// When that was.
    pub created: Wall,
    /// When it was registered last.
    pub updated: Wall,
    /// What was asked for, in the dialect's own words, without secrets.
    pub request: String,
    /// It has ended by itself: it lived for one delivery, or its target wants no more.
    pub is_over: bool,
}

/// Which registrations are listed, in which order, and which page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredQuery {
    /// In which dialect.
    pub dialect: Dialect,
    /// Of whose.
    pub scope: Scope,
    /// By whom; `None`: by anybody.
    pub owner: Option<String>,
    /// All of these hold.
    pub filters: Vec<Filter>,
    /// By what they are ordered, the first thing first; `true`: falling. What is left is in the order of registering.
    pub order: Vec<(RegisteredKey, bool)>,
    /// How many are passed over.
    pub offset: u64,
    /// How many are given, at most.
    pub limit: u64,
}

impl RegisteredQuery {
    /// The first `limit` of a dialect that a scope covers.
    #[must_use]
    pub fn of(dialect: Dialect, scope: Scope, limit: u64) -> Self {
        Self { dialect, scope, owner: None, filters: Vec::new(), order: Vec::new(), offset: 0, limit }
    }
}

/// Something of a registration that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisteredKey {
    /// Its id in the dialect.
    Id,
    /// When it was registered first: milliseconds.
    Created,
    /// When it was registered last: milliseconds.
    Updated,
    /// A member of the request, which is an object of JSON. A constant, and no text of a caller.
    Asked(&'static str),
}

/// A condition on a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// What is compared.
    pub key: RegisteredKey,
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub value: FilterValue,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// They are the same.
    Equal,
    /// They differ.
    Different,
    /// It is less.
    Less,
    /// It is greater.
    Greater,
    /// It is not less.
    AtLeast,
    /// It is not greater.
    AtMost,
    /// It has the text in it.
    Contains,
}

/// What is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterValue {
    /// A text.
    Text(String),
    /// A number, or milliseconds of wall time.
    Number(i64),
}
