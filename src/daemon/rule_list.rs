//! The rules in force with their files, for whoever asks what they are. The rules' thread writes it, callers read it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::diagnostic::lines::LineIndex;
use crate::diagnostic::render::{Format, report};
use crate::diagnostic::{Code, Diagnostic, SourceFile};
use crate::model::rule_list::{ListedRule, OnDisk, RuleKind, RulePage, RulePlace, RulesAsked};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;
use crate::rules::allow::beginnings;
use crate::rules::{Loaded, RuleSet};

/// Faults of rule files that are shown, so that an answer is of bounded size; the rest are counted.
const FAULTS_MAX: usize = 100;

/// What was last said of the rules.
#[derive(Default)]
pub(super) struct RuleListSlot(Mutex<State>);

#[derive(Default)]
struct State {
    since: Option<Wall>,
    rules: Arc<Rules>,
    faults: Arc<[Value]>,
    faults_count: usize,
    on_disk: OnDisk,
}

/// A set, and where its rules are. Half a million rules are twelve bytes each here.
#[derive(Default)]
pub(super) struct Rules {
    set: Arc<RuleSet>,
    files: Vec<String>,
    subscriptions: Vec<Place>,
    events: Vec<Place>,
}

/// A rule's file, its line, and the place of what is warned of in it.
struct Place {
    file: u32,
    line: u32,
    warnings: Box<[Code]>,
}

impl Rules {
    /// `found` is what is warned of.
    pub(super) fn new(set: Arc<RuleSet>, loaded: &Loaded, sources: &[SourceFile], found: &[Diagnostic]) -> Self {
        let names: BTreeMap<&str, usize> = sources.iter().map(|file| file.name.as_str()).zip(0..).collect();
        let files: Vec<_> = sources.iter().map(|file| (LineIndex::new(&file.text), beginnings(file))).collect();
        let block = |file: usize, at: usize| files[file].1.partition_point(|start| *start <= at).saturating_sub(1);
        let mut warnings: BTreeMap<(usize, usize), Vec<Code>> = BTreeMap::new();
        for diagnostic in found {
            if let Some(&file) = names.get(diagnostic.file.as_str()) {
                warnings.entry((file, block(file, diagnostic.span.start))).or_default().push(diagnostic.code);
            }
        }
        let place = |(file, name): (usize, usize)| {
            let block = block(file, name);
            let (lines, blocks) = &files[file];
            let mut codes = warnings.get(&(file, block)).cloned().unwrap_or_default();
            codes.sort_unstable();
            codes.dedup();
            let at = blocks.get(block).copied().unwrap_or(name);
            Place { file: file as u32, line: lines.place(at).line as u32, warnings: codes.into() }
        };
        let subscriptions = loaded.rule_places().map(place).collect();
        let events = loaded.event_places().iter().copied().map(place).collect();
        Self { set, files: sources.iter().map(|file| file.name.clone()).collect(), subscriptions, events }
    }

    /// A page, and where the next one begins.
    fn page(&self, after: Option<&RulePlace>, limit: usize) -> (Vec<ListedRule>, Option<RulePlace>) {
        let from = after.map_or(0, |after| self.behind(after));
        let all = self.subscriptions.len() + self.events.len();
        let rules: Vec<_> = (from..all.min(from.saturating_add(limit))).filter_map(|at| self.listed(at)).collect();
        let next = if from.saturating_add(limit) < all { rules.last().map(|rule| rule.place.clone()) } else { None };
        (rules, next)
    }

    /// The number of the first rule behind a place; that may be of rules that are gone.
    fn behind(&self, after: &RulePlace) -> usize {
        let file = self.files.iter().position(|file| *file == after.file);
        // A file that is gone lay before the first one with a greater name.
        let file = file.map_or_else(
            || (self.files.iter().position(|file| *file > after.file).unwrap_or(self.files.len()), 0),
            |file| (file, after.line),
        );
        let is_before = |place: &Place| (place.file as usize, place.line) <= file;
        match after.kind {
            RuleKind::Subscription => self.subscriptions.partition_point(is_before),
            RuleKind::Event => self.subscriptions.len() + self.events.partition_point(is_before),
        }
    }

    fn listed(&self, at: usize) -> Option<ListedRule> {
        let (kind, place, name, tenant, is_paused) = match at.checked_sub(self.subscriptions.len()) {
            None => {
                let rule = &self.set.rules().get(at)?.subscription;
                let name = rule.name.to_string();
                (RuleKind::Subscription, &self.subscriptions[at], name, rule.tenant.clone(), rule.paused)
            }
            Some(at) => {
                let event = self.set.events().get(at)?;
                (RuleKind::Event, &self.events[at], event.name.to_string(), event.tenant.clone(), false)
            }
        };
        let file = self.files.get(place.file as usize)?.clone();
        let place_of = RulePlace { kind, file, line: place.line };
        let warnings = place.warnings.iter().map(ToString::to_string).collect();
        Some(ListedRule { name, place: place_of, tenant, is_paused, warnings })
    }

    fn count(&self, covers: impl Fn(Option<&Tenant>) -> bool) -> usize {
        let rules = self.set.rules().iter().filter(|rule| covers(rule.subscription.tenant.as_ref())).count();
        rules + self.set.events().iter().filter(|event| covers(event.tenant.as_ref())).count()
    }
}

impl RuleListSlot {
    /// These are in force.
    pub(super) fn take_up(&self, rules: Rules, since: Wall) {
        let mut state = self.lock();
        (state.rules, state.since) = (Arc::new(rules), Some(since));
    }

    /// What the files are now.
    pub(super) fn on_disk(&self, on_disk: OnDisk) {
        self.lock().on_disk = on_disk;
    }

    /// What is wrong with the files as they are now; nothing, where they are in force.
    pub(super) fn faults(&self, diagnostics: &[Diagnostic], sources: &[SourceFile]) {
        let shown = &diagnostics[..diagnostics.len().min(FAULTS_MAX)];
        // What renders them writes JSON.
        let faults: Vec<Value> = serde_json::from_str(&report(shown, sources, Format::Json)).unwrap_or_default();
        let mut state = self.lock();
        state.on_disk = if diagnostics.is_empty() { OnDisk::Same } else { OnDisk::Faulty };
        (state.faults, state.faults_count) = (faults.into(), diagnostics.len());
    }

    /// What is asked for.
    pub(super) fn page(&self, asked: &RulesAsked) -> RulePage {
        let state = self.lock();
        let (rules, faults) = (Arc::clone(&state.rules), Arc::clone(&state.faults));
        let (since, on_disk, faults_count) = (state.since, state.on_disk, state.faults_count);
        drop(state);
        let count = rules.count(|tenant| asked.scope.covers(tenant));
        let head = RulePage { since, count, faults_count, on_disk, ..RulePage::default() };
        if !asked.scope.is_all() {
            return head;
        }
        let (rules, next) = rules.page(asked.after.as_ref(), asked.limit);
        RulePage { rules, next, faults, ..head }
    }

    /// A panic elsewhere leaves the state whole: each change of it is a few assignments.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{FAULTS_MAX, RuleListSlot, Rules};
    use crate::diagnostic::SourceFile;
    use crate::model::rule_list::{OnDisk, RulePage, RulesAsked};
    use crate::model::scope::Scope;
    use crate::model::tenant::Tenant;
    use crate::model::time::Wall;
    use crate::rules::load;

    fn file(name: &str, text: &str) -> SourceFile {
        SourceFile { name: name.into(), text: text.as_bytes().into() }
    }

    fn rule(name: &str, more: &str) -> String {
        format!(
            "\n[[subscription]]\ncallback = 'http://127.0.0.1/{name}'\nname = '{name}'\nwatchPath = ['* /{name}']\n{more}\n"
        )
    }

    fn filled() -> RuleListSlot {
        let event = "[[event]]\nname = 'e'\nwatchPath = ['* /e']\n";
        let files = [
            file("a.toml", &(rule("a", "tenant = 'acme'") + event)),
            file("b.toml", &(rule("b", "") + &rule("c", "").replace("'* /c'", "'* /'"))),
        ];
        let mut loaded = load(&files);
        let set = Arc::new(loaded.set.take().expect("no fault"));
        let slot = RuleListSlot::default();
        slot.take_up(Rules::new(set, &loaded, &files, &loaded.diagnostics), Wall(7));
        slot
    }

    fn names(page: &RulePage) -> Vec<&str> {
        page.rules.iter().map(|rule| rule.name.as_str()).collect()
    }

    #[test]
    fn rules_come_in_pages_with_their_places_and_warnings() {
        let slot = filled();
        let (mut after, mut found) = (None, Vec::new());
        loop {
            let page = slot.page(&RulesAsked { scope: Scope::All, after: after.take(), limit: 1 });
            assert_eq!((page.since, page.count, page.rules.len()), (Some(Wall(7)), 4, 1));
            found.extend(page.rules);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let shown: Vec<_> = found
            .iter()
            .map(|rule| format!("{} {} {}", rule.name, rule.place.cursor(), rule.warnings.join(" ")))
            .collect();
        assert_eq!(
            shown,
            [
                "a subscription:2:a.toml ",
                "b subscription:2:b.toml ",
                "c subscription:8:b.toml RB0113",
                "e event:7:a.toml "
            ]
        );
        // A page behind a rule that is gone begins with what came after it.
        let mut gone = found[1].place.clone();
        (gone.file, gone.line) = ("aa.toml".to_owned(), 3);
        let page = slot.page(&RulesAsked { scope: Scope::All, after: Some(gone), limit: 9 });
        assert_eq!(names(&page), ["b", "c", "e"]);
    }

    #[test]
    fn a_tenant_sees_how_many_there_are() {
        let slot = filled();
        let scope = Scope::of([Tenant::parse("acme").expect("a name")]);
        let page = slot.page(&RulesAsked { scope, after: None, limit: 9 });
        assert_eq!((page.count, page.rules.len()), (1, 0));
    }

    #[test]
    fn faults_are_shown_up_to_the_limit_and_counted() {
        let slot = filled();
        let text = "[[subscription]]\n".repeat(FAULTS_MAX);
        let files = [file("a.toml", &text)];
        let found = load(&files).diagnostics;
        assert!(found.len() > FAULTS_MAX);
        slot.faults(&found, &files);
        let all = |slot: &RuleListSlot| slot.page(&RulesAsked { scope: Scope::All, after: None, limit: 1 });
        let page = all(&slot);
        assert_eq!((page.faults.len(), page.faults_count, page.on_disk), (FAULTS_MAX, found.len(), OnDisk::Faulty));
        assert_eq!(page.faults[0]["file"], "a.toml");
        slot.faults(&found[..FAULTS_MAX], &files);
        assert_eq!(all(&slot).faults.len(), FAULTS_MAX);
        slot.faults(&[], &[]);
        assert_eq!((all(&slot).faults_count, all(&slot).on_disk), (0, OnDisk::Same));
    }
}
