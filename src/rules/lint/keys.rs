//! Metadata keys that look like one of a file's and that no file has: a mistyped `IPTC_Ctiy` never fires.
//!
//! Keys without such a beginning are the store's own, and it may give any.

use std::collections::HashSet;

use super::{Notes, Placed};
use crate::diagnostic::Code;
use crate::model::keys;
use crate::model::metadata::is_physical;
use crate::model::nearest::nearest;
use crate::rules::Rule;
use crate::rules::condition::{Keys, Written};

/// Keys of one set of rules, at most, for which the nearest known one is searched: a set of 100,000 rules with as many
/// keys of their own is linted at each edit.
pub(super) const SEARCHED_MAX: usize = 100;

/// The groups of keys that files give, each with whether its names are all known: anybody may add names to the others.
const GROUPS: [(&str, bool); 8] = [
    ("IPTC_", true),
    ("EXIF_", true),
    ("GPS_", true),
    ("XMP_", false),
    ("QuickTime_", false),
    ("RIFF_", false),
    ("IXML_", false),
    ("PNG_", false),
];

/// What has been found of the keys so far.
#[derive(Default)]
pub(super) struct Seen {
    unknown: HashSet<String>,
}

pub(super) fn lint(rule: &Rule, at: &Placed, seen: &mut Seen, notes: &mut Notes) {
    match rule.condition.written() {
        Written::Clauses { metadata, .. } => {
            for (clause, span) in metadata.iter().zip(&at.spans.metadata) {
                if let Keys::One(key) = &clause.keys {
                    check(key, at, span, seen, notes);
                }
            }
        }
        Written::When { expr, .. } => expr.each_keys(&mut |keys| {
            if let Keys::One(key) = keys {
                check(key, at, &at.spans.when, seen, notes);
            }
        }),
        Written::Nothing => {}
    }
}

fn check(key: &str, at: &Placed, span: &std::ops::Range<usize>, seen: &mut Seen, notes: &mut Notes) {
    if is_physical(key) || keys::is_known_key(key) {
        return;
    }
    let begins = |group: &str| key.get(..group.len()).is_some_and(|head| head.eq_ignore_ascii_case(group));
    let Some((group, is_closed)) = GROUPS.into_iter().find(|(group, _)| begins(group)) else { return };
    let is_searched = seen.unknown.len() < SEARCHED_MAX || seen.unknown.contains(key);
    let meant = keys::alias(key).or_else(|| {
        let known: Vec<&str> = keys::known().map(|key| key.name).filter(|name| name.starts_with(group)).collect();
        nearest(key, &known).filter(|_| is_searched)
    });
    seen.unknown.insert(key.to_owned());
    if meant.is_none() && !is_closed {
        return;
    }
    let message = format!("no file and no sidecar gives a key `{key}`");
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("`ringback inspect --keys` lists the keys that begin with {group}; records may give any other"),
    };
    notes.warn(Code::UnknownMetadataKey, at, span, message, "in no file", help);
}
