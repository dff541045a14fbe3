//! The admin's own cases: what must fire on a change, and what must not.
//!
//! Texts of case files become [`Case`]s, checked against the rules that they are about; [`Case::run`] says how a case
//! fared. Nothing here reads a file or a clock.
//!
//! ```toml
//! [[case]]
//! name = "five stars in San Francisco"
//! asset = { path = "/acme/dailies/a.mov", metadata = { IPTC_City = ["SFO"] } }   # before the change
//! change = { action = "none", set = { Rating = ["5"] }, unset = [] }
//! fires = ["sfo-dailies"]                      # these at least; `[]`: none. Also not_fires, and only: exactly these
//! ```
//!
//! In the place of `change` and what fires, `steps` is a list of both: each step begins with what the step before it
//! left.

use std::collections::BTreeSet;
use std::ops::Range;

use super::RuleSet;
use super::explain::{Verdict, explain_rule};
use super::supposed::{About, Supposed};
use super::value::ns_of_date;
use crate::diagnostic::document::{Faults, Table, Text, walk};
use crate::diagnostic::{Code, Diagnostic, SourceFile};
use crate::model::change::Action;
use crate::model::metadata::{Metadata, Values, nfc};
use crate::model::nearest::nearest;
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

const KEYS: [&str; 7] = ["name", "asset", "change", "fires", "not_fires", "only", "steps"];
const STEP_KEYS: [&str; 4] = ["change", "fires", "not_fires", "only"];
const ASSET_KEYS: [&str; 5] = ["path", "metadata", "size", "mtime", "owner"];
const CHANGE_KEYS: [&str; 4] = ["action", "set", "unset", "time"];

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What the admin calls it.
    pub name: String,
    /// [`SourceFile::name`] of its file.
    pub file: String,
    /// Where it begins, in bytes of the file.
    pub span: Range<usize>,
    steps: Vec<Step>,
    /// It is written as `steps`.
    is_sequence: bool,
}

/// One change, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    supposed: Supposed,
    expected: Expected,
}

/// Which rules are to fire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Expected {
    fires: BTreeSet<String>,
    not_fires: BTreeSet<String>,
    /// Nothing but `fires` may.
    is_exact: bool,
}

/// What came of reading case files.
#[derive(Debug)]
pub struct Read {
    /// The cases, in the order of files and places. One that is wrong is left out: the diagnostics block.
    pub cases: Vec<Case>,
    /// Everything that is wrong, in the same order.
    pub diagnostics: Vec<Diagnostic>,
}

/// How a case fared. It passes when nothing is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fared {
    /// The rules that fired and should not have, with the clause that did it.
    pub unexpected: Vec<Unexpected>,
    /// The rules that should have fired and did not, and why.
    pub missing: Vec<Missing>,
}

/// A rule that fired and should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexpected {
    /// The step, from 1, of a case that is written as `steps`.
    pub step: Option<usize>,
    /// Its name.
    pub name: String,
    /// The clause that did it.
    pub clause: String,
}

/// A rule that should have fired and did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The step, from 1, of a case that is written as `steps`.
    pub step: Option<usize>,
    /// Its name.
    pub name: String,
    /// The first clause that failed.
    pub clause: String,
    /// What was found instead.
    pub why: String,
}

impl Fared {
    /// Returns whether everything was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.unexpected.is_empty() && self.missing.is_empty()
    }
}

/// Reads case files. `now` is when their changes happen, unless a case says another `time`.
#[must_use]
pub fn read(files: &[SourceFile], rules: &RuleSet, now: Wall) -> Read {
    let names: Vec<&str> = rules.rules().iter().map(|rule| rule.subscription.name.as_str()).collect();
    let mut read = Read { cases: Vec::new(), diagnostics: Vec::new() };
    for file in files {
        read.diagnostics.extend(walk(file, |top, faults| {
            top.only(&["case"], faults);
            for table in top.tables("case", "[[case]]", faults) {
                read.cases.extend(case(&table, file, &names, now, faults));
            }
        }));
    }
    read
}

impl Case {
    /// Tries all rules on each of the case's changes.
    #[must_use]
    pub fn run(&self, rules: &RuleSet) -> Fared {
        let mut fared = Fared::default();
        for (Step { supposed, expected }, number) in self.steps.iter().zip(1..) {
            let step = self.is_sequence.then_some(number);
            let subject = supposed.subject();
            for rule in rules.rules() {
                let name = rule.subscription.name.as_str();
                let (may, must) = (expected.allows(name), expected.fires.contains(name));
                // What may be either way need not be explained.
                if may && !must {
                    continue;
                }
                match explain_rule(&subject, rules, rule) {
                    Verdict::Fires { clause } if !may => {
                        fared.unexpected.push(Unexpected { step, name: name.to_owned(), clause });
                    }
                    Verdict::Failed { clause, why } if must => {
                        fared.missing.push(Missing { step, name: name.to_owned(), clause, why });
                    }
                    Verdict::Fires { .. } | Verdict::Failed { .. } => {}
                }
            }
        }
        fared
    }
}

impl Expected {
    /// Returns whether a rule may fire.
    fn allows(&self, name: &str) -> bool {
        self.fires.contains(name) || !(self.is_exact || self.not_fires.contains(name))
    }
}

fn case(table: &Table<'_, '_>, file: &SourceFile, names: &[&str], now: Wall, faults: &mut Faults<'_>) -> Option<Case> {
    let before = faults.count();
    let meant = table.only(&KEYS, faults);
    table.missing("name", "name = \"five stars in San Francisco\"", &meant, faults);
    table.missing("asset", "asset = { path = \"/acme/dailies/a.mov\" }", &meant, faults);
    let name = table.string("name", faults).map(|text| text.value.to_owned());
    let asset = table.table("asset", "asset = { ... }", faults).and_then(|asset| self::asset(&asset, now, faults));
    let is_sequence = table.has("steps");
    let written = if is_sequence {
        for key in STEP_KEYS.into_iter().filter(|key| table.has(key)) {
            let message = format!("`{key}` stands beside `steps`");
            let help = format!(
                "write it in a step: steps = [{{ change = {{ ... }}, fires = [...] }}]; each has its own `{key}`"
            );
            faults.error(Code::KeysExclude, table.key_span(key), message, "not beside `steps`").help(help);
        }
        let tables = table.tables("steps", "steps = [{ change = { ... }, fires = [...] }]", faults);
        if tables.is_empty() && faults.count() == before {
            let help = "steps = [{ change = { ... }, fires = [...] }]";
            faults.error(Code::OutOfRange, table.key_span("steps"), "there is no step", "").help(help);
        }
        let mut written = Vec::new();
        for table in tables {
            let meant = table.only(&STEP_KEYS, faults);
            written.extend(written_step(&table, &meant, names, faults));
        }
        written
    } else {
        written_step(table, &meant, names, faults).into_iter().collect()
    };
    let (name, asset) = (name?, asset?);
    if faults.count() > before {
        return None;
    }
    let steps = steps(asset, written, faults);
    (faults.count() == before).then(|| Case {
        name,
        file: file.name.clone(),
        span: table.span.clone(),
        steps,
        is_sequence,
    })
}

/// A change as written, and what is expected of it.
struct WrittenStep {
    span: Range<usize>,
    change: Written,
    expected: Expected,
}

fn written_step(table: &Table<'_, '_>, meant: &[&str], names: &[&str], faults: &mut Faults<'_>) -> Option<WrittenStep> {
    table.missing("change", "change = { set = { Rating = [\"5\"] } }", meant, faults);
    if !["not_fires", "only"].iter().any(|key| table.has(key) || meant.contains(key)) {
        let example =
            "fires = [\"sfo-dailies\"], or fires = [] for none, or only = [\"sfo-dailies\"] for exactly these";
        table.missing("fires", example, meant, faults);
    }
    let expected = expected(table, names, faults);
    let change = table.table("change", "change = { ... }", faults).map(|change| self::change(&change, faults));
    Some(WrittenStep { span: table.span.clone(), change: change?, expected })
}

/// The changes, each on the asset as the one before it left it.
fn steps(asset: Asset, written: Vec<WrittenStep>, faults: &mut Faults<'_>) -> Vec<Step> {
    let Asset { path, mut metadata, mut about } = asset;
    // What an asset is before the first change is said by that change.
    let mut is_there = None;
    let mut steps = Vec::new();
    for WrittenStep { span, change, expected } in written {
        let wrong = match (is_there, change.action) {
            (Some(true), Action::Added) => Some("the asset is there already: this step cannot add it"),
            (Some(false), Action::Modified | Action::None | Action::Deleted) => {
                Some("the step before it deleted the asset: only `added` can follow")
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            faults.error(Code::KeysExclude, span, wrong, "").help("put the steps into an order that a file can have");
        }
        is_there = Some(change.action != Action::Deleted);
        about.time = change.time.unwrap_or(about.time);
        let mut after = metadata.clone();
        after.retain(|key, _| !change.unset.contains(key));
        after.extend(change.set);
        let supposed = Supposed::new(path.clone(), change.action, &metadata, after, about.clone());
        supposed.after().clone_into(&mut metadata);
        steps.push(Step { supposed, expected });
    }
    steps
}

/// What is to fire.
fn expected(table: &Table<'_, '_>, names: &[&str], faults: &mut Faults<'_>) -> Expected {
    let mut read = |key: &str| {
        let texts = table.strings(key, faults)?;
        Some(known(&texts, names, faults))
    };
    let (fires, not_fires, only) = (read("fires"), read("not_fires"), read("only"));
    if only.is_some() {
        for key in ["fires", "not_fires"].into_iter().filter(|key| table.has(key)) {
            let message = format!("`{key}` stands beside `only`, which says all by itself");
            faults.error(Code::KeysExclude, table.key_span(key), message, "").help("leave one of the two out");
        }
    }
    if let (Some(fires), Some(not_fires)) = (&fires, &not_fires)
        && let Some(both) = fires.intersection(not_fires).next()
    {
        let message = format!("`{both}` is in `fires`, too");
        faults.error(Code::Duplicate, table.key_span("not_fires"), message, "").help("leave it in one of the two");
    }
    // An empty `fires` says that none does.
    let is_exact = only.is_some() || fires.as_ref().is_some_and(BTreeSet::is_empty);
    Expected { fires: only.or(fires).unwrap_or_default(), not_fires: not_fires.unwrap_or_default(), is_exact }
}

/// Names, each of which is a rule's.
fn known(texts: &[Text<'_>], names: &[&str], faults: &mut Faults<'_>) -> BTreeSet<String> {
    for text in texts.iter().filter(|text| !names.contains(&text.value)) {
        let help = match nearest(text.value, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "there are no rules at all".to_owned(),
            None => "write the name of a [[subscription]]".to_owned(),
        };
        faults.error(Code::UnknownWord, text.span.clone(), "no rule has this name", "unknown rule").help(help);
    }
    texts.iter().map(|text| text.value.to_owned()).collect()
}

/// The asset before the change.
struct Asset {
    path: LogicalPath,
    metadata: Metadata,
    about: About,
}

fn asset(table: &Table<'_, '_>, now: Wall, faults: &mut Faults<'_>) -> Option<Asset> {
    let meant = table.only(&ASSET_KEYS, faults);
    table.missing("path", "path = \"/acme/dailies/a.mov\"", &meant, faults);
    let path = table.string("path", faults).and_then(|text| match LogicalPath::parse(text.value.as_bytes()) {
        Ok(path) => Some(path),
        Err(error) => {
            let help = "write the logical path, as rules and callbacks have it, such as \"/acme/dailies/a.mov\"";
            faults.error(Code::BadPath, text.span, error.to_string(), "").help(help);
            None
        }
    });
    let metadata = table.table("metadata", "metadata = { Key = [\"value\"] }", faults);
    let metadata = metadata.map(|table| lists(&table, faults).0).unwrap_or_default();
    let mut about = About::at(now);
    // TOML's own numbers end there.
    about.size = table.integer("size", 0..=i64::MAX.unsigned_abs(), faults).unwrap_or(about.size);
    about.mtime_ns = date(table, "mtime", faults).unwrap_or(about.mtime_ns);
    if let Some(owner) = table.string("owner", faults) {
        owner.value.clone_into(&mut about.owner);
    }
    Some(Asset { path: path?, metadata, about })
}

struct Written {
    action: Action,
    set: Metadata,
    unset: BTreeSet<String>,
    time: Option<Wall>,
}

fn change(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Written {
    table.only(&CHANGE_KEYS, faults);
    let actions = Action::ALL.map(|action| (action.as_str(), action));
    let action = table.word("action", &actions, faults).unwrap_or(Action::None);
    let set = table.table("set", "set = { Key = [\"value\"] }", faults);
    let (set, removed) = set.map(|table| lists(&table, faults)).unwrap_or_default();
    let mut unset: BTreeSet<_> = removed.into_iter().collect();
    for text in table.strings("unset", faults).unwrap_or_default() {
        let key = nfc(text.value);
        if set.contains_key(&key) {
            let help = "leave it in one of the two";
            faults.error(Code::Duplicate, text.span.clone(), "this key is in `set`, too", "set and unset").help(help);
        }
        unset.insert(key);
    }
    for key in ["set", "unset"] {
        if action == Action::Deleted && table.has(key) {
            let message = format!("a deletion takes no `{key}`: it tells nothing of metadata");
            let help = "describe the change of metadata as a case of its own, with action = \"none\"";
            faults.error(Code::UnknownKey, table.key_span(key), message, "").help(help);
        }
    }
    let time = date(table, "time", faults).map(|ns| Wall(ns.div_euclid(1_000_000)));
    Written { action, set, unset, time }
}

/// Keys with their values, normalised; and the keys whose list is empty, which is no value at all.
fn lists(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> (Metadata, Vec<String>) {
    let (mut metadata, mut without) = (Metadata::new(), Vec::new());
    for (key, texts) in table.lists(faults) {
        let values: Values = texts.iter().map(|text| nfc(text.value)).collect();
        if values.is_empty() {
            without.push(nfc(key.value));
        } else {
            metadata.insert(nfc(key.value), values);
        }
    }
    (metadata, without)
}

/// A point in time, in nanoseconds since the epoch.
fn date(table: &Table<'_, '_>, key: &str, faults: &mut Faults<'_>) -> Option<i64> {
    let text = table.string(key, faults)?;
    let ns = ns_of_date(text.value);
    if ns.is_none() {
        let message = format!("`{key}` takes a date and time");
        faults.error(Code::NotComparable, text.span, message, "no date").help("such as \"2026-11-22T10:00:00Z\"");
    }
    ns
}

#[cfg(test)]
mod tests {
    use super::{Read, read};
    use crate::diagnostic::SourceFile;
    use crate::diagnostic::render::one_lines;
    use crate::model::time::Wall;
    use crate::rules::{RuleSet, load};

    fn source(name: &str, text: &str) -> SourceFile {
        SourceFile { name: name.into(), text: text.as_bytes().into() }
    }

    fn rules() -> RuleSet {
        let rule = |name: &str, lines: &str| {
            format!("[[subscription]]\nname = '{name}'\ncallback = 'http://127.0.0.1:1'\n{lines}\n")
        };
        let text = rule("dailies", "watchPath = ['* /d']")
            + &rule("stars", "watchPath = ['/d']\nwatchMetadata = ['Rating>=4']")
            + &rule("gone", "watchMetadata = ['Keywords!=*']");
        load(&[source("rules.toml", &text)]).set.expect("nothing is wrong")
    }

    /// What is wrong with a file.
    fn faults(text: &str) -> Vec<String> {
        let file = source("c.toml", text);
        let Read { diagnostics, .. } = read(std::slice::from_ref(&file), &rules(), Wall(0));
        one_lines(&diagnostics, &[file])
    }

    /// How each case of a file fares, a line each.
    fn run(text: &str) -> Vec<String> {
        let rules = rules();
        let Read { cases, diagnostics } = read(&[source("c.toml", text)], &rules, Wall(0));
        assert!(diagnostics.is_empty(), "{diagnostics:#?}");
        let line = |case: &super::Case| {
            let fared = case.run(&rules);
            let step = |step: Option<usize>| step.map_or_else(String::new, |step| format!("{step}"));
            let unexpected = fared.unexpected.iter();
            let unexpected = unexpected.map(|one| format!("{}+{} {}", step(one.step), one.name, one.clause));
            let missing = fared.missing.iter();
            let missing = missing.map(|one| format!("{}-{} {}: {}", step(one.step), one.name, one.clause, one.why));
            assert_eq!(fared.passed(), fared.unexpected.is_empty() && fared.missing.is_empty());
            unexpected.chain(missing).collect::<Vec<_>>().join(", ")
        };
        cases.iter().map(line).collect()
    }

    #[test]
    fn cases_pass_or_say_what_differs() {
        for (case, expect) in [
            ("asset = {path = '/d/a'}\nchange = {action = 'added'}\nfires = ['dailies']", ""),
            ("asset = {path = '/d/a'}\nchange = {set = {Rating = ['5']}}\nfires = ['stars']", ""),
            ("asset = {path = '/d/a'}\nchange = {}\nfires = []", ""),
            (
                "asset = {path = '/d/a', metadata = {Rating = ['5']}}\nchange = {action = 'added'}\nonly = ['dailies']",
                "+stars Rating>=4",
            ),
            (
                "asset = {path = '/d/a', metadata = {Rating = ['5']}}\nchange = {action = 'added'}\nfires = ['dailies']",
                "",
            ),
            (
                "asset = {path = '/d/a', metadata = {Rating = ['5']}}\nchange = {action = 'added'}\nonly = ['dailies', 'stars']",
                "",
            ),
            ("asset = {path = '/d/a'}\nchange = {action = 'added'}\nnot_fires = ['stars', 'gone']", ""),
            ("asset = {path = '/d/a'}\nchange = {action = 'added'}\nnot_fires = ['dailies']", "+dailies * /d"),
            ("asset = {path = '/d/a'}\nchange = {action = 'added'}\nfires = ['dailies']\nnot_fires = ['stars']", ""),
            ("asset = {path = '/d/a'}\nchange = {action = 'added'}\nfires = []", "+dailies * /d"),
            ("asset = {path = '/d/a'}\nchange = {action = 'added'}\nonly = []", "+dailies * /d"),
            (
                "asset = {path = '/d/a', metadata = {Rating = ['5']}}\nchange = {set = {Rating = ['3']}}\nfires = ['stars']",
                "-stars Rating>=4: Rating is 3",
            ),
            (
                "asset = {path = '/x', metadata = {Keywords = ['a']}}\nchange = {unset = ['Keywords']}\nfires = ['gone']",
                "",
            ),
            (
                "asset = {path = '/x', metadata = {Keywords = ['a']}}\nchange = {set = {Keywords = []}}\nfires = ['gone']",
                "",
            ),
            (
                "asset = {path = '/x', metadata = {Keywords = ['a']}}\nchange = {action = 'deleted'}\nfires = ['gone']",
                "-gone Keywords!=*: Keywords was absent before, too: nothing removed it",
            ),
            (
                "asset = {path = '/x'}\nchange = {set = {Rating = ['5']}}\nfires = ['dailies', 'stars']",
                "-dailies * /d: /x is not at or below /d, -stars /d: /x is not at or below /d",
            ),
        ] {
            assert_eq!(run(&format!("[[case]]\nname = 'x'\n{case}\n")), [expect], "{case}");
        }
        assert_eq!(run(""), [""; 0]);
    }

    /// Each step begins with what the one before it left.
    #[test]
    fn a_sequence_carries_the_asset_on() {
        let steps = |steps: &str| run(&format!("[[case]]\nname = 'x'\nasset = {{path = '/d/a'}}\nsteps = [{steps}]\n"));
        let rated =
            "{change = {action = 'added'}, only = ['dailies']}, {change = {set = {Rating = ['4']}}, only = ['stars']}";
        assert_eq!(steps(rated), [""]);
        let same = "{change = {set = {Rating = ['4']}}, fires = []}";
        assert_eq!(steps(&format!("{rated}, {same}")), [""], "it is no news");
        assert_eq!(
            steps(&format!("{rated}, {}", same.replace("[]", "['stars']"))),
            ["3-stars Rating>=4: the change left Rating as it was: 4"]
        );
        let tagged = "{change = {set = {Keywords = ['a']}}, not_fires = ['gone']}, {change = {unset = ['Keywords']}, fires = ['gone']}";
        assert_eq!(steps(tagged), [""]);
        // What comes back has what it comes with.
        let back = "{change = {set = {Rating = ['5']}}, fires = ['stars']}, {change = {action = 'deleted'}, only = ['dailies']}, \
                    {change = {action = 'added'}, only = ['dailies']}, {change = {set = {Rating = ['5']}}, fires = []}";
        assert_eq!(steps(back), ["4+stars Rating>=4"]);
        let tables = "[[case]]\nname = 'x'\nasset = {path = '/d/a'}\n[[case.steps]]\nchange = {action = 'added'}\nfires = ['dailies']\n";
        assert_eq!(run(tables), [""]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let line =
            |line: &str| format!("[[case]]\nname = 'x'\nasset = {{path = '/a'}}\nchange = {{}}\nfires = []\n{line}");
        let asset = |asset: &str| format!("[[case]]\nname = 'x'\nasset = {asset}\nchange = {{}}\nfires = []\n");
        let change =
            |change: &str| format!("[[case]]\nname = 'x'\nasset = {{path = '/a'}}\nchange = {change}\nfires = []\n");
        let fires =
            |fires: &str| format!("[[case]]\nname = 'x'\nasset = {{path = '/a'}}\nchange = {{}}\nfires = {fires}\n");
        let steps = |steps: &str| format!("[[case]]\nname = 'x'\nasset = {{path = '/a'}}\nsteps = {steps}\n");
        for (text, expect) in [
            (line("fire = []"), "c.toml:6:1: error[RB0003]: unknown key `fire` in [[case]]; did you mean `fires`?"),
            ("[case]".into(), "c.toml:1:1: error[RB0004]: `case` takes a list of tables, [[case]]"),
            ("[[cases]]".into(), "c.toml:1:3: error[RB0003]: unknown key `cases`"),
            (asset("3"), "c.toml:3:9: error[RB0004]: `asset` takes a table"),
            (asset("{}"), "c.toml:3:9: error[RB0005]: asset = { ... } has no `path`"),
            (asset("{path = 'a'}"), "c.toml:3:17: error[RB0010]: the path is relative"),
            (asset("{path = '/a', size = -1}"), "c.toml:3:30: error[RB0006]: `size` takes 0 to"),
            (asset("{path = '/a', mtime = 'soon'}"), "c.toml:3:31: error[RB0020]: `mtime` takes a date and time"),
            (asset("{path = '/a', owner = 3}"), "c.toml:3:31: error[RB0004]: `owner` takes a string"),
            (
                asset("{path = '/a', metadata = {K = 'v'}}"),
                "c.toml:3:39: error[RB0004]: `K` takes a list of strings; put it in brackets",
            ),
            (asset("{path = '/a', metadata = {K = [5]}}"), "c.toml:3:40: error[RB0004]: `K` takes strings in quotes"),
            (
                asset("{path = '/a', metadata = {X_user.k = ['v']}}"),
                "error[RB0004]: `X_user` takes a list of strings; a key with a dot in it stands in quotes",
            ),
            (
                change("{action = 'modify'}"),
                "c.toml:4:20: error[RB0007]: `action` takes none, added, modified or deleted; did you mean `modified`?",
            ),
            (change("{sets = {}}"), "did you mean `set`?"),
            (change("{set = {K = ['v']}, unset = ['K']}"), "c.toml:4:39: error[RB0009]: this key is in `set`, too"),
            (change("{action = 'deleted', unset = ['K']}"), "error[RB0003]: a deletion takes no `unset`"),
            (fires("['daylies']"), "c.toml:5:10: error[RB0007]: no rule has this name; did you mean `dailies`?"),
            (fires("['colour']"), "no rule has this name; write the name of a [[subscription]]"),
            (
                "[[case]]\nname = 'x'\nasset = {path = '/a'}\nchange = {}".into(),
                "c.toml:1:1: error[RB0005]: [[case]] has no `fires`",
            ),
            ("[[case]".into(), "error[RB0002]"),
            (line("only = []"), "c.toml:5:1: error[RB0033]: `fires` stands beside `only`, which says all by itself"),
            (
                line("steps = [{change = {}, fires = []}]").replace("change = {}\nfires = []\n", "change = {}\n"),
                "c.toml:4:1: error[RB0033]: `change` stands beside `steps`",
            ),
            (steps("[]"), "c.toml:4:1: error[RB0006]: there is no step"),
            (
                steps("[{fires = []}]"),
                "c.toml:4:10: error[RB0005]: steps = [{ change = { ... }, fires = [...] }] has no `change`",
            ),
            (steps("[{change = {}}]"), "has no `fires`; add a line like: fires = "),
            (steps("[{change = {}, onyl = []}]"), "did you mean `only`?"),
            (steps("[{change = {}, fires = [], fired = []}]"), "unknown key `fired`"),
            (
                steps("[{change = {}, fires = []}, {change = {action = 'added'}, fires = []}]"),
                "the asset is there already",
            ),
            (
                steps("[{change = {action = 'deleted'}, fires = []}, {change = {}, fires = []}]"),
                "only `added` can follow",
            ),
            (
                fires("['dailies']\nnot_fires = ['dailies', 'gone']"),
                "c.toml:6:1: error[RB0009]: `dailies` is in `fires`, too",
            ),
        ] {
            let found = faults(&text);
            assert!(found.len() == 1 && found[0].contains(expect), "{text}\n{found:#?}");
        }
    }

    #[test]
    fn times_and_facts_are_taken() {
        let text = "[[case]]\nname = 'x'\nasset = {path = '/d', size = 3, owner = 'ana', mtime = '1970-01-01T00:00:01.5Z'}\n\
                    change = {time = '1970-01-02'}\nfires = []\n";
        let Read { cases, .. } = read(&[source("c.toml", text)], &rules(), Wall(0));
        let subject = cases[0].steps[0].supposed.subject();
        assert_eq!((subject.facts.size, subject.facts.mtime_ns), (3, 1_500_000_000));
        assert_eq!((subject.owner, subject.time), ("ana", Wall(86_400_000)));
    }
}
