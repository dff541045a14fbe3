//! Places that are not judged yet, because what decides about them is on its way: they leave their group, and are
//! looked at again in a moment.

use std::collections::HashSet;

use crate::catalog::{Before, Candidate, Here, Place, differ_only_in_case};
use crate::intake::record::Recorder;
use crate::intake::{Intake, Outcome};
use crate::model::asset::Identity;
use crate::model::look::FileLook;
use crate::model::time::Mono;
use crate::settle::{Cause, Settle};
use crate::store::StoreError;

/// The places of known assets at which another file has arrived. The asset of the place may have been replaced, or have
/// moved on, and then the hint of its new place comes in a moment: where the other file is another asset's, and where
/// it was heard that the place lost its file (a rotation: the log moves away, and a new one is written).
pub(super) fn half_renames(
    now: Mono,
    places: &mut Vec<Place>,
    causes: &mut Vec<Cause>,
    candidates: &[Candidate],
    out: &mut Outcome,
) {
    let here: HashSet<Identity> =
        places.iter().filter_map(|place| place.here.stat()).map(|stat| stat.identity).collect();
    let is_half = |place: &Place, cause: &Cause| {
        let (Some(known), Here::File(look)) = (&place.known, &place.here) else { return false };
        let (was, is) = (known.stat.identity, look.stat.identity);
        let is_mover = || candidates.iter().any(|c| c.identity == is && c.before != Before::GoneFromHere);
        let may_have_moved_on =
            was.is_numbered() && !look.stat.is_same_at_its_path(&known.stat) && !here.contains(&was);
        let is_refilled = cause.moved && cause.wrote;
        may_have_moved_on && Settle::may_be_half_a_rename(now, cause) && (is_refilled || is_mover())
    };
    for n in (0..places.len()).rev() {
        if is_half(&places[n], &causes[n]) {
            out.wait_for_rename.push((places.remove(n).path, causes.remove(n)));
        }
    }
}

/// A file with one link that was seen at two names is looked at again for this long, milliseconds.
const ONE_LINK_MS: u64 = 1_000;

/// New places at which a look found the file of an asset that another look found where it was, although the file has
/// one link: it was renamed between the two looks, whose hints are on their way. Or the filesystem ignores case, and
/// the file was written by another spelling of its name: then that was heard of the asset.
pub(super) fn second_names(
    now: Mono,
    places: &mut Vec<Place>,
    causes: &mut Vec<Cause>,
    candidates: &[Candidate],
    out: &mut Outcome,
) {
    let mut seen_twice = seen_twice(places);
    for n in (0..places.len()).rev() {
        let Here::File(FileLook { stat, .. }) = &places[n].here else { continue };
        if places[n].known.is_some() || stat.links != 1 {
            continue;
        }
        let identity = stat.identity;
        let shows_it = |place: &Place| place.here.stat().is_some_and(|stat| stat.identity == identity);
        let is_at = |place: &Place, c: &Candidate| place.path == c.asset.path && shows_it(place);
        let elsewhere = candidates.iter().filter(|c| c.before == Before::Elsewhere && c.identity == identity);
        let Some(old) = elsewhere.filter_map(|c| places.iter().position(|place| is_at(place, c))).next() else {
            continue;
        };
        seen_twice.remove(&identity);
        if differ_only_in_case(&places[old].path, &places[n].path) {
            let heard = places[n].heard;
            if !heard.named {
                let known = &mut places[old].heard;
                known.wrote |= heard.wrote;
                known.unwritten &= heard.unwritten;
                places.remove(n);
                causes.remove(n);
            }
        } else if now.since_ms(causes[n].since) < ONE_LINK_MS {
            out.wait_for_rename.push((places.remove(n).path, causes.remove(n)));
        }
    }
    // The file of no asset yet: both places wait, since neither look says which of the two is its own.
    for n in (0..places.len()).rev() {
        let is_twice = places[n].here.stat().is_some_and(|stat| seen_twice.contains(&stat.identity));
        if is_twice && now.since_ms(causes[n].since) < ONE_LINK_MS {
            out.wait_for_rename.push((places.remove(n).path, causes.remove(n)));
        }
    }
}

/// Files with one link that the looks of a group found at two places, and that are not what either place is known to
/// hold.
fn seen_twice(places: &[Place]) -> HashSet<Identity> {
    let (mut once, mut twice) = (HashSet::new(), HashSet::new());
    for place in places {
        let Here::File(FileLook { stat, .. }) = &place.here else { continue };
        if stat.links == 1 && stat.identity.is_numbered() && !once.insert(stat.identity) {
            twice.insert(stat.identity);
        }
    }
    let is_known = |place: &Place| match (&place.known, place.here.stat()) {
        (Some(known), Some(stat)) => stat.is_same_at_its_path(&known.stat),
        _ => false,
    };
    for place in places.iter().filter(|place| is_known(place)) {
        if let Some(stat) = place.here.stat() {
            twice.remove(&stat.identity);
        }
    }
    twice
}

/// A file that may have come from another mount waits this long at most for a look at its old place, milliseconds.
const OTHER_MOUNT_MS: u64 = 1_000;

impl Intake {
    /// Files that are known in another mount: their old places are looked at first, under their own root. Whoever left
    /// is gone by then, and is taken up here; who is still there has a second name.
    pub(super) fn moves_between_mounts(
        &self,
        now: Mono,
        places: &mut Vec<Place>,
        causes: &mut Vec<Cause>,
        recorder: &mut Recorder<'_>,
    ) -> Result<(), StoreError> {
        if self.mounts.ids().count() < 2 {
            return Ok(());
        }
        for n in (0..places.len()).rev() {
            let cause = causes[n];
            let Here::File(look) = &places[n].here else { continue };
            let identity = look.stat.identity;
            if places[n].known.is_some() || !identity.is_numbered() || now.since_ms(cause.since) >= OTHER_MOUNT_MS {
                continue;
            }
            let [id] = self.identities.candidates(&identity)[..] else { continue };
            let Some(asset) = recorder.ledger.asset(id)?.filter(|asset| look.stat.is_same_file(&asset.stat)) else {
                continue;
            };
            let elsewhere = !asset.path.is_below(recorder.root)
                && self.mounts.of(&asset.path).is_some_and(|mount| self.mounts.is_online(mount));
            let (is_new, is_looked_at) =
                (Settle::may_be_half_a_rename(now, &cause), self.looks.is_looking_at(&asset.path));
            if elsewhere && (is_new || is_looked_at) {
                if is_new && !is_looked_at {
                    recorder.out.found.push((asset.path, cause.order));
                }
                recorder.out.wait_for_rename.push((places.remove(n).path, causes.remove(n)));
            }
        }
        Ok(())
    }
}
