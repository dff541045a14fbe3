//! Questions to the ledger: on threads that may block, a bounded number at once.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::error::ApiError;
use super::router::{Api, going_down};
use crate::model::error_chain::ErrorChain;
use crate::model::listing::Registry;
use crate::store::Reader;

/// Why the ledger could not be asked. Its text is for the log.
pub(in crate::api) struct ReadError(pub Box<dyn std::error::Error + Send + Sync>);

impl<E: std::error::Error + Send + Sync + 'static> From<E> for ReadError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl Api {
    /// Asks the ledger. What is given up while it waits is not asked.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader, &Registry) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let registry = Arc::clone(&self.state.registry);
        let answer = ask(&self.reads, &self.state.reader, move |reader| question(reader, &registry())).await;
        answer.ok_or_else(going_down)?.map_err(|ReadError(error)| {
            tracing::error!(error = %ErrorChain(&*error), "the ledger could not be asked what the API is to answer");
            ApiError::come_back("the ledger cannot be read now; the log says why")
        })
    }
}

/// Asks the ledger, when it is the caller's turn; `None`: ringback goes down.
pub(super) async fn ask<T: Send + 'static>(
    reads: &Arc<Semaphore>,
    reader: &Arc<Reader>,
    question: impl FnOnce(&Reader) -> Result<T, ReadError> + Send + 'static,
) -> Option<Result<T, ReadError>> {
    let turn = Arc::clone(reads).acquire_owned().await.ok()?;
    let reader = Arc::clone(reader);
    let asked = tokio::task::spawn_blocking(move || {
        // A caller who goes away does not end the question, so the turn ends with it.
        let _turn = turn;
        question(&reader)
    });
    asked.await.ok()
}
