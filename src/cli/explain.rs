//! `ringback explain`: which rules would fire on a change, and why the others would not.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::{Value, json};

use super::configuration::{self, Configuration};
use super::reach::{Reach, ReachArgs};
use super::rule_files::{self, Faulty, RuleFiles};
use super::{Outcome, UsageError, client, keys, output};
use crate::api::shown_explained;
use crate::config::settings::{Overrides, Resolved, Settings};
use crate::config::sources;
use crate::daemon::clock;
use crate::daemon::explaining::{Located, explained, without_change};
use crate::model::change::Action;
use crate::model::explain::{ExplainedRule, Stopped};
use crate::model::metadata::{Metadata, nfc};
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;
use crate::model::time::Wall;
use crate::rules::supposed::{About, Supposed};
use crate::rules::value::ns_of_date;
use crate::watch::mounts::Mounts;

/// Options of `ringback explain`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct ExplainArgs {
    /// The asset's logical path, as rules and callbacks have it, or the file's path on the disk
    #[arg(long, required_unless_present = "journal")]
    pub path: Option<String>,
    /// What happens to the file; none: only metadata changes
    #[arg(long, default_value = "none", value_parser = actions())]
    pub action: Action,
    /// A key's value after the change; repeat it for a list
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// A key's value before the change; a key that is given only here was removed
    #[arg(long, value_name = "KEY=VALUE")]
    pub old: Vec<String>,
    /// Rule files, or directories of them [default: the running daemon's rules, else the configuration's]
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// The file's size in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub size: u64,
    /// The file's last write, such as 2026-11-22T10:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub mtime: Option<String>,
    /// The file's owner
    #[arg(long, value_name = "NAME", default_value = crate::rules::supposed::OWNER)]
    pub owner: String,
    /// Try the rules on so many of the newest changes that the daemon has recorded: those in force, or those of --rules
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["path", "set", "old", "mtime"])]
    pub journal: Option<u64>,
    /// Which daemon; its configuration is also read for its rules and mounts, where it does not run.
    #[command(flatten)]
    pub reach: ReachArgs,
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
  ringback explain --path /dailies/a.mov --action modified
      Of a file that the running daemon knows: without --set and --old its metadata stays as it is.

Nothing is changed and nobody is called.

Exit codes: 0 fine, whether or not a rule fires, 1 the rules have faults or cannot be read, 2 bad usage.";

/// Explains, and prints it.
///
/// # Errors
/// Something could not be read, or the command line makes no sense.
pub async fn run(args: ExplainArgs) -> anyhow::Result<Outcome> {
    if let Some(most) = args.journal {
        return over_journal(&args, most).await;
    }
    let path = args.path.clone().unwrap_or_default();
    let mut supposed = supposed(&args, &path)?;
    if args.rules.is_empty()
        && let Some((reach, answer)) = ask_daemon(&args, &supposed).await?
    {
        return by_daemon(&args, &path, &reach, &answer);
    }
    let mut rules = args.rules.clone();
    let (mut stopped, mut note) = (None, None);
    if let Some(config) = &args.reach.config {
        let settings = match settings(config)? {
            Ok(settings) => settings,
            Err(faulty) => return found(&faulty, args.json),
        };
        let mounts = Arc::new(mounts(&settings)?);
        let place = Located::new(&mounts, &supposed.path, |_| true);
        stopped = place.stopped(&mounts);
        note = stopped.as_ref().map(|stopped| match stopped {
            Stopped::NoMount => format!("note: {path} lies in no mount of {}", config.display()),
            other => format!("note: {}", other.sentence()),
        });
        if let Some(mount) = place.mount.map(|mount| mounts.get(mount)) {
            // One without a tenant is known to have none.
            supposed.about.tenant = Some(mount.tenant.as_ref().map_or_else(String::new, ToString::to_string));
            supposed.about.mount = mount.path.clone();
        }
        supposed.path = place.path;
        if rules.is_empty() {
            let named = settings.rules.with_context(|| format!("{} names no rules; give --rules", config.display()))?;
            rules.push(named);
        }
    } else if rules.is_empty() {
        let text = "no daemon runs here: name rule files or directories with --rules, or --config FILE";
        return Err(UsageError(text.into()).into());
    }
    let rules = match rule_files::read(&rules)? {
        RuleFiles::Fine(rules) => rules,
        RuleFiles::Faulty(faulty) => return found(&faulty, args.json),
    };
    if stopped.is_none() {
        stopped = without_change(supposed.action, &supposed.before, &supposed.after);
        note = stopped.as_ref().map(|stopped| format!("note: {}", stopped.sentence()));
    }
    let Change { path: logical, action, before, after, about } = supposed;
    let supposed = Supposed::new(logical, action, &before, after, about);
    let explained = explained(&rules, &Scope::All, &supposed, stopped.as_ref());
    if args.json {
        let rules: Vec<_> = explained.iter().map(shown_explained).collect();
        let mut out = json!({"rules": rules});
        if let Some(stopped) = &stopped {
            out["stopped"] = json!(stopped.as_str());
            out["sentence"] = json!(stopped.sentence());
        }
        output::json(&out)?;
    } else {
        output::line(&show(&explained, &about_change(&args, &path)))?;
        note.map(|note| output::line(&note)).transpose()?;
    }
    Ok(Outcome::Fine)
}

/// The mounts of a configuration, with links resolved where their directories are there.
fn mounts(settings: &Settings) -> anyhow::Result<Mounts> {
    let state = configuration::real_dir(&settings.state);
    Ok(Mounts::new(configuration::at_real_dirs(&settings.mounts), Some(&state))?)
}

/// What the running daemon says, where one is found and reached.
async fn ask_daemon(args: &ExplainArgs, change: &Change) -> anyhow::Result<Option<(Reach, Value)>> {
    // Whatever keeps it from being found, the files can still be read.
    let Ok(reach) = args.reach.find() else { return Ok(None) };
    let mut body = json!({
        "path64": BASE64.encode(change.path.as_bytes()), "action": change.action.as_str(),
        "set": change.after, "old": change.before, "size": args.size, "owner": args.owner,
    });
    if args.mtime.is_some() {
        body["mtime"] = json!(Wall(change.about.mtime_ns.div_euclid(1_000_000)).to_string());
    }
    match client::post(&reach, "/v1/explain", &body).await {
        Ok(answer) => Ok(Some((reach, answer))),
        Err(error) if is_unreached(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether nobody listens there.
fn is_unreached(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| matches!(cause.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound))
}

fn by_daemon(args: &ExplainArgs, path: &str, reach: &Reach, answer: &Value) -> anyhow::Result<Outcome> {
    if args.json {
        output::json(answer)?;
        return Ok(Outcome::Fine);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rules = answer["rules"].as_array().map_or(&[][..], Vec::as_slice);
    let rules: Vec<_> = rules
        .iter()
        .map(|rule| ExplainedRule {
            name: text(&rule["name"]),
            fires: rule["fires"] == true,
            clause: text(if rule["fires"] == true { &rule["because"] } else { &rule["failed"]["clause"] }),
            why: rule["failed"]["why"].as_str().map(str::to_owned),
        })
        .collect();
    output::line(&show(&rules, &about_change(args, path)))?;
    let keys = keys::named_in(&answer["metadata"], rules.iter().map(|rule| rule.clause.as_str()));
    if !keys.is_empty() {
        output::line(&format!("\nwhat the file says of these keys\n{keys}"))?;
    }
    if let Some(more) = answer["rulesMore"].as_u64() {
        output::line(&format!("and {more} more rules, which do not fire or are not shown"))?;
    }
    if let Some(sentence) = answer["sentence"].as_str() {
        output::line(&format!("note: {sentence}"))?;
    }
    output::line(&format!("by the rules in force at {}", reach.server.address))?;
    Ok(Outcome::Fine)
}

/// Tries rules on what the daemon has recorded.
async fn over_journal(args: &ExplainArgs, most: u64) -> anyhow::Result<Outcome> {
    let mut body = json!({"journal": most});
    if !args.rules.is_empty() {
        let mut text = Vec::new();
        for path in &args.rules {
            for file in sources::read_rules(path)? {
                text.extend_from_slice(&file.text);
                text.push(b'\n');
            }
        }
        body["rule"] = json!(String::from_utf8(text).context("the rules are not UTF-8")?);
    }
    let reach = args.reach.find()?;
    let answer = client::post(&reach, "/v1/explain", &body).await?;
    if args.json {
        output::json(&answer)?;
        return Ok(Outcome::Fine);
    }
    let journal = &answer["journal"];
    for change in journal["first"].as_array().map_or(&[][..], Vec::as_slice) {
        let text = |name: &str| change[name].as_str().unwrap_or("-").to_owned();
        output::line(&format!("{:>9}  {}  {:<8}  {}", change["seq"], text("time"), text("action"), text("path")))?;
    }
    let which = if args.rules.is_empty() { "a rule in force fires" } else { "a rule fires" };
    output::line(&format!("{which} on {} of the newest {} changes", journal["fired"], journal["read"]))?;
    Ok(Outcome::Fine)
}

fn found(faulty: &Faulty, json: bool) -> anyhow::Result<Outcome> {
    faulty.print("rules", json)?;
    Ok(Outcome::Finding)
}

/// The change that the command line supposes.
struct Change {
    path: LogicalPath,
    action: Action,
    before: Metadata,
    after: Metadata,
    about: About,
}

fn supposed(args: &ExplainArgs, path: &str) -> Result<Change, UsageError> {
    let path = LogicalPath::parse(path.as_bytes()).map_err(|error| UsageError(format!("--path: {error}")))?;
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
    Ok(Change { path, action: args.action, before, after, about })
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

fn about_change(args: &ExplainArgs, path: &str) -> String {
    match args.action {
        Action::None => format!("when the metadata of {path} changes so"),
        action => format!("when {path} is {}", action.as_str()),
    }
}

/// A line for each rule, and one that counts.
fn show(rules: &[ExplainedRule], what: &str) -> String {
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    let line = |ExplainedRule { name, clause, why, .. }: &ExplainedRule| match why {
        None => format!("fires  {name:width$}  because {clause}\n"),
        Some(why) => format!("no     {name:width$}  {clause}: {why}\n"),
    };
    let lines: String = rules.iter().map(line).collect();
    let firing = rules.iter().filter(|rule| rule.fires).count();
    match (rules.len(), firing) {
        (0, _) => "there are no rules".to_owned(),
        (1, 0) => format!("{lines}\nthe one rule does not fire {what}"),
        (1, _) => format!("{lines}\nthe one rule fires {what}"),
        (all, 0) => format!("{lines}\nnone of {all} rules fires {what}"),
        (all, 1) => format!("{lines}\n1 of {all} rules fires {what}"),
        (all, firing) => format!("{lines}\n{firing} of {all} rules fire {what}"),
    }
}
