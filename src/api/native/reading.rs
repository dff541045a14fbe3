//! Questions to the ledger: on threads that may block, a bounded number at once.

use std::sync::Arc;

use super::super::problem::Problem;
use super::{Native, going_down};
use crate::model::error_chain::ErrorChain;
use crate::model::listing::Registry;
use crate::store::Reader;

/// Why the ledger could not be asked. Its text is for the log.
pub(super) struct ReadError(pub(super) Box<dyn std::error::Error + Send + Sync>);

impl<E: std::error::Error + Send + Sync + 'static> From<E> for ReadError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl Native {
    /// Asks the ledger. What is given up while it waits is not asked.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader, &Registry) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.reads).acquire_owned().await.map_err(|_| going_down())?;
        let (reader, registry) = (Arc::clone(&self.state.reader), Arc::clone(&self.state.registry));
        let asked = tokio::task::spawn_blocking(move || {
            // A caller who goes away does not end the question, so the turn ends with it.
            let _turn = turn;
            question(&reader, &registry())
        });
        asked.await.map_err(|_| going_down())?.map_err(|ReadError(error)| {
            tracing::error!(error = %ErrorChain(&*error), "the ledger could not be asked what the API is to answer");
            Problem::come_back("the ledger cannot be read now; the log says why")
        })
    }
}
