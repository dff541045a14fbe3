//! What a rule asks of a change, as checked values. How it is written is [`super::syntax`]'s, what it means
//! [`super::eval`]'s.

use super::pattern::{PathGlob, TextPattern};
use crate::model::change::Action;
use crate::model::metadata::Key;
use crate::model::path::LogicalPath;

/// A rule's condition. It watches something: a path clause with a mode, or metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    paths: Vec<PathClause>,
    metadata: Vec<MetadataClause>,
    operand: Operand,
}

impl Condition {
    /// Joins clauses.
    ///
    /// # Errors
    /// [`NothingToWatch`] when no path clause has a mode and there is no metadata clause.
    pub fn new(
        paths: Vec<PathClause>,
        metadata: Vec<MetadataClause>,
        operand: Operand,
    ) -> Result<Self, NothingToWatch> {
        if metadata.is_empty() && paths.iter().all(|clause| clause.mode == Mode::Scope) {
            return Err(NothingToWatch);
        }
        Ok(Self { paths, metadata, operand })
    }

    /// The watchPath clauses. None: every path is in scope.
    #[must_use]
    pub fn paths(&self) -> &[PathClause] {
        &self.paths
    }

    /// The watchMetadata clauses.
    #[must_use]
    pub fn metadata(&self) -> &[MetadataClause] {
        &self.metadata
    }

    /// Whether every path that is monitored at all is monitored for modification, and some path is: whoever is told of
    /// a deletion and an addition at one path may be told of a modification instead.
    #[must_use]
    pub fn covers_modification(&self) -> bool {
        let mut monitored = self.paths.iter().filter(|clause| clause.mode != Mode::Scope).peekable();
        monitored.peek().is_some() && monitored.all(|clause| clause.mode.includes(Action::Modified))
    }

    /// How the metadata clauses are joined.
    #[must_use]
    pub fn operand(&self) -> Operand {
        self.operand
    }
}

/// The clauses would never fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing to watch: no watchPath clause with a mode, and no watchMetadata")]
pub struct NothingToWatch;

/// How metadata clauses are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operand {
    /// Some clause is true of the change.
    #[default]
    Or,
    /// Some clause is true of the change, and every other one holds on the asset as it now stands.
    And,
}

/// One watchPath clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathClause {
    /// Which actions it watches.
    pub mode: Mode,
    /// Which paths.
    pub cover: Cover,
}

/// Which actions a watchPath clause watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `*`: added, modified and deleted.
    All,
    /// `+`.
    Added,
    /// `-`.
    Deleted,
    /// `~`.
    Modified,
    /// None: it only limits the metadata clauses.
    Scope,
}

impl Mode {
    /// Whether it watches an action.
    #[must_use]
    pub fn includes(self, action: Action) -> bool {
        match self {
            Self::All => action != Action::None,
            Self::Added => action == Action::Added,
            Self::Deleted => action == Action::Deleted,
            Self::Modified => action == Action::Modified,
            Self::Scope => false,
        }
    }
}

/// Which paths a watchPath clause covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cover {
    /// What lies under a path and, unless it was written with a trailing slash, the path itself.
    Under {
        /// The path.
        path: LogicalPath,
        /// Whether the path itself is covered.
        itself: bool,
    },
    /// What a glob matches.
    Glob(PathGlob),
}

impl Cover {
    /// Whether it covers a path.
    #[must_use]
    pub fn covers(&self, path: &LogicalPath) -> bool {
        match self {
            Self::Under { path: top, itself } => path.is_below(top) || (*itself && path == top),
            Self::Glob(glob) => glob.matches(path),
        }
    }
}

/// One watchMetadata clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataClause {
    /// Which keys it looks at. For several keys it is true when it is true of one of them.
    pub keys: Keys,
    /// What it asks of them.
    pub test: Test,
}

/// Which keys a metadata clause looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// One.
    One(Key),
    /// Those that are like this.
    Like(TextPattern),
}

/// What a metadata clause asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// `K==v`: the change gave K a value like this.
    Given(TextPattern),
    /// `K!=v`: the change touched K, which now has a value, and no value like this.
    Without(TextPattern),
    /// `K!=*`: the change removed K.
    Removed,
    /// `*==*`: the change touched any key at all, removal included.
    AnyTouched,
}
