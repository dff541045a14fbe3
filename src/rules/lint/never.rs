//! Clauses that can never be true, because another that is joined to them by AND says the opposite.

use std::collections::HashMap;

use super::{Notes, Placed};
use crate::diagnostic::Code;
use crate::rules::Rule;
use crate::rules::condition::{
    Cover, Expr, FactTest, Keys, MetadataClause, Operand, Predicate, Test, TextFact, ValueTest, Written,
};
use crate::rules::pattern::TextPattern;

/// Clauses on one key that a later one is compared with, at most, so that a rule with thousands does not take quadratic
/// time. Past it an opposite is not found.
pub(super) const COMPARED_MAX: usize = 64;

pub(super) fn lint(rule: &Rule, at: &Placed, notes: &mut Notes) {
    match rule.condition.written() {
        Written::Clauses { metadata, operand: Operand::And, .. } if metadata.len() > 1 => {
            let clauses: Vec<&MetadataClause> = metadata.iter().map(|clause| &**clause).collect();
            for (earlier, later) in opposites(&clauses) {
                let message = format!(
                    "`{}` and `{}` are never both true, so with AND the metadata clauses never fire",
                    clauses[earlier].text, clauses[later].text
                );
                let help = "remove one of them, or join them with logicalOperand = \"OR\"";
                let span = at.spans.metadata.get(later).unwrap_or(&at.spans.name);
                notes.warn(Code::NeverTrue, at, span, message, "never true beside the other", help);
            }
        }
        Written::When { expr, .. } => {
            if let Some(why) = impossible(expr) {
                let message = format!("a part of this `when` can never be true: {why}");
                let help = "remove that part, or join it with `or`";
                notes.warn(Code::NeverTrue, at, &at.spans.when, message, "partly never true", help);
            }
        }
        Written::Clauses { .. } | Written::Nothing => {}
    }
}

/// Pairs of clauses that no state of an asset makes true together; for each clause its first opposite alone.
fn opposites(clauses: &[&MetadataClause]) -> Vec<(usize, usize)> {
    let mut by_key: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut found = Vec::new();
    for (index, clause) in clauses.iter().enumerate() {
        let Keys::One(key) = &clause.keys else { continue };
        let earlier = by_key.entry(key).or_default();
        found.extend(
            earlier.iter().find(|one| are_opposite(&clauses[**one].test, &clause.test)).map(|one| (*one, index)),
        );
        if earlier.len() < COMPARED_MAX {
            earlier.push(index);
        }
    }
    found
}

/// Of one key: whether no values that it may have satisfy both.
fn are_opposite(a: &Test, b: &Test) -> bool {
    match (a, b) {
        // The one needs the key to have a value, the other to have none.
        (Test::Removed, Test::Given(_) | Test::Without(_)) | (Test::Given(_) | Test::Without(_), Test::Removed) => true,
        (Test::Given(value), Test::Without(not)) | (Test::Without(not), Test::Given(value)) => value == not,
        _ => false,
    }
}

/// Why some part of an expression is never true.
fn impossible(expr: &Expr) -> Option<String> {
    match expr {
        Expr::All(parts) => {
            let mut predicates = Vec::new();
            flatten(parts, &mut predicates);
            contradiction(&predicates).or_else(|| parts.iter().find_map(impossible))
        }
        Expr::Any(parts) => parts.iter().find_map(impossible),
        // Where it is never true this is always true: perhaps odd, but not this lint's.
        Expr::Not(_) | Expr::Is(_) => None,
    }
}

fn flatten<'e>(parts: &'e [Expr], out: &mut Vec<&'e Predicate>) {
    for part in parts {
        match part {
            Expr::All(inner) => flatten(inner, out),
            Expr::Is(predicate) => out.push(predicate),
            Expr::Any(_) | Expr::Not(_) => {}
        }
    }
}

/// Why questions are never all answered by yes.
fn contradiction(predicates: &[&Predicate]) -> Option<String> {
    let actions = predicates.iter().filter_map(|predicate| match predicate {
        Predicate::Action(actions) => Some(actions.bits()),
        _ => None,
    });
    if actions.reduce(|a, b| a & b) == Some(0) {
        return Some("no action is all of those that it asks for".into());
    }
    let clauses: Vec<&MetadataClause> = predicates
        .iter()
        .filter_map(|predicate| match predicate {
            Predicate::Changed(clause) | Predicate::Holds(clause) => Some(&**clause),
            _ => None,
        })
        .collect();
    if let Some((a, b)) = opposites(&clauses).first() {
        return Some(format!("`{}` and `{}` exclude each other", clauses[*a].text, clauses[*b].text));
    }
    let mut tops = predicates.iter().filter_map(|predicate| match predicate {
        Predicate::Path(Cover::Under { path, .. }) => Some(path),
        _ => None,
    });
    if let Some(first) = tops.next()
        && let Some(other) = tops.find(|path| *path != first && !path.is_below(first) && !first.is_below(path))
    {
        return Some(format!("no path is under both {first} and {other}"));
    }
    let mut texts: HashMap<TextFact, (Vec<&str>, &str)> = HashMap::new();
    for predicate in predicates {
        let Predicate::Fact { test, text } = predicate else { continue };
        let FactTest::Text(fact, test) = &**test else { continue };
        let allowed: Vec<&str> = match test {
            ValueTest::Like(TextPattern::Exact(exact)) => vec![exact],
            ValueTest::OneOf(values) => values.iter().map(|value| &**value).collect(),
            _ => continue,
        };
        let (before, first) = texts.entry(*fact).or_insert_with(|| (allowed.clone(), text));
        before.retain(|value| allowed.contains(value));
        if before.is_empty() {
            return Some(format!("`{first}` and `{text}` exclude each other"));
        }
    }
    None
}
