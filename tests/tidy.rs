//! The shape of the source, checked: who may know whom, where `async` and SQL live, how files begin and how long they
//! are. It reads text, not Rust: a line's comment does not count, nor do test modules, and that is as much as it knows.
#![allow(clippy::disallowed_methods, reason = "it reads the source from the disk")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

/// The crate's modules from the bottom up. Each may name those of the rows above its own in this list, and none of its
/// own row: so the pure stages never know each other, and intake and dispatch join them. A module that is not here
/// fails the test: give it its place.
const ROWS: [&[&str]; 9] = [
    &["model", "cpu_time"],
    &["diagnostic"],
    &["settle", "catalog", "journal", "rules", "outbox"],
    &["store"],
    &["intake", "dispatch"],
    &["engine"],
    &["watch", "metadata", "look", "deliver", "api", "config"],
    &["daemon"],
    &["cli"],
];

/// The edges are an exception: they know the nouns, and of each other only what is named here.
const EDGES: [(&str, &[&str]); 6] = [
    ("watch", &["model"]),
    ("metadata", &["model"]),
    ("look", &["model", "watch", "metadata"]),
    ("deliver", &["model"]),
    ("api", &["model", "store"]),
    ("config", &["model", "diagnostic"]),
];

/// Modules that may know one thing of another, and nothing else of it.
const ONE_THING: [(&str, &str, &str); 1] = [("api", "store", "Reader")];

/// What a module may not name of another that it may know: the ledger is the engine's, and each machine has its view of
/// it, which the compiler holds it to.
const NOT_NAMED: [(&str, &[&str]); 2] =
    [("intake", &["Ledger", "DispatchTables"]), ("dispatch", &["Ledger", "IntakeTables"])];

/// The tables of which both machines see something.
const SHARED_TABLES: [&str; 4] = ["events", "ids", "journal", "metadata"];

/// Where `async` may be.
const ASYNC: [&str; 5] = ["deliver", "api", "console", "daemon", "cli"];

/// Where SQL may be.
const SQL: [&str; 1] = ["store"];

/// Columns of a comment, as of code (rustfmt.toml), which rustfmt does not wrap.
const COLUMNS_MAX: usize = 120;

/// Past this, concerns are mixed.
const LINES_MAX: usize = 700;

#[test]
fn the_source_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for top in ["src", "tests", "benches", "fuzz/src", "fuzz/fuzz_targets"] {
        rust_files(&root.join(top), &mut files);
    }
    files.sort();
    assert!(files.len() > 20, "the source was found");
    let mut broken = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).expect("below the root").display().to_string();
        let text = std::fs::read_to_string(&file).expect("source is readable UTF-8");
        broken.extend(check(&name, &text));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// Every limit has a name in the source and a row in the documents.
#[test]
fn every_limit_is_in_the_guarantees() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guarantees = std::fs::read_to_string(root.join("docs/guarantees.md")).expect("readable UTF-8");
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    files.sort();
    let limit = Regex::new(r"(?m)^ *(?:pub(?:\([a-z]+\))? )?const (\w*MAX\w*):").expect("a regex");
    let (mut limits, mut missing) = (0, Vec::new());
    for file in files {
        let name = file.strip_prefix(root.join("src")).expect("below the root").display().to_string();
        if module_of(&format!("src/{name}")).is_none() {
            continue;
        }
        let code = without_tests_and_comments(&std::fs::read_to_string(&file).expect("readable UTF-8"));
        for found in limit.captures_iter(&code) {
            limits += 1;
            let row = format!("| `{name}` `{}` |", &found[1]);
            if !guarantees.contains(&row) {
                missing.push(row);
            }
        }
    }
    assert!(limits > 80, "only {limits} limits were found");
    assert!(missing.is_empty(), "docs/guarantees.md has no row for:\n{}", missing.join("\n"));
}

/// Intake and dispatch have no table in common but those that both see: the compiler keeps each to the methods of its
/// view, and this looks which tables these name.
#[test]
fn intake_and_dispatch_have_their_own_tables() {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let read = |path: PathBuf| std::fs::read_to_string(path).expect("readable UTF-8");
    let mut schema = String::new();
    for entry in std::fs::read_dir(store.join("migrations")).expect("the migrations") {
        schema.push_str(&read(entry.expect("a readable directory").path()));
    }
    let created = Regex::new(r"CREATE TABLE (\w+)|RENAME TO (\w+)").expect("a regex");
    let tables: BTreeSet<&str> = created
        .captures_iter(&schema)
        .filter_map(|found| found.get(1).or(found.get(2)))
        .map(|name| name.as_str())
        .collect();
    let mut files = Vec::new();
    rust_files(&store, &mut files);
    let views = Regex::new(r"(?ms)^impl (Shared|Intake|Dispatch)Tables\b.*?^}$").expect("a regex");
    let named = Regex::new(r#"(?:\b(?:FROM|INTO|JOIN|UPDATE)\s+|")([a-z_]+)\b"#).expect("a regex");
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let code = without_tests_and_comments(&read(file));
        for view in views.captures_iter(&code) {
            let names = named.captures_iter(&view[0]).map(|name| name[1].to_owned());
            seen.entry(view[1].to_owned()).or_default().extend(names.filter(|name| tables.contains(name.as_str())));
        }
    }
    let [intake, dispatch, shared] = ["Intake", "Dispatch", "Shared"].map(|view| seen.remove(view).expect("a view"));
    assert_eq!(shared, SHARED_TABLES.map(str::to_owned).into(), "what both see");
    assert!(intake.len() > 8 && dispatch.len() > 8, "{intake:?} {dispatch:?}");
    let both: Vec<_> = dispatch.iter().filter(|table| intake.contains(*table) || shared.contains(*table)).collect();
    assert!(both.is_empty(), "dispatch's methods name {both:?}, which are not its own");
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.expect("a readable directory").path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// Every rule that a file breaks, each as `FILE:LINE: RULE`.
fn check(file: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut note = |line: usize, rule: &str| broken.push(format!("{file}:{line}: {rule}"));
    if file.ends_with("/mod.rs") {
        note(1, "name the file for its module: foo.rs beside foo/, no mod.rs");
    }
    if !text.starts_with("//!") {
        note(1, "a file begins with what it is for: //!");
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        note(lines, &format!("a file has at most {LINES_MAX} lines"));
    }
    // Written in two halves, so that this file does not break the rule.
    let unfinished = [concat!("tod", "o!("), concat!("unimple", "mented!("), concat!("#[ign", "ore")];
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("//") && line.chars().count() > COLUMNS_MAX {
            note(number, &format!("a comment has at most {COLUMNS_MAX} columns"));
        }
        for word in unfinished.iter().filter(|&&word| line.contains(word)) {
            note(number, &format!("nothing is left undone or untested: {word}"));
        }
    }
    let Some(module) = module_of(file) else { return broken };
    let code = without_tests_and_comments(text);
    let Some(known) = may_know(&module[0]) else {
        note(1, &format!("tests/tidy.rs does not say who {} may know", module[0]));
        return broken;
    };
    for (line, other) in modules_named(&code, module.len()) {
        let is_module = ROWS.concat().contains(&other.as_str());
        if is_module && other != module[0] && !known.contains(&other.as_str()) {
            note(line, &format!("{} may not know {other} (see ROWS and EDGES in tests/tidy.rs)", module[0]));
        }
    }
    for (_, other, thing) in ONE_THING.iter().filter(|(name, ..)| *name == module[0]) {
        let named = Regex::new(&format!(r"\b{other}::(\w+|\{{)")).expect("a regex");
        for (number, line) in (1..).zip(code.lines()) {
            if named.captures_iter(line).any(|found| &found[1] != *thing) {
                note(number, &format!("{} may know {other}::{thing} alone", module[0]));
            }
        }
    }
    for (_, things) in NOT_NAMED.iter().filter(|(name, _)| *name == module[0]) {
        let named = Regex::new(&format!(r"\b({})\b", things.join("|"))).expect("a regex");
        for (number, line) in (1..).zip(code.lines()) {
            if let Some(thing) = named.find(line) {
                note(number, &format!("{} may not name {}", module[0], thing.as_str()));
            }
        }
    }
    let keyword = Regex::new(r"\basync\b").expect("a regex");
    let sql =
        Regex::new(r"\b(SELECT\s+\S|INSERT (OR \w+ )?INTO\b|UPDATE (OR \w+ )?\w+ SET\b|DELETE FROM\b|CREATE TABLE\b)")
            .expect("a regex");
    for (number, line) in (1..).zip(code.lines()) {
        if keyword.is_match(line) && !ASYNC.contains(&module[0].as_str()) {
            note(number, &format!("async lives in {}", ASYNC.join(", ")));
        }
        if sql.is_match(line) && !SQL.contains(&module[0].as_str()) {
            note(number, "SQL lives in store");
        }
    }
    broken
}

/// Whom a top-level module may name; none when it has no place yet.
fn may_know(module: &str) -> Option<Vec<&'static str>> {
    let edge = EDGES.iter().find(|(name, _)| *name == module).map(|(_, known)| known.to_vec());
    let row = ROWS.iter().position(|row| row.contains(&module));
    edge.or_else(|| row.map(|row| ROWS[..row].concat()))
}

/// The module that a file is, from the crate down; none for `lib.rs`, `main.rs`, tests and what is not in `src`.
fn module_of(file: &str) -> Option<Vec<String>> {
    let path = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let names: Vec<String> = path.split('/').map(str::to_owned).collect();
    let is_root = matches!(path, "lib" | "main");
    let is_test = names.iter().any(|name| name == "tests");
    (!is_root && !is_test).then_some(names)
}

/// The text with test modules and comments out of the way; its lines keep their numbers.
fn without_tests_and_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_tests = false;
    let mut cfg_test = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if in_tests {
            // rustfmt puts the closing brace of a module of the file, and of nothing inside it, in the first column.
            in_tests = line != "}";
        } else if cfg_test && line.ends_with('{') && (line.starts_with("mod ") || line.starts_with("pub(crate) mod ")) {
            in_tests = true;
        } else if !trimmed.starts_with("//") && !cfg_test {
            out.push_str(line.split(" // ").next().unwrap_or(line));
        }
        cfg_test = line == "#[cfg(test)]" || (cfg_test && line.starts_with("#["));
        out.push('\n');
    }
    out
}

/// The top-level modules that code names: after `crate::`, alone or in braces, or after as many `super::` as the
/// module is deep. With the line of each.
fn modules_named(code: &str, depth: usize) -> Vec<(usize, String)> {
    let starts = format!(r"(\bcrate::|(?:^|[^:\w])(?:super::){{{depth}}})(\{{|[a-z_]\w*)");
    let starts = Regex::new(&starts).expect("a regex");
    let mut out = Vec::new();
    for found in starts.captures_iter(code) {
        let (whole, after) = (found.get(0).expect("the match"), found.get(2).expect("the name"));
        let line = 1 + code[..after.start()].matches('\n').count();
        if after.as_str() != "{" {
            if after.as_str() != "super" {
                out.push((line, after.as_str().to_owned()));
            }
            continue;
        }
        let mut level = 0;
        let mut name = String::new();
        let mut line = line;
        for c in code[whole.end()..].chars() {
            match c {
                '{' => level += 1,
                '}' if level == 0 => break,
                '}' => level -= 1,
                ',' if level == 0 => out.push((line, first_name(&std::mem::take(&mut name)))),
                '\n' => line += 1,
                c if level == 0 => name.push(c),
                _ => {}
            }
        }
        out.push((line, first_name(&name)));
    }
    out
}

/// `model` of ` model::path as p`.
fn first_name(path: &str) -> String {
    path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn what_is_untidy_is_found_and_what_is_not_is_left_alone() {
    let cases: [(&str, &str, &[&str]); 25] = [
        ("src/settle.rs", "//! x\nuse crate::model::path;\nuse super::model::hint;", &[]),
        ("src/settle.rs", "//! x\nuse crate::catalog::Diff;", &["2: settle may not know catalog"]),
        ("src/settle.rs", "//! x\nuse super::catalog::Diff;", &["2: settle may not know catalog"]),
        ("src/settle/x.rs", "//! x\nuse super::catalog;", &[]),
        ("src/settle/x.rs", "//! x\nuse super::super::catalog;", &["2: settle may not know catalog"]),
        ("src/model/a/b.rs", "//! x\n    let x = super::super::super::store::X;", &["2: model may not know store"]),
        (
            "src/intake.rs",
            "//! x\nuse crate::{\n    model::{path, engine},\n    settle, engine::Engine,\n};",
            &["4: intake may not know engine"],
        ),
        ("src/store.rs", "//! x\nuse crate::intake;\nconst Q: &str = \"SELECT 1\";", &["2: store may not know intake"]),
        ("src/watch.rs", "//! See [`crate::engine`].\n// crate::engine\nlet x = 1; // crate::engine", &[]),
        (
            "src/watch.rs",
            "//! x\n#[cfg(test)]\nmod tests {\n    use crate::engine;\n}\nuse crate::look;",
            &["6: watch may"],
        ),
        ("src/watch/tests.rs", "//! x\nuse crate::engine;", &[]),
        ("src/rules.rs", "//! x\npub async fn f() {}", &["2: async lives in"]),
        ("src/api/server.rs", "//! x\npub async fn f() {}", &[]),
        ("src/engine.rs", "//! x\nlet q = \"INSERT OR IGNORE INTO a\";", &["2: SQL lives in store"]),
        ("src/engine.rs", "//! x\nlet q = \"UPDATE assets SET x = 1\";", &["2: SQL lives in store"]),
        ("src/new.rs", "//! x\n", &["1: tests/tidy.rs does not say who new may know"]),
        ("src/store/mod.rs", "//! x\n", &["1: name the file"]),
        ("src/store.rs", "use std::fs;\n", &["1: a file begins"]),
        ("tests/it.rs", concat!("//! x\n    tod", "o!(\"x\")"), &["2: nothing is left undone"]),
        ("src/lib.rs", "//! x\npub mod api;", &[]),
        ("src/api/x.rs", "//! x\nuse crate::store::Reader;", &[]),
        ("src/api/x.rs", "//! x\nuse crate::store::Ledger;", &["2: api may know store::Reader alone"]),
        ("src/intake/x.rs", "//! x\nuse crate::store::{IntakeTables, Ledger};", &["2: intake may not name Ledger"]),
        ("src/dispatch.rs", "//! x\nfn f(l: IntakeTables<'_>) {}", &["2: dispatch may not name IntakeTables"]),
        ("src/dispatch.rs", "//! x\nfn f(ledger: DispatchTables<'_>) {} // not Ledger", &[]),
    ];
    for (file, text, expect) in cases {
        let broken = check(file, text);
        let matches = broken.iter().zip(expect).all(|(broken, expect)| broken.starts_with(&format!("{file}:{expect}")));
        assert!(broken.len() == expect.len() && matches, "{file} {text:?}: {broken:?}");
    }
    for (columns, faults) in [(COLUMNS_MAX, 0), (COLUMNS_MAX + 1, 1)] {
        assert_eq!(check("src/lib.rs", &format!("//!{}", " ".repeat(columns - 3))).len(), faults);
    }
    let long = format!("//! x\n{}", "\n".repeat(LINES_MAX));
    assert_eq!(check("src/store.rs", &long), [format!("src/store.rs:701: a file has at most {LINES_MAX} lines")]);
}
