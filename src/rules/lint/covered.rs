//! Rules that another one covers, and targets that are called twice.
//!
//! Rules are compared only when they call the same target with the same headers, format and fields and have the same
//! metadata clauses or the same `when`. Among those a rule is filed under each of its paths, and another is looked for
//! under the directories above its own first path; so a set is gone through once, whatever its size.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Notes, Placed};
use crate::diagnostic::Code;
use crate::model::format::Format;
use crate::model::subscription::{Field, Lifetime, Method};
use crate::model::tenant::Tenant;
use crate::rules::Rule;
use crate::rules::condition::{Cover, Mode, Operand, PathClause, Written};

/// Rules that are filed under one path, or compared of those with one `when`, at most, so that a set of alike rules is
/// gone through in linear time: those that have the very same path cover each other, mostly. Past it a rule is not
/// found to cover.
pub(super) const FILED_MAX: usize = 8;
/// Paths of one rule that are compared, at most, so that rules with thousands of paths do not take quadratic time. Past
/// it no rule is found to be covered by them.
pub(super) const PATHS_MAX: usize = 64;

/// What rules must have in common to be compared.
#[derive(PartialEq, Eq, Hash)]
struct Group<'r> {
    method: &'static str,
    url: &'r str,
    headers: &'r [(String, String)],
    format: Format,
    fields: &'r [Field],
    /// Sorted.
    metadata: Vec<&'r str>,
    and: bool,
    when: Option<&'r str>,
}

pub(super) fn lint(rules: &[Rule], placed: &[Placed], notes: &mut Notes) {
    let mut groups: HashMap<Group<'_>, Vec<usize>> = HashMap::new();
    for (index, rule) in rules.iter().enumerate() {
        if let Some(group) = group(rule) {
            groups.entry(group).or_default().push(index);
        }
    }
    let mut covered_by: Vec<Option<usize>> = vec![None; rules.len()];
    for (group, members) in groups.iter().filter(|(_, members)| members.len() > 1) {
        if group.when.is_some() {
            for (nth, index) in members.iter().enumerate() {
                let mut earlier = members[..nth.min(FILED_MAX)].iter();
                covered_by[*index] = earlier.find(|by| tells_all_of(&rules[**by], &rules[*index])).copied();
            }
            continue;
        }
        let filed = File::new(members, rules);
        for index in members {
            covered_by[*index] = filed.coverer(*index, rules);
        }
    }
    let mut first: HashMap<(Method, &str), usize> = HashMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let (name, at) = (&rule.subscription.name, &placed[index]);
        let target = &rule.subscription.target;
        let first = match first.entry((target.method, target.url.as_str())) {
            Entry::Vacant(free) => *free.insert(index),
            Entry::Occupied(taken) => *taken.get(),
        };
        if let Some(by) = covered_by[index] {
            let by = &rules[by].subscription.name;
            let message = format!("the rule `{name}` is covered by `{by}`, which tells the same target all of it");
            let help = format!("remove one of the two, or have `{name}` call another target");
            notes.warn(Code::Covered, at, &at.spans.name, message, "told twice", help);
        } else if first != index {
            let other = &rules[first].subscription.name;
            let message = format!("`{name}` calls the same target as `{other}`");
            let help = "the receiver tells them apart by `id`; if one of the callbacks is a slip, correct it";
            notes.warn(Code::DuplicateTarget, at, &at.spans.callback, message, "called twice", help);
        }
    }
}

fn group(rule: &Rule) -> Option<Group<'_>> {
    let subscription = &rule.subscription;
    let (mut metadata, and, when) = match rule.condition.written() {
        Written::Clauses { metadata, operand, .. } => {
            let texts: Vec<&str> = metadata.iter().map(|clause| &*clause.text).collect();
            let and = *operand == Operand::And && texts.len() > 1;
            (texts, and, None)
        }
        Written::When { text, .. } => (Vec::new(), false, Some(&**text)),
        Written::Nothing => return None,
    };
    metadata.sort_unstable();
    Some(Group {
        method: subscription.target.method.as_str(),
        url: subscription.target.url.as_str(),
        headers: &subscription.target.headers,
        format: subscription.format,
        fields: &subscription.fields,
        metadata,
        and,
        when,
    })
}

/// The rules of a group, by their paths.
struct File<'r> {
    under: HashMap<&'r [u8], Vec<usize>>,
    globs: HashMap<&'r str, Vec<usize>>,
    /// Those without any path.
    everywhere: Vec<usize>,
}

impl<'r> File<'r> {
    fn new(members: &[usize], rules: &'r [Rule]) -> Self {
        let mut file = Self { under: HashMap::new(), globs: HashMap::new(), everywhere: Vec::new() };
        for index in members {
            let paths = paths(&rules[*index]);
            for clause in paths.iter().take(PATHS_MAX) {
                let filed = match &clause.cover {
                    Cover::Under { path, .. } => file.under.entry(path.as_bytes()).or_default(),
                    Cover::Glob(glob) => file.globs.entry(glob.as_str()).or_default(),
                };
                if filed.len() < FILED_MAX && filed.last() != Some(index) {
                    filed.push(*index);
                }
            }
            if paths.is_empty() && file.everywhere.len() < FILED_MAX {
                file.everywhere.push(*index);
            }
        }
        file
    }

    /// The first rule that covers this one; of two that cover each other the earlier.
    fn coverer(&self, index: usize, rules: &[Rule]) -> Option<usize> {
        let rule = &rules[index];
        let mut candidates = self.everywhere.clone();
        if let Some(first) = paths(rule).first() {
            let (glob, path) = match &first.cover {
                Cover::Under { path, .. } => (None, path.as_bytes()),
                Cover::Glob(glob) => (Some(glob.as_str()), glob.prefix()),
            };
            candidates.extend(glob.and_then(|glob| self.globs.get(glob)).into_iter().flatten());
            candidates.extend(self.under.get(path).into_iter().flatten());
            for (slash, _) in path.iter().enumerate().filter(|(_, b)| **b == b'/') {
                let above = if slash == 0 { &path[..1] } else { &path[..slash] };
                candidates.extend(self.under.get(above).into_iter().flatten());
            }
        }
        let covers =
            |by: usize, index: usize| tells_all_of(&rules[by], &rules[index]) && covers(&rules[by], &rules[index]);
        let mut candidates = candidates.into_iter().filter(|by| *by != index && covers(*by, index));
        candidates.find(|by| *by < index || !covers(index, *by))
    }
}

fn paths(rule: &Rule) -> &[PathClause] {
    match rule.condition.written() {
        Written::Clauses { paths, .. } => paths,
        Written::When { .. } | Written::Nothing => &[],
    }
}

/// Whether whoever `by` calls hears all that `rule` is for, as far as policy goes.
fn tells_all_of(by: &Rule, rule: &Rule) -> bool {
    let (by, rule) = (&by.subscription, &rule.subscription);
    let tenant: Option<&Tenant> = by.tenant.as_ref();
    !by.is_held()
        && by.lifetime == Lifetime::Continuous
        && (tenant.is_none() || tenant == rule.tenant.as_ref())
        && rule.events.iter().all(|event| by.events.contains(event))
}

/// Whether `by` fires wherever `rule` does. Their metadata clauses are the same.
fn covers(by: &Rule, rule: &Rule) -> bool {
    let (by_paths, rule_paths) = (paths(by), paths(rule));
    let monitors = rule_paths.iter().filter(|clause| clause.mode != Mode::Scope).take(PATHS_MAX + 1);
    let monitored = monitors.clone().count() <= PATHS_MAX
        && monitors.clone().all(|clause| {
            let wide = |other: &&PathClause| {
                let actions = clause.mode.actions().bits();
                other.mode.actions().bits() & actions == actions
            };
            by_paths.iter().take(PATHS_MAX).filter(wide).any(|other| is_within(&clause.cover, &other.cover))
        });
    let has_metadata = matches!(rule.condition.written(), Written::Clauses { metadata, .. } if !metadata.is_empty());
    let in_scope = !has_metadata
        || by_paths.is_empty()
        || (!rule_paths.is_empty()
            && rule_paths.len() <= PATHS_MAX
            && rule_paths
                .iter()
                .all(|clause| by_paths.iter().take(PATHS_MAX).any(|other| is_within(&clause.cover, &other.cover))));
    monitored && in_scope
}

/// Whether all that `inner` covers is certainly covered by `outer`.
fn is_within(inner: &Cover, outer: &Cover) -> bool {
    match (inner, outer) {
        (Cover::Under { path, itself }, Cover::Under { path: top, itself: with_top }) => {
            path.is_below(top) || (path == top && (*with_top || !*itself))
        }
        (Cover::Glob(glob), Cover::Under { path: top, .. }) => {
            let rest = glob.prefix().strip_prefix(top.as_bytes());
            rest.is_some_and(|rest| top.is_root() || rest.starts_with(b"/"))
        }
        (Cover::Glob(inner), Cover::Glob(outer)) => inner == outer,
        (Cover::Under { .. }, Cover::Glob(_)) => false,
    }
}
