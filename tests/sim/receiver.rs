//! The receivers: attempts on the wire, and what was taken. What they are sent, and what they believe.

pub mod manner;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use ringback::model::attempt::{Attempted, Phase, Reply};
use ringback::model::delivery::SendRequest;
use ringback::model::part::DeliveryKey;
use ringback::model::slot_limits::SlotLimits;
use ringback::model::subscription::Order;
use ringback::model::time::Wall;

use super::faults::Plan;
use super::ledger::{Class, ToldSeqs};
use super::rng::Rng;

/// One entry as a receiver reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub asset: i64,
    pub rrn: i64,
    pub path: Vec<u8>,
    pub action: String,
}

impl Told {
    /// An event about no asset has its place in the journal for an asset, as nothing else has.
    pub fn of_event(seq: i64, name: &str) -> Self {
        Self { asset: -seq, rrn: i64::MAX, path: Vec::new(), action: name.to_owned() }
    }
}

/// A delivery that was sent at least once.
#[derive(Debug, Clone)]
pub struct Sent {
    pub subscription: String,
    pub id: String,
    pub body: bytes::Bytes,
    pub entries: Vec<Told>,
    /// The journal's numbers that each entry tells.
    pub seqs: ToldSeqs,
    is_serial: bool,
}

/// How an attempt goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Taken,
    /// It arrives, is not taken, and is answered so.
    Refused(Reply),
    Unreachable,
    TimedOut,
    /// Taken, but the answer does not come through.
    AnswerLost,
    /// The task that makes the attempt fails before anything is sent.
    Failed,
    /// It fails after the request was taken.
    FailedAfter,
}

#[derive(Debug)]
struct Attempt {
    life: u32,
    request: SendRequest,
    /// What its lane was when it was sent, as far as that is known.
    class: Option<Class>,
    fate: Fate,
    arrived: bool,
    slow: bool,
}

/// An attempt that goes out, and what is around it.
pub struct Going {
    pub life: u32,
    pub request: SendRequest,
    /// What its lane is.
    pub class: Class,
    /// The journal's numbers that it tells, entry by entry.
    pub seqs: ToldSeqs,
    pub at: Wall,
}

/// Everything on the wire, and everything taken.
#[derive(Debug, Default)]
pub struct Receivers {
    wire: Vec<Attempt>,
    pub sent: BTreeMap<DeliveryKey, Sent>,
    pub taken: BTreeSet<DeliveryKey>,
    /// The last attempt of each delivery, and the life that made it.
    attempts: BTreeMap<DeliveryKey, (u32, u32)>,
    /// How far in the journal each serial subscription has heard.
    heard_to: BTreeMap<String, i64>,
    /// Targets that are down.
    pub down: BTreeSet<String>,
}

impl Receivers {
    /// An attempt goes out.
    ///
    /// # Errors
    /// A broken promise.
    pub fn send(&mut self, going: Going, rng: &mut Rng, plan: &Plan) -> Result<(), String> {
        // A lost group loses what came of attempts.
        let may_repeat = plan.commit_fails > 0;
        self.check_bounds(&going, plan.policies.limits)?;
        let Going { life, request, class, seqs, at } = going;
        let (name, authority) = (request.subscription.name.to_string(), request.subscription.target.authority());
        let sent = Sent {
            subscription: name.clone(),
            id: request.id.to_string(),
            body: request.body.bytes.clone(),
            entries: read(&request.body.bytes, &request.body.content_type, &name)?,
            seqs,
            is_serial: request.subscription.order == Order::Serial,
        };
        if sent.seqs.len() != sent.entries.len() {
            return Err(format!("{}: {} entries, and it tells {:?}", request.id, sent.entries.len(), sent.seqs));
        }
        let manner = plan.policies.manner(&name);
        let answer = manner.answer(&sent.entries, rng, at);
        let is_down = self.down.contains(&authority);
        if let Some(before) = self.sent.get(&request.id.key) {
            if before.body != sent.body || before.subscription != sent.subscription || before.id != sent.id {
                return Err(format!("{}: the same id with other bytes", request.id));
            }
        } else {
            self.sent.insert(request.id.key, sent);
        }
        let attempt = (life, request.attempt);
        if let Some(before) = self.attempts.insert(request.id.key, attempt)
            && before.0 == life
            && before.1 >= attempt.1
            && !may_repeat
        {
            return Err(format!("{}: attempt {} follows attempt {}", request.id, attempt.1, before.1));
        }
        let refused = Fate::Refused(Reply::status_alone(500));
        let fate = match rng.chance(plan.refusals) {
            false => answer.map_or(Fate::Taken, Fate::Refused),
            // What is refused for what it is, is never taken.
            true => {
                let lost = if answer.is_some() { Fate::TimedOut } else { Fate::AnswerLost };
                [refused, Fate::Unreachable, Fate::TimedOut, lost][rng.below(4)].clone()
            }
        };
        let fate = match plan.attempt_fails > 0 && rng.chance(plan.attempt_fails) {
            true if fate == Fate::Taken => [Fate::Failed, Fate::FailedAfter][rng.below(2)].clone(),
            true => Fate::Failed,
            false => fate,
        };
        let fate = if is_down { Fate::Unreachable } else { fate };
        self.wire.push(Attempt {
            life,
            request,
            class: Some(class),
            fate,
            arrived: false,
            slow: rng.chance(plan.slow),
        });
        Ok(())
    }

    /// How many attempts there may be: one of a delivery, one of a serial subscription, so many to a target, and so
    /// many in all; targets that fail have half of those, and a quarter is left to those that have shown that they
    /// answer.
    fn check_bounds(&self, going: &Going, limits: SlotLimits) -> Result<(), String> {
        let Going { life, request, class, .. } = going;
        let ours = || self.wire.iter().filter(|attempt| attempt.life == *life);
        let is_serial = request.subscription.order == Order::Serial;
        let is_same = |other: &&Attempt| match is_serial {
            true => other.request.subscription.name == request.subscription.name,
            false => other.request.id == request.id,
        };
        if let Some(other) = ours().find(is_same) {
            return Err(format!("{} is sent while {} is under way", request.id, other.request.id));
        }
        let authority = request.subscription.target.authority();
        let there = ours().filter(|a| a.request.subscription.target.authority() == authority).count();
        if there >= limits.per_target || ours().count() >= limits.in_flight {
            return Err(format!("{}: {there} attempts are under way to {authority} already", request.id));
        }
        let of = |class: Class| ours().filter(|attempt| attempt.class == Some(class)).count();
        let (new, failing) = (of(Class::New), of(Class::Failing));
        let is_over = match class {
            Class::Proven => false,
            Class::New => new + failing >= 3 * limits.in_flight / 4,
            Class::Failing => failing >= limits.in_flight / 2 || new + failing >= 3 * limits.in_flight / 4,
        };
        match is_over {
            true => Err(format!("{} ({class:?}): {new} of new and {failing} of failing lanes already", request.id)),
            false => Ok(()),
        }
    }

    /// The engine may have lost its memory at some point, and takes each attempt under way for one of what its lane was
    /// then.
    pub fn forget_classes(&mut self, life: u32) {
        for attempt in self.wire.iter_mut().filter(|attempt| attempt.life == life) {
            attempt.class = None;
        }
    }

    /// Power went: what was told since the last sync may be told again.
    pub fn power_cut(&mut self) {
        self.heard_to.clear();
    }

    pub fn is_idle(&self) -> bool {
        self.wire.is_empty()
    }

    /// Something happens on the wire; gives an outcome that is heard by the process of this life.
    ///
    /// # Errors
    /// A broken promise.
    pub fn step(&mut self, life: u32, rng: &mut Rng, log: &mut Vec<String>) -> Result<Option<Attempted>, String> {
        if self.wire.is_empty() {
            return Ok(None);
        }
        let at = rng.below(self.wire.len());
        let attempt = &mut self.wire[at];
        if attempt.slow && rng.chance(900) {
            return Ok(None);
        }
        let id = attempt.request.id;
        let arrives = matches!(attempt.fate, Fate::Taken | Fate::Refused(_) | Fate::AnswerLost | Fate::FailedAfter);
        if !attempt.arrived && arrives {
            attempt.arrived = true;
            log.push(format!("arrives {id} attempt {} {:?}", attempt.request.attempt, attempt.fate));
            // What a process that has ended had on the wire comes when it comes.
            let is_late = attempt.life != life;
            if !matches!(attempt.fate, Fate::Refused(_)) {
                self.take(id.key, is_late)?;
            }
            return Ok(None);
        }
        let attempt = self.wire.swap_remove(at);
        log.push(format!("outcome {id} attempt {} {:?}", attempt.request.attempt, attempt.fate));
        let reply = match attempt.fate {
            Fate::Taken => Reply::status_alone(200),
            Fate::Refused(reply) => reply,
            Fate::Unreachable => Reply::Unreachable { phase: Phase::Connect, why: "refused".to_owned() },
            Fate::TimedOut | Fate::AnswerLost => Reply::TimedOut { phase: Phase::Headers },
            Fate::Failed | Fate::FailedAfter => Reply::Internal { why: "its task failed".to_owned() },
        };
        let attempted = Attempted { key: id.key, attempt: attempt.request.attempt, duration_ms: 1, reply };
        Ok((attempt.life == life).then_some(attempted))
    }

    /// A receiver takes a delivery. What a serial subscription takes for the first time is later in the journal than
    /// all that it took before.
    fn take(&mut self, key: DeliveryKey, is_late: bool) -> Result<(), String> {
        let sent = &self.sent[&key];
        if !self.taken.insert(key) || !sent.is_serial || is_late {
            return Ok(());
        }
        let lasts = sent.seqs.iter().filter_map(|seqs| seqs.last().copied());
        let to = self.heard_to.entry(sent.subscription.clone()).or_default();
        for last in lasts {
            if last <= *to {
                return Err(format!("{} tells {last}, and {} has heard up to {to}", sent.id, sent.subscription));
            }
            *to = last;
        }
        Ok(())
    }
}

/// Reads a payload, as strictly as a receiver could.
fn read(body: &[u8], content_type: &str, name: &str) -> Result<Vec<Told>, String> {
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
    let entries: Vec<&serde_json::Value> = match content_type.split(';').next() {
        Some("application/cloudevents-batch+json") => {
            let events = value.as_array().ok_or("no events")?;
            // That entries were dropped.
            if events.len() == 1 && events[0]["id"].as_str().is_some_and(|id| id.ends_with("-lagged")) {
                return Ok(Vec::new());
            }
            return events.iter().map(|event| of_event(event).ok_or_else(|| format!("no event: {event}"))).collect();
        }
        // A registration's payload has the id alone, without its dialect.
        _ if value["id"] != name.rsplit(':').next().unwrap_or(name) => {
            return Err(format!("a payload of {}", value["id"]));
        }
        _ if value["success"] == false
            && value["error"].as_str().is_some_and(|error| error.starts_with("lagged: ")) =>
        {
            return Ok(Vec::new());
        }
        _ if value["success"] != true => return Err(format!("no success and no reason: {value}")),
        _ => value["data"]["entry"].as_array().ok_or("no entries")?.iter().collect(),
    };
    if entries.is_empty() {
        return Err(format!("a batch for {name} tells nothing"));
    }
    entries.into_iter().map(|entry| of_entry(entry).ok_or_else(|| format!("no entry: {entry}"))).collect()
}

fn of_entry(entry: &serde_json::Value) -> Option<Told> {
    let path = match entry["pathBase64"].as_str() {
        Some(text) => base64::engine::general_purpose::STANDARD.decode(text).ok()?,
        None => entry["path"].as_str()?.as_bytes().to_vec(),
    };
    let action = entry["action"].as_str()?.to_owned();
    Some(Told { asset: entry["assetId"].as_i64()?, rrn: entry["rrn"].as_i64()?, path, action })
}

/// A CloudEvent: of a change, or of an event that is about no asset.
fn of_event(event: &serde_json::Value) -> Option<Told> {
    let name = event["type"].as_str()?;
    if name.starts_with("asset.") {
        return of_entry(&event["data"]);
    }
    event["data"].as_object()?;
    let seq = event["id"].as_str()?.rsplit('-').next()?.parse().ok()?;
    Some(Told::of_event(seq, name))
}
