//! What a group of looks means.

mod aside;
mod brake;

use std::collections::HashSet;

use self::brake::Brake;
use super::inner::Inside;
use super::looks::Landed;
use super::record::Recorder;
use super::{Done, Intake, Outcome};
use crate::catalog::{Before, Candidate, Heard, Here, Place, Plan, Step, arrivals, reconcile};
use crate::model::asset::{Asset, Stat};
use crate::model::hint::HintKind;
use crate::model::ids::{AssetId, MountId};
use crate::model::look::{FileLook, Looked, MetadataLook, Seen, Writer};
use crate::model::path::LogicalPath;
use crate::model::sidecar;
use crate::model::status::NoteKind;
use crate::model::time::{Mono, Now, Wall};
use crate::settle::{Cause, Glimpse};
use crate::store::{DirId, IntakeTables, StoreError};

/// A file that fills a path this soon after an asset went from it is that asset: unlink-and-recreate saves.
const REFILL_MS: i64 = 1_000;

/// Assets of directories that are gone that one input deletes at most: larger trees go in pieces, so that a group stays
/// short.
const PIECE: usize = 2_000;

/// Hard links of one file that are looked through for the one that moved.
const LINKS_MAX: usize = 64;

/// Whether a file may be told now.
pub(super) enum Whole {
    Yes,
    OnceClosed,
    /// As before, but nobody can say whether somebody writes it.
    OnceLikelyClosed,
    OnceQuiet,
}

impl Outcome {
    /// Has a file that may not be reported yet wait for what it lacks; returns whether it waits.
    pub(super) fn waits_to_be_whole(
        &mut self,
        now: Mono,
        whole: Whole,
        path: &LogicalPath,
        cause: Cause,
        stat: Stat,
    ) -> bool {
        match whole {
            Whole::Yes => return false,
            Whole::OnceClosed => self.wait_for_close.push((path.clone(), cause)),
            Whole::OnceLikelyClosed => self.wait_for_likely_close.push((path.clone(), cause)),
            Whole::OnceQuiet => {
                let same = cause.glimpse.filter(|glimpse| !stat.bytes_may_differ(&glimpse.stat));
                let glimpse = Some(same.unwrap_or(Glimpse { stat, at: now }));
                self.wait_for_quiet.push((path.clone(), Cause { glimpse, ..cause }));
            }
        }
        true
    }
}

impl Intake {
    pub(super) fn looked(&mut self, now: Now, looked: Looked, ledger: IntakeTables<'_>) -> Result<Done, StoreError> {
        let Some(Landed { mount, seen, worthless, held }) = self.looks.land(looked) else { return Ok(Done::default()) };
        for (path, _, seen) in &seen {
            self.rescans.seen(path, seen);
        }
        for (path, cause) in worthless {
            self.settle.again(now.mono, &path, cause);
        }
        for (path, cause) in held {
            self.settle.wait_for_close(now.mono, &path, cause);
        }
        let causes: Vec<_> = seen.iter().map(|(path, cause, _)| (path.clone(), *cause)).collect();
        let mut outcome = Outcome::default();
        let dirs = ledger.dir_balance();
        match ledger.savepoint(|| self.judge(now, mount, seen, ledger, &mut outcome)) {
            Ok(()) => {
                outcome.directories = ledger.dir_balance() - dirs;
                Ok(self.apply(now, mount, outcome))
            }
            Err(fault) => {
                let several = causes.len() > 1;
                for (path, cause) in causes {
                    match several {
                        true => self.settle.again_soon(now.mono, &path, cause),
                        false => self.settle.retry_refused(now.mono, &path, cause),
                    }
                    self.looks.part(std::iter::once(path));
                }
                Ok(Done { fault: Some(fault), ..Done::default() })
            }
        }
    }

    fn judge(
        &self,
        now: Now,
        mount: MountId,
        seen: Vec<(LogicalPath, Cause, Seen)>,
        ledger: IntakeTables<'_>,
        out: &mut Outcome,
    ) -> Result<(), StoreError> {
        let root = self.mounts.root_path(mount);
        let tenant = self.mounts.tenant(mount);
        let mut brake = Brake::new(self.mounts.deletions_left(mount));
        let inside = self.mounts.inside(mount);
        let is_new = self.mounts.is_without_assets_ever(mount);
        let (rules, registered, scratch, mounts) = (&self.rules, &self.registered, &self.scratch, &self.mounts);
        let mut recorder = Recorder { now, mounts, root, tenant, is_new, rules, registered, scratch, ledger, out };
        // Trees go first: what was in them is then known to be gone, and is not deleted a second time by its own look.
        // A file that is still being written stands there too: what was below is gone.
        let treeless = |(_, _, seen): &&(LogicalPath, Cause, Seen)| {
            matches!(seen, Seen::Absent | Seen::Link | Seen::Other | Seen::File(_) | Seen::BeingRead(_))
        };
        let removed: Vec<_> = seen.iter().filter(treeless).map(|(path, _, _)| path.clone()).collect();
        let mut piece = PIECE;
        for (path, cause, _) in seen.iter().filter(treeless) {
            let mut no_brake = Brake::new(None);
            let brake = if cause.heard == HintKind::Found { &mut brake } else { &mut no_brake };
            if remove_tree_at(path, inside, &mut piece, brake, &mut recorder)? {
                recorder.out.found.push((path.clone(), cause.order));
            }
        }
        recorder.out.no_directories.clone_from(&removed);
        let mut places = Vec::with_capacity(seen.len());
        let mut causes = Vec::with_capacity(seen.len());
        for (path, cause, seen) in seen {
            if seen != Seen::Absent && removed.iter().any(|directory| path.is_below(directory)) {
                // Seen before its directory went, or after it came back. One look cannot say which.
                recorder.out.again.push((path, cause));
                continue;
            }
            let known = ledger.asset_at(root, &path)?;
            if let Some(belongs) = sidecar::assets_of(path.names().last().unwrap_or_default())
                && self.sidecar_seen(now, mount, (&path, cause), &seen, belongs, known.as_ref(), &mut recorder)?
            {
                continue;
            }
            let out = &mut *recorder.out;
            let stays = known.as_ref().map(|asset| asset.stat);
            out.faults.push((path.clone(), None));
            if seen == Seen::Link {
                out.passed_over.push((path.clone(), NoteKind::SymbolicLink));
            }
            let here = match seen {
                Seen::RootGone => {
                    out.root_suspect = true;
                    out.wait_for_quiet.push((path, cause));
                    continue;
                }
                Seen::Unreadable(why) => {
                    out.faults.push((path.clone(), Some(why)));
                    out.retry_later.push((path.clone(), cause));
                    stays.map(Here::NotYet)
                }
                Seen::Covered(at) => {
                    out.covered.push((at, path.clone(), cause));
                    stays.map(Here::NotYet)
                }
                Seen::Absent | Seen::Link | Seen::Other => Some(Here::Nothing),
                Seen::Directory => {
                    ledger.dir_or_new(root, &path)?;
                    out.scan.push((mount, path.clone(), cause.order));
                    Some(Here::Nothing)
                }
                Seen::BeingRead(stat) => {
                    out.wait_for_reading.push((path.clone(), cause));
                    Some(Here::NotYet(stat))
                }
                Seen::File(look) => {
                    let stat = look.stat;
                    let quiet = self.settle.is_quiet(now.mono, &cause, &look.stat);
                    let whole = whole(self.mounts.sees_closes(mount), quiet, &cause, &look);
                    match out.waits_to_be_whole(now.mono, whole, &path, cause, stat) {
                        true => Some(Here::NotYet(stat)),
                        false => Some(Here::File(look)),
                    }
                }
            };
            if let Some(here) = here {
                let heard = self.heard(mount, &cause, known.as_ref(), &here);
                let place = Place { path, known, here, heard };
                recorder.out.linked.extend(self.linked(&place, &cause));
                places.push(place);
                causes.push(cause);
            }
        }
        self.settle_group(now, places, causes, &mut brake, &mut recorder)?;
        (recorder.out.deletions, recorder.out.withheld) = (brake.reported, brake.withheld);
        Ok(())
    }

    /// What the cause of a look says of its place.
    fn heard(&self, mount: MountId, cause: &Cause, known: Option<&Asset>, here: &Here) -> Heard {
        // Where files have no numbers nothing else shows that another file was moved here.
        let is_unnumbered = here.stat().is_some_and(|stat| !stat.identity.is_numbered());
        let follows = |asset: &Asset| self.quiet_changes.get(cause.written, &asset.id).is_some();
        let nobody_writes = matches!(here, Here::File(FileLook { writer: Writer::None, .. }));
        let unwritten = match cause.heard {
            HintKind::Attributes => !cause.wrote,
            HintKind::Written => !cause.closed && self.mounts.sees_closes(mount) && nobody_writes,
            HintKind::Closed | HintKind::Moved | HintKind::Found => false,
        };
        Heard {
            wrote: cause.wrote || (cause.moved && is_unnumbered),
            unwritten: unwritten && !cause.moved,
            named: cause.moved || cause.heard == HintKind::Found,
            hinted: cause.wrote || cause.moved || cause.heard != HintKind::Found,
            follows_change: cause.wrote && known.is_some_and(follows),
        }
    }

    /// Reconciles a group; places whose judgement needs others are set aside to be looked at together with them.
    fn settle_group(
        &self,
        now: Now,
        mut places: Vec<Place>,
        mut causes: Vec<Cause>,
        brake: &mut Brake,
        recorder: &mut Recorder<'_>,
    ) -> Result<(), StoreError> {
        let found: HashSet<LogicalPath> = match brake.is_on() {
            true => by_scan(&places, &causes).cloned().collect(),
            false => HashSet::new(),
        };
        let mut candidates = self.candidates(now, &places, recorder)?;
        let before = places.len();
        aside::half_renames(now.mono, &mut places, &mut causes, &candidates, recorder.out);
        aside::second_names(now.mono, &mut places, &mut causes, &candidates, recorder.out);
        self.moves_between_mounts(now.mono, &mut places, &mut causes, recorder)?;
        if places.len() < before {
            candidates = self.candidates(now, &places, recorder)?;
        }
        loop {
            let missing = match reconcile(places.clone(), candidates.clone()) {
                Plan::Record(steps) => {
                    let retried = recorder.out.retry_later.len();
                    let moved: HashSet<AssetId> = steps.iter().filter_map(moved).collect();
                    for step in steps {
                        let is_held = matches!(&step, Step::Delete { asset, .. }
                            if found.contains(&asset.path) && !moved.contains(&asset.id) && !brake.lets_through());
                        if !is_held {
                            recorder.step(step)?;
                        }
                    }
                    // A path that waits for the end of a fault waits longer each time.
                    for (path, cause) in &mut recorder.out.retry_later[retried..] {
                        if let Some(n) = places.iter().position(|place| place.path == *path) {
                            (cause.asked, cause.glimpse) = (causes[n].asked, causes[n].glimpse);
                        }
                    }
                    return Ok(());
                }
                Plan::Look(missing) => missing,
            };
            // Every place whose file may come from a missing one waits for it, and so does every other place that the
            // file may come from: judged now it would be found deserted.
            let exists = |c: &&Candidate| matches!(c.before, Before::Displaced | Before::Elsewhere);
            let elsewhere = || candidates.iter().filter(exists);
            let waiting: HashSet<_> =
                elsewhere().filter(|c| missing.contains(&c.asset.path)).map(|c| c.identity).collect();
            let deserted: HashSet<_> =
                elsewhere().filter(|c| waiting.contains(&c.identity)).map(|c| c.asset.path.clone()).collect();
            let displaced: HashSet<AssetId> =
                candidates.iter().filter(|c| c.before == Before::Displaced).map(|c| c.asset.id).collect();
            let stays = |known: &Asset, look: &FileLook| {
                look.stat.is_same_at_its_path(&known.stat) && !displaced.contains(&known.id)
            };
            let arrives = |place: &Place| match &place.here {
                Here::File(look) => {
                    waiting.contains(&look.stat.identity)
                        && place.known.as_ref().is_none_or(|known| !stays(known, look))
                }
                Here::Nothing | Here::NotYet(_) => false,
            };
            let mut together: Vec<(LogicalPath, Cause)> = Vec::new();
            for n in (0..places.len()).rev() {
                if arrives(&places[n]) || deserted.contains(&places[n].path) {
                    let Place { path, here, .. } = places.remove(n);
                    if let Here::File(FileLook { stat, metadata: MetadataLook::AsKnown, .. }) = here {
                        recorder.out.unchanged.push((path.clone(), stat));
                    }
                    together.push((path, causes.remove(n)));
                }
            }
            let Some(&(_, cause)) = together.first() else {
                unreachable!("a missing place is missed by an arrival");
            };
            let cause = Cause { heard: HintKind::Found, wrote: false, ..cause };
            together.extend(missing.into_iter().map(|path| (path, cause)));
            recorder.out.together.append(&mut together);
            candidates = self.candidates(now, &places, recorder)?;
        }
    }

    /// The assets that the arriving files of a group may be, verified against their rows.
    fn candidates(&self, now: Now, places: &[Place], recorder: &Recorder<'_>) -> Result<Vec<Candidate>, StoreError> {
        let (ledger, root) = (recorder.ledger, recorder.root);
        let refill = Wall(now.wall.0 - REFILL_MS);
        let mut found = Vec::new();
        for (path, look, known) in arrivals(places) {
            let identity = look.stat.identity;
            let candidate = |asset, before| Candidate { identity, asset, before };
            if identity.is_numbered() {
                let mut known_as = self.identities.candidates(&identity);
                if known_as.len() > LINKS_MAX {
                    // A file with this many names: which of them it was before is not worth reading them all.
                    known_as.clear();
                }
                for id in known_as {
                    if let Some(asset) = ledger.asset(id)?
                        && look.stat.is_same_file(&asset.stat)
                        && asset.path != *path
                        // A group is looked at under one root. What left another mount is gone by now.
                        && asset.path.is_below(root)
                    {
                        found.push(candidate(asset, Before::Elsewhere));
                    }
                }
                let gone = gone_as(&look.stat, ledger)?;
                found.extend(gone.map(|asset| candidate(asset, Before::Gone)));
                self.displaced(now.mono, path, look, places, recorder, &mut found)?;
            }
            // A file without a number is the asset that was at its place a moment ago, if there was one.
            if !known {
                let asset = ledger.gone_from(path, refill)?;
                found.extend(asset.map(|asset| candidate(asset, Before::GoneFromHere)));
            }
        }
        Ok(found)
    }

    /// The asset whose file this was until another file was found at the asset's path. That other file has no owner
    /// then: it may be a file that went from where it was known, or was displaced in its turn.
    fn displaced(
        &self,
        now: Mono,
        path: &LogicalPath,
        look: &FileLook,
        places: &[Place],
        recorder: &Recorder<'_>,
        found: &mut Vec<Candidate>,
    ) -> Result<(), StoreError> {
        let identity = look.stat.identity;
        let Some((was, id)) = self.displaced.get(now, &identity) else { return Ok(()) };
        let Some(asset) = recorder.ledger.asset(*id)? else { return Ok(()) };
        let is_elsewhere = asset.path != *path && asset.path.is_below(recorder.root);
        if !look.stat.is_same_file(was) || !is_elsewhere || asset.stat.identity == identity {
            return Ok(());
        }
        let there = places.iter().find(|place| place.path == asset.path).map(|place| &place.here);
        let owner = Candidate { identity, asset, before: Before::Displaced };
        let is_known = |c: &Candidate| (c.identity, c.asset.id, c.before) == (identity, *id, Before::Displaced);
        if found.iter().any(is_known) {
            return Ok(());
        }
        let path = owner.asset.path.clone();
        found.push(owner);
        if let Some(Here::File(other)) = there {
            let gone = gone_as(&other.stat, recorder.ledger)?;
            let identity = other.stat.identity;
            found.extend(gone.map(|asset| Candidate { identity, asset, before: Before::Gone }));
            self.displaced(now, &path, other, places, recorder, found)?;
        }
        Ok(())
    }
}

/// The asset that is gone and was this file.
fn gone_as(stat: &Stat, ledger: IntakeTables<'_>) -> Result<Option<Asset>, StoreError> {
    Ok(ledger.gone_as(&stat.identity)?.filter(|asset| stat.is_same_file(&asset.stat)))
}

/// Whether a file may be told now. `closes`: the mount's source tells when a writer closes a file. `quiet`: two looks,
/// far enough apart, found it the same.
pub(super) fn whole(closes: bool, quiet: bool, cause: &Cause, look: &FileLook) -> Whole {
    match (look.writer, cause.heard) {
        (Writer::None, _) => Whole::Yes,
        _ if cause.overdue => Whole::Yes,
        (Writer::Some, _) => Whole::OnceClosed,
        (Writer::Unknown { .. }, _) if cause.hurried => Whole::Yes,
        // Nobody can say whether it has a writer. What was heard decides, then whether it moves.
        (Writer::Unknown { .. }, HintKind::Closed | HintKind::Moved | HintKind::Attributes) if closes => Whole::Yes,
        // A file that is written has an open writer, whose close will be heard; a hard link has none.
        (Writer::Unknown { .. }, HintKind::Written) if closes && look.stat.links == 1 => Whole::OnceLikelyClosed,
        (Writer::Unknown { young: true }, _) if !quiet => Whole::OnceQuiet,
        (Writer::Unknown { .. }, _) => Whole::Yes,
    }
}

/// The places that a scan found without a file.
fn by_scan<'a>(places: &'a [Place], causes: &'a [Cause]) -> impl Iterator<Item = &'a LogicalPath> {
    let found = places.iter().zip(causes).filter(|(_, cause)| cause.heard == HintKind::Found);
    found.filter(|(place, _)| matches!(place.here, Here::Nothing)).map(|(place, _)| &place.path)
}

/// The asset that a step has at its new place.
fn moved(step: &Step) -> Option<AssetId> {
    match step {
        Step::Add { asset, .. } => asset.as_ref().map(|asset| asset.id),
        Step::Delete { .. } | Step::Keep { .. } => None,
    }
}

/// How much of a tree that is gone was deleted.
#[derive(PartialEq, Eq)]
enum Removed {
    All,
    /// The piece is used up: the rest comes with another look.
    Piece,
    /// A part of it stays: it lies in a filesystem that is not mounted, or the brake holds it.
    Kept,
}

/// Deletes the assets under a path where a directory was and is not any more, `piece` of them at most. Returns whether
/// the path has to be looked at again for the rest.
fn remove_tree_at(
    path: &LogicalPath,
    inside: &Inside,
    piece: &mut usize,
    brake: &mut Brake,
    recorder: &mut Recorder<'_>,
) -> Result<bool, StoreError> {
    let Some(dir) = recorder.ledger.dir(recorder.root, path)? else { return Ok(false) };
    recorder.out.removed_trees.push(path.clone());
    Ok(remove_tree(dir, path, inside, piece, brake, recorder)? == Removed::Piece)
}

fn remove_tree(
    dir: DirId,
    path: &LogicalPath,
    inside: &Inside,
    piece: &mut usize,
    brake: &mut Brake,
    recorder: &mut Recorder<'_>,
) -> Result<Removed, StoreError> {
    if inside.has_root(path) {
        return Ok(Removed::Kept);
    }
    for asset in recorder.ledger.assets_in(dir)? {
        if *piece == 0 {
            return Ok(Removed::Piece);
        }
        if !brake.lets_through() {
            brake.withheld += recorder.ledger.count_assets_below(recorder.root, path)?.saturating_sub(1);
            return Ok(Removed::Kept);
        }
        *piece -= 1;
        recorder.delete(&asset)?;
    }
    let mut removed = Removed::All;
    for (name, below) in recorder.ledger.subdirs(dir)? {
        match remove_tree(below, &path.join(&name), inside, piece, brake, recorder)? {
            Removed::All => {}
            Removed::Piece => return Ok(Removed::Piece),
            Removed::Kept => removed = Removed::Kept,
        }
    }
    if removed == Removed::All {
        recorder.ledger.remove_dir(dir)?;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests;
