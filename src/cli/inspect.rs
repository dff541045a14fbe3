//! `ringback inspect`: the metadata that ringback reads from files, key by key, with its source. It asks no daemon.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::keys::{cut, lines};
use super::{Outcome, UsageError, output};
use crate::config::exiftool;
use crate::config::settings::ExiftoolSetting;
use crate::look::disk::{Disk as _, Kind};
use crate::look::real::RealDisk;
use crate::look::{self, AskForRest, physical};
use crate::metadata::exiftool::Session;
use crate::metadata::exiftool::process::Limits;
use crate::metadata::found::Found;
use crate::metadata::tag::{Family, Tag, TagValue};
use crate::model::keys;
use crate::model::look::{SourceLook, Unread};
use crate::model::metadata::BySource;
use crate::model::metadata_by_key::by_key;

const AFTER_HELP: &str = "\
Keys that rules name are IPTC_City, XMP_Rating, EXIF_Model and the like. Behind each value stands its source, and what
other sources say that lost. --physical lists the tags of the file itself, under ExifTool's -G0:1 names; a rule may name
those too, in quotes: \"XMP-photoshop:City\"==SFO.

Examples:
  ringback inspect photo.jpg                  what rules see, and where each value stands
  ringback inspect --json *.mov               the same for programs
  ringback inspect --physical --json a.jpg    to compare with: exiftool -j -G0:1 -struct -n a.jpg
  ringback inspect --exiftool auto clip.mxf   with what only exiftool reads: PDF, MXF, maker notes
  ringback inspect --keys                     every key, what feeds it, and its type

Exit codes: 0 fine, 1 a file cannot be read, or some of its metadata, 2 bad usage.";

/// The arguments of `inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct InspectArgs {
    /// Files whose metadata is shown, with that of their sidecars
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// List the tags of the file itself, under ExifTool's names
    #[arg(long, conflicts_with = "keys")]
    physical: bool,
    /// Print one JSON document: a list with an object for each file
    #[arg(long)]
    json: bool,
    /// Ask exiftool too, as a daemon does with this value of `exiftool` in [metadata]: auto, or the path of the program
    #[arg(long, value_name = "PATH|auto", conflicts_with_all = ["keys", "physical"])]
    exiftool: Option<PathBuf>,
    /// List the keys that rules can name, and what feeds each
    #[arg(long, conflicts_with = "files")]
    keys: bool,
}

/// Runs it.
///
/// # Errors
/// Nothing to inspect, or the output is closed.
pub fn run(args: &InspectArgs) -> anyhow::Result<Outcome> {
    if args.keys {
        return known_keys(args.json);
    }
    if args.files.is_empty() {
        return Err(UsageError("name a file, or --keys for the list of keys".to_owned()).into());
    }
    let disk = RealDisk::new();
    let mut exiftool = args.exiftool.as_deref().map(session).transpose()?;
    let (mut documents, mut outcome) = (Vec::new(), Outcome::Fine);
    for (n, file) in args.files.iter().enumerate() {
        let shown = match args.physical {
            true => of_tags(&disk, file),
            false => of_sources(&disk, exiftool.as_mut(), file),
        };
        let Shown { text, document, faults } = match shown {
            Ok(shown) => shown,
            Err(error) => {
                output::note(&output::error_chain(&error));
                outcome = Outcome::Finding;
                continue;
            }
        };
        for fault in faults {
            output::note(&fault);
            outcome = Outcome::Finding;
        }
        if args.json {
            let mut of_file = Map::from_iter([("SourceFile".to_owned(), json!(file.to_string_lossy()))]);
            of_file.extend(document);
            documents.push(Value::Object(of_file));
        } else {
            let begin = if n > 0 { "\n" } else { "" };
            output::line(&format!("{begin}{}\n{}", file.display(), text.trim_end_matches('\n')))?;
        }
    }
    if args.json {
        output::json(&documents)?;
    }
    Ok(outcome)
}

/// What is shown of a file.
struct Shown {
    text: String,
    document: Map<String, Value>,
    faults: Vec<String>,
}

/// Refuses what is no file.
fn regular(disk: &RealDisk, file: &Path) -> anyhow::Result<()> {
    let stat = disk.stat(file).with_context(|| format!("cannot look at {}", file.display()))?;
    anyhow::ensure!(stat.kind == Kind::File, "{} is not a regular file", file.display());
    Ok(())
}

/// The program that a value of the option means.
fn session(option: &Path) -> anyhow::Result<Session> {
    let setting = match option.to_str() {
        Some("auto") => ExiftoolSetting::Auto,
        _ => ExiftoolSetting::Program(std::env::current_dir()?.join(option)),
    };
    let program = exiftool::find(&setting)?;
    let program = program.context("there is no exiftool in PATH: install Debian's libimage-exiftool-perl")?;
    Ok(Session::new(&program, Limits::default()))
}

/// The keys that rules see.
fn of_sources(disk: &RealDisk, exiftool: Option<&mut Session>, file: &Path) -> anyhow::Result<Shown> {
    regular(disk, file)?;
    let (mut sources, mut faults) = (BySource::new(), Vec::new());
    let mut ask = exiftool.map(|session| {
        move |portion, file: &File| {
            session.read(portion, file).unwrap_or_else(|unusable| Err(Unread::Refused(unusable.to_string())))
        }
    });
    let rest = ask.as_mut().map(|ask| ask as AskForRest<'_>);
    for (source, SourceLook { content, .. }) in look::metadata_of(disk, file, rest) {
        match content {
            Ok(said) => sources.insert(source, said),
            Err(Unread::Refused(why) | Unread::Damaged(why)) => {
                faults.push(format!("{}: {}: {why}", file.display(), source.name()))
            }
            Err(Unread::AsKnown) => {}
            Err(Unread::Written) => {
                faults.push(format!("{}: {}: the sidecar is being written", file.display(), source.name()))
            }
        }
    }
    let document = by_key(&sources);
    let text = match document.is_empty() {
        true => "  no metadata that ringback reads".to_owned(),
        false => lines(document.iter()),
    };
    Ok(Shown { text, document, faults })
}

/// The tags of the file itself.
fn of_tags(disk: &RealDisk, file: &Path) -> anyhow::Result<Shown> {
    regular(disk, file)?;
    let Found { xmp, iptc, exif, .. } = physical(disk, file)?;
    let (mut text, mut document, mut faults) = (String::new(), Map::new(), Vec::new());
    for (name, part) in [("exif", exif), ("iptc", iptc), ("xmp", xmp)] {
        match part {
            Ok(tags) => {
                for tag in tags {
                    let key = physical_key(&tag);
                    let value = json_of(&tag.value);
                    let _ = writeln!(text, "  {key}  {}", cut(value.as_str().unwrap_or(&value.to_string())));
                    // Of two tags with one name the first counts, as in exiftool -j.
                    document.entry(key).or_insert(value);
                }
            }
            Err(fault) => faults.push(format!("{}: {name}: {fault}", file.display())),
        }
    }
    Ok(Shown { text, document, faults })
}

/// The name of a tag as `exiftool -G0:1` has it: a group that is called like its family is there once.
fn physical_key(tag: &Tag) -> String {
    match tag.family {
        Family::Other => format!("{}:{}", tag.group, tag.full_name()),
        family if family.name() == tag.group => format!("{}:{}", tag.group, tag.full_name()),
        family => format!("{}:{}:{}", family.name(), tag.group, tag.full_name()),
    }
}

fn json_of(value: &TagValue) -> Value {
    match value {
        TagValue::Text(text) => json!(text),
        TagValue::Bag(items) | TagValue::Seq(items) => items.iter().map(json_of).collect(),
        TagValue::Struct(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.to_string(), json_of(value))).collect())
        }
    }
}

/// Every key that rules can name.
fn known_keys(as_json: bool) -> anyhow::Result<Outcome> {
    if as_json {
        let keys: Vec<Value> = keys::known()
            .map(|key| json!({"key": key.name, "type": key.kind.name(), "sources": key.sources}))
            .collect();
        output::json(&keys)?;
        return Ok(Outcome::Fine);
    }
    let width = keys::known().map(|key| key.name.len()).max().unwrap_or(0).min(36);
    let mut text = String::new();
    for key in keys::known() {
        let _ = writeln!(text, "{:width$}  {:18}  {}", key.name, key.kind.name(), key.sources.join(", "));
    }
    text.push_str("\nXATTR_user.NAME has the extended attribute user.NAME. A language is named like XMP_Title[de].");
    output::line(&text)?;
    Ok(Outcome::Fine)
}
