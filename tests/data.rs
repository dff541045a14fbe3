//! Tests whose cases are files: one test for each folder of `fixtures/`.
//!
//! With `RINGBACK_BLESS=1` in the environment the expected texts are written anew; review them before committing: each
//! must say what is wrong, where, and what to do.
#![allow(clippy::disallowed_methods, reason = "it reads fixtures from the disk")]

use std::fs;
use std::path::{Path, PathBuf};

use ringback::config::secrets;
use ringback::config::settings::{Overrides, Places, resolve};
use ringback::diagnostic::explain::Explanation;
use ringback::diagnostic::render::{Format, report};
use ringback::diagnostic::{Code, Diagnostic, SourceFile};
use ringback::metadata::{logical, readers};
use ringback::model::mount::Mount;
use ringback::model::path::LogicalPath;
use ringback::model::status::TroubleKind;
use ringback::model::tenant::Tenant;
use ringback::model::time::Wall;
use ringback::rules::allow::without_accepted;
use ringback::rules::{self, RuleSet, cases};

/// Each `<case>.toml`, or the files of each directory `<case>/` together, gives the diagnostics in `<case>.expected`.
/// Where the name of a case begins with `mounts-`, `/acme` of the tenant `acme` and `/b` are mounted.
#[test]
fn rules_invalid() {
    let folder = fixtures("rules-invalid");
    let mut wrong = Vec::new();
    let cases = listed(&folder).into_iter().filter(|path| path.extension().is_none_or(|e| e == "toml"));
    let mut count = 0;
    for case in cases {
        count += 1;
        let files = if case.is_dir() { listed(&case) } else { vec![case.clone()] };
        let sources: Vec<_> = files.iter().map(|path| source(&folder, path)).collect();
        let mut loaded = rules::load(&sources).with_secrets(secrets::read);
        if case.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"mounts-")) {
            loaded.lint_mounts(&mounts());
        }
        let blocked = loaded.set.is_none();
        let found = report(&loaded.diagnostics, &sources, Format::Plain);
        assert_eq!(blocked, found.contains("error["), "{}: errors block, warnings do not", case.display());
        if !same(&case.with_extension("expected"), &found) {
            wrong.push(format!("== {}\n{found}", case.display()));
        }
    }
    assert!(count >= 25, "only {count} cases were found");
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

fn mounts() -> [Mount; 2] {
    let mount = |path: &[u8]| Mount::new(LogicalPath::parse(path).expect("a path"), "/srv/media".into());
    [Mount { tenant: Tenant::parse("acme").ok(), ..mount(b"/acme") }, mount(b"/b")]
}

/// What each file of `fixtures/metadata` says: its tags, then what rules see.
#[test]
fn metadata() {
    let folder = fixtures("metadata");
    let is_file = |path: &PathBuf| path.extension().is_some_and(|e| e != "expected" && e != "py");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for file in listed(&folder).into_iter().filter(is_file) {
        count += 1;
        let bytes = fs::read(&file).expect("a fixture");
        let found = readers::read(&bytes.as_slice()).expect("a file that can be read");
        let mut shown = format!("iptc is newer: {}\n", found.iptc_is_newer);
        for (name, part) in [("exif", found.exif), ("iptc", found.iptc), ("xmp", found.xmp)] {
            let tags = part.expect("a source that can be read");
            let said = logical::said(&tags);
            for (key, values) in &said.values {
                let order = if said.ordered.contains(key) { " (in order)" } else { "" };
                shown.push_str(&format!("{name} {key} = {}{order}\n", values.join(" | ")));
            }
        }
        let mut expected = file.into_os_string();
        expected.push(".expected");
        if !same(Path::new(&expected), &shown) {
            wrong.push(format!("== {}\n{shown}", expected.display()));
        }
    }
    assert!(count >= 9, "only {count} files were found");
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

/// One fault in a set of ten megabytes is named, and it alone, in a time that an admin waits for.
#[test]
fn one_fault_in_a_huge_set_is_named() {
    let mut text = String::new();
    while text.len() < 10 << 20 {
        let n = text.len();
        let clauses = format!("\"+ /acme/{n}\", \"* /b/{n}\"");
        text += &format!(
            "[[subscription]]\nname = \"r{n}\"\ncallback = \"http://127.0.0.1/{n}\"\nwatchPath = [{clauses}]\n"
        );
    }
    let at = text[text.len() / 2..].find("watchPath").expect("a rule") + text.len() / 2;
    text.replace_range(at..at + "watchPath".len(), "watchPaht");
    let began = std::time::Instant::now();
    let sources = [SourceFile { name: "huge.toml".into(), text: text.into_bytes().into() }];
    let loaded = rules::load(&sources);
    let found = report(&loaded.diagnostics, &sources, Format::Plain);
    assert!(loaded.set.is_none() && loaded.diagnostics.len() == 1, "{} diagnostics", loaded.diagnostics.len());
    assert!(found.contains("did you mean `watchPath`?") && found.len() < 1_000, "{} bytes", found.len());
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "{:?}", began.elapsed());
}

/// Whether the file has this text; with `RINGBACK_BLESS=1` it is made to.
fn same(expected: &Path, found: &str) -> bool {
    if std::env::var_os("RINGBACK_BLESS").is_some_and(|value| value == "1") {
        fs::write(expected, found).unwrap_or_else(|error| panic!("{}: {error}", expected.display()));
    }
    fs::read_to_string(expected).is_ok_and(|text| text == found)
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder)
}

/// What is in a directory, in path order.
fn listed(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a listing goes on").path()).collect();
    paths.sort();
    paths
}

fn source(folder: &Path, path: &Path) -> SourceFile {
    let name = path.strip_prefix(folder).expect("a case lies in its folder").display().to_string();
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    SourceFile { name, text: text.into() }
}

/// The rules that are shipped are without fault, and do what their cases say. Each has a case in which it fires.
#[test]
fn shipped_rules_do_what_their_cases_say() {
    let rules = shipped_rules();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let files: Vec<_> = listed(&root.join("tests")).iter().map(|path| source(&root, path)).collect();
    assert_pass(&files, &rules);
    let texts: String = files.iter().map(|file| String::from_utf8_lossy(&file.text)).collect();
    let fires: String = texts.lines().filter(|line| line.starts_with("fires")).collect();
    for rule in rules.rules() {
        assert!(fires.contains(&format!("\"{}\"", rule.subscription.name.as_str())), "{fires}");
    }
}

fn shipped_rules() -> RuleSet {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let files = listed(&root).into_iter().filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let loaded = rules::load(&files.map(|path| source(&root, &path)).collect::<Vec<_>>());
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    loaded.set.expect("there are no faults")
}

/// There are cases in the files, and all of them pass.
#[track_caller]
fn assert_pass(files: &[SourceFile], rules: &RuleSet) {
    let cases::Read { cases, diagnostics } = cases::read(files, rules, Wall(0));
    assert!(diagnostics.is_empty() && !cases.is_empty(), "{diagnostics:#?}");
    for case in cases {
        let fared = case.run(rules);
        assert!(fared.passed(), "{}: {fared:#?}", case.name);
    }
}

/// The wrong example of every code gives that code, the right one gives nothing.
#[test]
fn explained_examples_are_what_they_say() {
    // Whether a directory exists, what a file of certificates holds, and what a file is called is not in the text.
    let on_disk = [
        Code::MissingDirectory,
        Code::BadCaFile,
        Code::BadTlsFile,
        Code::BadExiftool,
        Code::PassedOver,
        Code::RulesGone,
    ];
    for code in Code::ALL.iter().filter(|code| !on_disk.contains(code)) {
        let Explanation { wrong, right, .. } = Explanation::of(*code);
        let found = tried(*code, wrong);
        assert!(!found.is_empty() && found.iter().all(|d| d.code == *code), "{code}: {wrong}\n{found:#?}");
        let found = tried(*code, right);
        assert!(found.is_empty(), "{code}: {right}\n{found:#?}");
    }
}

/// What is wrong with an example, in the file that it is an example of.
fn tried(code: Code, example: &str) -> Vec<Diagnostic> {
    let mut text = example.to_owned();
    let configures = ["[[mount]]", "[[principal]]", "listen = ", "state = "].iter().any(|word| text.contains(word));
    if configures {
        if code != Code::NoRules && !text.contains("rules = ") {
            text = format!("rules = \"rules\"\n{text}");
        }
        if code != Code::NoMount && !text.contains("[[mount]]") {
            text.push_str("\n[[mount]]\npath = \"/acme\"\ndir = \"/srv/media/acme\"\n");
        }
        let file = SourceFile { name: "ringback.toml".into(), text: text.into_bytes().into() };
        let places = Places { config: Path::new("/etc"), working: Path::new("/"), state: Path::new("/state") };
        return resolve(Some(&file), places, Overrides::default()).map_or_else(|found| found, |fine| fine.warnings);
    }
    if !text.starts_with("[[") && !text.starts_with("# ringback") {
        let watches = ["watch", "when", "events"].iter().any(|key| text.contains(key));
        let mut lines = String::new();
        for (given, line) in [
            (text.contains("name = \"") && !text.contains("[["), "name = \"a\"\n"),
            (text.starts_with("callback"), "callback = \"http://127.0.0.1:8874/a\"\n"),
            (watches, "watchPath = [\"* /acme\"]\n"),
        ] {
            if !given {
                lines.push_str(line);
            }
        }
        text = format!("[[subscription]]\n{lines}{text}\n");
    }
    // Source text cannot have the byte itself.
    let text = text.into_bytes();
    let text = match text.windows(4).position(|bytes| bytes == br"\xe9") {
        Some(at) => [&text[..at], b"\xe9", &text[at + 4..]].concat(),
        None => text,
    };
    let files = [SourceFile { name: "a.toml".into(), text: text.into() }];
    let mut loaded = rules::load(&files);
    if code == Code::OutsideMounts {
        let path = LogicalPath::parse(b"/acme").expect("a path");
        loaded.lint_mounts(&[Mount::new(path, "/srv/media/acme".into())]);
    }
    match code {
        Code::AcceptsNothing => without_accepted(loaded.diagnostics, &files, false),
        _ => loaded.diagnostics,
    }
}

/// Every TOML example of the documentation is what it says it is: rules that load, cases of the shipped rules that
/// pass, or a configuration that resolves.
#[test]
fn documented_examples_are_without_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tried = 0;
    for name in ["README.md", "docs/rules.md", "docs/operations.md"] {
        let text = fs::read_to_string(root.join(name)).expect("the documentation");
        let mut above: Option<RuleSet> = None;
        for example in examples(&text) {
            let file = SourceFile { name: name.to_owned(), text: example.clone().into_bytes().into() };
            if example.contains("[[mount]]") {
                let places = Places { config: Path::new("/etc"), working: Path::new("/"), state: Path::new("/state") };
                // Whoever copies it is told to make tokens of their own, and nothing else.
                let found = resolve(Some(&file), places, Overrides::default()).expect_err("a public token");
                assert!(found.iter().all(|one| one.code == Code::PublicToken), "{name}: {found:#?}");
            } else if example.contains("[[case]]") {
                // They are about the rules right above them, or about the shipped ones.
                let is_of =
                    |rules: &RuleSet| cases::read(std::slice::from_ref(&file), rules, Wall(0)).diagnostics.is_empty();
                let rules = above.take().filter(is_of).unwrap_or_else(shipped_rules);
                assert_pass(&[file], &rules);
            } else {
                let files = [file];
                let loaded = rules::load(&files);
                let odd = without_accepted(loaded.diagnostics, &files, false);
                assert!(loaded.set.is_some() && odd.is_empty(), "{name}: {odd:#?}");
                above = loaded.set;
            }
            tried += 1;
        }
    }
    assert!(tried >= 3, "the examples were found");
}

/// The contents of the ```toml blocks, indentation taken off.
fn examples(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(fence) = lines.find(|line| line.trim_start() == "```toml") {
        let indent = fence.len() - fence.trim_start().len();
        let body = lines.by_ref().take_while(|line| line.trim_start() != "```");
        found.push(body.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n"));
    }
    found
}

/// Whoever is called at night finds what the status says, and each entry ends with what to type.
#[test]
fn the_runbook_has_an_entry_for_each_kind_of_trouble_and_each_entry_a_command() {
    const COLUMNS_MAX: usize = 120;
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md")).expect("readable");
    let (_, runbook) = text.split_once("\n## What is seen, and what mends it\n").expect("the runbook");
    let (runbook, _) = runbook.split_once("\n## ").expect("what comes after it");
    let (index, entries) = runbook.split_once("\n### ").expect("its entries");
    for kind in TroubleKind::ALL {
        let kind = serde_json::to_value(kind).expect("JSON");
        let line = format!("- `{}`: [", kind.as_str().expect("a word"));
        assert!(index.contains(&line), "the index says nothing of {kind}");
    }
    let entries: Vec<(&str, &str)> =
        entries.split("\n### ").map(|entry| entry.split_once('\n').expect("a heading and a text")).collect();
    for (heading, entry) in &entries {
        let last = entry.trim_end().rsplit("\n\n").next().unwrap_or_default();
        assert!(last.lines().all(|line| line.starts_with("    ")), "{heading:?} does not end with a command: {last:?}");
    }
    let anchor = |heading: &str| {
        let kept =
            heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
        kept.replace(' ', "-")
    };
    let headings: Vec<_> = text.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' ')).collect();
    for link in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(headings.iter().any(|heading| anchor(heading) == link), "there is nothing at #{link}");
    }
    let prose = text.split("```").step_by(2).flat_map(str::lines);
    let long: Vec<_> = prose.filter(|line| line.chars().count() > COLUMNS_MAX).collect();
    assert!(entries.len() > 20 && long.is_empty(), "lines have at most {COLUMNS_MAX} columns: {long:#?}");
}
