//! `ringback check`: what is wrong with rule files and the configuration, before the daemon finds out.

use std::io::IsTerminal as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::configuration::{self, Configuration};
use super::{Outcome, UsageError, output};
use crate::config::ca_file::{self, CaFileError};
use crate::config::exiftool;
use crate::config::settings::{Overrides, Resolved, Settings, TlsFiles};
use crate::config::tls_files::{self, TlsFilesError};
use crate::config::{secrets, sources};
use crate::diagnostic::explain::{self, Explanation};
use crate::diagnostic::render::{Format, report};
use crate::diagnostic::{Code, Diagnostic, Severity, SourceFile, has_errors};
use crate::model::counted::counted;
use crate::model::error_chain::ErrorChain;
use crate::model::mount::Mount;
use crate::model::network::Network;
use crate::model::principal::{Principal, Role};
use crate::model::tenant::Tenant;
use crate::model::tenant_ids::TenantIds;
use crate::rules::allow::without_accepted;
use crate::rules::{self, Loaded};

/// Options of `ringback check`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct CheckArgs {
    /// Rule files, or directories of them [default: the configuration's rules]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// A configuration file to check too
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Count warnings as findings: exit with 1
    #[arg(long)]
    pub strict: bool,
    /// Do not read the secrets that rules name by `file:` or `env:`: for where they are not at hand
    #[arg(long)]
    pub without_secrets: bool,
    /// Print a JSON array of findings
    #[arg(long)]
    pub json: bool,
    /// Explain a code of a finding, such as RB0012, and check nothing
    #[arg(long, value_name = "CODE", conflicts_with_all = ["paths", "config"])]
    pub explain: Option<String>,
}

const AFTER_HELP: &str = "\
Examples:
  ringback check rules/
      Check every rule file in a directory, as serve would read it.
  ringback check --config /etc/ringback/ringback.toml
      Check the configuration and the rules that it names; say what is in force.
  ringback check --strict --without-secrets rules/
      Before a change is merged: warnings count too, and secrets are elsewhere.
  ringback check --json rules/ | jq -r '.[] | \"\\(.file):\\(.line): \\(.message)\"'
      Findings for a program: code, severity, file, line, column, message, help.
  ringback check --explain RB0012
      What a code means, an example that is wrong and one that is right, and what to do.

A line `# ringback: allow RB0113` above a rule or an event accepts that warning of it.

Exit codes: 0 fine (there may be warnings), 1 at least one error, or a warning with --strict, 2 bad usage.";

/// Checks, and prints what was found.
///
/// # Errors
/// Something could not be read.
pub fn run(args: &CheckArgs) -> anyhow::Result<Outcome> {
    if let Some(code) = &args.explain {
        return explain(code, args.json);
    }
    let mut found = Found::default();
    let mut paths = args.paths.clone();
    let mut mounts = None;
    if let Some(config) = &args.config {
        if let Some(settings) = found.config(config)? {
            if paths.is_empty() {
                paths.extend(settings.rules);
            }
            mounts = Some(settings.mounts);
        }
    } else if paths.is_empty() {
        return Err(UsageError("name rule files or directories to check, or --config FILE".into()).into());
    }
    let rules = found.rules(&paths, mounts.as_deref(), args.without_secrets)?;
    let Found { diagnostics, sources, .. } = &found;
    if args.json {
        output::line(&report(diagnostics, sources, Format::Json))?;
    } else {
        let shown = report(diagnostics, sources, Format::for_terminal(std::io::stdout().is_terminal()));
        if !shown.is_empty() {
            output::line(shown.trim_end())?;
        }
        if let Some(first) = diagnostics.first() {
            output::line(&format!("more about a code: ringback check --explain {}", first.code))?;
        }
        for line in &found.in_force {
            output::line(line)?;
        }
        if !has_errors(diagnostics) {
            let well = if is_finding(diagnostics, args.strict) { "warnings count (--strict)" } else { "fine" };
            output::line(&format!("{well}: {}", said(rules, found.rule_files)))?;
            if rules == 0 {
                output::line("but there is no [[subscription]] in any *.toml there: nobody will be called")?;
            }
        }
    }
    Ok(if is_finding(diagnostics, args.strict) { Outcome::Finding } else { Outcome::Fine })
}

fn is_finding(diagnostics: &[Diagnostic], is_strict: bool) -> bool {
    has_errors(diagnostics) || (is_strict && !diagnostics.is_empty())
}

fn explain(code: &str, as_json: bool) -> anyhow::Result<Outcome> {
    let unknown = |near| UsageError(format!("there is no code {code}; the nearest is {near}"));
    let explanation = Explanation::of(explain::find(code).map_err(unknown)?);
    if as_json {
        let Explanation { code, why, wrong, right, remedy } = explanation;
        let (text, meaning) = (code.to_string(), code.meaning());
        let all = json!({"code": text, "meaning": meaning, "why": why, "wrong": wrong, "right": right, "help": remedy});
        output::json(&all)?;
    } else {
        output::line(&explanation.to_string())?;
    }
    Ok(Outcome::Fine)
}

#[derive(Default)]
struct Found {
    diagnostics: Vec<Diagnostic>,
    sources: Vec<SourceFile>,
    rule_files: usize,
    /// What the configuration comes to, a line each.
    in_force: Vec<String>,
}

impl Found {
    fn config(&mut self, path: &Path) -> anyhow::Result<Option<Settings>> {
        let Configuration { file, resolved, .. } = configuration::read(Some(path), Overrides::default())?;
        self.sources.extend(file);
        match resolved {
            Ok(Resolved { settings, warnings }) => {
                self.diagnostics.extend(warnings);
                let missing = settings.mounts.iter().filter(|mount| is_missing(&mount.dir));
                self.diagnostics.extend(missing.map(|mount| missing_directory(mount, self.sources.last())));
                if let Some(error) = settings.ca_file.as_deref().and_then(|path| ca_file::read(path).err()) {
                    self.diagnostics.push(bad_ca_file(&error, self.sources.last()));
                }
                if let Some(error) = settings.tls.as_ref().and_then(|files| tls_files::read(files).err()) {
                    self.diagnostics.push(bad_tls_file(&error, self.sources.last()));
                }
                match settings.exiftool.as_ref().map(exiftool::find) {
                    None | Some(Ok(Some(_))) => {}
                    Some(Ok(None)) => {
                        let message = "there is no exiftool in PATH: what the built-in readers do not know is not read";
                        self.diagnostics.push(bad_exiftool(Severity::Warning, message, "auto", self.sources.last()));
                    }
                    Some(Err(error)) => {
                        let (message, path) = (ErrorChain(&error).to_string(), error.path().to_string_lossy());
                        self.diagnostics.push(bad_exiftool(Severity::Error, &message, &path, self.sources.last()));
                    }
                }
                self.in_force = in_force(&settings);
                Ok(Some(settings))
            }
            Err(diagnostics) => {
                self.diagnostics.extend(diagnostics);
                Ok(None)
            }
        }
    }

    /// All paths together are one set, as one daemon would have them. Gives the number of subscriptions.
    fn rules(&mut self, paths: &[PathBuf], mounts: Option<&[Mount]>, without_secrets: bool) -> anyhow::Result<usize> {
        let mut files = Vec::new();
        for path in paths {
            files.extend(sources::read_rules(path)?);
            self.diagnostics.extend(sources::passed_over(path)?);
        }
        let mut loaded = rules::load(&files);
        if !without_secrets {
            loaded = loaded.with_secrets(secrets::read);
        }
        if let Some(mounts) = mounts {
            loaded.lint_mounts(mounts);
        }
        let Loaded { set, diagnostics, .. } = loaded;
        self.rule_files = files.len();
        self.diagnostics.extend(without_accepted(diagnostics, &files, mounts.is_some()));
        self.sources.extend(files);
        Ok(set.map_or(0, |set| set.rules().len()))
    }
}

fn is_missing(dir: &Path) -> bool {
    std::fs::metadata(dir).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

fn file_name(config: Option<&SourceFile>) -> String {
    config.map_or_else(|| "command line".to_owned(), |config| config.name.clone())
}

/// The first place of a text in the configuration; its beginning, where it is not written out there.
fn place_of(text: &str, config: Option<&SourceFile>) -> Range<usize> {
    let all = config.map(|config| String::from_utf8_lossy(&config.text)).unwrap_or_default();
    all.find(text).map_or(0..0, |at| at..at + text.len())
}

/// A warning at the place of the directory in the configuration, where it is written out there.
fn missing_directory(mount: &Mount, config: Option<&SourceFile>) -> Diagnostic {
    let dir = mount.dir.display().to_string();
    Diagnostic {
        code: Code::MissingDirectory,
        severity: Severity::Warning,
        file: file_name(config),
        span: place_of(&dir, config),
        message: format!("the directory of the mount {} does not exist: {dir}", mount.path),
        label: "not there".to_owned(),
        help: Some("make or mount it, or mend the path; until then the mount is offline".to_owned()),
    }
}

/// An error at the place of the file in the configuration, where it is written out there.
fn bad_ca_file(error: &CaFileError, config: Option<&SourceFile>) -> Diagnostic {
    let name = error.path().file_name().unwrap_or_default().to_string_lossy();
    Diagnostic {
        code: Code::BadCaFile,
        severity: Severity::Error,
        file: file_name(config),
        span: place_of(&name, config),
        message: ErrorChain(error).to_string(),
        label: "this file".to_owned(),
        help: Some("write a file of PEM certificates that ringback's user can read".to_owned()),
    }
}

/// An error at the place of the file in the configuration, where it is written out there.
fn bad_tls_file(error: &TlsFilesError, config: Option<&SourceFile>) -> Diagnostic {
    let name = error.path().file_name().unwrap_or_default().to_string_lossy();
    Diagnostic {
        code: Code::BadTlsFile,
        severity: Severity::Error,
        file: file_name(config),
        span: place_of(&name, config),
        message: ErrorChain(error).to_string(),
        label: "this file".to_owned(),
        help: Some("write PEM files that ringback's user can read, and the key of the certificate".to_owned()),
    }
}

/// At the place of the program in the configuration, where it is written out there.
fn bad_exiftool(severity: Severity, message: &str, written: &str, config: Option<&SourceFile>) -> Diagnostic {
    Diagnostic {
        code: Code::BadExiftool,
        severity,
        file: file_name(config),
        span: place_of(written, config),
        message: message.to_owned(),
        label: "this program".to_owned(),
        help: Some("install Debian's libimage-exiftool-perl, or name the program".to_owned()),
    }
}

fn in_force(settings: &Settings) -> Vec<String> {
    let mut lines = vec![
        format!("state   {}", settings.state.display()),
        format!("rules   {}", settings.rules.as_deref().map_or("none".into(), |rules| rules.display().to_string())),
        format!("listen  {}", settings.listen),
    ];
    let of = |tenant: &Option<Tenant>| tenant.as_ref().map_or_else(String::new, |tenant| format!(", of {tenant}"));
    let mount = |mount: &Mount| format!("mount   {} shows {}{}", mount.path, mount.dir.display(), of(&mount.tenant));
    lines.extend(settings.mounts.iter().map(mount));
    let list = |networks: &[Network]| networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if !settings.allow.is_empty() {
        lines.push(format!("allow   {} to every callback", list(&settings.allow)));
    }
    if let Some(path) = &settings.ca_file {
        lines.push(format!("ca_file {} beside the platform's certificates", path.display()));
    }
    if let Some(TlsFiles { cert, key }) = &settings.tls {
        lines.push(format!("tls     {} with the key {}", cert.display(), key.display()));
    }
    lines.extend(settings.tenants.iter().map(|ids| {
        let TenantIds { tenant, property, network, organisation } = ids;
        format!("tenant  {tenant} (property {property}, network {network}, organisation {organisation})")
    }));
    lines.extend(settings.principals.iter().map(principal));
    lines
}

fn principal(principal: &Principal) -> String {
    let Principal { name, role, tenants, mage_id, .. } = principal;
    let whose = match role {
        Role::SuperAdministrator => "every tenant".to_owned(),
        _ if tenants.is_empty() => "no tenant".to_owned(),
        _ => tenants.iter().map(Tenant::as_str).collect::<Vec<_>>().join(" "),
    };
    format!("principal {name} ({}) of {whose}, {mage_id}", role.as_str())
}

fn said(rules: usize, files: usize) -> String {
    format!("{} in {}", counted(rules as u64, "subscription"), counted(files as u64, "rule file"))
}
