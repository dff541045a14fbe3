//! `ringback explain`: which rules would fire on a change, and why the others would not.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::{Value, json};

use super::configuration::{self, Configuration};
use super::rule_files::{self, Faulty, RuleFiles};
use super::{Outcome, UsageError, output};
use crate::config::settings::{Overrides, Resolved, Settings};
use crate::daemon::clock;
use crate::model::change::Action;
use crate::model::metadata::{Metadata, nfc};
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::rules::RuleSet;
use crate::rules::explain::{Verdict, explain_rule};
use crate::rules::supposed::{About, Supposed};
use crate::rules::value::ns_of_date;

/// Options of `ringback explain`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ExplainArgs {
    /// The asset's logical path, as rules and callbacks have it
    #[arg(long)]
    pub path: String,
    /// What happens to the file; none: only metadata changes
    #[arg(long, default_value = "none", value_parser = actions())]
    pub action: Action,
    /// A key's value after the change; repeat it for a list
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// A key's value before the change; a key that is given only here was removed
    #[arg(long, value_name = "KEY=VALUE")]
    pub old: Vec<String>,
    /// Rule files, or directories of them [default: the configuration's rules]
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// The configuration file, for its rules and mounts
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The file's size in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub size: u64,
    /// The file's last write, such as 2026-11-22T10:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub mtime: Option<String>,
    /// The file's owner
    #[arg(long, value_name = "NAME", default_value = crate::rules::supposed::OWNER)]
    pub owner: String,
    /// Print a JSON object: rules, each with name, fires, and what failed
    #[arg(long)]
    pub json: bool,
}

fn actions() -> impl clap::builder::TypedValueParser<Value = Action> {
    let words = PossibleValuesParser::new(Action::ALL.map(Action::as_str));
    words.map(|word| Action::parse(&word).expect("it is an action's word"))
}

const AFTER_HELP: &str = "\
Examples:
  ringback explain --path /dailies/a.mov --action added --rules rules/
      A file arrives without any metadata: which rules fire, and why not the others.
  ringback explain --path /dailies/a.mov --set Rating=5 --rules rules/
      Rating is given the value 5; nothing else is known of the asset.
  ringback explain --path /dailies/a.mov --old IPTC_City=SFO --set IPTC_City=SFO --set Rating=5 --rules rules/
      The same, of an asset that was in San Francisco before and still is: say what stays in both.
  ringback explain --path /dailies/a.mov --old Keywords=beach --old Keywords=sunset --set Keywords=sunset --rules rules/
      One of two keywords is taken away.
  ringback explain --path /dailies/a.mov --set Rating=5 --config ringback.toml --json |
      jq -r '.rules[] | select(.fires | not) | \"\\(.name): \\(.failed.clause): \\(.failed.why)\"'
      By the rules that the daemon runs on, for a program.

Nothing is changed and nobody is called.

Exit codes: 0 fine, whether or not a rule fires, 1 the rules have faults or cannot be read, 2 bad usage.";

/// Explains, and prints it.
///
/// # Errors
/// Something could not be read, or the command line makes no sense.
pub fn run(args: &ExplainArgs) -> anyhow::Result<Outcome> {
    let mut supposed = supposed(args)?;
    let mut rules = args.rules.clone();
    let mut unmounted = None;
    if let Some(config) = &args.config {
        let settings = match settings(config)? {
            Ok(settings) => settings,
            Err(faulty) => return found(&faulty, args.json),
        };
        match mount_of(&settings, &supposed.path) {
            Some(mount) => {
                // One without a tenant is known to have none.
                supposed.about.tenant = Some(mount.tenant.map_or_else(String::new, |tenant| tenant.to_string()));
                supposed.about.mount = mount.path;
            }
            None => unmounted = Some(format!("note: {} lies in no mount of {}", args.path, config.display())),
        }
        if rules.is_empty() {
            let named = settings.rules.with_context(|| format!("{} names no rules; give --rules", config.display()))?;
            rules.push(named);
        }
    } else if rules.is_empty() {
        return Err(UsageError("name rule files or directories with --rules, or --config FILE".into()).into());
    }
    let rules = match rule_files::read(&rules)? {
        RuleFiles::Fine(rules) => rules,
        RuleFiles::Faulty(faulty) => return found(&faulty, args.json),
    };
    let verdicts = verdicts(&rules, supposed);
    if args.json {
        let rules: Vec<_> = verdicts.iter().map(|(name, verdict)| to_json(name, verdict)).collect();
        output::json(&json!({"rules": rules}))?;
    } else {
        output::line(&show(&verdicts, &about(args)))?;
        unmounted.map(|note| output::line(&note)).transpose()?;
    }
    Ok(Outcome::Fine)
}

fn found(faulty: &Faulty, json: bool) -> anyhow::Result<Outcome> {
    faulty.print("rules", json)?;
    Ok(Outcome::Finding)
}

/// The change that the command line tells.
struct Told {
    path: LogicalPath,
    action: Action,
    before: Metadata,
    after: Metadata,
    about: About,
}

fn supposed(args: &ExplainArgs) -> Result<Told, UsageError> {
    let path = LogicalPath::parse(args.path.as_bytes()).map_err(|error| UsageError(format!("--path: {error}")))?;
    let (before, after) = (metadata("--old", &args.old)?, metadata("--set", &args.set)?);
    match args.action {
        Action::Added if !before.is_empty() => {
            return Err(UsageError("--old says what was before, and an added asset was not there; use --set".into()));
        }
        Action::Deleted if !(before.is_empty() && after.is_empty()) => {
            return Err(UsageError("a deletion tells nothing of metadata; leave --set and --old out".into()));
        }
        _ => {}
    }
    let mut about = About { size: args.size, owner: args.owner.clone(), ..About::at(clock::wall()) };
    if let Some(text) = &args.mtime {
        let no_date = || UsageError(format!("--mtime {text} is no date; write one such as 2026-11-22T10:00:00Z"));
        about.mtime_ns = ns_of_date(text).ok_or_else(no_date)?;
    }
    Ok(Told { path, action: args.action, before, after, about })
}

/// `K=V`, in the order of the values.
fn metadata(option: &str, pairs: &[String]) -> Result<Metadata, UsageError> {
    let mut metadata = Metadata::new();
    for pair in pairs {
        let split = pair.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) = split.ok_or_else(|| UsageError(format!("{option} takes KEY=VALUE, not {pair}")))?;
        metadata.entry(nfc(key)).or_default().push(nfc(value));
    }
    Ok(metadata)
}

fn settings(config: &Path) -> anyhow::Result<Result<Settings, Faulty>> {
    let Configuration { file, resolved, .. } = configuration::read(Some(config), Overrides::default())?;
    let sources = file.into_iter().collect();
    Ok(resolved.map(|Resolved { settings, .. }| settings).map_err(|diagnostics| Faulty { diagnostics, sources }))
}

fn mount_of(settings: &Settings, path: &LogicalPath) -> Option<Mount> {
    settings.mounts.iter().find(|mount| path.is_at_or_below(&mount.path)).cloned()
}

/// Each rule and its verdict, those that fire first.
fn verdicts(rules: &RuleSet, told: Told) -> Vec<(String, Verdict)> {
    let Told { path, action, before, after, about } = told;
    let supposed = Supposed::new(path, action, &before, after, about);
    let subject = supposed.subject();
    let verdict =
        |rule: &crate::rules::Rule| (rule.subscription.name.as_str().to_owned(), explain_rule(&subject, rules, rule));
    let mut verdicts: Vec<_> = rules.rules().iter().map(verdict).collect();
    verdicts.sort_by_key(|(_, verdict)| matches!(verdict, Verdict::Failed { .. }));
    verdicts
}

fn to_json(name: &str, verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Fires { .. } => json!({"name": name, "fires": true}),
        Verdict::Failed { clause, why } => {
            json!({"name": name, "fires": false, "failed": {"clause": clause, "why": why}})
        }
    }
}

fn about(args: &ExplainArgs) -> String {
    match args.action {
        Action::None => format!("when the metadata of {} changes so", args.path),
        action => format!("when {} is {}", args.path, action.as_str()),
    }
}

/// A line for each rule, and one that counts.
fn show(verdicts: &[(String, Verdict)], what: &str) -> String {
    let width = verdicts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, verdict): &(String, Verdict)| match verdict {
        Verdict::Fires { clause } => format!("fires  {name:width$}  because {clause}\n"),
        Verdict::Failed { clause, why } => format!("no     {name:width$}  {clause}: {why}\n"),
    };
    let lines: String = verdicts.iter().map(line).collect();
    let firing = verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Fires { .. })).count();
    match (verdicts.len(), firing) {
        (0, _) => "there are no rules".to_owned(),
        (1, 0) => format!("{lines}\nthe one rule does not fire {what}"),
        (1, _) => format!("{lines}\nthe one rule fires {what}"),
        (all, 0) => format!("{lines}\nnone of {all} rules fires {what}"),
        (all, 1) => format!("{lines}\n1 of {all} rules fires {what}"),
        (all, firing) => format!("{lines}\n{firing} of {all} rules fire {what}"),
    }
}
