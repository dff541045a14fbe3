//! The HTTP edge: who asks, what they ask, how they are answered.
//!
//! Nothing here writes: a request that changes something becomes a [`Call`], which the daemon hands to the engine, and
//! which is answered after its commit. The queue of calls is bounded; when it is full the caller is told to come back.
//! What is shown of deliveries and subscriptions is asked of the ledger's [`Reader`]. Nothing here waits without a
//! limit either: each is named in [`limits`].

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::model::ask::{Answer, Ask};
use crate::model::attempt::Attempted;
use crate::model::delivery::SendRequest;
use crate::model::listing::Registry;
use crate::model::measures::Measures;
use crate::model::mount::Mount;
use crate::model::status::Status;
use crate::store::Reader;

pub mod auth;
mod body;
mod browser;
mod credentials;
mod gate;
pub mod limits;
mod mount_table;
mod native;
mod operation;
mod problem;
mod records;
mod rescan;
mod server;
#[cfg(test)]
mod tests;
mod throttle;
pub mod token;

pub use auth::Principals;
pub use gate::AUDIT;
use mount_table::MountTable;
pub use server::serve;

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
    /// Who may call.
    pub principals: Arc<Principals>,
}

/// Makes an attempt, and says what came of it.
pub type Attempt = dyn Fn(SendRequest) -> Pin<Box<dyn Future<Output = Attempted> + Send>> + Send + Sync;
