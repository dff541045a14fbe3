//! Places that are not judged yet, because what decides about them is on its way: they leave their group, and are
//! looked at again in a moment.

use std::collections::HashSet;

use crate::catalog::{Before, Candidate, Here, Place};
use crate::intake::record::Recorder;
use crate::intake::{Intake, Outcome};
use crate::model::asset::Identity;
use crate::model::time::Mono;
use crate::settle::{Cause, Settle};
use crate::store::StoreError;

/// The places of known assets at which another asset's file has arrived: the asset of the place may have been replaced, or
/// have moved on, and then the hint of its new place comes in a moment.
pub(super) fn half_renames(
    now: Mono,
    places: &mut Vec<Place>,
    causes: &mut Vec<Cause>,
    candidates: &[Candidate],
    out: &mut Outcome,
) {
    let here: HashSet<Identity> = places
        .iter()
        .filter_map(|place| match &place.here {
            Here::File(look) => Some(look.stat.identity),
            Here::NotYet(identity) => Some(*identity),
            Here::Nothing => None,
        })
        .collect();
    let is_half = |place: &Place, cause: &Cause| {
        let (Some(known), Here::File(look)) = (&place.known, &place.here) else { return false };
        let (was, is) = (known.stat.identity, look.stat.identity);
        let is_mover = || candidates.iter().any(|c| c.identity == is && c.before != Before::GoneFromHere);
        was != is && !here.contains(&was) && Settle::may_be_half_a_rename(now, cause) && is_mover()
    };
    for n in (0..places.len()).rev() {
        if is_half(&places[n], &causes[n]) {
            out.wait_for_rename.push((places.remove(n).path, causes.remove(n)));
        }
    }
}

/// A file that may have come from another mount waits this long at most for a look at its old place, milliseconds.
const OTHER_MOUNT_MS: u64 = 1_000;

impl Intake {
    /// Files that are known in another mount: their old places are looked at first, under their own root. Whoever left is
    /// gone by then, and is taken up here; who is still there has a second name.
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
            let Some(asset) = recorder.ledger.asset(id)?.filter(|asset| asset.stat.identity == identity) else {
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
