//! Subscriptions with delivery policies of every kind, and how their targets answer. Half of the seeds have some of
//! them, beside the three subscriptions that are always there.

use ringback::model::slot_limits::SlotLimits;

use super::receiver::manner::Manner;
use super::rng::Rng;

const HOUR_MS: u64 = 3_600_000;

/// Name, and what its rule says beyond name, callback and path.
const KINDS: [(&str, &str); 9] = [
    ("parallel", "order = 'parallel'\nmaxEntries = 2\nretry = ['1s', '5s']\nretryCount = 4\n"),
    ("parallel-default", "order = 'parallel'\nmaxEntries = 1\n"),
    ("once", "lifetime = 'once'\nretry = ['1s']\nretryCount = 4\n"),
    ("default", ""),
    ("default-too", "linger = '200ms'\n"),
    ("for-hours", "retryFor = '3h'\nretry = ['20m', '1h']\n"),
    ("one-by-one", "maxEntries = 1\nretry = ['300ms']\nretryCount = 3\n"),
    ("gathering", "linger = '2s'\nmaxEntries = 7\nretry = ['1s', '1s', '1s']\n"),
    (
        "events",
        "format = 'cloudevents-batch'\nlinger = '1s'\nretry = ['2s', '4s']\nretryCount = 3\n\
         events = ['build.created', 'mount.offline', 'mount.online', 'callback.lagged']\n",
    ),
];

/// A subscription of a seed.
#[derive(Debug, Clone)]
pub struct Policy {
    pub name: &'static str,
    /// Its rule, whole.
    pub rule: String,
    /// How its target answers.
    pub manner: Manner,
}

/// What a seed has of them.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    pub all: Vec<Policy>,
    pub limits: SlotLimits,
    /// Times in a thousand steps at which an operator pauses or resumes a subscription.
    pub operator: u32,
    /// For how long some targets are down, once; 0: they are not.
    pub outage_ms: u64,
}

impl Policies {
    /// `keeps_everything`: the ledger never forgets what it has committed.
    pub fn of(rng: &mut Rng, keeps_everything: bool) -> Self {
        let mut policies = Self::default();
        if rng.chance(500) {
            return policies;
        }
        let share = rng.between(150, 700) as u32;
        for (name, text) in KINDS {
            if !rng.chance(share) {
                continue;
            }
            // Some share a target with the subscriptions that are always there.
            let host = ["r1", "r2", "p1", "p2"][rng.below(4)];
            let rule = format!(
                "[[subscription]]\nname = '{name}'\ncallback = 'http://{host}/{name}'\nwatchPath = ['* /']\n{text}"
            );
            policies.all.push(Policy { name, rule, manner: Manner::of(rng) });
        }
        if rng.chance(400) {
            let per_target = rng.between(1, 4) as usize;
            policies.limits = SlotLimits { per_target, in_flight: per_target.max(rng.between(4, 12) as usize) };
        }
        policies.operator = if rng.chance(400) { rng.between(3, 30) as u32 } else { 0 };
        if rng.chance(200) {
            let days = if keeps_everything { rng.between(1, 8) } else { 1 };
            policies.outage_ms = days * 24 * HOUR_MS + rng.between(0, HOUR_MS);
        }
        policies
    }

    /// Nothing goes wrong any more; what a target refuses, it still refuses.
    pub fn calm(&self) -> Self {
        let calm = |policy: &Policy| Policy { manner: policy.manner.calm(), ..policy.clone() };
        Self { all: self.all.iter().map(calm).collect(), operator: 0, outage_ms: 0, ..self.clone() }
    }

    /// How the target of a subscription answers.
    pub fn manner(&self, name: &str) -> Manner {
        self.all.iter().find(|policy| policy.name == name).map_or_else(Manner::default, |policy| policy.manner)
    }
}
