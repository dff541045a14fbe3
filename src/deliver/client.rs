//! The client: makes one attempt, and reports what was said or why nothing was. It judges nothing.

use std::sync::Arc;
use std::time::Duration;

use hyper::Response;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::RootCertStore;
use url::Url;

use super::answer;
use super::connect::{Connector, native_roots};
use super::connection::Connection;
use super::guard::Guard;
use super::limits::Limits;
use super::message::message;
use super::names::{NameService, SystemNames};
use super::pool::Pool;
use super::resolve::Resolver;
use super::retry_after::retry_after;
use crate::model::attempt::{Answer, Attempted, Reply};
use crate::model::delivery::SendRequest;
use crate::model::network::Network;
use crate::model::subscription::{Subscription, Trust};

/// Where a client may call, and whom it believes to be there, beyond what it does without being configured.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Networks that every subscription may call.
    pub allow: Vec<Network>,
    /// Certificates that are trusted beside the platform's.
    pub roots: RootCertStore,
}

impl Default for Reach {
    fn default() -> Self {
        Self { allow: Vec::new(), roots: RootCertStore::empty() }
    }
}

/// Makes attempts. Cloning is cheap, and clones share their parked connections.
///
/// It bounds the time and the memory of one attempt; how many run at once is the caller's choice. Dropping an attempt's
/// future closes its connection.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    limits: Limits,
    connector: Connector,
    pool: Pool,
}

impl Client {
    /// A client that trusts the platform's root certificates too. Reads them from disk: make one and clone it.
    #[must_use]
    pub fn new(limits: Limits, reach: Reach) -> Self {
        let Reach { allow, roots: mut all } = reach;
        all.extend(native_roots().roots);
        Self::with(limits, Reach { allow, roots: all }, Box::new(SystemNames))
    }

    /// A client that trusts the root certificates of `reach` alone, and asks `names` for addresses.
    pub(super) fn with(limits: Limits, reach: Reach, names: Box<dyn NameService>) -> Self {
        let Reach { allow, roots } = reach;
        let connector = Connector::new(&limits, Resolver::new(names, &limits), Guard::new(allow), roots);
        Self { inner: Arc::new(Inner { limits, connector, pool: Pool::new(&limits) }) }
    }

    /// Makes one attempt and says what came back. Runs in a Tokio runtime with time and I/O.
    pub async fn attempt(&self, request: &SendRequest) -> Attempted {
        let started = Instant::now();
        let deadline = started + Duration::from_millis(self.inner.limits.attempt_ms);
        let reply = self.inner.reply(request, deadline).await.unwrap_or_else(|failure| failure);
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Attempted { key: request.id.key, attempt: request.attempt, duration_ms, reply }
    }
}

impl Inner {
    /// What the target answered; as an error, why it did not.
    async fn reply(&self, request: &SendRequest, deadline: Instant) -> Result<Reply, Reply> {
        let Subscription { target, trust, .. } = &*request.subscription;
        let url = target.url.parsed();
        if let Some(mut parked) = self.pool.take(&url, *trust) {
            match parked.send(message(request, &url)?, deadline).await {
                Ok(response) => return Ok(self.settle((&url, *trust), parked, response, deadline).await),
                // The server closed the connection while it was parked. That says nothing about the target, so it
                // costs no attempt; the new connection below is not reused, and so this happens once.
                Err(failure) if failure.unheard => {
                    tracing::debug!(url = %target.authority(), "a parked connection was stale");
                }
                Err(failure) => return Err(failure.reply),
            }
        }
        let mut opened = self.connector.open(&url, *trust, deadline).await?;
        let response = opened.send(message(request, &url)?, deadline).await.map_err(|failure| failure.reply)?;
        Ok(self.settle((&url, *trust), opened, response, deadline).await)
    }

    /// Here the status line has decided. Reads what is said of it, and parks the connection if it can be used again.
    async fn settle(
        &self,
        (url, trust): (&Url, Trust),
        mut connection: Connection,
        response: Response<Incoming>,
        deadline: Instant,
    ) -> Reply {
        let (head, body) = response.into_parts();
        let until = deadline.min(Instant::now() + Duration::from_millis(self.limits.answer_ms));
        let answer::Read { text, whole } = answer::read(body, &self.limits, until).await;
        // Ready means that the request was sent whole, too: an answer may overtake its request.
        if whole && matches!(timeout_at(until, connection.ready()).await, Ok(true)) {
            self.pool.park(url, trust, connection);
        }
        Reply::Answered(Answer { status: head.status.as_u16(), retry_after: retry_after(&head.headers), text })
    }
}
