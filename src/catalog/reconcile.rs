//! Which asset is where now: a group of looks against the rows of their places.
//!
//! A place is judged together with every other place that its file or its asset may have come from or gone to.
//! [`arrivals`] says which files need an owner looked for; when an owner's own place is not in the group, the caller
//! has that place looked at too and comes back ([`Plan::Look`]). The rules:
//!
//! - A file whose identity is a known asset's, where that asset's place no longer holds it: the asset moved.
//! - A file that lands on a known asset's place: that asset, replaced; unless the asset's own file lives on at another
//!   place of the group: then identity wins for both (a swap, a rotation).
//! - A file whose identity is a gone asset's, and that has one link: that asset, back.
//! - A file at a place that an asset left a second ago: that asset, saved by unlink and recreate.
//! - Who left is recorded before who came.

use std::collections::{BTreeSet, HashMap};

use crate::model::asset::{Asset, Identity};
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
    /// A hint said that the file was written: on a racy row that alone makes it modified.
    pub wrote: bool,
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
    NotYet(Identity),
}

/// An asset that may be the owner of an arriving file.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The arriving file's identity.
    pub identity: Identity,
    /// The asset, its row verified to be that file.
    pub asset: Asset,
    /// It is still in the catalog, or gone.
    pub before: Before,
}

/// Where a [`Candidate`] comes from; the best owner first: one that exists, then one that was this very file, then one
/// that was at this very place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
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
    Delete(Asset),
    /// A file has appeared. `asset` is who it was before (its row taken out of the catalog by an earlier step, or gone);
    /// `None`: a new asset.
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
    },
}

/// The files of the group that are not what their places had: whoever asks looks for their owners.
pub fn arrivals(places: &[Place]) -> impl Iterator<Item = (&LogicalPath, &FileLook, bool)> {
    places.iter().filter_map(|place| match (&place.here, &place.known) {
        (Here::File(look), Some(known)) if known.stat.identity == look.stat.identity => None,
        (Here::File(look), known) => Some((&place.path, look, known.is_some())),
        (Here::Nothing | Here::NotYet(_), _) => None,
    })
}

/// Judges a group. `candidates` are the possible owners of its [`arrivals`].
#[must_use]
pub fn reconcile(places: Vec<Place>, candidates: Vec<Candidate>) -> Plan {
    let here: HashMap<&LogicalPath, Option<Identity>> = places
        .iter()
        .map(|place| {
            let identity = match &place.here {
                Here::File(look) => Some(look.stat.identity),
                Here::NotYet(identity) => Some(*identity),
                Here::Nothing => None,
            };
            (&place.path, identity)
        })
        .collect();
    let missing: BTreeSet<_> = candidates
        .iter()
        .filter(|c| c.before == Before::Elsewhere && !here.contains_key(&c.asset.path))
        .map(|c| c.asset.path.clone())
        .collect();
    if !missing.is_empty() {
        return Plan::Look(missing.into_iter().collect());
    }
    // An asset still at its own place has not moved: the file there is a hard link of it.
    let stays =
        |c: &Candidate| c.before == Before::Elsewhere && here.get(&c.asset.path).copied().flatten() == Some(c.identity);
    let mut owners = Owners::new(candidates.iter().filter(|c| !stays(c)).cloned().collect());
    let mut claims: HashMap<LogicalPath, Candidate> = HashMap::new();
    let mut lives_on = written_elsewhere(&places);
    // Rank by rank over all places: nobody gets an asset for its place while its very file arrives elsewhere.
    for before in [Before::Elsewhere, Before::Gone, Before::GoneFromHere] {
        for place in &places {
            let Here::File(look) = &place.here else { continue };
            let free = match &place.known {
                None => true,
                Some(known) if known.stat.identity == look.stat.identity => continue,
                Some(known) => lives_on.contains(&known.id),
            };
            if !claims.contains_key(&place.path)
                && let Some(owner) = owners.take(before, &place.path, look, free)
            {
                claims.insert(place.path.clone(), owner);
            }
        }
        lives_on.extend(claims.values().map(|owner| owner.asset.id));
    }
    Plan::Record(steps(places, claims, &lives_on))
}

/// Known assets whose file is at another place of the group, where it is not to be told yet.
fn written_elsewhere(places: &[Place]) -> BTreeSet<AssetId> {
    let arriving: BTreeSet<Identity> = places
        .iter()
        .filter_map(|place| match (&place.here, &place.known) {
            (Here::NotYet(identity), Some(known)) if known.stat.identity == *identity => None,
            (Here::NotYet(identity), _) => Some(*identity),
            (Here::Nothing | Here::File(_), _) => None,
        })
        .collect();
    let left = |place: &Place, known: &Asset| match &place.here {
        Here::Nothing => true,
        Here::File(look) => look.stat.identity != known.stat.identity,
        Here::NotYet(identity) => *identity != known.stat.identity,
    };
    places
        .iter()
        .filter_map(|place| place.known.as_ref().filter(|known| left(place, known)))
        .filter(|known| arriving.contains(&known.stat.identity))
        .map(|known| known.id)
        .collect()
}

fn steps(places: Vec<Place>, mut claims: HashMap<LogicalPath, Candidate>, lives_on: &BTreeSet<AssetId>) -> Vec<Step> {
    let (mut left, mut came) = (Vec::new(), Vec::new());
    for Place { path, known, here, wrote } in places {
        match (known, here) {
            (None, Here::Nothing | Here::NotYet(_)) => {}
            (Some(asset), Here::NotYet(identity)) => {
                if lives_on.contains(&asset.id) && identity != asset.stat.identity {
                    left.push(Step::Delete(asset));
                }
            }
            (Some(asset), Here::Nothing) => left.push(Step::Delete(asset)),
            (Some(asset), Here::File(look)) if asset.stat.identity == look.stat.identity => {
                let modified = look.stat.bytes_may_differ(&asset.stat) || (asset.racy && wrote);
                came.push(Step::Keep { asset, look, modified });
            }
            // The asset's own file lives on elsewhere, so the one here is somebody else.
            (Some(asset), Here::File(look)) if lives_on.contains(&asset.id) => {
                left.push(Step::Delete(asset));
                came.push(Step::Add { path: path.clone(), look, asset: claims.remove(&path).map(|owner| owner.asset) });
            }
            // Any other file that lands here is this asset, replaced. A mover's own asset ends where it left.
            (Some(asset), Here::File(look)) => came.push(Step::Keep { asset, look, modified: true }),
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
            Before::Elsewhere => c.identity == look.stat.identity,
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
