//! The last stage: what became of the path's changes on their way to each subscription, and which of that is worst.

use super::judge::{Story, what};
use super::words::at;
use super::{Evidence, LaneSeen, StageName, Stopped};
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::listing::{DeliveryState, ListedDelivery};
use crate::model::part::DeliveryId;
use crate::model::subscription::{Order, Subscription};
use crate::model::time::Wall;

/// What became of the newest change that one subscription was owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Where it has stopped; `None`: it was accepted.
    pub(super) stopped: Option<Stopped>,
    /// It is about the path's newest change.
    pub(super) is_of_newest: bool,
    /// Since when.
    since: Option<Wall>,
    /// What is said of it.
    pub(super) sentence: String,
}

/// The worst of what became of the changes: what was given up, before what waits, before what was accepted. Of two that
/// are as bad, that of the newest change.
pub(super) fn worst(evidence: &Evidence<'_>) -> Option<Outcome> {
    let mut subscriptions: Vec<SubscriptionId> = evidence.sent.lanes.iter().map(|lane| lane.subscription).collect();
    subscriptions.extend(evidence.sent.deliveries.iter().map(|delivery| delivery.subscription));
    subscriptions.sort_unstable();
    subscriptions.dedup();
    let outcomes = subscriptions.into_iter().filter_map(|id| outcome(evidence, id));
    outcomes.max_by_key(|outcome| (badness(outcome.stopped), outcome.is_of_newest))
}

fn badness(stopped: Option<Stopped>) -> u8 {
    match stopped {
        None => 0,
        Some(Stopped::InFlight) => 1,
        Some(Stopped::Lingering) => 2,
        Some(Stopped::Behind) => 3,
        Some(Stopped::WaitingForRetry) => 4,
        Some(Stopped::Paused) => 5,
        Some(_) => 6,
    }
}

/// What became of the newest of the changes that a subscription was owed.
fn outcome(evidence: &Evidence<'_>, id: SubscriptionId) -> Option<Outcome> {
    let newest = evidence.known.changes.first()?.seq;
    let lane = evidence.sent.lanes.iter().find(|lane| lane.subscription == id);
    let of = evidence.sent.deliveries.iter().filter(|delivery| delivery.subscription == id);
    let newest_in = |delivery: &ListedDelivery| {
        let carried = evidence.known.changes.iter().map(|change| change.seq).filter(|seq| delivery.seqs.contains(seq));
        carried.max().unwrap_or(Seq(0))
    };
    let delivery = of.max_by_key(|delivery| (newest_in(delivery), delivery.key));
    let sent = delivery.map(newest_in);
    match lane.and_then(|lane| Some((lane, lane.owes?))) {
        Some((lane, owed)) if sent.is_none_or(|sent| sent < owed) => Some(waits(evidence, lane, owed == newest)),
        _ => delivery.map(|delivery| on_its_way(evidence, delivery, lane, sent == Some(newest))),
    }
}

/// It is owed, and in no delivery yet.
fn waits(evidence: &Evidence<'_>, lane: &LaneSeen, is_of_newest: bool) -> Outcome {
    let subscription = evidence.registry.subscriptions.get(lane.subscription).map(|it| &**it);
    let (name, path, now) = (&lane.name, &evidence.path, evidence.now);
    let since = evidence.known.changes.first().map(|change| change.time);
    let outcome = |stopped, since, sentence| Outcome { stopped: Some(stopped), is_of_newest, since, sentence };
    if let Some((text, since)) = held(evidence, lane, subscription) {
        return outcome(Stopped::Paused, since, format!("{text}; what it is owed for {path} waits"));
    }
    if let Some(ahead) = &lane.ahead {
        let waits = match ahead.next_attempt {
            Some(due) => format!("which waits until {} for its next attempt{}", at(now, due), because(ahead)),
            None if ahead.state == DeliveryState::InFlight => "which is on the wire".to_owned(),
            None => "which is about to go out".to_owned(),
        };
        let sentence = format!("{name} is sent {path} after its delivery {}, {waits}", id_of(evidence, ahead));
        return outcome(Stopped::Behind, Some(ahead.created), sentence);
    }
    let linger_ms = subscription.map_or(0, |subscription| subscription.batching.linger_ms);
    if let Some(oldest) = lane.oldest_owed.filter(|_| linger_ms > 0) {
        let until = Wall(oldest.0.saturating_add(i64::try_from(linger_ms).unwrap_or(i64::MAX)));
        let sentence = format!("{name} gathers a batch (linger) until {}, and {path} goes out with it", at(now, until));
        return outcome(Stopped::Lingering, Some(oldest), sentence);
    }
    outcome(Stopped::InFlight, since, format!("{name} is owed {path}, and its batch is about to be cut"))
}

/// Why nothing is sent to a subscription at all.
fn held(
    evidence: &Evidence<'_>,
    lane: &LaneSeen,
    subscription: Option<&Subscription>,
) -> Option<(String, Option<Wall>)> {
    let (name, now) = (&lane.name, evidence.now);
    if let Some(pause) = &lane.paused {
        let because = pause.reason.as_ref().map(|reason| format!(", because {reason}")).unwrap_or_default();
        let text = format!(
            "{name} is paused by {} since {}{because}: ringback subscriptions resume {name}",
            pause.by,
            at(now, pause.at)
        );
        return Some((text, Some(pause.at)));
    }
    if let Some(since) = lane.cancelled {
        return Some((format!("{name} was cancelled at {}", at(now, since)), Some(since)));
    }
    match subscription {
        None => Some((format!("no rule has the name {name} any more, so nothing is sent to it"), None)),
        Some(it) if it.paused => Some((format!("{name} is paused by its rule file (`paused = true`)"), None)),
        Some(it) if it.is_held() => Some((format!("{name} is held, because its secret cannot be read"), None)),
        Some(_) => None,
    }
}

/// It is in a delivery, or was.
fn on_its_way(
    evidence: &Evidence<'_>,
    delivery: &ListedDelivery,
    lane: Option<&LaneSeen>,
    is_of_newest: bool,
) -> Outcome {
    let (path, now) = (&evidence.path, evidence.now);
    let subscription = evidence.registry.subscriptions.get(delivery.subscription).map(|it| &**it);
    let name = delivery.name.clone().unwrap_or_else(|| format!("the removed subscription {}", delivery.subscription.0));
    let id = id_of(evidence, delivery);
    let host = subscription.map_or_else(|| "its target".to_owned(), |it| it.target.authority());
    let outcome = |stopped, since, sentence| Outcome { stopped, is_of_newest, since, sentence };
    let is_open = matches!(delivery.state, DeliveryState::Pending | DeliveryState::Waiting);
    if is_open && let Some((text, since)) = lane.and_then(|lane| held(evidence, lane, subscription)) {
        return outcome(Some(Stopped::Paused), since, format!("{text}; its delivery {id} with {path} waits"));
    }
    match delivery.state {
        DeliveryState::Delivered => {
            let status = delivery.status.map(|status| status.to_string()).unwrap_or_default();
            let accepted = delivery.ended.map(|at_| format!(" at {}", at(now, at_))).unwrap_or_default();
            let newest = match evidence.known.changes.first() {
                Some(change) if is_of_newest => format!("the newest change of {path} ({})", what(now, change)),
                _ => format!("an earlier change of {path}"),
            };
            let sentence =
                format!("{newest} was delivered: {host} answered {status}{accepted} to {name}, delivery {id}");
            outcome(None, delivery.ended, sentence)
        }
        DeliveryState::Dropped => {
            let by = delivery.by.as_deref().unwrap_or("somebody");
            let reason = delivery.reason.as_ref().map(|reason| format!(", because {reason}")).unwrap_or_default();
            let when = delivery.ended.map(|ended| format!(" at {}", at(now, ended))).unwrap_or_default();
            let sentence = format!("delivery {id} of {name} with {path} was dropped by {by}{when}{reason}");
            outcome(Some(Stopped::Dead), delivery.ended, sentence)
        }
        DeliveryState::Dead => {
            let when = delivery.ended.map(|ended| format!(" at {}", at(now, ended))).unwrap_or_default();
            let sentence = format!(
                "delivery {id} of {name} with {path} was given up{when} after {} attempts{}: ringback deliveries retry {id}",
                delivery.attempts,
                because(delivery)
            );
            outcome(Some(Stopped::Dead), delivery.ended, sentence)
        }
        DeliveryState::Waiting => {
            let due = delivery.next_attempt.map(|due| format!(" until {}", at(now, due))).unwrap_or_default();
            let sentence = format!(
                "delivery {id} of {name} to {host} with {path} waits{due} for attempt {}{}",
                delivery.attempts.saturating_add(1),
                because(delivery)
            );
            outcome(Some(Stopped::WaitingForRetry), Some(delivery.created), sentence)
        }
        DeliveryState::InFlight => {
            let sentence = format!("delivery {id} of {name} with {path} is on the wire to {host}");
            outcome(Some(Stopped::InFlight), Some(delivery.created), sentence)
        }
        DeliveryState::Pending => pending(evidence, delivery, lane, &name, subscription, is_of_newest),
    }
}

/// It is frozen, and not on the wire: behind another one of its subscription, or waiting for a slot.
fn pending(
    evidence: &Evidence<'_>,
    delivery: &ListedDelivery,
    lane: Option<&LaneSeen>,
    name: &str,
    subscription: Option<&Subscription>,
    is_of_newest: bool,
) -> Outcome {
    let (path, now, id) = (&evidence.path, evidence.now, id_of(evidence, delivery));
    let is_serial = subscription.is_none_or(|subscription| subscription.order == Order::Serial);
    let ahead = lane.and_then(|lane| lane.ahead.as_ref()).filter(|ahead| is_serial && ahead.key < delivery.key);
    let (stopped, sentence) = match ahead {
        Some(ahead) => {
            let due = ahead.next_attempt.map(|due| format!(", which waits until {}", at(now, due))).unwrap_or_default();
            let text = format!(
                "delivery {id} of {name} with {path} goes out after delivery {}{due}{}",
                id_of(evidence, ahead),
                because(ahead)
            );
            (Stopped::Behind, text)
        }
        None => (Stopped::InFlight, format!("delivery {id} of {name} with {path} is about to go out")),
    };
    Outcome { stopped: Some(stopped), is_of_newest, since: Some(delivery.created), sentence }
}

fn id_of(evidence: &Evidence<'_>, delivery: &ListedDelivery) -> DeliveryId {
    DeliveryId { node: evidence.node, key: delivery.key }
}

/// Why an attempt is made again, or none is: what the last one came to.
fn because(delivery: &ListedDelivery) -> String {
    let Some(last) = &delivery.last else { return String::new() };
    let status = last.status.map(|status| format!(" {status}")).unwrap_or_default();
    let answer = if last.answer.is_empty() { String::new() } else { format!(" ({})", short(&last.answer)) };
    format!(", because attempt {} came to {}{status}{answer}", last.number, last.outcome)
}

/// Characters of an answer that a sentence repeats.
const ANSWER_SHOWN: usize = 80;

fn short(answer: &str) -> String {
    match answer.char_indices().nth(ANSWER_SHOWN) {
        Some((end, _)) => format!("{}...", &answer[..end]),
        None => answer.to_owned(),
    }
}

/// That a subscription whose rule fires lost entries, which may have been the path's.
pub(super) fn lagged(evidence: &Evidence<'_>) -> Option<String> {
    let fires =
        |lane: &&LaneSeen| evidence.rules.shown.iter().any(|rule| rule.fires() && rule.id == Some(lane.subscription));
    let (name, since) = evidence.sent.lanes.iter().filter(fires).find_map(|lane| Some((&lane.name, lane.lagged?)))?;
    Some(format!("{name} was owed too much, or too old changes, and lost some at {}", at(evidence.now, since)))
}

/// What is said of the stage.
pub(super) fn stage(story: &mut Story, evidence: &Evidence<'_>, outcome: Option<&Outcome>) {
    let Some(outcome) = outcome else {
        let text = lagged(evidence).unwrap_or_else(|| "nothing was owed for it".to_owned());
        return story.fail(StageName::Delivery, None, text);
    };
    let Outcome { stopped, since, sentence, .. } = outcome.clone();
    match stopped {
        Some(stopped) => story.stop(StageName::Delivery, stopped, since, sentence.clone(), sentence),
        None => {
            story.well = Some(sentence.clone());
            story.pass(StageName::Delivery, since, sentence);
        }
    }
}
