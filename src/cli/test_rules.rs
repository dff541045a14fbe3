//! `ringback test`: the admin's own cases against the rules.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::rule_files::{self, Faulty, RuleFiles};
use super::{Outcome, UsageError, output};
use crate::config::sources;
use crate::daemon::clock;
use crate::diagnostic::lines::LineIndex;
use crate::diagnostic::{Diagnostic, SourceFile};
use crate::model::counted::counted;
use crate::rules::RuleSet;
use crate::rules::cases::{self, Case, Fared, Missing, Unexpected};
use crate::rules::explain::one_line;

/// Options of `ringback test`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct TestArgs {
    /// Case files, or directories of them [default: the *.toml in tests/ of the rules directory]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The rules directory [default: the one whose tests/ holds the first file]
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Print a JSON object: cases, each with name, passed, unexpected, missing
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  ringback test --rules rules/
      Every case in rules/tests/*.toml, against the rules in rules/.
  ringback test rules/tests/stars.toml
      One file's cases, against the same rules.
  ringback test --rules rules/ --json | jq -r '.cases[] | select(.passed | not) | .name'
      What fails, for a program.

A case says what an asset was, what changes, and which rules fire:
  [[case]]
  name = \"five stars in San Francisco\"
  asset = { path = \"/dailies/a.mov\", metadata = { IPTC_City = [\"SFO\"] } }
  change = { set = { Rating = [\"5\"] } }          # also: action = \"added\", unset = [\"KEY\"]
  fires = [\"five-stars-in-sfo\"]                 # these at least, [] for none; also not_fires, only
Several changes, one after the other, are steps = [{ change = {...}, fires = [...] }, ...] in their place.

Nothing is changed and nobody is called.

Exit codes: 0 all cases pass, 1 a case fails, there is none, or a file has faults, 2 bad usage.";

/// Runs the cases, and prints how they fared.
///
/// # Errors
/// Something could not be read, or the command line makes no sense.
pub fn run(args: &TestArgs) -> anyhow::Result<Outcome> {
    let (rules, files) = places(args)?;
    let rules = match rule_files::read(&[rules])? {
        RuleFiles::Fine(rules) => rules,
        RuleFiles::Faulty(faulty) => return found(&faulty, args.json),
    };
    let mut sources = Vec::new();
    for file in &files {
        sources.extend(sources::read_rules(file)?);
        for Diagnostic { file, .. } in sources::passed_over(file)? {
            output::note(&format!("note: {file} is not read: the names of case files end in .toml"));
        }
    }
    let read = cases::read(&sources, &rules, clock::wall());
    let cases = read.cases;
    if let Some(faulty) = Faulty::new(read.diagnostics, sources.clone()) {
        return found(&faulty, args.json);
    }
    let fared: Vec<(Case, Fared)> = cases
        .into_iter()
        .map(|case| {
            let fared = case.run(&rules);
            (case, fared)
        })
        .collect();
    let lines = Lines::new(&sources);
    if args.json {
        let cases: Vec<_> = fared.iter().map(|(case, fared)| to_json(case, fared, &lines)).collect();
        output::json(&json!({"cases": cases}))?;
    } else {
        output::line(&show(&fared, &lines, &rules, sources.len()))?;
    }
    let fine = !fared.is_empty() && fared.iter().all(|(_, fared)| fared.passed());
    Ok(if fine { Outcome::Fine } else { Outcome::Finding })
}

fn found(faulty: &Faulty, json: bool) -> anyhow::Result<Outcome> {
    faulty.print("cases", json)?;
    Ok(Outcome::Finding)
}

/// The rules directory, and the case files or their directories.
fn places(args: &TestArgs) -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
    let rules = match (&args.rules, args.files.first()) {
        (Some(rules), _) => rules.clone(),
        (None, Some(first)) => rules_of(first).ok_or_else(|| {
            UsageError(format!("{} lies in no directory `tests`: give the rules with --rules DIR", first.display()))
        })?,
        (None, None) => return Err(UsageError("name case files, or the rules with --rules DIR".into()).into()),
    };
    if !args.files.is_empty() {
        return Ok((rules, args.files.clone()));
    }
    let tests = rules.join("tests");
    anyhow::ensure!(tests.is_dir(), "there are no cases: {} is no directory", tests.display());
    Ok((rules, vec![tests]))
}

/// The parent of the directory `tests` that a file lies in, or is.
fn rules_of(file: &Path) -> Option<PathBuf> {
    // `tests/a.toml` as written in `rules` has no parent of `tests` in it.
    let whole = std::path::absolute(file).ok()?;
    let depth = whole.ancestors().position(|dir| dir.file_name().is_some_and(|name| name == "tests"))?;
    let rules = whole.ancestors().nth(depth + 1)?;
    // As it was written, where that says as much: it stands in what is printed.
    let written = file.ancestors().nth(depth + 1).filter(|written| !written.as_os_str().is_empty());
    Some(written.unwrap_or(rules).to_path_buf())
}

/// The line tables of the case files.
struct Lines<'a>(HashMap<&'a str, LineIndex<'a>>);

impl<'a> Lines<'a> {
    fn new(sources: &'a [SourceFile]) -> Self {
        Self(sources.iter().map(|source| (source.name.as_str(), LineIndex::new(&source.text))).collect())
    }

    /// The line on which a case begins.
    fn of(&self, case: &Case) -> usize {
        self.0.get(case.file.as_str()).map_or(1, |lines| lines.place(case.span.start).line)
    }
}

fn to_json(case: &Case, fared: &Fared, lines: &Lines<'_>) -> serde_json::Value {
    let with_step = |mut found: serde_json::Value, step: Option<usize>| {
        if let Some(step) = step {
            found["step"] = json!(step);
        }
        found
    };
    let unexpected = fared.unexpected.iter();
    let unexpected =
        unexpected.map(|Unexpected { step, name, clause }| with_step(json!({"name": name, "clause": clause}), *step));
    let missing = fared.missing.iter();
    let missing = missing.map(|Missing { step, name, clause, why }| {
        with_step(json!({"name": name, "clause": clause, "why": why}), *step)
    });
    json!({
        "file": case.file,
        "line": lines.of(case),
        "name": case.name,
        "passed": fared.passed(),
        "unexpected": unexpected.collect::<Vec<_>>(),
        "missing": missing.collect::<Vec<_>>(),
    })
}

/// A line for each case, what differs below it, and a line that counts.
fn show(fared: &[(Case, Fared)], lines: &Lines<'_>, rules: &RuleSet, files: usize) -> String {
    let mut out = String::new();
    for (case, fared) in fared {
        let name = one_line(&case.name);
        if fared.passed() {
            out.push_str(&format!("ok    {name}\n"));
            continue;
        }
        out.push_str(&format!("FAIL  {name}  ({}:{})\n", case.file, lines.of(case)));
        let at = |step: Option<usize>| step.map_or_else(String::new, |step| format!("step {step}: "));
        for Unexpected { step, name, clause } in &fared.unexpected {
            out.push_str(&format!("      {}{name} fired and should not have: because {clause}\n", at(*step)));
        }
        for Missing { step, name, clause, why } in &fared.missing {
            out.push_str(&format!("      {}{name} did not fire and should have: {clause}: {why}\n", at(*step)));
        }
    }
    let failed = fared.iter().filter(|(_, fared)| !fared.passed()).count();
    let of = format!(
        "{} in {} on {}",
        counted(fared.len() as u64, "case"),
        counted(files as u64, "file"),
        counted(rules.rules().len() as u64, "rule")
    );
    match (fared.len(), failed) {
        (0, _) => format!("there is no [[case]] in {}", counted(files as u64, "file")),
        (_, 0) => format!("{out}\nfine: {of}"),
        (_, failed) => format!("{out}\nfailed: {failed} of {of}"),
    }
}
