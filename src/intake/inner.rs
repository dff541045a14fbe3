//! Filesystems mounted inside a mount. Each has a root of its own, which is believed as the mount's is: what was seen
//! below it stays as it was while another directory stands in its place.
//!
//! A place where something is mounted is entered (its root is known then, and kept in the ledger), or it is closed: not
//! entered at all, or entered before and not there now. What lies below a closed place is as it was. Nothing hints that
//! a place opens or closes, so each look at the mount's root says what is mounted, once a second. A filesystem that is
//! mounted anew is entered anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Intake;
use super::roots::{SAMPLE_MAX, answer, sampled};
use crate::model::asset::Identity;
use crate::model::counted::counted;
use crate::model::hint::HintKind;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::root::{MountedBelow, RootDirectory, Sampled};
use crate::model::status::NoteKind;
use crate::model::time::Mono;
use crate::store::{IntakeTables, StoreError};

/// What is mounted inside one mount.
#[derive(Debug, Default)]
pub(super) struct Inside {
    places: BTreeMap<LogicalPath, Place>,
    /// The same for looks and listings.
    known: Arc<BTreeMap<LogicalPath, Option<Identity>>>,
}

/// A directory inside a mount at which something is mounted, or was.
#[derive(Debug)]
struct Place {
    /// The root of the filesystem that was entered; `None` where none ever was.
    root: Option<Identity>,
    /// What stands there, as last judged.
    seen: Option<Identity>,
    /// Which mounting of it was entered.
    mounting: u64,
    is_entered: bool,
    /// How many known assets are below it, and invisible while it is closed.
    hidden: u64,
    /// Those of them that are looked for in what stands there now.
    sample: Vec<Sampled>,
    note: Option<NoteKind>,
}

impl Inside {
    /// The filesystems that were entered when the ledger was last written. Each is closed until it is seen.
    pub(super) fn load(mount: &LogicalPath, ledger: IntakeTables<'_>) -> Result<Self, StoreError> {
        let mut inside = Self::default();
        for (path, root) in ledger.inner_roots(mount)? {
            let hidden = ledger.count_assets_below(mount, &path)?;
            let note = Some(NoteKind::Filesystem);
            let root = Some(root);
            let place = Place { root, seen: None, mounting: 0, is_entered: false, hidden, sample: Vec::new(), note };
            inside.places.insert(path, place);
        }
        inside.publish();
        Ok(inside)
    }

    /// For looks and listings: the root of each filesystem that is entered, and where nothing is.
    pub(super) fn known(&self) -> Arc<BTreeMap<LogicalPath, Option<Identity>>> {
        Arc::clone(&self.known)
    }

    /// Whether something is mounted at a directory, or was.
    pub(super) fn is_place(&self, path: &LogicalPath) -> bool {
        self.places.contains_key(path)
    }

    /// Whether nothing is entered at a directory that is known for it.
    pub(super) fn is_closed(&self, path: &LogicalPath) -> bool {
        self.known.get(path) == Some(&None)
    }

    /// The closed place that a path is at or below, and whether what was entered there is known.
    pub(super) fn closed_above(&self, path: &LogicalPath) -> Option<(&LogicalPath, bool)> {
        let closed = self.places.iter().find(|(place, it)| !it.is_entered && path.is_at_or_below(place));
        closed.map(|(place, it)| (place, it.root.is_some()))
    }

    /// Whether a directory is the root of a filesystem that is, or was, entered.
    pub(super) fn has_root(&self, path: &LogicalPath) -> bool {
        self.places.get(path).is_some_and(|place| place.root.is_some())
    }

    /// The roots of the filesystems that are, or were, entered.
    pub(super) fn roots(&self) -> Vec<LogicalPath> {
        self.places.iter().filter(|(_, place)| place.root.is_some()).map(|(path, _)| path.clone()).collect()
    }

    /// Known assets to be looked for, by place.
    pub(super) fn samples(&self) -> impl Iterator<Item = (LogicalPath, Vec<Sampled>)> {
        let asked = self.places.iter().filter(|(_, place)| !place.sample.is_empty());
        asked.map(|(path, place)| (path.clone(), place.sample.clone()))
    }

    /// Filesystems that are not there, and whose files are known.
    pub(super) fn offline(&self) -> impl Iterator<Item = &LogicalPath> {
        let away = |(_, place): &(&LogicalPath, &Place)| !place.is_entered && place.root.is_some() && place.hidden > 0;
        self.places.iter().filter(away).map(|(path, _)| path)
    }

    /// Places that are not entered, each with why.
    pub(super) fn notes(&self) -> impl Iterator<Item = (&LogicalPath, NoteKind)> {
        self.places.iter().filter_map(|(path, place)| Some((path, place.note?)))
    }

    /// Whether a place hides known assets.
    pub(super) fn hides_assets(&self) -> bool {
        self.places.values().any(|place| !place.is_entered && place.hidden > 0)
    }

    /// Places that hide known assets; for people.
    pub(super) fn troubles(&self) -> Vec<String> {
        let hides = |(_, place): &(&LogicalPath, &Place)| !place.is_entered && place.hidden > 0;
        let trouble = |(path, place): (&LogicalPath, &Place)| {
            let assets = counted(place.hidden, "known file");
            match (place.root, place.seen) {
                (Some(_), None) => {
                    format!("the filesystem of {path} is not mounted: {assets} below it are offline with it")
                }
                (Some(_), Some(_)) => format!(
                    "another filesystem than the known one is mounted at {path}: {assets} below it are offline. If this is \
                     the one: ringback rescan --accept-root {path}"
                ),
                (None, _) => {
                    format!("another filesystem is mounted over {path}: it hides {assets}, which stay as they were")
                }
            }
        };
        self.places.iter().filter(hides).map(trouble).collect()
    }

    fn publish(&mut self) {
        let known = |(path, place): (&LogicalPath, &Place)| (path.clone(), place.root.filter(|_| place.is_entered));
        self.known = Arc::new(self.places.iter().map(known).collect());
    }
}

/// What follows from a look at one place.
enum Verdict {
    /// It is as it was.
    Same,
    /// This mounting of a filesystem is entered.
    Enter(Identity, u64),
    /// Nothing is entered.
    Close(Place),
    /// Nothing is mounted there, and nothing that was is waited for: it is a directory like others.
    Forget,
}

impl Intake {
    /// Takes what a look at the root says is mounted inside the mount.
    pub(super) fn see_inside(
        &mut self,
        now: Mono,
        mount: MountId,
        root: &RootDirectory,
        ledger: IntakeTables<'_>,
    ) -> Result<(), StoreError> {
        let state = self.mounts.state(mount);
        if root.below.is_empty() && state.inside.places.is_empty() {
            return Ok(());
        }
        let mounted: BTreeMap<&LogicalPath, &MountedBelow> =
            root.below.iter().map(|below| (&below.path, below)).collect();
        let paths: Vec<LogicalPath> = mounted.keys().copied().chain(state.inside.places.keys()).cloned().collect();
        let mut opened = Vec::new();
        for path in paths {
            let verdict = self.verdict(mount, root, &path, mounted.get(&path).copied(), ledger)?;
            let own = self.mounts.root_path(mount).clone();
            let places = &mut self.mounts.state_mut(mount).inside.places;
            match verdict {
                Verdict::Same => continue,
                Verdict::Enter(identity, mounting) => {
                    ledger.savepoint(|| ledger.put_inner_root(&own, &path, &identity))?;
                    let (root, seen) = (Some(identity), Some(identity));
                    let place =
                        Place { root, seen, mounting, is_entered: true, hidden: 0, sample: Vec::new(), note: None };
                    places.insert(path.clone(), place);
                    opened.push(path);
                }
                Verdict::Close(place) => drop(places.insert(path, place)),
                Verdict::Forget => {
                    if places.remove(&path).is_some_and(|place| place.root.is_some()) {
                        ledger.savepoint(|| ledger.remove_inner_root(&own, &path))?;
                    }
                    opened.push(path);
                }
            }
            self.mounts.state_mut(mount).inside.publish();
        }
        // What was not visible there before is looked at, and a sync waits for it: the place itself, which may have
        // been a file before it was covered, and then the directory.
        if self.mounts.is_online(mount) && !opened.is_empty() {
            for path in opened {
                let order = self.order();
                self.looks.disturb_under(&path);
                if !self.looks.hinted(now, &path, HintKind::Found, order) {
                    self.settle.hint(now, &path, HintKind::Found, order);
                }
            }
            self.wait_for_scan();
        }
        Ok(())
    }

    fn verdict(
        &self,
        mount: MountId,
        root: &RootDirectory,
        path: &LogicalPath,
        mounted: Option<&MountedBelow>,
        ledger: IntakeTables<'_>,
    ) -> Result<Verdict, StoreError> {
        let state = self.mounts.state(mount);
        let place = state.inside.places.get(path);
        let known = place.and_then(|place| place.root);
        let seen = mounted.and_then(|below| below.identity);
        let is_vouched_for = state.accepted_root.as_ref().is_some_and(|accepted| path.is_at_or_below(accepted));
        let is_closed = place.is_some_and(|place| !place.is_entered);
        let mounting = mounted.map_or(0, |below| below.mounting);
        if let Some(known) = known.filter(|known| Some(*known) == seen) {
            // Unmounted and mounted again between two looks, it is watched no more, and may have been changed
            // elsewhere.
            let is_anew = is_closed || place.is_some_and(|place| place.mounting != mounting);
            return Ok(if is_anew { Verdict::Enter(known, mounting) } else { Verdict::Same });
        }
        let as_judged = place.filter(|place| is_closed && place.seen == seen);
        let found_half = as_judged
            .and_then(|_| answer(&state.asked_samples, root, path))
            .is_some_and(|(asked, found)| asked > 0 && found * 2 >= asked);
        let hidden = match as_judged {
            Some(place) => place.hidden,
            None => {
                let below = ledger.count_assets_below(&state.path, path)?;
                // A file may be mounted over a file.
                let is_directory = mounted.is_some_and(|below| below.identity.is_some());
                below + u64::from(!is_directory && ledger.asset_at(&state.path, path)?.is_some())
            }
        };
        let Some(mounted) = mounted else {
            // It is the mount's own tree again, unless what was entered there is waited for.
            return Ok(match known.is_none() || hidden == 0 || is_vouched_for {
                true => Verdict::Forget,
                false if as_judged.is_some() => Verdict::Same,
                false => Verdict::Close(Place {
                    root: known,
                    seen,
                    mounting: 0,
                    is_entered: false,
                    hidden,
                    sample: Vec::new(),
                    note: Some(NoteKind::Filesystem),
                }),
            });
        };
        let may_enter = (state.crosses_filesystems || mounted.is_same_filesystem) && !mounted.is_second_way;
        if let Some(identity) = seen.filter(|_| may_enter && (hidden == 0 || found_half || is_vouched_for)) {
            return Ok(Verdict::Enter(identity, mounting));
        }
        if as_judged.is_some() {
            return Ok(Verdict::Same);
        }
        let sample = match may_enter && hidden > 0 {
            true => sampled(ledger.sample(&state.path, path, &state.inside.roots(), SAMPLE_MAX)?),
            false => Vec::new(),
        };
        let is_covered = mounted.is_second_way || (known.is_none() && hidden > 0);
        // Of one filesystem, and with inodes of its own.
        let is_subvolume = mounted.is_same_filesystem && seen.is_some_and(|seen| seen.volume != root.identity.volume);
        let note = Some(match is_covered {
            true => NoteKind::Covered,
            false if is_subvolume => NoteKind::Subvolume,
            false => NoteKind::Filesystem,
        });
        Ok(Verdict::Close(Place { root: known, seen, mounting: 0, is_entered: false, hidden, sample, note }))
    }
}
