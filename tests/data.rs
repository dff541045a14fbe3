//! Tests whose cases are files: one test for each folder of `fixtures/`.
//!
//! With `RINGBACK_BLESS=1` in the environment the expected texts are written anew; review them before committing: each
//! must say what is wrong, where, and what to do.
#![allow(clippy::disallowed_methods, reason = "it reads fixtures from the disk")]

use std::fs;
use std::path::{Path, PathBuf};

use ringback::config::secrets;
use ringback::config::settings::{Overrides, Places, resolve};
use ringback::diagnostic::render::{Format, report};
use ringback::diagnostic::{Code, SourceFile};
use ringback::model::mount::Mount;
use ringback::model::path::LogicalPath;
use ringback::model::tenant::Tenant;
use ringback::rules;

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
    let sources = [SourceFile { name: "huge.toml".into(), text: text.into() }];
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
    SourceFile { name, text }
}

/// Every TOML example of the documentation is what it says it is: rules that load, or a configuration that resolves.
#[test]
fn documented_examples_are_without_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tried = 0;
    for name in ["README.md", "docs/rules.md", "docs/operations.md"] {
        let text = fs::read_to_string(root.join(name)).expect("the documentation");
        for example in examples(&text) {
            let file = SourceFile { name: name.to_owned(), text: example.clone().into_bytes() };
            if example.contains("[[mount]]") {
                let places = Places { config: Path::new("/etc"), working: Path::new("/") };
                let resolved = resolve(Some(&file), places, Overrides::default());
                assert!(resolved.is_ok(), "{name}: {resolved:#?}");
            } else {
                let loaded = rules::load(&[file]);
                // Examples may show what later versions act on.
                let odd: Vec<_> = loaded.diagnostics.iter().filter(|d| d.code != Code::NotActedOn).collect();
                assert!(loaded.set.is_some() && odd.is_empty(), "{name}: {odd:#?}");
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
