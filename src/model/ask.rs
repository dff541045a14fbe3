//! What a caller asks of the engine about deliveries, and what it is answered once that is durable.

/// Something that a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Send a subscription nothing until it is resumed; what it is owed gathers.
    Pause {
        /// The subscription's name.
        subscription: String,
        /// Who asks.
        by: String,
        /// Why, for people.
        reason: Option<String>,
    },
    /// Go on with a paused subscription.
    Resume {
        /// The subscription's name.
        subscription: String,
        /// Who asks.
        by: String,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done, or it was so already.
    Done,
    /// There is no such subscription.
    NotFound,
    /// The rule file says `paused = true`: whoever resumes it edits the file.
    PausedByFile,
    /// Nothing was done: the ledger takes no writes now. The caller comes back.
    Unavailable,
}
