//! A change that somebody supposes: what would my rules do if this happened to that asset?
//!
//! It shows rules exactly what the pipeline would show them: an added asset comes with all that it has, a deleted one
//! with no metadata at all. Nothing here is recorded anywhere, so its numbers are none that a ledger gave.

use std::collections::BTreeSet;

use super::Facts;
use super::eval::Subject;
use crate::model::change::{Action, Change};
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::metadata::{Delta, KeyDelta, Metadata};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

/// Who owns a supposed asset unless somebody says so.
pub const OWNER: &str = "nobody";

/// A supposed change of a supposed asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supposed {
    path: LogicalPath,
    after: Metadata,
    change: Change,
    about: About,
}

/// What is supposed about the asset beside its path and metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// In bytes.
    pub size: u64,
    /// Its last write, nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// Its owner's name.
    pub owner: String,
    /// The logical path of the mount that it lies in.
    pub mount: LogicalPath,
    /// The tenant of the mount.
    pub tenant: Option<String>,
    /// When the change happens.
    pub time: Wall,
}

impl About {
    /// An empty file that nobody in particular has just written, in a mount at `/`.
    #[must_use]
    pub fn at(time: Wall) -> Self {
        let mtime_ns = time.0.saturating_mul(1_000_000);
        Self { size: 0, mtime_ns, owner: OWNER.to_owned(), mount: LogicalPath::root(), tenant: None, time }
    }
}

impl Supposed {
    /// An asset whose metadata was `before`, and is `after` the change. Both are normalised (NFC), and no key has an
    /// empty list.
    #[must_use]
    pub fn new(path: LogicalPath, action: Action, before: &Metadata, after: Metadata, about: About) -> Self {
        let (before, after) = match action {
            // An asset is added with all that it has; and what was known of a deleted one is told to nobody.
            Action::Added => (&Metadata::new(), after),
            Action::Deleted => (&Metadata::new(), Metadata::new()),
            Action::Modified | Action::None => (before, after),
        };
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let values = |of: &Metadata, key: &String| of.get(key).cloned().unwrap_or_default();
        let delta = |key: &String| KeyDelta {
            key: key.clone(),
            old: values(before, key),
            new: values(&after, key),
            source: None,
        };
        let delta: Delta = keys.into_iter().map(delta).filter(|delta| delta.old != delta.new).collect();
        let change = Change {
            seq: Seq(1),
            rrn: Rrn(1),
            time: about.time,
            asset: AssetId(1),
            path: path.clone(),
            owner: about.owner.clone(),
            action,
            delta,
            size: Some(about.size),
            mtime_ns: Some(about.mtime_ns),
            previous_path: None,
            moved: None,
        };
        Self { path, after, change, about }
    }

    /// The path of the asset.
    #[must_use]
    pub fn path(&self) -> &LogicalPath {
        &self.path
    }

    /// The asset's metadata after the change.
    #[must_use]
    pub fn after(&self) -> &Metadata {
        &self.after
    }

    /// As rules see it.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        let About { size, mtime_ns, mount, tenant, .. } = &self.about;
        let facts = Facts { size: *size, mtime_ns: *mtime_ns, mount, tenant: tenant.as_deref() };
        Subject::new(&self.change, &self.after, facts)
    }
}
