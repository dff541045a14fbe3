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
use crate::model::delivery::SendRequest;
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
        self.next_reply += 1;
        let id = ReplyId(self.next_reply);
        let (reply, input) = match call {
            Call::Records { request, reply } => (Reply::Records(reply, permit), intake::Input::Records(id, request)),
            Call::Sync { reply } => (Reply::Sync(reply, permit), intake::Input::Sync(id)),
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
                tracing::warn!(
                    subscription = %request.subscription.name, delivery = %request.id, attempt = request.attempt,
                    outcome = attempted.outcome.as_str(), status = attempted.outcome.status(),
                    "a callback was not accepted: {}", attempted.outcome.detail()
                );
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
