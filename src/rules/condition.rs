//! What a rule asks of a change, as checked values: one tree for every way of writing it. How it is written is
//! [`super::syntax`]'s, what it means [`super::eval`]'s.
//!
//! Clauses (watchPath, watchMetadata, logicalOperand) and `when` expressions both become an [`Expr`]. Clauses are kept
//! as such, for whoever explains why a rule does not fire, and because a million of them fit in less room; their tree
//! is made when it is asked for.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::pattern::{PathGlob, TextPattern, TextRegex};
use super::value::{Ordered, Scale};
use crate::model::change::Action;
use crate::model::metadata::is_physical;
use crate::model::path::LogicalPath;

/// A rule's condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(Written);

/// How a condition was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// As clauses: `fires = pathEvent OR (inScope AND metadata)`.
    Clauses {
        /// watchPath. None: every path is in scope.
        paths: Box<[PathClause]>,
        /// watchMetadata; shared with trees.
        metadata: Box<[Arc<MetadataClause>]>,
        /// How the metadata clauses are joined.
        operand: Operand,
    },
    /// As one expression.
    When {
        /// As written.
        text: Box<str>,
        /// What it says.
        expr: Box<Expr>,
    },
    /// Not at all: the subscription only asks for events by name.
    Nothing,
}

impl Condition {
    /// Joins clauses.
    ///
    /// # Errors
    /// [`NothingToWatch`] when no path clause has a mode and there is no metadata clause.
    pub fn clauses(
        paths: Vec<PathClause>,
        metadata: Vec<MetadataClause>,
        operand: Operand,
    ) -> Result<Self, NothingToWatch> {
        if metadata.is_empty() && paths.iter().all(|clause| clause.mode == Mode::Scope) {
            return Err(NothingToWatch);
        }
        let metadata = metadata.into_iter().map(Arc::new).collect();
        Ok(Self(Written::Clauses { paths: paths.into(), metadata, operand }))
    }

    /// A `when` expression and its text.
    #[must_use]
    pub fn when(text: &str, expr: Expr) -> Self {
        Self(Written::When { text: text.into(), expr: expr.into() })
    }

    /// The condition of a subscription that asks for events by name and for nothing else: it never fires by itself.
    #[must_use]
    pub fn nothing() -> Self {
        Self(Written::Nothing)
    }

    /// What it asks.
    #[must_use]
    pub fn expr(&self) -> Cow<'_, Expr> {
        match &self.0 {
            Written::Clauses { paths, metadata, operand } => Cow::Owned(joined(paths, metadata, *operand)),
            Written::When { expr, .. } => Cow::Borrowed(expr),
            Written::Nothing => Cow::Owned(Expr::Any(Vec::new())),
        }
    }

    /// Calls `each` for each physical key that it names, which rules see only by their whole names.
    pub fn each_physical_key(&self, mut each: impl FnMut(&str)) {
        let mut of_keys = |keys: &Keys| {
            if let Keys::One(key) = keys
                && is_physical(key)
            {
                each(key);
            }
        };
        match &self.0 {
            Written::Clauses { metadata, .. } => metadata.iter().for_each(|clause| of_keys(&clause.keys)),
            Written::When { expr, .. } => expr.each_keys(&mut of_keys),
            Written::Nothing => {}
        }
    }

    /// How it was written.
    #[must_use]
    pub fn written(&self) -> &Written {
        &self.0
    }

    /// Whether it never fires by its form alone.
    #[must_use]
    pub fn is_never(&self) -> bool {
        match &self.0 {
            Written::Clauses { .. } => false,
            Written::When { expr, .. } => expr.is_never(),
            Written::Nothing => true,
        }
    }

    /// Whether it is told of a modification wherever it is told of a deletion or an addition: whoever is told of both
    /// at one path may be told of a modification instead.
    #[must_use]
    pub fn covers_modification(&self) -> bool {
        match &self.0 {
            Written::Clauses { paths, .. } => {
                let mut monitored = paths.iter().filter(|clause| clause.mode != Mode::Scope).peekable();
                monitored.peek().is_some() && monitored.all(|clause| clause.mode.includes(Action::Modified))
            }
            Written::When { expr, .. } => expr.allows_modification(false),
            Written::Nothing => false,
        }
    }
}

/// The tree of clauses: `fires = pathEvent OR (inScope AND metadata)`.
fn joined(paths: &[PathClause], metadata: &[Arc<MetadataClause>], operand: Operand) -> Expr {
    let covers = |clause: &PathClause| Expr::Is(Predicate::Path(clause.cover.clone()));
    let mut fires: Vec<Expr> = Vec::new();
    for clause in paths.iter().filter(|clause| clause.mode != Mode::Scope) {
        let action = Expr::Is(Predicate::Action(clause.mode.actions()));
        fires.push(Expr::All(vec![action, covers(clause)]));
    }
    if !metadata.is_empty() {
        let now = |clause: &Arc<MetadataClause>| Expr::Is(Predicate::Changed(Arc::clone(clause)));
        let some = Expr::any(metadata.iter().map(now).collect());
        let mut all = Vec::new();
        if !paths.is_empty() {
            all.push(Expr::any(paths.iter().map(covers).collect()));
        }
        all.push(some);
        if operand == Operand::And && metadata.len() > 1 {
            let holds = |clause: &Arc<MetadataClause>| Expr::Is(Predicate::Holds(Arc::clone(clause)));
            all.extend(metadata.iter().map(|clause| Expr::Any(vec![now(clause), holds(clause)])));
        }
        fires.push(Expr::all(all));
    }
    Expr::any(fires)
}

/// The clauses would never fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing to watch: no watchPath clause with a mode, and no watchMetadata")]
pub struct NothingToWatch;

/// A boolean expression over a change and the asset as it then stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// All of these; none is true.
    All(Vec<Self>),
    /// Some of these; none is false.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// One question.
    Is(Predicate),
}

impl Expr {
    /// All of these; one is itself.
    #[must_use]
    pub fn all(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 { parts.swap_remove(0) } else { Self::All(parts) }
    }

    /// Some of these; one is itself.
    #[must_use]
    pub fn any(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 { parts.swap_remove(0) } else { Self::Any(parts) }
    }

    /// Whether it is false by its form alone.
    #[must_use]
    pub fn is_never(&self) -> bool {
        matches!(self, Self::Any(parts) if parts.is_empty())
    }

    /// Calls `each` for each name of keys in it.
    pub(super) fn each_keys(&self, each: &mut dyn FnMut(&Keys)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_keys(each)),
            Self::Not(part) => part.each_keys(each),
            Self::Is(Predicate::Changed(clause) | Predicate::Holds(clause)) => each(&clause.keys),
            Self::Is(Predicate::Touched { keys, .. }) => each(keys),
            Self::Is(Predicate::Action(_) | Predicate::Path(_) | Predicate::Fact { .. }) => {}
        }
    }

    /// Whether no question about the action leaves modification out.
    fn allows_modification(&self, negated: bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().all(|part| part.allows_modification(negated)),
            Self::Not(part) => part.allows_modification(!negated),
            Self::Is(Predicate::Action(actions)) => actions.has(Action::Modified) != negated,
            Self::Is(_) => true,
        }
    }
}

/// One question about a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// Its action is one of these.
    Action(Actions),
    /// The asset's path is covered.
    Path(Cover),
    /// It made this true: the trigger of a watchMetadata clause.
    Changed(Arc<MetadataClause>),
    /// This holds on the asset as it now stands.
    Holds(Arc<MetadataClause>),
    /// It set, changed or removed such a key.
    Touched {
        /// Which.
        keys: Keys,
        /// As written.
        text: Box<str>,
    },
    /// A fact about the asset is so.
    Fact {
        /// Which.
        test: Box<FactTest>,
        /// As written.
        text: Box<str>,
    },
}

/// A set of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actions(u8);

impl Actions {
    /// These.
    #[must_use]
    pub fn of(actions: &[Action]) -> Self {
        Self(actions.iter().fold(0, |set, action| set | Self::bit(*action)))
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn has(self, action: Action) -> bool {
        self.0 & Self::bit(action) != 0
    }

    /// As bits, one for each action.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    fn bit(action: Action) -> u8 {
        1 << action.code()
    }
}

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

/// As an admin would write it.
impl fmt::Display for PathClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.mode, self.cover)
    }
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

/// As it stands before a path, with the space between them.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "* ",
            Self::Added => "+ ",
            Self::Deleted => "- ",
            Self::Modified => "~ ",
            Self::Scope => "",
        })
    }
}

impl Mode {
    /// Whether it watches an action.
    #[must_use]
    pub fn includes(self, action: Action) -> bool {
        self.actions().has(action)
    }

    /// The actions that it watches.
    #[must_use]
    pub fn actions(self) -> Actions {
        match self {
            Self::All => Actions::of(&[Action::Added, Action::Modified, Action::Deleted]),
            Self::Added => Actions::of(&[Action::Added]),
            Self::Deleted => Actions::of(&[Action::Deleted]),
            Self::Modified => Actions::of(&[Action::Modified]),
            Self::Scope => Actions::default(),
        }
    }
}

/// Which paths are covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cover {
    /// What lies under a path and, unless it was written with a trailing slash, the path itself. The top covers
    /// everything.
    Under {
        /// The path, in NFC.
        path: LogicalPath,
        /// Whether the path itself is covered.
        itself: bool,
    },
    /// What a glob matches.
    Glob(Arc<PathGlob>),
}

/// As a watchPath clause has it, without a mode.
impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Under { path, itself } => {
                for char in path.display().chars() {
                    let backslash = if "*?[{\\".contains(char) { "\\" } else { "" };
                    write!(f, "{backslash}{char}")?;
                }
                f.write_str(if *itself || path.is_root() { "" } else { "/" })
            }
            Self::Glob(glob) => f.write_str(glob.as_str()),
        }
    }
}

impl Cover {
    /// Whether it covers a logical path, which is given in NFC.
    #[must_use]
    pub fn covers(&self, path: &[u8]) -> bool {
        match self {
            Self::Under { path: top, itself } => {
                let rest = path.strip_prefix(top.as_bytes());
                top.is_root() || rest.is_some_and(|rest| if rest.is_empty() { *itself } else { rest[0] == b'/' })
            }
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
    /// As written.
    pub text: Box<str>,
}

/// Which keys a metadata clause looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// One.
    One(Box<str>),
    /// Those that are like this.
    Like(Box<TextPattern>),
}

/// One exact key, or those that are like the pattern.
impl From<TextPattern> for Keys {
    fn from(pattern: TextPattern) -> Self {
        match pattern {
            TextPattern::Exact(key) => Self::One(key),
            pattern => Self::Like(pattern.into()),
        }
    }
}

impl Keys {
    /// Whether every key is one of them, by its form.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self, Self::Like(pattern) if **pattern == TextPattern::Any)
    }

    /// Whether a key is one of them. Patterns see no physical keys: each has a logical one beside it.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        match self {
            Self::One(one) => **one == *key,
            Self::Like(pattern) => pattern.matches(key) && !is_physical(key),
        }
    }
}

/// What a metadata clause asks. Of a change: what it says below. Of the asset as it stands: the same of all values that
/// the key has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// `K==v`, `K>v`, `K=~re`: the change gave K a value like this.
    Given(ValueTest),
    /// `K!=v`, `K!~re`: the change touched K, which now has a value, and no value like this.
    Without(ValueTest),
    /// `K!=*`: the change removed K.
    Removed,
    /// `*==*`: the change touched any key at all, removal included.
    AnyTouched,
}

/// What a value is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueTest {
    /// It is like this.
    Like(TextPattern),
    /// It is one of these, sorted: `K in (…)`.
    OneOf(Box<[Box<str>]>),
    /// It compares so. One that is not on the scale never does.
    Compare(Comparison),
    /// It matches this expression.
    Matches(Box<TextRegex>),
    /// It is like this glob: `K like "…"`.
    Glob(Arc<PathGlob>),
}

impl ValueTest {
    /// Whether a value is so.
    #[must_use]
    pub fn passes(&self, value: &str) -> bool {
        match self {
            Self::Like(pattern) => pattern.matches(value),
            Self::OneOf(values) => values.binary_search_by(|one| (**one).cmp(value)).is_ok(),
            Self::Compare(comparison) => comparison.scale.read(value).is_some_and(|value| comparison.passes(&value)),
            Self::Matches(regex) => regex.matches(value),
            Self::Glob(glob) => glob.matches(value.as_bytes()),
        }
    }
}

/// A comparison with a number or a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Which way.
    pub relation: Relation,
    /// As what the two are compared.
    pub scale: Scale,
    /// With what.
    pub bound: Ordered,
}

impl Comparison {
    /// Whether a value on the same scale compares so.
    #[must_use]
    pub fn passes(&self, value: &Ordered) -> bool {
        self.relation.holds(value.cmp(&self.bound))
    }
}

/// How a value stands to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Relation {
    /// Whether a value that compares so with the bound stands in this relation to it.
    #[must_use]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::More => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }
}

/// A question about a fact (`when` alone asks them).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactTest {
    /// A text is so. A fact that is not there (no extension, no tenant) is the empty text.
    Text(TextFact, ValueTest),
    /// The size in bytes stands so to a bound.
    Size(SizeTest),
    /// The last write was before (or after) a point in time.
    Mtime(MtimeTest),
}

/// A fact that is a text, in NFC. Bytes that are not UTF-8 are U+FFFD in it, but for a glob over `path` and `dir`,
/// which sees such bytes as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextFact {
    /// The whole logical path.
    Path,
    /// Its last component.
    Name,
    /// What stands behind the name's last dot, without it; empty for `.name` and names without a dot.
    Ext,
    /// The path of the directory, without trailing slash (`/` for the top).
    Dir,
    /// The owner's user name, or the uid in digits.
    Owner,
    /// The mount's logical path.
    Mount,
    /// The tenant of the mount; empty when it has none.
    Tenant,
}

impl TextFact {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [Self::Path, Self::Name, Self::Ext, Self::Dir, Self::Owner, Self::Mount, Self::Tenant];
}

/// How a file's size is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeTest {
    /// `==`
    Is(u64),
    /// `<`, `<=`, `>`, `>=`
    Compares(Relation, u64),
}

/// How a file's mtime is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MtimeTest {
    /// Against a date.
    Date(Relation, Ordered),
    /// Against a point so many milliseconds before the change: `mtime < 7d ago`.
    Ago(Relation, u64),
}
