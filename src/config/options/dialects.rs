//! `[dialect.NAME]` as written.

use std::collections::BTreeMap;

use super::or_noted;
use crate::diagnostic::Code;
use crate::diagnostic::document::{Faults, Table, Text};
use crate::model::dialects::DialectSettings;
use crate::model::event::Dialect;
use crate::model::path::LogicalPath;

/// The most delays of a schedule, as of a rule file's.
const DELAYS_MAX: usize = 100;
/// The most paths of a collection: each is a clause of the subscriptions to it.
const COLLECTION_PATHS_MAX: usize = 100;
/// The longest name of a collection, in bytes: it stands in each link.
const COLLECTION_NAME_MAX: usize = 64;

/// What no collection may be called: the first parts of other paths of the API, and the collection that there always
/// is.
const RESERVED: [&str; 13] = [
    DialectSettings::ASSETS,
    "console",
    "v1",
    "app",
    "rest",
    "review",
    "properties",
    "callbacks",
    "audit_events",
    "metrics",
    "healthz",
    "readyz",
    "openapi.json",
];

/// What is written of all dialects. What is not written is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DialectOptions {
    /// `retry` of each, milliseconds: 1 to 100 delays.
    pub retry_ms: BTreeMap<Dialect, Vec<u64>>,
    /// `unknown_types` of reactor is `"accept"`.
    pub takes_unknown_types: bool,
    /// `collections` of hal.
    pub collections: BTreeMap<String, Vec<String>>,
}

/// The heading of a dialect's table.
fn heading(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Zoom => "[dialect.zoom]",
        Dialect::Reactor => "[dialect.reactor]",
        Dialect::Eqp => "[dialect.eqp]",
        Dialect::Hal => "[dialect.hal]",
        Dialect::Compendium => "[dialect.compendium]",
    }
}

/// Reads `[dialect]`.
pub(super) fn dialects(all: &Table<'_, '_>, faults: &mut Faults<'_>) -> DialectOptions {
    all.only(&Dialect::ALL.map(Dialect::as_str), faults);
    let mut options = DialectOptions::default();
    for dialect in Dialect::ALL {
        let Some(table) = all.table(dialect.as_str(), heading(dialect), faults) else { continue };
        let known: &[&str] = match dialect {
            Dialect::Reactor => &["retry", "unknown_types"],
            Dialect::Hal => &["retry", "collections"],
            _ => &["retry"],
        };
        table.only(known, faults);
        if let Some(delays) = retry(&table, faults) {
            options.retry_ms.insert(dialect, delays);
        }
        if dialect == Dialect::Reactor {
            let words = [("refuse", false), ("accept", true)];
            options.takes_unknown_types = table.word("unknown_types", &words, faults).unwrap_or_default();
        }
        if dialect == Dialect::Hal
            && let Some(table) = table.table("collections", "[dialect.hal.collections]", faults)
        {
            options.collections = collections(&table, faults);
        }
    }
    options
}

fn retry(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<Vec<u64>> {
    let delays = table.durations_ms("retry", faults)?;
    if (1..=DELAYS_MAX).contains(&delays.len()) {
        return Some(delays);
    }
    let message = format!("`retry` takes 1 to {DELAYS_MAX} delays");
    let help = "each is counted from the failure before it, such as retry = [\"1m\", \"5m\", \"30m\"]";
    faults.error(Code::OutOfRange, table.key_span("retry"), message, "").help(help);
    None
}

fn collections(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> BTreeMap<String, Vec<String>> {
    let mut collections = BTreeMap::new();
    for (name, paths) in table.lists(faults) {
        let is_named = or_noted(check_name(name.value), Code::BadName, &name, "such as items", faults).is_some();
        if !(1..=COLLECTION_PATHS_MAX).contains(&paths.len()) {
            let message = format!("a collection has 1 to {COLLECTION_PATHS_MAX} paths");
            let help = "it has what lies at or below them, such as items = [\"/acme/items\"]";
            faults.error(Code::OutOfRange, name.span.clone(), message, "").help(help);
        }
        let paths = paths.iter().filter_map(|text| path(text, faults)).collect();
        if is_named {
            collections.insert(name.value.to_owned(), paths);
        }
    }
    collections
}

fn check_name(name: &str) -> Result<(), String> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if RESERVED.contains(&name) {
        return Err(format!("no collection can be called `{name}`: the API has this path already"));
    }
    match (1..=COLLECTION_NAME_MAX).contains(&name.len()) && name.bytes().all(is_word) {
        true => Ok(()),
        false => Err(format!("the name of a collection is 1 to {COLLECTION_NAME_MAX} letters, digits, `_` and `-`")),
    }
}

/// A logical path, as it is: nothing in it is a glob.
fn path(text: &Text<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let parsed = match LogicalPath::parse(text.value.as_bytes()) {
        Err(error) => Err(error.to_string()),
        Ok(_) if text.value.contains(['*', '?', '[', '{', '\\']) => {
            Err("the path of a collection has none of `*`, `?`, `[`, `{` and `\\`".to_owned())
        }
        Ok(path) => Ok(path.to_string()),
    };
    let help = "write a logical path, such as \"/acme/items\": the collection has what lies at or below it";
    or_noted(parsed, Code::BadPath, text, help, faults).map(|written| written.value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::read;
    use super::{COLLECTION_NAME_MAX, COLLECTION_PATHS_MAX, DELAYS_MAX, DialectOptions, RESERVED};
    use crate::diagnostic::{Code, SourceFile};
    use crate::model::event::Dialect;

    fn options(text: &str) -> (DialectOptions, Vec<Code>) {
        let file = SourceFile { name: "a.toml".into(), text: text.as_bytes().into() };
        let (options, diagnostics) = read(&file);
        (options.dialects, diagnostics.iter().map(|diagnostic| diagnostic.code).collect())
    }

    #[test]
    fn each_dialect_has_its_keys() {
        let text = "[dialect.zoom]\nretry = ['2m']\n[dialect.reactor]\nretry = ['1s', '2s']\nunknown_types = 'accept'\n\
                    [dialect.eqp]\n[dialect.hal]\ncollections = {items = ['/acme/items', '//acme//more/']}\n\
                    [dialect.compendium]\nretry = ['0s']\n";
        let retry_ms =
            [(Dialect::Zoom, vec![120_000]), (Dialect::Reactor, vec![1_000, 2_000]), (Dialect::Compendium, vec![0])];
        let paths = ["/acme/items", "/acme/more"].map(str::to_owned).to_vec();
        let expect = DialectOptions {
            retry_ms: retry_ms.into(),
            takes_unknown_types: true,
            collections: BTreeMap::from([("items".to_owned(), paths)]),
        };
        assert_eq!(options(text), (expect, vec![]));
        assert!(!options("[dialect.reactor]\nunknown_types = 'refuse'\n").0.takes_unknown_types);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        use Code::*;
        let long = "n".repeat(COLLECTION_NAME_MAX + 1);
        for (text, expect) in [
            ("[dialect.zom]\n", &[UnknownKey][..]),
            ("[dialect.zoom]\nunknown_types = 'accept'\n", &[UnknownKey]),
            ("[dialect.eqp]\ncollections = {}\n", &[UnknownKey]),
            ("[dialect.eqp]\nretry = '1m'\n", &[WrongType]),
            ("[dialect.eqp]\nretry = []\n", &[OutOfRange]),
            ("[dialect.reactor]\nunknown_types = 'take'\n", &[UnknownWord]),
            ("[dialect.hal]\ncollections = ['/acme']\n", &[WrongType]),
            ("[dialect.hal]\ncollections = {items = '/acme'}\n", &[WrongType]),
            ("[dialect.hal]\ncollections = {items = []}\n", &[OutOfRange]),
            ("[dialect.hal]\ncollections = {items = ['acme', '/a/*']}\n", &[BadPath, BadPath]),
            ("[dialect.hal]\ncollections = {'a b' = ['/a'], '..' = ['/a']}\n", &[BadName, BadName]),
            (&format!("[dialect.hal]\ncollections = {{{long} = ['/a']}}\n"), &[BadName]),
        ] {
            assert_eq!(options(text).1, expect, "{text}");
        }
        for name in RESERVED {
            let text = format!("[dialect.hal]\ncollections = {{'{name}' = ['/a']}}\n");
            assert_eq!(options(&text), (DialectOptions::default(), vec![BadName]), "{name}");
        }
    }

    #[test]
    fn as_much_as_the_limits_is_taken() {
        for (delays, paths, expect) in [
            (DELAYS_MAX, COLLECTION_PATHS_MAX, &[][..]),
            (DELAYS_MAX + 1, COLLECTION_PATHS_MAX + 1, &[Code::OutOfRange, Code::OutOfRange]),
        ] {
            let name = "n".repeat(COLLECTION_NAME_MAX);
            let (delays, paths) = ("'1m', ".repeat(delays), "'/a', ".repeat(paths));
            let text = format!("[dialect.hal]\nretry = [{delays}]\ncollections = {{{name} = [{paths}]}}\n");
            assert_eq!(options(&text).1, expect);
        }
    }
}
