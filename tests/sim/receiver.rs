//! The receivers: attempts on the wire, and what was taken. What they are sent, and what they believe.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use ringback::model::attempt::{Attempted, Phase, Reply};
use ringback::model::delivery::SendRequest;
use ringback::model::part::DeliveryKey;

use super::faults::Plan;
use super::rng::Rng;

/// What the documents say of attempts under way to one target, and in all.
const PER_TARGET_MAX: usize = 8;
const ATTEMPTS_MAX: usize = 256;

/// One entry as a receiver reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub asset: i64,
    pub rrn: i64,
    pub path: Vec<u8>,
    pub action: String,
}

/// A delivery that was sent at least once.
#[derive(Debug, Clone)]
pub struct Sent {
    pub subscription: String,
    pub id: String,
    pub body: bytes::Bytes,
    pub entries: Vec<Told>,
}

/// How an attempt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Taken,
    Refused,
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
    fate: Fate,
    arrived: bool,
    slow: bool,
}

/// Everything on the wire, and everything taken.
#[derive(Debug, Default)]
pub struct Receivers {
    wire: Vec<Attempt>,
    pub sent: BTreeMap<DeliveryKey, Sent>,
    pub taken: BTreeSet<DeliveryKey>,
    /// The last attempt of each delivery, and the life that made it.
    attempts: BTreeMap<DeliveryKey, (u32, u32)>,
}

impl Receivers {
    /// An attempt goes out.
    ///
    /// # Errors
    /// A broken promise.
    pub fn send(&mut self, life: u32, request: SendRequest, rng: &mut Rng, plan: &Plan) -> Result<(), String> {
        // A lost group loses what came of attempts.
        let may_repeat = plan.commit_fails > 0;
        let name = request.subscription.name.to_string();
        let busy =
            self.wire.iter().find(|a| a.life == life && a.request.subscription.name == request.subscription.name);
        if let Some(other) = busy {
            return Err(format!("{name}: {} is sent while {} is under way", request.id, other.request.id));
        }
        let authority = request.subscription.target.authority();
        let ours = self.wire.iter().filter(|a| a.life == life);
        let there = ours.clone().filter(|a| a.request.subscription.target.authority() == authority).count();
        if there >= PER_TARGET_MAX || ours.count() >= ATTEMPTS_MAX {
            return Err(format!("{}: {there} attempts are under way to {authority} already", request.id));
        }
        let sent = Sent {
            subscription: name.clone(),
            id: request.id.to_string(),
            body: request.body.bytes.clone(),
            entries: read(&request.body.bytes, &name)?,
        };
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
        let fate = match rng.chance(plan.refusals) {
            false => Fate::Taken,
            true => [Fate::Refused, Fate::Unreachable, Fate::TimedOut, Fate::AnswerLost][rng.below(4)],
        };
        let fate = match plan.attempt_fails > 0 && rng.chance(plan.attempt_fails) {
            true => [Fate::Failed, Fate::FailedAfter][rng.below(2)],
            false => fate,
        };
        self.wire.push(Attempt { life, request, fate, arrived: false, slow: rng.chance(plan.slow) });
        Ok(())
    }

    pub fn is_idle(&self) -> bool {
        self.wire.is_empty()
    }

    /// Something happens on the wire; gives an outcome that is heard by the process of this life.
    pub fn step(&mut self, life: u32, rng: &mut Rng, log: &mut Vec<String>) -> Option<Attempted> {
        if self.wire.is_empty() {
            return None;
        }
        let at = rng.below(self.wire.len());
        let attempt = &mut self.wire[at];
        if attempt.slow && rng.chance(900) {
            return None;
        }
        let id = attempt.request.id;
        let arrives = matches!(attempt.fate, Fate::Taken | Fate::Refused | Fate::AnswerLost | Fate::FailedAfter);
        if !attempt.arrived && arrives {
            attempt.arrived = true;
            if attempt.fate != Fate::Refused {
                self.taken.insert(id.key);
            }
            log.push(format!("arrives {id} attempt {} {:?}", attempt.request.attempt, attempt.fate));
            return None;
        }
        let attempt = self.wire.swap_remove(at);
        log.push(format!("outcome {id} attempt {} {:?}", attempt.request.attempt, attempt.fate));
        let reply = match attempt.fate {
            Fate::Taken => Reply::status_alone(200),
            Fate::Refused => Reply::status_alone(500),
            Fate::Unreachable => Reply::Unreachable { phase: Phase::Connect, why: "refused".to_owned() },
            Fate::TimedOut | Fate::AnswerLost => Reply::TimedOut { phase: Phase::Headers },
            Fate::Failed | Fate::FailedAfter => Reply::Internal { why: "its task failed".to_owned() },
        };
        let attempted = Attempted { key: id.key, attempt: attempt.request.attempt, duration_ms: 1, reply };
        (attempt.life == life).then_some(attempted)
    }
}

/// Reads a payload, as strictly as a receiver could.
fn read(body: &[u8], name: &str) -> Result<Vec<Told>, String> {
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
    if value["id"] != name {
        return Err(format!("a payload of {}", value["id"]));
    }
    // It says that entries were dropped.
    if value["success"] == false && value["error"].as_str().is_some_and(|error| error.starts_with("lagged: ")) {
        return Ok(Vec::new());
    }
    if value["success"] != true {
        return Err(format!("no success and no reason: {value}"));
    }
    let entries = value["data"]["entry"].as_array().ok_or("no entries")?;
    let one = |entry: &serde_json::Value| -> Option<Told> {
        let path = match entry["pathBase64"].as_str() {
            Some(text) => base64::engine::general_purpose::STANDARD.decode(text).ok()?,
            None => entry["path"].as_str()?.as_bytes().to_vec(),
        };
        let action = entry["action"].as_str()?.to_owned();
        Some(Told { asset: entry["assetId"].as_i64()?, rrn: entry["rrn"].as_i64()?, path, action })
    };
    entries.iter().map(|entry| one(entry).ok_or_else(|| format!("no entry: {entry}"))).collect()
}
