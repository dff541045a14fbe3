//! What is believed of a mount's root: is what stands there the store, or what lies below an unmounted one?
//!
//! A root of another identity than the known one is believed where the catalog has no assets, or where at least half of
//! a sample of them is found in it with their sizes: a store that moved to another disk goes on. Otherwise the mount is
//! offline until the known root is back, half of the sample is, or a caller vouches for what is there. Two cases need
//! no sample: the known root was removed at its place (a directory is removed only when it is empty, so its files went
//! before it), and a filesystem that comes late over a bare directory with a few files.

use super::mounts::{Presence, TICK_NS};
use super::{Done, Intake};
use crate::model::asset::Asset;
use crate::model::counted::counted;
use crate::model::ids::MountId;
use crate::model::path::LogicalPath;
use crate::model::root::{RootDirectory, RootSeen, Sampled};
use crate::model::time::{Mono, Now};
use crate::store::{IntakeTables, StoreError};

/// Known assets that are looked for in a root of another identity: enough to tell a store from another, few enough to
/// be looked for in each second that the doubt lasts.
pub(super) const SAMPLE_MAX: usize = 100;

/// A root of another identity than the known one stands there.
#[derive(Debug)]
pub(super) struct Doubt {
    /// Known assets to be looked for in it.
    pub sample: Vec<Sampled>,
}

/// What is believed of a root that was seen.
enum Belief {
    /// It is the mount's, or becomes it.
    Believed {
        /// A filesystem came late over a bare directory: what is in it was there all along.
        is_late: bool,
    },
    /// Known assets have to be looked for in it first.
    Ask,
    /// It is not the mount's; for people.
    Doubted(String),
}

impl Intake {
    pub(super) fn root_seen(
        &mut self,
        now: Now,
        mount: MountId,
        seen: &RootSeen,
        ledger: IntakeTables<'_>,
    ) -> Result<Done, StoreError> {
        let state = self.mounts.state_mut(mount);
        state.asked_root = false;
        state.suspected = state.next_root == Mono(0);
        let root = match seen {
            RootSeen::Directory(root) => root,
            RootSeen::Missing => return self.take_offline(now, mount, "its directory is not there", ledger),
            RootSeen::Unusable(why) => return self.take_offline(now, mount, why, ledger),
        };
        match self.belief(mount, root) {
            Belief::Believed { is_late } => {
                self.see_inside(now.mono, mount, root, ledger)?;
                self.come_online(now, mount, root, is_late, ledger)
            }
            Belief::Ask => self.ask_for_sample(now, mount, ledger),
            Belief::Doubted(why) => self.take_offline(now, mount, &why, ledger),
        }
    }

    fn belief(&self, mount: MountId, root: &RootDirectory) -> Belief {
        let state = self.mounts.state(mount);
        let Some(known) = state.row.root.filter(|known| *known != root.identity) else {
            return Belief::Believed { is_late: false };
        };
        let is_vouched_for = state.accepted_root.as_ref() == Some(&state.path);
        let is_bare = !root.is_mount_root && state.row.is_mount_root == Some(false);
        if state.assets == 0 || is_vouched_for || (root.was_removed && is_bare && known.volume == root.identity.volume)
        {
            return Belief::Believed { is_late: false };
        }
        let answer = state.asked_samples.iter().zip(&root.found).find(|((at, _), _)| *at == state.path);
        let Some(((_, asked), found)) = answer.filter(|_| state.doubt.is_some()) else { return Belief::Ask };
        // A sample may be empty when all that is known lies in filesystems further down: nothing speaks for the root
        // then.
        if *asked > 0 && found * 2 >= *asked {
            return Belief::Believed { is_late: false };
        }
        let comes_over_strays = root.is_mount_root
            && state.row.is_mount_root == Some(false)
            && state.assets <= SAMPLE_MAX as i64
            && root.holds_more;
        if comes_over_strays {
            return Belief::Believed { is_late: true };
        }
        let what = match (root.empty, known.volume == root.identity.volume) {
            (true, false) => "its root is suddenly empty, on another device",
            (true, true) => "its root is suddenly empty, another directory than before",
            (false, false) => "its root is another directory than before, on another filesystem",
            (false, true) => "its root is another directory than before",
        };
        let (asked, path) = (counted(*asked as u64, "known file"), &state.path);
        Belief::Doubted(format!(
            "{what}: of {asked} that were looked for in it {found} are there. Mount the right one, or if this is the one: \
             ringback rescan --accept-root {path}"
        ))
    }

    /// Known assets are looked for in the root that stands there, before anything is said of it.
    fn ask_for_sample(&mut self, now: Now, mount: MountId, ledger: IntakeTables<'_>) -> Result<Done, StoreError> {
        let state = self.mounts.state(mount);
        let sample = sampled(ledger.sample(&state.path, &state.path, &state.inside.roots(), SAMPLE_MAX)?);
        let was_online = matches!(state.presence, Presence::Online(..));
        self.mounts.state_mut(mount).doubt = Some(Doubt { sample });
        self.mounts.suspect_root(mount);
        if was_online {
            return self.take_offline(now, mount, "its root is another directory than before", ledger);
        }
        Ok(Done::default())
    }

    fn come_online(
        &mut self,
        now: Now,
        mount: MountId,
        root: &RootDirectory,
        is_late: bool,
        ledger: IntakeTables<'_>,
    ) -> Result<Done, StoreError> {
        let state = self.mounts.state_mut(mount);
        let online = Presence::Online(root.identity, root.mounting);
        // A look in the middle of which another directory took the root's place has no handle of the root. The one of
        // an earlier look is the only thing that can tell that the root was removed.
        if root.handle.is_some() || root.was_removed || state.row.root != Some(root.identity) {
            state.handle.clone_from(&root.handle);
        }
        state.doubt = None;
        state.accepted_root = None;
        // Mounted again, the same root has lost its watches; under another source it never had any; and a new directory
        // may have the inode number of the removed one, on a filesystem without birth times.
        if state.presence == online && state.watching.as_ref() == Some(&root.watching) && !root.was_removed {
            return Ok(Done::default());
        }
        state.presence = online;
        state.offline_since = None;
        state.watching = Some(root.watching.clone());
        state.unwatched.clear();
        state.many_unwatched = false;
        state.next_poll = now.mono.plus_ms(state.poll_interval_ms);
        state.next_sweep = now.mono.plus_ms(state.verify_ms);
        let seen = (Some(root.identity), Some(root.is_mount_root));
        if state.is_new || (state.row.root, state.row.is_mount_root) != seen {
            self.write_root(now, mount, root, is_late, ledger)?;
        }
        self.rescan(now.mono, mount);
        self.wait_for_scan();
        self.baseline.wake();
        Ok(Done::default())
    }

    /// Notes which directory the root is now.
    fn write_root(
        &mut self,
        now: Now,
        mount: MountId,
        root: &RootDirectory,
        is_late: bool,
        ledger: IntakeTables<'_>,
    ) -> Result<(), StoreError> {
        let state = self.mounts.state(mount);
        let (path, mut row) = (state.path.clone(), state.row);
        let now_ns = now.wall.0.saturating_mul(1_000_000);
        let other_volume = row.root.is_some_and(|known| known.volume != root.identity.volume);
        let was_bare = row.is_mount_root == Some(false) && root.is_mount_root;
        // Until now only the bare mount point was seen: what is there was there all along.
        let is_first = is_late || (!row.had_assets && (other_volume || was_bare));
        if is_first {
            (row.first_scan_done, row.first_scan_began_ns) = (false, now_ns);
        } else if state.is_new
            && !root.watching.hints
            && let Some(newest) = root.newest_ctime_ns
        {
            // By the filesystem's own clock, which may be behind: what is younger than all that was there is reported.
            row.first_scan_began_ns = row.first_scan_began_ns.min(newest.saturating_add(TICK_NS + 1));
        }
        (row.root, row.is_mount_root) = (Some(root.identity), Some(root.is_mount_root));
        let strays = if is_late { ledger.sample(&path, &path, &[], SAMPLE_MAX)? } else { Vec::new() };
        let silent_before_ns = state.row.first_scan_began_ns - TICK_NS;
        let strays: Vec<_> = strays.into_iter().filter(|stray| stray.stat.ctime_ns < silent_before_ns).collect();
        ledger.savepoint(|| {
            if is_first {
                ledger.forget_scans(&path)?;
            }
            // Nothing was ever reported of them. The others are reported as deleted by the scan.
            for stray in &strays {
                ledger.forget_asset(stray.id)?;
            }
            // A power cut must not forget when the first scan began.
            ledger.promise();
            ledger.put_mount(&path, &row)
        })?;
        for Asset { id, stat, .. } in &strays {
            self.identities.remove(stat.identity.volume, stat.identity.inode, *id);
        }
        let state = self.mounts.state_mut(mount);
        state.assets -= strays.len() as i64;
        (state.row, state.is_new) = (row, false);
        Ok(())
    }

    pub(super) fn take_offline(
        &mut self,
        now: Now,
        mount: MountId,
        why: &str,
        ledger: IntakeTables<'_>,
    ) -> Result<Done, StoreError> {
        let state = self.mounts.state_mut(mount);
        let was = std::mem::replace(&mut state.presence, Presence::Offline(why.to_owned()));
        if matches!(was, Presence::Offline(_)) {
            return Ok(Done::default());
        }
        state.offline_since = Some(now.mono);
        state.scan = None;
        state.scan_ended = false;
        let (path, row) = (state.path.clone(), state.row);
        if row.root.is_none() {
            // What is there when it appears, older than now, was there all along.
            ledger.promise();
            ledger.savepoint(|| ledger.put_mount(&path, &row))?;
            self.mounts.state_mut(mount).is_new = false;
        }
        self.settle.forget_under(&path);
        self.looks.forget_under(&path);
        self.scans.forget(mount);
        Ok(Done::default())
    }
}

/// Assets as a look at a root looks for them.
pub(super) fn sampled(assets: Vec<Asset>) -> Vec<Sampled> {
    assets.into_iter().map(|Asset { path, stat, .. }| Sampled { path, size: stat.size }).collect()
}

/// The number of files that a look found of the sample of a root, and how many it was asked for.
pub(super) fn answer(
    asked: &[(LogicalPath, usize)],
    root: &RootDirectory,
    path: &LogicalPath,
) -> Option<(usize, usize)> {
    let mut answers = asked.iter().zip(&root.found);
    answers.find(|((at, _), _)| at == path).map(|((_, asked), found)| (*asked, *found))
}

#[cfg(test)]
mod tests;
