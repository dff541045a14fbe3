//! Programs register subscriptions, replace and end them, beside everything else that happens. What the ledger holds of
//! them after a group is what was asked in it, or what it held before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringback::diagnostic::SourceFile;
use ringback::engine::Input;
use ringback::model::ask::{Answer, Ask};
use ringback::model::event::{Dialect, EventName};
use ringback::model::ids::ReplyId;
use ringback::model::registration::{Edit, Registration, Replaces};
use ringback::model::retry::RetrySchedule;
use ringback::model::subscription::{Batching, Name, Order};
use ringback::rules::RuleSet;

use super::{Checked, World};

/// The ids that programs give.
const IDS: [&str; 3] = ["r0", "r1", "r2"];

/// What a registration watches: paths, metadata, events, and what a rule file says for the same.
type Kind = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);
const KINDS: [Kind; 5] = [
    (&["* /"], &[], &[]),
    (&["+ /a", "/a"], &["XATTR_user.project==v1", "XATTR_user.state==*"], &[]),
    (&[], &[], &["asset.added", "asset.deleted"]),
    (&["* /a/dir"], &["*==*"], &["asset.modified"]),
    (&["- /"], &[], &["asset.added", "undeclared"]),
];

/// What is registered, as the ledger has it after the last group: name and kind.
pub type Registered = BTreeMap<String, usize>;

/// What was asked, and what came of it.
#[derive(Debug, Default)]
pub struct Registering {
    pub now: Registered,
    /// The same before that group.
    pub before: Registered,
    /// Asks that were not answered yet: which id, and as what; `None`: its end.
    asked: BTreeMap<ReplyId, (&'static str, Option<usize>)>,
    ever: BTreeSet<&'static str>,
}

impl Registering {
    /// The process has ended: nobody is answered any more.
    pub fn crash(&mut self) {
        self.asked.clear();
    }
}

impl World {
    /// A program asks for something.
    pub(super) fn register(&mut self) {
        if !self.rng.chance((self.plan.registers * 20).min(1_000)) {
            return;
        }
        let id = IDS[self.rng.below(IDS.len())];
        let kind = if self.rng.chance(650) { Some(self.rng.below(KINDS.len())) } else { None };
        self.ask_to_register(id, kind);
    }

    fn ask_to_register(&mut self, id: &'static str, kind: Option<usize>) {
        let name = name(id);
        let edit = match kind {
            Some(kind) => {
                self.registering.ever.insert(id);
                Edit::Put { registration: Box::new(registration(id, kind)), replaces: Replaces::Own }
            }
            None => Edit::Remove { name, tenant: None, is_own: true },
        };
        let reply = self.reply();
        self.registering.asked.insert(reply, (id, kind));
        self.note(format!("call register {} {id} as {kind:?}", reply.0));
        self.inbox.push_back(Input::Ask(reply, Ask::Register { edits: vec![edit], by: "program".to_owned() }));
    }

    /// Everything that was ever registered is registered again, for what it is owed; so is what somebody asked to end,
    /// and that was not taken in yet.
    pub(super) fn register_all_again(&mut self) {
        for id in self.registering.ever.clone() {
            let ends = self.registering.asked.values().any(|(asked, kind)| *asked == id && kind.is_none());
            if ends || !self.registering.now.contains_key(name(id).as_str()) {
                self.ask_to_register(id, Some(0));
            }
        }
    }

    /// A group has ended. What it left is matched from here on.
    pub(super) fn read_registrations(&mut self) {
        let now = self.ledger.registrations();
        self.registering.before = std::mem::replace(&mut self.registering.now, now);
        if self.registering.before != self.registering.now {
            self.journal.set_registered(self.journal.greatest_seq, rule_set(&self.registering.now));
        }
    }

    /// Somebody who asked to register is answered, at last: what the ledger holds is what was asked.
    pub(super) fn answer_registering(&mut self, answers: &[(ReplyId, Answer)]) -> Checked {
        let mut expect: BTreeMap<&str, Option<usize>> = BTreeMap::new();
        for (reply, answer) in answers {
            let Some((id, kind)) = self.registering.asked.remove(reply) else { continue };
            self.note(format!("  answer register {} {answer:?}", reply.0));
            match (answer, kind) {
                (Answer::Registered(_), kind) => drop(expect.insert(id, kind)),
                (Answer::Unavailable, _) => {
                    expect.entry(id).or_insert(self.registering.before.get(name(id).as_str()).copied());
                }
                (Answer::NotFound, None) => drop(expect.insert(id, None)),
                _ => return Err(format!("registering {id} as {kind:?} is answered {answer:?}")),
            }
        }
        for (id, kind) in expect {
            let has = self.registering.now.get(name(id).as_str()).copied();
            if has != kind {
                return Err(format!("{id} is registered as {has:?}, and its caller was answered that it is {kind:?}"));
            }
        }
        Ok(())
    }

    /// What a power cut has left is what the last group left: registrations are promised.
    pub(super) fn registrations_survived(&self) -> Checked {
        let left = self.ledger.registrations();
        match left == self.registering.now {
            true => Ok(()),
            false => Err(format!("registered were {:?}, and a power cut leaves {left:?}", self.registering.now)),
        }
    }
}

fn name(id: &str) -> Name {
    Name::registered(Dialect::Zoom, id).expect("an id")
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn registration(id: &str, kind: usize) -> Registration {
    let (paths, metadata, events) = KINDS[kind];
    Registration {
        paths: texts(paths),
        metadata: texts(metadata),
        joins_by_and: kind == 1,
        events: events.iter().map(|name| EventName::parse(name).expect("a name")).collect(),
        retry: RetrySchedule::of_delays(vec![500, 2_000]),
        // What replaces it goes elsewhere, and otherwise.
        batching: Batching { linger_ms: 0, max_entries: [1_000, 2][kind % 2] },
        order: if kind == 3 { Order::Parallel } else { Order::Serial },
        request: kind.to_string(),
        ..Registration::new(name(id), None, format!("http://r{}/{id}", 1 + kind % 2))
    }
}

/// Rule files that say the same.
fn rule_set(registered: &Registered) -> Arc<RuleSet> {
    let mut text = String::new();
    for (name, kind) in registered {
        let (paths, metadata, events) = KINDS[*kind];
        // An event that nobody declares is none.
        let events: Vec<_> = events.iter().filter(|name| **name != "undeclared").collect();
        let name = name.replace(':', "-");
        let operand = if *kind == 1 { "AND" } else { "OR" };
        text += &format!(
            "[[subscription]]\nname = '{name}'\ncallback = 'http://h'\nwatchPath = {paths:?}\n\
             watchMetadata = {metadata:?}\nlogicalOperand = '{operand}'\nevents = {events:?}\n"
        );
    }
    let file = SourceFile { name: "registered.toml".to_owned(), text: text.into_bytes().into() };
    Arc::new(ringback::rules::load(&[file]).set.expect("good rules"))
}
