//! The HTTP edge: who asks, what they ask, how they are answered.
//!
//! Nothing here writes: a request that changes something becomes a [`Call`], which the daemon hands to the engine, and
//! which is answered after its commit. The queue of calls is bounded; when it is full the caller is told to come back.
//! What is shown of deliveries and subscriptions is asked of the ledger's [`Reader`]. Nothing here waits without a
//! limit either: each is named in [`limits`].

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{mpsc, oneshot};

use crate::model::ask::{Answer, Ask};
use crate::model::attempt::Attempted;
use crate::model::change::Change;
use crate::model::delivery::{Body, SendRequest};
use crate::model::dialects::DialectSettings;
use crate::model::entry::Entry;
use crate::model::event::EventName;
use crate::model::explain::Explain;
use crate::model::listing::Registry;
use crate::model::measures::Measures;
use crate::model::metadata::Metadata;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::rule_list::{RulePage, RulesAsked};
use crate::model::scope::Scope;
use crate::model::status::Status;
use crate::model::subscription::Subscription;
use crate::model::why::{PathSeen, Verdicts};
use crate::store::Reader;

pub mod auth;
mod body;
mod browser;
mod credentials;
mod dialects;
mod error;
mod gate;
pub mod limits;
mod mount_table;
mod native;
mod operation;
mod reading;
mod records;
mod rescan;
mod router;
mod server;
mod sessions;
#[cfg(test)]
mod tests;
mod throttle;
pub mod token;

pub use auth::Principals;
pub use gate::AUDIT;
use mount_table::MountTable;
pub use native::explain::shown_rule as shown_explained;
pub use native::why::shown as shown_why;
pub use server::{TlsInForce, serve};

/// What the operator has set of the dialects, as it is now.
#[derive(Debug, Default)]
pub struct DialectSlot(RwLock<Arc<DialectSettings>>);

impl DialectSlot {
    /// What is set.
    #[must_use]
    pub fn get(&self) -> Arc<DialectSettings> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets it anew. What is registered stays as it is.
    pub fn set(&self, settings: DialectSettings) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}

/// What the API asks of the engine. A dropped reply means that ringback is going down: answer 503.
#[derive(Debug)]
pub struct Call {
    /// What is asked.
    pub ask: Ask,
    /// Where the answer goes, after the commit is durable.
    pub reply: oneshot::Sender<Answer>,
}

/// Says whether a path, in normal form C, is covered.
pub type Cover = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// Reads the path of a `watchPath` clause; the error is a sentence.
pub type ReadCover = dyn Fn(&str) -> Result<Cover, String> + Send + Sync;

/// Says what rules say of a change of a path in a mount, with the asset's metadata after the change.
pub type JudgeChange = dyn Fn(&Mount, &Change, &Metadata, &Scope) -> Verdicts + Send + Sync;

/// Returns the logical path of a path on disk that lies in a mount.
pub type Locate = dyn Fn(&Path) -> Option<LogicalPath> + Send + Sync;

/// Returns where a logical path is on disk.
pub type OnDisk = dyn Fn(&LogicalPath) -> Option<PathBuf> + Send + Sync;

/// Writes an entry in the format of a subscription.
pub type Write = dyn Fn(&Subscription, &Entry) -> Body + Send + Sync;

/// Begins a look at a path.
pub type Survey = dyn Fn(LogicalPath) -> oneshot::Receiver<PathSeen> + Send + Sync;

/// What the API is made of.
#[derive(Clone)]
pub struct ApiState {
    /// Where calls go. Bounded; never waited on: full means 503.
    pub calls: mpsc::Sender<Call>,
    /// Takes a snapshot. Called on an async thread, so it must not block.
    pub status: Arc<dyn Fn() -> Status + Send + Sync>,
    /// Takes a snapshot of what was counted. Called as `status` is.
    pub measures: Arc<dyn Fn() -> Measures + Send + Sync>,
    /// Answers what is asked of the ledger. It blocks, so it is asked on threads of its own.
    pub reader: Arc<Reader>,
    /// Takes a snapshot of what the ledger does not know. Called beside `reader`: it may take a while.
    pub registry: Arc<dyn Fn() -> Registry + Send + Sync>,
    /// The mounts, as configured: whose each is.
    pub mounts: Arc<[Mount]>,
    /// Reads the paths that a caller asks for.
    pub cover: Arc<ReadCover>,
    /// Makes an attempt that is nobody's delivery.
    pub attempt: Arc<Attempt>,
    /// The logical path of a disk path that lies in a mount. Reads no disk.
    pub locate: Arc<Locate>,
    /// Where a logical path is on disk. Reads no disk.
    pub on_disk: Arc<OnDisk>,
    /// Begins a look at a path. The answer comes when the filesystem gives it, which may be never.
    pub survey: Arc<Survey>,
    /// Says what the rules in force that a scope covers say of a change. Called beside `reader`: it may take a while.
    pub verdicts: Arc<JudgeChange>,
    /// Tries rules on a supposed change, and makes what tries them on others. It may take a while.
    pub explain: Explain,
    /// Lists the rules in force. It may take a while.
    pub rules: Arc<dyn Fn(&RulesAsked) -> RulePage + Send + Sync>,
    /// Who may call.
    pub principals: Arc<Principals>,
    /// What the operator has set of the dialects.
    pub dialects: Arc<DialectSlot>,
    /// Whether an event of this name is known: built in, or declared by the rule files in force.
    pub knows_event: Arc<dyn Fn(&EventName) -> bool + Send + Sync>,
    /// Writes an entry as the payload of a subscription.
    pub written: Arc<Write>,
}

/// Makes an attempt, and says what came of it.
pub type Attempt = dyn Fn(SendRequest) -> Pin<Box<dyn Future<Output = Attempted> + Send>> + Send + Sync;
