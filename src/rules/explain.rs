//! Why a rule fires on a change, or does not: the first clause that failed, and what it found instead.
//!
//! It decides nothing. [`eval`](super::eval) says whether a rule fires; this walks the same condition and puts into
//! words what was found, and the two always agree. Clauses are explained as they were written, `when` by the first
//! comparison that failed. Texts are for one line of a terminal: values are shortened, and nothing in them is a control
//! character.

pub mod newest;

use std::borrow::Cow;
use std::sync::Arc;

use super::condition::{
    Actions, Condition, Cover, Expr, FactTest, Keys, MetadataClause, Mode, Operand, PathClause, Predicate, Test,
    ValueTest, Written,
};
use super::eval::{Subject, Touched, ValueList};
use super::pattern::TextPattern;
use super::value::Scale;
use super::{Rule, RuleSet};
use crate::model::change::Action;
use crate::model::event::EventName;
use crate::model::subscription::Subscription;
use crate::model::time::Wall;

/// Whether a rule fires, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Fires {
        /// The first clause that did it, as written; the whole expression, where no one part did it alone.
        clause: String,
    },
    /// It does not.
    Failed {
        /// The first clause that failed, as written.
        clause: String,
        /// What was found instead: a sentence without a full stop.
        why: String,
    },
}

/// Says why a rule of a set fires on a change, or does not: by its own condition, or by an event that it asks for. A
/// rule of a tenant fires where the tenant is unknown ([`Facts::tenant`] is `None`): whoever asks has named no mount.
///
/// [`Facts::tenant`]: super::Facts::tenant
#[must_use]
pub fn explain_rule(subject: &Subject<'_>, set: &RuleSet, rule: &Rule) -> Verdict {
    let Subscription { tenant, events, .. } = &*rule.subscription;
    if let (Some(tenant), Some(there)) = (tenant, subject.facts.tenant)
        && tenant.as_str() != there
    {
        let why = match there {
            "" => "the asset's mount has no tenant".to_owned(),
            there => format!("the asset's mount is of the tenant {there}"),
        };
        return failed(&format!("tenant = \"{tenant}\""), why);
    }
    let own = explain(subject, &rule.condition);
    if matches!(own, Verdict::Fires { .. }) {
        return own;
    }
    let mut why_not = None;
    let declared = set.events().iter().filter(|event| event.is_asked_by(&rule.subscription)).map(|event| &event.name);
    for name in events.iter().chain(declared.filter(|name| !events.contains(name))) {
        let verdict = match name.action() {
            Some(action) if action == subject.action => Verdict::Fires { clause: String::new() },
            Some(_) => failed("", format!("action is {}", subject.action.as_str())),
            None => happens(subject, set, name),
        };
        match verdict {
            Verdict::Fires { .. } => return Verdict::Fires { clause: format!("event {name}") },
            Verdict::Failed { clause, why } => {
                let clause =
                    if clause.is_empty() { format!("event {name}") } else { format!("event {name}: {clause}") };
                why_not.get_or_insert(Verdict::Failed { clause, why });
            }
        }
    }
    match (rule.condition.written(), why_not) {
        (Written::Nothing, Some(why_not)) => why_not,
        _ => own,
    }
}

/// Whether a declared event happens.
fn happens(subject: &Subject<'_>, set: &RuleSet, name: &EventName) -> Verdict {
    let Some(event) = set.events().iter().find(|event| event.name == *name) else {
        return failed("", "no change of an asset is this event");
    };
    match (&event.tenant, subject.facts.tenant, &event.condition) {
        (Some(tenant), Some(there), _) if tenant.as_str() != there => {
            failed("", format!("it happens only in mounts of the tenant {tenant}"))
        }
        (_, _, Some(condition)) => explain(subject, condition),
        (_, _, None) => failed("", "the store alone reports it"),
    }
}

/// Says why a condition fires on a change, or does not.
#[must_use]
pub fn explain(subject: &Subject<'_>, condition: &Condition) -> Verdict {
    match condition.written() {
        Written::Clauses { paths, metadata, operand } => clauses(subject, paths, metadata, *operand),
        Written::When { text, expr } if subject.fires(expr) => Verdict::Fires { clause: doing(subject, expr, text) },
        Written::When { text, expr } => leaf(subject, expr, true).unwrap_or_else(|| failed(text, "it is never true")),
        Written::Nothing => failed("events", "it asks only for events by name; no change of an asset fires it"),
    }
}

fn failed(clause: &str, why: impl Into<String>) -> Verdict {
    Verdict::Failed { clause: one_line(clause).into_owned(), why: why.into() }
}

// Clauses.

fn clauses(subject: &Subject<'_>, paths: &[PathClause], metadata: &[Arc<MetadataClause>], operand: Operand) -> Verdict {
    let action = subject.action;
    let covers = |clause: &&PathClause| subject.covered(&clause.cover);
    if let Some(clause) = paths.iter().filter(|clause| clause.mode.includes(action)).find(covers) {
        return Verdict::Fires { clause: one_line(&clause.to_string()).into_owned() };
    }
    let Some(first) = metadata.first() else {
        // A condition has metadata clauses or a path clause with a mode.
        let monitored = paths.iter().find(|clause| clause.mode != Mode::Scope);
        return monitored.map_or_else(
            || failed("", "it watches nothing"),
            |clause| failed(&clause.to_string(), unmonitored(subject, clause)),
        );
    };
    if let Some(scope) = paths.first()
        && !paths.iter().any(|clause| subject.covered(&clause.cover))
    {
        let others = if paths.len() > 1 { ", and no other watchPath covers it either" } else { "" };
        return failed(&scope.to_string(), format!("{}{others}", uncovered(subject, &scope.cover)));
    }
    let Some(trigger) = metadata.iter().find(|clause| subject.true_now(clause)) else {
        let why = untriggered(subject, first);
        let why = match operand {
            Operand::And if metadata.len() > 1 => {
                format!("{why}; AND needs a clause that this change made true, and there is none")
            }
            _ => why,
        };
        return failed(&first.text, why + unmoded(subject, paths));
    };
    let unmet = metadata.iter().find(|clause| !subject.true_now(clause) && !subject.holds(clause));
    match unmet.filter(|_| operand == Operand::And) {
        Some(clause) => failed(&clause.text, unheld(subject, clause)),
        None => Verdict::Fires { clause: one_line(&trigger.text).into_owned() },
    }
}

/// What is most often overlooked: a path without a mode says where metadata counts, and tells of no file.
fn unmoded(subject: &Subject<'_>, paths: &[PathClause]) -> &'static str {
    let moded = paths.is_empty() || paths.iter().any(|clause| clause.mode != Mode::Scope);
    match subject.action {
        _ if moded => "",
        Action::None => "",
        Action::Added => {
            "; and a watchPath without a mode tells of no added files: that takes a + or * before the path"
        }
        Action::Modified => {
            "; and a watchPath without a mode tells of no modified files: that takes a ~ or * before the path"
        }
        Action::Deleted => {
            "; and a watchPath without a mode tells of no deleted files: that takes a - or * before the path"
        }
    }
}

/// Why a path clause with a mode does not tell of the change.
fn unmonitored(subject: &Subject<'_>, clause: &PathClause) -> String {
    if !subject.covered(&clause.cover) {
        return uncovered(subject, &clause.cover);
    }
    let watched = Action::ALL.into_iter().filter(|action| clause.mode.includes(*action)).map(Action::as_str);
    let watched = watched.collect::<Vec<_>>().join(", ");
    match subject.action {
        Action::None => format!("only metadata changed, and it watches what is {watched}"),
        action => format!("action is {}, and it watches what is {watched}", action.as_str()),
    }
}

/// What a cover covers instead of the asset's path.
fn uncovered(subject: &Subject<'_>, cover: &Cover) -> String {
    let path = &*subject.path;
    let shown = one_line(&String::from_utf8_lossy(path)).into_owned();
    match cover {
        Cover::Under { path: top, itself: false } if top.as_bytes() == path => {
            format!("it covers only what is below {shown}")
        }
        Cover::Under { path: top, itself } => {
            let what = if *itself { "at or below" } else { "below" };
            format!("{shown} is not {what} {}", one_line(&top.display()))
        }
        Cover::Glob(glob) => {
            let slashes = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'/').count();
            let deeper = slashes(path) > slashes(glob.as_str().as_bytes());
            let star = if deeper && !glob.as_str().contains("**") { " (`*` stops at `/`, `**` does not)" } else { "" };
            format!("{shown} is not like {}{star}", one_line(glob.as_str()))
        }
    }
}

/// Why a metadata clause is not true of the change.
fn untriggered(subject: &Subject<'_>, clause: &MetadataClause) -> String {
    if let Some(touched) = subject.touched.iter().find(|touched| clause.keys.has(touched.key)) {
        return unmoved(touched, &clause.test);
    }
    let keys = keys_text(&clause.keys);
    let now = subject.held().find(|(key, _)| clause.keys.has(key));
    match (&clause.keys, now) {
        (Keys::One(_), Some((_, values))) => format!("the change left {keys} as it was: {}", list(values)),
        (Keys::One(_), None) if clause.test == Test::Removed => {
            format!("{keys} was absent before, too: nothing removed it")
        }
        (Keys::One(_), None) => format!("{keys} is absent"),
        (keys, _) if keys.is_any() => "the change touched no key".to_owned(),
        (Keys::Like(_), _) => format!("the change touched no key like {keys}"),
    }
}

/// Why a clause is not true of a key that the change touched.
fn unmoved(touched: &Touched<'_>, test: &Test) -> String {
    let key = one_line(touched.key);
    match test {
        Test::Given(_) if touched.now.is_empty() => format!("the change removed {key}"),
        Test::Given(value) => match touched.now.iter().find(|now| value.passes(now)) {
            // It passes, and was not given: it was there before.
            Some(before) => format!("{key} had {} before, too, so this change did not give it", shown(before)),
            None => is_not(&key, touched.now, value),
        },
        Test::Without(_) if touched.now.is_empty() => format!("the change removed {key}, and this asks for a value"),
        Test::Without(value) => has(&key, touched.now, value),
        Test::Removed => format!("{key} is not removed: it is {}", list(touched.now)),
        Test::AnyTouched => format!("the change touched {key}"),
    }
}

/// Why a clause does not hold on the asset as it stands.
fn unheld(subject: &Subject<'_>, clause: &MetadataClause) -> String {
    let keys = keys_text(&clause.keys);
    let Some((key, values)) = subject.held().find(|(key, _)| clause.keys.has(key)) else {
        return match &clause.keys {
            Keys::One(_) => format!("{keys} is absent"),
            Keys::Like(_) => format!("the asset has no key like {keys}"),
        };
    };
    let key = one_line(key);
    match &clause.test {
        Test::Given(value) => is_not(&key, values, value),
        Test::Without(value) => has(&key, values, value),
        Test::Removed | Test::AnyTouched => format!("{key} is {}", list(values)),
    }
}

/// That none of a key's values passes.
fn is_not(key: &str, values: ValueList<'_>, test: &ValueTest) -> String {
    let found = format!("{key} is {}", list(values));
    match test {
        ValueTest::Compare(comparison) if values.iter().all(|value| comparison.scale.read(value).is_none()) => {
            let scale = match comparison.scale {
                Scale::Number => "number",
                Scale::Date => "date",
            };
            format!("{found}, which is no {scale}")
        }
        ValueTest::Like(pattern) => format!("{found}, not {}", pattern_text(pattern)),
        ValueTest::OneOf(_) | ValueTest::Compare(_) | ValueTest::Matches(_) | ValueTest::Glob(_) => found,
    }
}

/// That one of a key's values passes where none may.
fn has(key: &str, values: ValueList<'_>, test: &ValueTest) -> String {
    let passing = values.iter().find(|value| test.passes(value));
    match passing {
        Some(value) if values.len() > 1 => format!("one of the values of {key} is {}", shown(value)),
        _ => format!("{key} is {}", list(values)),
    }
}

// Expressions.

/// What made an expression true: its alternative, where that is one comparison; else the whole.
fn doing(subject: &Subject<'_>, expr: &Expr, text: &str) -> String {
    match expr {
        Expr::Any(parts) => {
            let part = parts.iter().find(|part| subject.fires(part));
            part.map_or_else(|| one_line(text).into_owned(), |part| doing(subject, part, text))
        }
        Expr::Is(predicate) => predicate_text(predicate).into_owned(),
        Expr::All(_) | Expr::Not(_) => one_line(text).into_owned(),
    }
}

/// The first comparison that keeps an expression from being `wanted`, which it is not. None, when it has no comparison.
fn leaf(subject: &Subject<'_>, expr: &Expr, wanted: bool) -> Option<Verdict> {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => {
            let mut failing = parts.iter().filter(|part| subject.fires(part) != wanted);
            failing.find_map(|part| leaf(subject, part, wanted))
        }
        Expr::Not(part) => leaf(subject, part, !wanted),
        Expr::Is(predicate) => {
            let text = predicate_text(predicate);
            let clause = if wanted { text.into_owned() } else { format!("not {text}") };
            Some(Verdict::Failed { clause, why: found(subject, predicate, wanted) })
        }
    }
}

/// A question as it was written, or, where the tree does not keep that, as it could have been.
fn predicate_text(predicate: &Predicate) -> Cow<'_, str> {
    match predicate {
        Predicate::Action(actions) => Cow::Owned(actions_text(*actions)),
        Predicate::Path(Cover::Glob(glob)) => Cow::Owned(format!("path like \"{}\"", one_line(glob.as_str()))),
        Predicate::Path(Cover::Under { path, itself }) => {
            Cow::Owned(format!("path {}{}", one_line(&path.display()), if *itself { "" } else { "/" }))
        }
        Predicate::Changed(clause) | Predicate::Holds(clause) => one_line(&clause.text),
        Predicate::Touched { text, .. } | Predicate::Fact { text, .. } => one_line(text),
    }
}

fn actions_text(actions: Actions) -> String {
    let words: Vec<_> = Action::ALL.into_iter().filter(|action| actions.has(*action)).map(Action::as_str).collect();
    match words.as_slice() {
        [one] => format!("action == {one}"),
        several => format!("action in ({})", several.join(", ")),
    }
}

/// What was found where a question was answered wrongly.
fn found(subject: &Subject<'_>, predicate: &Predicate, wanted: bool) -> String {
    match predicate {
        Predicate::Action(_) => format!("action is {}", subject.action.as_str()),
        Predicate::Path(_) => format!("path is {}", one_line(&String::from_utf8_lossy(&subject.path))),
        Predicate::Changed(clause) if wanted => untriggered(subject, clause),
        Predicate::Holds(clause) if wanted => unheld(subject, clause),
        Predicate::Changed(clause) | Predicate::Holds(clause) => {
            let now = subject.held().find(|(key, _)| clause.keys.has(key));
            let absent = || format!("{} is absent", keys_text(&clause.keys));
            now.map_or_else(absent, |(key, values)| format!("{} is {}", one_line(key), list(values)))
        }
        Predicate::Touched { keys, .. } => match subject.touched.iter().find(|touched| keys.has(touched.key)) {
            Some(touched) => format!("the change touched {}", one_line(touched.key)),
            None => format!("the change did not touch {}", keys_text(keys)),
        },
        Predicate::Fact { test, .. } => fact(subject, test),
    }
}

/// A fact and its name.
fn fact(subject: &Subject<'_>, test: &FactTest) -> String {
    use super::condition::TextFact::{Dir, Ext, Mount, Name, Owner, Path, Tenant};
    match test {
        FactTest::Text(fact, _) => {
            let name = match fact {
                Path => "path",
                Name => "name",
                Ext => "ext",
                Dir => "dir",
                Owner => "owner",
                Mount => "mount",
                Tenant => "tenant",
            };
            format!("{name} is {}", shown(&subject.text(*fact)))
        }
        FactTest::Size(_) => format!("size is {} bytes", subject.facts.size),
        FactTest::Mtime(_) => format!("mtime is {}", Wall(subject.facts.mtime_ns.div_euclid(1_000_000))),
    }
}

// Words.

fn keys_text(keys: &Keys) -> Cow<'_, str> {
    match keys {
        Keys::One(key) => one_line(key),
        Keys::Like(pattern) => Cow::Owned(pattern_text(pattern)),
    }
}

fn pattern_text(pattern: &TextPattern) -> String {
    match pattern {
        TextPattern::Exact(text) => shown(text),
        TextPattern::Any | TextPattern::Pieces(_) => one_line(&pattern.written()).into_owned(),
    }
}

/// Values of a key that an explanation lists, at most, so that it fits a line; the rest are counted.
const LISTED_MAX: usize = 5;

/// Values, some of them when there are many.
fn list(values: ValueList<'_>) -> String {
    let mut out = values.iter().take(LISTED_MAX).map(shown).collect::<Vec<_>>().join(", ");
    if values.len() > LISTED_MAX {
        out.push_str(&format!(" and {} more", values.len() - LISTED_MAX));
    }
    out
}

/// A value; in quotes where its ends could not be seen.
fn shown(value: &str) -> String {
    let line = one_line(value);
    if value.is_empty() || value.trim() != value || value.contains(", ") {
        format!("\"{line}\"")
    } else {
        line.into_owned()
    }
}

/// Characters of a text that a line shows, at most: a value or a path may be very long. A longer one is cut, and ends
/// in dots.
const SHOWN_MAX: usize = 200;

/// A text as a part of one line: shortened, line ends made spaces, control characters escaped.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    let cut = text.char_indices().nth(SHOWN_MAX).map(|(at, _)| at);
    let part = &text[..cut.unwrap_or(text.len())];
    if cut.is_none() && !part.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(part.len());
    let mut characters = part.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\n' | '\r' | '\t' => {
                while characters.next_if(|c| c.is_whitespace()).is_some() {}
                out.push(' ');
            }
            c if is_hidden(c) => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    if cut.is_some() {
        out.push_str("...");
    }
    Cow::Owned(out)
}

/// Whether a character would steer a terminal, or turn the direction of the text around it.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
