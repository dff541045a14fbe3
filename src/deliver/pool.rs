//! Connections that wait for another request. It opens none, and it never makes a request wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use url::{Origin, Url};

use super::connection::Connection;
use super::limits::Limits;
use crate::model::subscription::Trust;

/// What a connection may be used again for. Its address was checked for one kind of trust, and is only for that.
type Place = (Origin, Trust);

/// Parked connections by scheme, host, port and trust, bounded per target, in all, and in time.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Duration,
    per_target: usize,
    total: usize,
    parked: Arc<Mutex<Parked>>,
}

#[derive(Debug, Default)]
struct Parked {
    targets: HashMap<Place, Vec<(Instant, Connection)>>,
    /// Whether a task is there that closes what has waited for too long.
    swept: bool,
}

impl Pool {
    /// An empty pool.
    pub(super) fn new(limits: &Limits) -> Self {
        let Limits { idle_ms, idle_per_target: per_target, idle_total: total, .. } = *limits;
        Self { idle: Duration::from_millis(idle_ms), per_target, total, parked: Arc::default() }
    }

    /// The connection to the URL's target that was parked last, for it is the least likely to be stale.
    pub(super) fn take(&self, url: &Url, trust: Trust) -> Option<Connection> {
        let mut parked = lock(&self.parked);
        let waiting = parked.targets.get_mut(&(url.origin(), trust))?;
        while let Some((since, connection)) = waiting.pop() {
            if since.elapsed() < self.idle && !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection that is ready for a request, or closes it where that would be too many.
    pub(super) fn park(&self, url: &Url, trust: Trust, connection: Connection) {
        let mut parked = lock(&self.parked);
        if parked.targets.values().map(Vec::len).sum::<usize>() >= self.total {
            return;
        }
        let waiting = parked.targets.entry((url.origin(), trust)).or_default();
        if waiting.len() < self.per_target {
            waiting.push((Instant::now(), connection));
        }
        if !std::mem::replace(&mut parked.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.parked), self.idle));
        }
    }
}

/// Closes what has waited for `idle`, until nothing waits or the pool is gone.
async fn sweep(pool: Weak<Mutex<Parked>>, idle: Duration) {
    loop {
        sleep(idle).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut parked = lock(&pool);
        parked.targets.retain(|_, waiting| {
            waiting.retain(|(since, connection)| since.elapsed() < idle && !connection.is_closed());
            !waiting.is_empty()
        });
        if parked.targets.is_empty() {
            parked.swept = false;
            return;
        }
    }
}

/// A panic elsewhere leaves the map whole, so its lock is taken all the same.
fn lock(parked: &Mutex<Parked>) -> MutexGuard<'_, Parked> {
    parked.lock().unwrap_or_else(PoisonError::into_inner)
}
