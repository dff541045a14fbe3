//! Events: named occurrences. What an `[[event]]` of a rule file declares lives in `rules`; what is here is their
//! names.

use std::fmt;

use super::ids::{AssetId, Rrn, Seq};
use super::tenant::is_word;
use super::time::Wall;

/// An event's name: 1 to 64 of `A-Z a-z 0-9 _ . -`, compared by exact characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventName(String);

impl EventName {
    /// The names that ringback itself gives. Nobody else may declare one of them.
    pub const BUILT_IN: [&str; 15] = [
        "asset.added",
        "asset.modified",
        "asset.deleted",
        "asset.metadata",
        "rules.reloaded",
        "rule.created",
        "rule.updated",
        "rule.deleted",
        "callback.created",
        "callback.updated",
        "callback.deleted",
        "callback.paused",
        "callback.resumed",
        "callback.lagged",
        "callback.dropped",
    ];

    /// Checks. `asset.none`, after the action's word in payloads, is what `asset.metadata` was once called.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(text: &str) -> Result<Self, EventNameError> {
        match text {
            "asset.none" => Ok(Self("asset.metadata".to_owned())),
            text if is_word(text) => Ok(Self(text.to_owned())),
            _ => Err(EventNameError),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a built-in event that happens to an asset.
    #[must_use]
    pub fn is_of_an_asset(&self) -> bool {
        self.is_built_in() && self.0.starts_with("asset.")
    }

    /// Whether ringback itself gives it.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        Self::BUILT_IN.contains(&self.as_str())
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One occurrence of an event: a row of the journal beside the changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Its place in the journal, among changes and events.
    pub seq: Seq,
    /// The ledger transaction that recorded it.
    pub rrn: Rrn,
    /// When it was recorded.
    pub time: Wall,
    /// The event's name.
    pub name: String,
    /// Whose it is; `None`: everybody's.
    pub tenant: Option<String>,
    /// The asset that it happened to.
    pub asset: Option<AssetId>,
    /// Its payload, in the order of the rule file.
    pub fields: Vec<(String, String)>,
}

/// Not an event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event's name is 1 to 64 letters, digits, `_`, `.` and `-`")]
pub struct EventNameError;

/// A dialect of the HTTP API: the words in which programs register callbacks and hear of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Property and callback.
    Zoom,
    /// Reactor.
    Reactor,
    /// EQP.
    Eqp,
    /// HAL.
    Hal,
    /// Compendium.
    Compendium,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Zoom, Self::Reactor, Self::Eqp, Self::Hal, Self::Compendium];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zoom => "zoom",
            Self::Reactor => "reactor",
            Self::Eqp => "eqp",
            Self::Hal => "hal",
            Self::Compendium => "compendium",
        }
    }
}
