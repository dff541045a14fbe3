//! Carries effects out: to the looking threads, to the tasks that make attempts, back to API callers.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::attempts::Attempts;
use super::inbox::OpenCall;
use super::looker::Lookers;
use crate::api::Call;
use crate::deliver::Client;
use crate::engine::{Effect, Input};
use crate::model::ask::Answer;
use crate::model::delivery::SendRequest;
use crate::model::ids::ReplyId;

/// The edges, as the engine's thread sees them.
pub(super) struct Carrier {
    lookers: Lookers,
    client: Arc<ClientSlot>,
    attempts: Attempts,
    replies: HashMap<ReplyId, Reply>,
    next_reply: u64,
}

/// What makes attempts, by the settings of now.
pub(super) struct ClientSlot(RwLock<Client>);

impl ClientSlot {
    pub(super) fn new(client: Client) -> Self {
        Self(RwLock::new(client))
    }

    /// Attempts that begin from here on are made by this one.
    pub(super) fn set(&self, client: Client) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = client;
    }

    /// For an attempt that begins now.
    pub(super) fn get(&self) -> Client {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A caller who waits. The permit goes back when he has his answer.
struct Reply {
    to: oneshot::Sender<Answer>,
    _permit: OwnedSemaphorePermit,
}

/// From this many callers on, those who have gone away are looked for.
const REPLIES_SWEPT: usize = 64;

impl Carrier {
    /// To be made inside the runtime that is to deliver.
    pub(super) fn new(lookers: Lookers, client: Arc<ClientSlot>, attempts: Attempts) -> Self {
        Self { lookers, client, attempts, replies: HashMap::new(), next_reply: 0 }
    }

    /// Remembers a caller, and gives what the engine is to be asked.
    pub(super) fn admit(&mut self, OpenCall { call, permit }: OpenCall) -> Input {
        // Who has gone away no longer holds a permit.
        if self.replies.len() >= REPLIES_SWEPT {
            self.replies.retain(|_, reply| !reply.to.is_closed());
        }
        self.next_reply += 1;
        let id = ReplyId(self.next_reply);
        let Call { ask, reply } = call;
        self.replies.insert(id, Reply { to: reply, _permit: permit });
        Input::Ask(id, ask)
    }

    /// Attempts on the wire.
    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Carries an effect out. While `ending`, nothing new is begun: the ledger keeps what is left.
    pub(super) fn carry(&mut self, effect: Effect, ending: bool) {
        match effect {
            Effect::Answer(id, answer) => {
                // A caller who no longer listens is none of our concern: what he asked for is done.
                if let Some(Reply { to, _permit }) = self.replies.remove(&id) {
                    drop(to.send(answer));
                }
            }
            Effect::Do(_) | Effect::Send(_) if ending => {}
            Effect::Do(job) => self.lookers.push(job),
            Effect::Send(request) => self.send(request),
        }
    }

    fn send(&self, request: SendRequest) {
        let (client, sent) = (self.client.get(), request.clone());
        self.attempts.begin(request, async move { client.attempt(&sent).await });
    }
}
