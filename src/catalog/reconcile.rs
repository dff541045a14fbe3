//! Which asset is where now: a group of looks against the rows of their places.
//!
//! A place is judged together with every other place that its file or its asset may have come from or gone to.
//! [`arrivals`] says which files need an owner looked for; when an owner's own place is not in the group, the caller
//! has that place looked at too and comes back ([`Plan::Look`]). The rules:
//!
//! - A file whose identity is a known asset's, where that asset's place no longer holds it: the asset moved.
//! - A file that was a known asset's until another file was taken for that asset, replaced: the asset moved with its
//!   file, and what replaced it is judged anew.
//! - A file that lands on a known asset's place: that asset, replaced; unless the asset's own file lives on at another
//!   place of the group: then identity wins for both (a swap, a rotation).
//! - A file whose identity is a gone asset's, and that has one link: that asset, back.
//! - A file at a place that an asset left a second ago: that asset, saved by unlink and recreate.
//! - Who left is recorded before who came.

mod bytes;
mod case;

use std::collections::{BTreeSet, HashMap};

use self::bytes::{is_copy, is_modified};
pub use self::case::differ_only_in_case;
use crate::model::asset::{Asset, Identity, Stat};
use crate::model::ids::AssetId;
use crate::model::look::FileLook;
use crate::model::path::LogicalPath;

/// One place, what the catalog has there, and what a look saw.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where.
    pub path: LogicalPath,
    /// The asset that the catalog has there.
    pub known: Option<Asset>,
    /// What is there.
    pub here: Here,
    /// What hints said.
    pub heard: Heard,
}

/// What hints said of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// The file was written.
    pub wrote: bool,
    /// What was heard is of no write(2): its attributes changed and that is all, or it was written and never closed,
    /// though closes are heard and no writer has it open. (Linux says of an mtime that is set alone that the file was
    /// written.)
    pub unwritten: bool,
    /// A file came to this name, went from it, or a scan found the name.
    pub named: bool,
    /// Something was heard of the file, and not only found by a scan.
    pub hinted: bool,
    /// A moment ago the row took up a new ctime for which no write had been heard: a write that is heard now may be
    /// what moved it.
    pub follows_change: bool,
}

/// What a look saw at a place.
#[derive(Debug, Clone)]
pub enum Here {
    /// No file.
    Nothing,
    /// A file.
    File(FileLook),
    /// A file that is not to be told yet (somebody writes it, or it cannot be read): which one it is still decides who
    /// moved.
    NotYet(Stat),
}

impl Here {
    /// The stat of the file that is there.
    #[must_use]
    pub fn stat(&self) -> Option<&Stat> {
        match self {
            Self::File(look) => Some(&look.stat),
            Self::NotYet(stat) => Some(stat),
            Self::Nothing => None,
        }
    }
}

/// An asset that may be the owner of an arriving file.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The arriving file's identity.
    pub identity: Identity,
    /// The asset, its row verified to be that file, or to have been it ([`Before::Displaced`]).
    pub asset: Asset,
    /// It is still in the catalog, or gone.
    pub before: Before,
}

/// Where a [`Candidate`] comes from; the best owner first: one that was this very file until another file was taken for
/// it, then one that exists, then one that was this very file, then one that was at this very place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// It exists, and was this file until a moment ago, when another file was found at its path.
    Displaced,
    /// It exists, at another path.
    Elsewhere,
    /// It is gone, and was this file.
    Gone,
    /// It is gone, and went from the place where the file is now, moments ago.
    GoneFromHere,
}

/// What follows from a group of looks.
#[derive(Debug, Clone)]
pub enum Plan {
    /// These places decide too, and are not in the group: look at them together with the group's.
    Look(Vec<LogicalPath>),
    /// Record these, in this order.
    Record(Vec<Step>),
}

/// One thing to record.
#[derive(Debug, Clone)]
pub enum Step {
    /// The asset is no longer at its path.
    Delete {
        /// As it was known.
        asset: Asset,
        /// The file that it was before another was taken for it, where that file has been found.
        was: Option<Stat>,
    },
    /// A file has appeared. `asset` is who it was before (its row taken out of the catalog by an earlier step, or
    /// gone); `None`: a new asset.
    Add {
        /// Where.
        path: LogicalPath,
        /// What was seen.
        look: FileLook,
        /// Who it was.
        asset: Option<Asset>,
    },
    /// The asset is where it was.
    Keep {
        /// As it was known.
        asset: Asset,
        /// What was seen.
        look: FileLook,
        /// Its bytes may differ.
        modified: bool,
        /// Something was heard of it, and not only found by a scan.
        hinted: bool,
    },
}

/// The files of the group that are not what their places had: whoever asks looks for their owners.
pub fn arrivals(places: &[Place]) -> impl Iterator<Item = (&LogicalPath, &FileLook, bool)> {
    places.iter().filter_map(|place| match (&place.here, &place.known) {
        (Here::File(look), Some(known)) if look.stat.is_same_at_its_path(&known.stat) => None,
        (Here::File(look), known) => Some((&place.path, look, known.is_some())),
        (Here::Nothing | Here::NotYet(_), _) => None,
    })
}

/// Judges a group. `candidates` are the possible owners of its [`arrivals`].
#[must_use]
pub fn reconcile(mut places: Vec<Place>, candidates: Vec<Candidate>) -> Plan {
    case::vacate_old_names(&mut places, &candidates);
    let here: HashMap<&LogicalPath, Option<Identity>> =
        places.iter().map(|place| (&place.path, place.here.stat().map(|stat| stat.identity))).collect();
    let exists = |c: &Candidate| matches!(c.before, Before::Displaced | Before::Elsewhere);
    let missing: BTreeSet<_> = candidates
        .iter()
        .filter(|c| exists(c) && !here.contains_key(&c.asset.path))
        .map(|c| c.asset.path.clone())
        .collect();
    if !missing.is_empty() {
        return Plan::Look(missing.into_iter().collect());
    }
    // An asset still at its own place has not moved: the file there is a hard link of it.
    let stays = |c: &Candidate| exists(c) && here.get(&c.asset.path).copied().flatten() == Some(c.identity);
    let mut owners = Owners::new(candidates.iter().filter(|c| !stays(c)).cloned().collect());
    let mut claims: HashMap<LogicalPath, Candidate> = HashMap::new();
    let mut lives_on = written_elsewhere(&places);
    let mut displaced: HashMap<AssetId, Stat> = HashMap::new();
    // Rank by rank over all places: nobody gets an asset for its place while its very file arrives elsewhere. A rank is
    // gone through again after a claim, since the file at the claimed asset's own place has no owner then.
    for before in [Before::Displaced, Before::Elsewhere, Before::Gone, Before::GoneFromHere] {
        loop {
            let claimed = claims.len();
            for place in &places {
                let Here::File(look) = &place.here else { continue };
                let free = match &place.known {
                    None => true,
                    Some(known) if lives_on.contains(&known.id) => true,
                    Some(known) if look.stat.is_same_at_its_path(&known.stat) => continue,
                    Some(_) => false,
                };
                if !claims.contains_key(&place.path)
                    && let Some(owner) = owners.take(before, &place.path, look, free)
                {
                    if before == Before::Displaced {
                        displaced.insert(owner.asset.id, look.stat);
                    }
                    claims.insert(place.path.clone(), owner);
                }
            }
            if claims.len() == claimed {
                break;
            }
            lives_on.extend(claims.values().map(|owner| owner.asset.id));
        }
    }
    Plan::Record(steps(places, claims, &lives_on, &displaced))
}

/// Known assets whose file is at another place of the group, where it is not to be told yet.
fn written_elsewhere(places: &[Place]) -> BTreeSet<AssetId> {
    let arriving: Vec<&Stat> = places
        .iter()
        .filter_map(|place| match (&place.here, &place.known) {
            (Here::NotYet(stat), Some(known)) if stat.is_same_at_its_path(&known.stat) => None,
            (Here::NotYet(stat), _) => Some(stat),
            (Here::Nothing | Here::File(_), _) => None,
        })
        .collect();
    if arriving.is_empty() {
        return BTreeSet::new();
    }
    let left =
        |place: &Place, known: &Asset| place.here.stat().is_none_or(|stat| !stat.is_same_at_its_path(&known.stat));
    places
        .iter()
        .filter_map(|place| place.known.as_ref().filter(|known| left(place, known)))
        .filter(|known| arriving.iter().any(|stat| stat.is_same_file(&known.stat)))
        .map(|known| known.id)
        .collect()
}

fn steps(
    places: Vec<Place>,
    mut claims: HashMap<LogicalPath, Candidate>,
    lives_on: &BTreeSet<AssetId>,
    displaced: &HashMap<AssetId, Stat>,
) -> Vec<Step> {
    let (mut left, mut came) = (Vec::new(), Vec::new());
    let delete = |asset: Asset| Step::Delete { was: displaced.get(&asset.id).copied(), asset };
    for Place { path, known, here, heard } in places {
        let lives_elsewhere = known.as_ref().is_some_and(|asset| lives_on.contains(&asset.id));
        match (known, here) {
            (None, Here::Nothing | Here::NotYet(_)) => {}
            (Some(asset), Here::NotYet(_)) => {
                if lives_elsewhere {
                    left.push(delete(asset));
                }
            }
            (Some(asset), Here::Nothing) => left.push(delete(asset)),
            // The asset's own file lives on elsewhere, so the one here is another asset's.
            (Some(asset), Here::File(look)) if lives_elsewhere => {
                left.push(delete(asset));
                came.push(Step::Add { path: path.clone(), look, asset: claims.remove(&path).map(|owner| owner.asset) });
            }
            (Some(asset), Here::File(look)) if look.stat.is_same_at_its_path(&asset.stat) => {
                let modified = is_modified(&asset, &look, heard);
                came.push(Step::Keep { asset, look, modified, hinted: heard.hinted });
            }
            // Any other file that lands here is this asset, replaced. A mover's own asset ends where it left.
            (Some(asset), Here::File(look)) => {
                let is_mover = claims.remove(&path).is_some();
                let modified = is_mover || !is_copy(&asset, &look, heard);
                came.push(Step::Keep { asset, look, modified, hinted: heard.hinted });
            }
            (None, Here::File(look)) => {
                let owner = claims.remove(&path).map(|owner| owner.asset);
                came.push(Step::Add { path, look, asset: owner });
            }
        }
    }
    left.append(&mut came);
    left
}

/// The candidates not yet claimed. Each asset is claimed once.
struct Owners(Vec<Candidate>);

impl Owners {
    fn new(mut candidates: Vec<Candidate>) -> Self {
        candidates.sort_by_key(|c| c.asset.id);
        Self(candidates)
    }

    /// Claims an owner of that rank. `free`: no asset that stays has the place; only then can a gone one take it.
    fn take(&mut self, before: Before, path: &LogicalPath, look: &FileLook, free: bool) -> Option<Candidate> {
        let fits = |c: &Candidate| match before {
            Before::Displaced | Before::Elsewhere => c.identity == look.stat.identity,
            Before::Gone => free && look.stat.links == 1 && c.identity == look.stat.identity,
            Before::GoneFromHere => free && c.asset.path == *path,
        };
        let found = self.0.iter().position(|c| c.before == before && fits(c))?;
        let owner = self.0.remove(found);
        self.0.retain(|other| other.asset.id != owner.asset.id);
        Some(owner)
    }
}

#[cfg(test)]
mod tests;
