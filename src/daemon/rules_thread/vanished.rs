//! Rule files that are suddenly gone or empty, where the rules in force came from them.
//!
//! An unmounted volume, a full disk that truncated a file, and a directory replaced by an empty one all look like an
//! operator who wants no rules. Each subscription that goes loses what it is owed, so such a set is not believed. An
//! operator says "no rules" with a comment: a file that holds anything but white space is taken at its word.

use crate::diagnostic::SourceFile;
use crate::rules::RuleSet;

/// Files that are named in the message; more are counted, so that the message stays one line of a log.
const NAMED_MAX: usize = 3;

/// Why the files of a new set are not believed, for people; `None` where they are. `before` are the files of the set in
/// force.
pub(super) fn vanished(in_force: &RuleSet, before: &[SourceFile], now: &[SourceFile]) -> Option<String> {
    let (subscriptions, events) = (in_force.rules().len(), in_force.events().len());
    if subscriptions + events == 0 {
        return None;
    }
    if now.is_empty() {
        return Some(format!(
            "there are no rule files any more. {}",
            remedy("put a file there that holds only a comment")
        ));
    }
    let had_content = |name: &str| before.iter().any(|file| file.name == name && !is_blank(file));
    let all_are_blank = now.iter().all(is_blank);
    let emptied: Vec<&str> = now
        .iter()
        .filter(|file| is_blank(file) && (all_are_blank || had_content(&file.name)))
        .map(|file| file.name.as_str())
        .collect();
    let (first, more) = emptied.split_at(emptied.len().min(NAMED_MAX));
    let (shown, are) = (first.join(", "), if emptied.len() == 1 { "is" } else { "are" });
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let remedy = remedy("remove the file, or write a comment in it");
    (!emptied.is_empty()).then(|| format!("{shown}{more} {are} empty. {remedy}"))
}

fn remedy(what: &str) -> String {
    format!("To have no rules there, {what}")
}

/// Whether a file holds nothing, not even a comment.
fn is_blank(file: &SourceFile) -> bool {
    file.text.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::{NAMED_MAX, vanished};
    use crate::diagnostic::SourceFile;
    use crate::rules::{RuleSet, load};

    const RULE: &str = "[[subscription]]\nname = 'a'\ncallback = 'http://h'\nwatchPath = ['* /']\n";
    const EVENT: &str = "[[event]]\nname = 'scanned'\n";

    fn files(texts: &[(&str, &str)]) -> Vec<SourceFile> {
        texts.iter().map(|(name, text)| SourceFile { name: (*name).into(), text: text.as_bytes().into() }).collect()
    }

    #[track_caller]
    fn check(before: &[(&str, &str)], now: &[(&str, &str)], expect: Option<&str>) {
        let before = files(before);
        let set = load(&before).set.expect("a good set");
        let why = vanished(&set, &before, &files(now));
        let begins = why.as_deref().map(|why| why.split_once(". ").map_or(why, |(what, _)| what));
        assert_eq!(begins, expect);
    }

    #[test]
    fn what_an_accident_leaves_is_not_believed_and_what_an_operator_writes_is() {
        let gone = Some("there are no rule files any more");
        check(&[("a", RULE)], &[], gone);
        check(&[("a", EVENT)], &[], gone);
        check(&[("a", RULE)], &[("a", "")], Some("a is empty"));
        check(&[("a", RULE)], &[("a", " \n\t")], Some("a is empty"));
        check(&[("a", RULE)], &[("b", "")], Some("b is empty"));
        check(&[("a", RULE), ("b", EVENT)], &[("a", ""), ("b", "")], Some("a, b are empty"));
        let named = ["a", "b", "c"].map(|name| (name, ""));
        assert_eq!(named.len(), NAMED_MAX);
        check(&[("a", RULE)], &named, Some("a, b, c are empty"));
        check(&[("a", RULE)], &[&named[..], &[("d", "")]].concat(), Some("a, b, c and 1 more are empty"));
        // One of several files was truncated.
        check(&[("a", RULE), ("b", EVENT)], &[("a", ""), ("b", EVENT)], Some("a is empty"));
        check(&[("a", RULE), ("b", "# none")], &[("a", RULE), ("b", "")], Some("b is empty"));

        check(&[("a", RULE)], &[("a", "# none")], None);
        check(&[("a", RULE), ("b", EVENT)], &[("b", EVENT)], None);
        check(&[("a", RULE), ("b", "")], &[("a", RULE), ("b", "")], None);
        check(&[("a", RULE)], &[("a", RULE), ("b", "")], None);
        check(&[("a", "# none")], &[], None);
        check(&[("a", RULE)], &[("a", EVENT)], None);
        assert_eq!(vanished(&RuleSet::empty(), &[], &[]), None, "the very first start");
    }
}
