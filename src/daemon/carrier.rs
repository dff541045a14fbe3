//! Carries effects out: to the looking threads, to the tasks that make attempts, back to API callers.

use std::collections::HashMap;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::attempts::Attempts;
use super::inbox::OpenCall;
use super::looker::{Job, Lookers};
use crate::api::Call;
use crate::deliver::Client;
use crate::engine::{Effect, Input};
use crate::model::ask::Answer;
use crate::model::delivery::SendRequest;
use crate::model::ids::ReplyId;
use crate::model::record::{RecordsAnswer, SyncAnswer};
use crate::model::rescan::RescanAnswer;
use crate::{dispatch, intake};

/// The edges, as the engine's thread sees them.
pub(super) struct Carrier {
    lookers: Lookers,
    client: Client,
    attempts: Attempts,
    replies: HashMap<ReplyId, Reply>,
    next_reply: u64,
}

/// A caller who waits. The permit goes back when he has his answer.
enum Reply {
    Records(oneshot::Sender<RecordsAnswer>, OwnedSemaphorePermit),
    Ask(oneshot::Sender<Answer>, OwnedSemaphorePermit),
    Sync(oneshot::Sender<SyncAnswer>, OwnedSemaphorePermit),
    /// How the scan begins, until that is said, and its end.
    Rescan(Option<oneshot::Sender<RescanAnswer>>, oneshot::Sender<SyncAnswer>, OwnedSemaphorePermit),
}

impl Reply {
    fn is_awaited(&self) -> bool {
        match self {
            Self::Records(reply, _) => !reply.is_closed(),
            Self::Ask(reply, _) => !reply.is_closed(),
            Self::Sync(reply, _) => !reply.is_closed(),
            Self::Rescan(begun, done, _) => !done.is_closed() || begun.as_ref().is_some_and(|begun| !begun.is_closed()),
        }
    }
}

/// From this many callers on, those who have gone away are looked for.
const REPLIES_SWEPT: usize = 64;

impl Carrier {
    /// To be made inside the runtime that is to deliver.
    pub(super) fn new(lookers: Lookers, client: Client, attempts: Attempts) -> Self {
        Self { lookers, client, attempts, replies: HashMap::new(), next_reply: 0 }
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
            Call::Records { request, reply } => {
                (Reply::Records(reply, permit), Input::Intake(intake::Input::Records(id, request)))
            }
            Call::Ask { ask, reply } => (Reply::Ask(reply, permit), Input::Ask(id, ask)),
            Call::Sync { reply } => (Reply::Sync(reply, permit), Input::Intake(intake::Input::Sync(id))),
            Call::Rescan { request, begun, done } => {
                (Reply::Rescan(Some(begun), done, permit), Input::Intake(intake::Input::Rescan(id, request)))
            }
        };
        self.replies.insert(id, reply);
        input
    }

    /// Attempts on the wire.
    pub(super) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Carries an effect out. While `ending`, nothing new is begun: the ledger keeps what is left.
    pub(super) fn carry(&mut self, effect: Effect, ending: bool) {
        match effect {
            Effect::Dispatch(dispatch::Effect::Send(request)) if !ending => self.send(request),
            Effect::Dispatch(dispatch::Effect::Send(_)) => {}
            Effect::Answer(id, answer) => {
                if let Some(Reply::Ask(reply, _permit)) = self.replies.remove(&id) {
                    drop(reply.send(answer));
                }
            }
            Effect::Intake(effect) => match Job::of(effect) {
                Ok(job) if !ending => self.lookers.push(job),
                Ok(_) => {}
                Err(answer) => self.answer(answer),
            },
        }
    }

    fn send(&self, request: SendRequest) {
        let (client, sent) = (self.client.clone(), request.clone());
        self.attempts.begin(request, async move { client.attempt(&sent).await });
    }

    /// A caller who no longer listens is none of our concern: what he asked for is recorded.
    fn answer(&mut self, effect: intake::Effect) {
        match effect {
            intake::Effect::AnswerRecords(id, answer) => {
                if let Some(Reply::Records(reply, _permit)) = self.replies.remove(&id) {
                    drop(reply.send(answer));
                }
            }
            intake::Effect::AnswerRescan(id, answer) => {
                if let Some(Reply::Rescan(begun, ..)) = self.replies.get_mut(&id)
                    && let Some(begun) = begun.take()
                {
                    drop(begun.send(answer));
                }
            }
            intake::Effect::AnswerSync(id, answer) => match self.replies.remove(&id) {
                Some(Reply::Sync(reply, _permit)) => drop(reply.send(answer)),
                Some(Reply::Rescan(begun, done, _permit)) => {
                    // Asked of a machine that was lost since: the new one has scanned everything.
                    if let Some(begun) = begun {
                        drop(begun.send(RescanAnswer::Begun { offline: answer.offline.clone() }));
                    }
                    drop(done.send(answer));
                }
                Some(Reply::Records(..) | Reply::Ask(..)) | None => {}
            },
            _ => unreachable!("the looking part was taken out"),
        }
    }
}
