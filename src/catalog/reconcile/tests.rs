//! Reconciling, case by case: each file of `fixtures/catalog` is a catalog, a group of looks and what follows from
//! them; its name says what it shows.
//!
//! ```text
//! known ID PATH @FILE         the catalog has this asset at this path
//! gone ID PATH @FILE [ago=MS] it is gone, and went from there
//! displaced ID @FILE          it was this file until another file was found at its path
//! look PATH nothing           the group looked there and found no file
//! look PATH @FILE             it found this file
//! look PATH @FILE notyet      it found this file, which is not to be told yet
//! expect STEP                 what is recorded, in this order:
//!   delete ID PATH | add PATH as ID | add PATH new | keep ID PATH | keep ID PATH modified
//! expect look PATH            this place decides too
//! ```
//!
//! A file is an inode number, with its birth time (`@10.2`; 0: it has none) and its filesystem (`@8:10`) where they
//! matter. After it, where they matter, come `size=`, `mtime=`, `ctime=`, `links=`, for a known asset the word `racy`,
//! and for a look the words of [`Heard`]: `wrote`, `unwritten`, `named`, `follows`.
#![allow(clippy::disallowed_methods, reason = "the cases are files")]

use std::collections::BTreeMap;
use std::path::Path;

use super::{Before, Candidate, Heard, Here, Place, Plan, Step, arrivals, reconcile};
use crate::model::asset::{Asset, ContentRead, Identity, Stat};
use crate::model::ids::{AssetId, Rrn};
use crate::model::look::{FileLook, MetadataLook, Writer};
use crate::model::path::LogicalPath;

#[test]
fn groups_are_reconciled_as_the_cases_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalog");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the cases").map(|file| file.expect("a listing goes on").path()).collect();
    files.sort();
    assert!(files.len() >= 50, "only {} cases were found", files.len());
    let cases = files.iter().map(|file| (file, std::fs::read_to_string(file).expect("a readable case")));
    let wrong: Vec<_> =
        cases.filter_map(|(file, text)| Some(format!("{}: {}", file.display(), check(&text).err()?))).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Whether what follows is what the case expects; else what it is.
fn check(text: &str) -> Result<(), String> {
    let case = Case::parse(text);
    let places: Vec<_> = case.looks.iter().map(|look| look.place(&case.known)).collect();
    let candidates = case.candidates(&places);
    let found = match reconcile(places, candidates) {
        Plan::Look(paths) => paths.iter().map(|path| format!("look {path}")).collect(),
        Plan::Record(steps) => steps.iter().map(shown).collect::<Vec<_>>(),
    };
    if found == case.expect { Ok(()) } else { Err(found.join(", ")) }
}

fn shown(step: &Step) -> String {
    match step {
        Step::Delete { asset, .. } => format!("delete {} {}", asset.id, asset.path),
        Step::Add { path, asset: Some(asset), .. } => format!("add {path} as {}", asset.id),
        Step::Add { path, asset: None, .. } => format!("add {path} new"),
        Step::Keep { asset, modified: true, .. } => format!("keep {} {} modified", asset.id, asset.path),
        Step::Keep { asset, modified: false, .. } => format!("keep {} {}", asset.id, asset.path),
    }
}

struct Case {
    known: BTreeMap<LogicalPath, Asset>,
    gone: Vec<Gone>,
    displaced: Vec<(AssetId, Stat)>,
    looks: Vec<Look>,
    expect: Vec<String>,
}

struct Gone {
    asset: Asset,
    ago_ms: i64,
}

struct Look {
    path: LogicalPath,
    here: Here,
    heard: Heard,
}

impl Look {
    fn place(&self, known: &BTreeMap<LogicalPath, Asset>) -> Place {
        let known = known.get(&self.path).cloned();
        Place { path: self.path.clone(), known, here: self.here.clone(), heard: self.heard }
    }
}

impl Case {
    fn parse(text: &str) -> Self {
        let (known, gone, displaced) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut case = Self { known, gone, displaced, looks: Vec::new(), expect: Vec::new() };
        for line in text.lines().map(|line| line.split("  # ").next().unwrap_or_default().trim()) {
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                [] | ["#", ..] => {}
                ["known", id, at, ref file @ ..] => drop(case.known.insert(path(at), asset(id, at, file))),
                ["gone", id, at, ref file @ ..] => {
                    let ago_ms = value(file, "ago").unwrap_or(60_000);
                    case.gone.push(Gone { asset: asset(id, at, file), ago_ms });
                }
                ["displaced", id, ref file @ ..] => {
                    case.displaced.push((AssetId(id.parse().expect("a number")), stat(file)));
                }
                ["look", at, ref what @ ..] => {
                    let here = match what {
                        ["nothing"] => Here::Nothing,
                        file if file.contains(&"notyet") => Here::NotYet(stat(file)),
                        file => Here::File(look(stat(file))),
                    };
                    let heard = Heard {
                        wrote: what.contains(&"wrote"),
                        unwritten: what.contains(&"unwritten"),
                        named: what.contains(&"named"),
                        hinted: what.contains(&"wrote") || what.contains(&"named"),
                        follows_change: what.contains(&"follows"),
                    };
                    case.looks.push(Look { path: path(at), here, heard });
                }
                ["expect", ref step @ ..] => case.expect.push(step.join(" ")),
                _ => panic!("not understood: {line}"),
            }
        }
        case
    }

    /// The possible owners of what arrives, as intake finds them: by identity among what exists and what is gone, and
    /// by path among what went within the last second.
    fn candidates(&self, places: &[Place]) -> Vec<Candidate> {
        let mut found = Vec::new();
        for (path, look, known) in arrivals(places) {
            let identity = look.stat.identity;
            let is_it = |asset: &Asset| look.stat.is_same_file(&asset.stat);
            let candidate = |asset: &Asset, before| Candidate { identity, asset: asset.clone(), before };
            let elsewhere = self.known.values().filter(|asset| is_it(asset) && asset.path != *path);
            found.extend(elsewhere.map(|asset| candidate(asset, Before::Elsewhere)));
            let newest = |matches: &dyn Fn(&Gone) -> bool| {
                self.gone.iter().filter(|gone| matches(gone)).min_by_key(|gone| gone.ago_ms).map(|gone| &gone.asset)
            };
            found.extend(newest(&|gone| is_it(&gone.asset)).map(|asset| candidate(asset, Before::Gone)));
            let left_here = |gone: &Gone| !known && gone.asset.path == *path && gone.ago_ms <= 1_000;
            found.extend(newest(&left_here).map(|asset| candidate(asset, Before::GoneFromHere)));
            self.displaced(&look.stat, places, &mut found);
        }
        found
    }

    /// Whose file this was before it was displaced; and of what is at that asset's path now, who it was.
    fn displaced(&self, stat: &Stat, places: &[Place], found: &mut Vec<Candidate>) {
        for (id, _) in self.displaced.iter().filter(|(_, file)| stat.is_same_file(file)) {
            let asset = self.known.values().find(|asset| asset.id == *id).expect("a known asset").clone();
            let there = places.iter().find(|place| place.path == asset.path).and_then(|place| place.here.stat());
            if found.iter().any(|c| c.asset.id == *id && c.before == Before::Displaced) {
                continue;
            }
            found.push(Candidate { identity: stat.identity, asset, before: Before::Displaced });
            let Some(there) = there else { continue };
            let gone = self.gone.iter().filter(|gone| there.is_same_file(&gone.asset.stat));
            let newest = gone.min_by_key(|gone| gone.ago_ms).map(|gone| gone.asset.clone());
            let identity = there.identity;
            found.extend(newest.map(|asset| Candidate { identity, asset, before: Before::Gone }));
            self.displaced(there, places, found);
        }
    }
}

fn asset(id: &str, at: &str, file: &[&str]) -> Asset {
    let id = AssetId(id.parse().expect("a number"));
    let racy = file.contains(&"racy");
    Asset { id, path: path(at), stat: stat(file), racy, owner: "jo".into(), rrn: Rrn(1), content: ContentRead::Yes }
}

fn look(stat: Stat) -> FileLook {
    FileLook { stat, racy: false, owner: "jo".into(), metadata: MetadataLook::AsKnown, writer: Writer::None }
}

fn stat(file: &[&str]) -> Stat {
    let number = file.first().and_then(|file| file.strip_prefix('@')).expect("@FILE");
    let (volume, number) = number.split_once(':').unwrap_or(("7", number));
    let (inode, birth) = number.split_once('.').unwrap_or((number, "1"));
    let identity = Identity {
        volume: volume.parse().expect("a filesystem"),
        inode: inode.parse().expect("an inode"),
        birth_ns: birth.parse().expect("a birth time"),
    };
    Stat {
        identity,
        size: value(file, "size").unwrap_or(1) as u64,
        mtime_ns: value(file, "mtime").unwrap_or(1),
        ctime_ns: value(file, "ctime").unwrap_or(1),
        links: value(file, "links").unwrap_or(1) as u64,
    }
}

/// The number of `key=NUMBER`.
fn value(words: &[&str], key: &str) -> Option<i64> {
    let text = words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))?;
    Some(text.parse().expect("a number"))
}

fn path(text: &str) -> LogicalPath {
    LogicalPath::parse(text.as_bytes()).expect("a path")
}
