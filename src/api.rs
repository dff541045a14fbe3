//! The HTTP edge: who asks, what they ask, how they are answered.
//!
//! Nothing here writes: a request that changes something becomes a [`Call`], which the daemon hands to the engine, and
//! which is answered after its commit. The queue of calls is bounded; when it is full the caller is told to come back.

use tokio::sync::oneshot;

use crate::model::record::{RecordsAnswer, RecordsRequest, SyncAnswer};

/// What the API asks of the engine. A dropped reply means that ringback is going down: answer 503.
#[derive(Debug)]
pub enum Call {
    /// `POST /v1/records`.
    Records {
        /// What to record.
        request: RecordsRequest,
        /// Where the answer goes, after the commit is durable.
        reply: oneshot::Sender<RecordsAnswer>,
    },
    /// `POST /v1/sync`.
    Sync {
        /// Where the answer goes.
        reply: oneshot::Sender<SyncAnswer>,
    },
}
