//! Carries effects out: to the looking threads, to the delivering tasks, back to API callers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::inbox::{Inbox, OpenCall};
use super::looker::{Job, Lookers};
use crate::api::Call;
use crate::deliver::Client;
use crate::engine::{Effect, Input};
use crate::model::delivery::{Attempted, Outcome, SendRequest};
use crate::model::ids::ReplyId;
use crate::model::record::{RecordsAnswer, SyncAnswer};
use crate::{dispatch, intake};

/// The edges, as the engine's thread sees them.
pub(super) struct Carrier {
    lookers: Lookers,
    client: Client,
    runtime: Handle,
    inbox: Arc<Inbox>,
    under_way: Arc<AtomicUsize>,
    replies: HashMap<ReplyId, Reply>,
    next_reply: u64,
}

/// A caller who waits. The permit goes back when he has his answer.
enum Reply {
    Records(oneshot::Sender<RecordsAnswer>, OwnedSemaphorePermit),
    Sync(oneshot::Sender<SyncAnswer>, OwnedSemaphorePermit),
}

impl Reply {
    fn is_awaited(&self) -> bool {
        match self {
            Self::Records(reply, _) => !reply.is_closed(),
            Self::Sync(reply, _) => !reply.is_closed(),
        }
    }
}

/// From this many callers on, those who have gone away are looked for.
const REPLIES_SWEPT: usize = 64;

impl Carrier {
    /// To be made inside the runtime that is to deliver.
    pub(super) fn new(lookers: Lookers, client: Client, inbox: Arc<Inbox>) -> Self {
        Self {
            lookers,
            client,
            runtime: Handle::current(),
            inbox,
            under_way: Arc::default(),
            replies: HashMap::new(),
            next_reply: 0,
        }
    }

    /// Remembers a caller, and gives what the engine is to be asked.
    pub(super) fn admit(&mut self, OpenCall { call, permit }: OpenCall) -> Input {
        // Who has gone away no longer holds a permit.
        if self.replies.len() >= REPLIES_SWEPT {
            self.replies.retain(|_, reply| reply.is_awaited());
        }
        self.next_reply += 1;
        let id = ReplyId(self.next_reply);
        let (reply, input) = match call {
            Call::Records { request, reply } => (Reply::Records(reply, permit), intake::Input::Records(id, request)),
            Call::Sync { reply } => (Reply::Sync(reply, permit), intake::Input::Sync(id)),
            Call::Rescan { request, reply } => (Reply::Sync(reply, permit), intake::Input::Rescan(id, request)),
        };
        self.replies.insert(id, reply);
        Input::Intake(input)
    }

    /// Attempts on the wire.
    pub(super) fn attempts_under_way(&self) -> usize {
        self.under_way.load(Ordering::Acquire)
    }

    /// Carries an effect out. While `ending`, nothing new is begun: the ledger keeps what is left.
    pub(super) fn carry(&mut self, effect: Effect, ending: bool) {
        match effect {
            Effect::Dispatch(dispatch::Effect::Send(request)) if !ending => self.send(request),
            Effect::Dispatch(dispatch::Effect::Send(_)) => {}
            Effect::Intake(effect) => match Job::of(effect) {
                Ok(job) if !ending => self.lookers.push(job),
                Ok(_) => {}
                Err(answer) => self.answer(answer),
            },
        }
    }

    fn send(&self, request: SendRequest) {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        let (client, inbox, under_way) = (self.client.clone(), Arc::clone(&self.inbox), Arc::clone(&self.under_way));
        self.runtime.spawn(async move {
            let attempted = client.attempt(&request).await;
            if !attempted.outcome.accepted() {
                tell_failure(&request, &attempted);
            }
            inbox.input(Input::Dispatch(dispatch::Input::Attempted(attempted)));
            under_way.fetch_sub(1, Ordering::AcqRel);
        });
    }

    /// A caller who no longer listens is none of our concern: what he asked for is recorded.
    fn answer(&mut self, effect: intake::Effect) {
        match effect {
            intake::Effect::AnswerRecords(id, answer) => {
                if let Some(Reply::Records(reply, _permit)) = self.replies.remove(&id) {
                    drop(reply.send(answer));
                }
            }
            intake::Effect::AnswerSync(id, answer) => {
                if let Some(Reply::Sync(reply, _permit)) = self.replies.remove(&id) {
                    drop(reply.send(answer));
                }
            }
            _ => unreachable!("the looking part was taken out"),
        }
    }
}

/// Tells the log what came of an attempt that was not accepted, and what comes next. Of the URL only what names the
/// target: its query may hold secrets.
fn tell_failure(request: &SendRequest, attempted: &Attempted) {
    let SendRequest { subscription, id, attempt, .. } = request;
    let target = &subscription.target;
    let callback = format!("{}://{}{}", target.url.scheme(), target.authority(), target.url.path());
    let said = match &attempted.outcome {
        Outcome::Succeeded { status, .. } | Outcome::HttpError { status, .. } => {
            format!("answered {status}, expected {}", target.success_code)
        }
        Outcome::TimedOut { phase } => {
            format!("no answer after {} ms, in phase {}", attempted.duration_ms, phase.as_str())
        }
        Outcome::Unreachable { phase, why } => format!("unreachable, in phase {}: {why}", phase.as_str()),
        Outcome::TlsError { why } => format!("TLS failed (does {callback} speak https?): {why}"),
    };
    let outcome = attempted.outcome.as_str();
    match subscription.retry.delay_ms(*attempt) {
        Some(delay_ms) => tracing::warn!(
            subscription = %subscription.name, delivery = %id, callback, outcome,
            "attempt {attempt} of {} was not accepted, the next is in {}: {said}",
            subscription.retry.retries + 1, Seconds(delay_ms)
        ),
        None => tracing::error!(
            subscription = %subscription.name, delivery = %id, callback, outcome,
            "given up after {attempt} attempts and kept as a dead letter: {said}"
        ),
    }
}

/// Milliseconds, for people.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} s", self.0 as f64 / 1_000.0)
    }
}
