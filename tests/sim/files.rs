//! Which file each asset is in truth, from an attribute that says it: an asset's number, and what is known by it, never
//! passes to another file but by a save at one path, and a file keeps the number that it was given.

use std::collections::{BTreeMap, BTreeSet};

use ringback::model::change::{Action, Change};
use ringback::model::metadata::Metadata;

/// A file that refills a path within this time is the asset that went from it, milliseconds.
const REFILL_MS: i64 = 1_000;

/// The files of assets, as the journal has them.
#[derive(Debug, Default)]
pub struct Files {
    /// Every file that an asset was, the newest last.
    were: BTreeMap<i64, Vec<String>>,
    /// The asset that a file became when it was first added.
    first: BTreeMap<String, (i64, String)>,
    /// Where an asset was when it was deleted, and when.
    left: BTreeMap<i64, (Vec<u8>, i64)>,
}

/// What is known of the disk.
pub struct Truth {
    /// Files that have, or had, several names.
    pub linked: BTreeSet<String>,
    /// Files keep birth times.
    pub births: bool,
    /// Two files of one inode, one after the other, never have the same size and times.
    pub distinct: bool,
    /// The clock never jumps.
    pub steady: bool,
}

impl Files {
    /// What explains a file that comes back may be lost: hints, or the memory of the process.
    pub fn forgive(&mut self) {
        self.first.clear();
    }

    /// Takes a row. `state` is the asset's metadata after it.
    ///
    /// # Errors
    /// A number that passed to another file, or a file that has another number.
    pub fn take(&mut self, row: &Change, state: Option<&Metadata>, truth: &Truth) -> Result<(), String> {
        let (id, path, time) = (row.asset.0, row.path.as_bytes().to_vec(), row.time.0);
        if row.action == Action::Deleted {
            self.left.insert(id, (path, time));
            return Ok(());
        }
        let Some(node) = state.and_then(|state| state.get("XATTR_user.node")).and_then(|values| values.first()) else {
            return Ok(());
        };
        let were = self.were.entry(id).or_default();
        // What was filed silently shows when it changes.
        let before = row.delta.iter().filter(|key| key.key == "XATTR_user.node").flat_map(|key| &key.old);
        for before in before {
            if !were.contains(before) {
                were.push(before.clone());
            }
        }
        let (is_new, is_other) = (were.is_empty(), were.last().is_some_and(|last| last != node));
        let was_once = were.contains(node);
        were.retain(|other| other != node);
        were.push(node.clone());
        let refills = self
            .left
            .get(&id)
            .is_some_and(|(from, at)| *from == path && (!truth.steady || (0..=REFILL_MS).contains(&(time - at))));
        match row.action {
            Action::Added if is_other && !was_once && !refills && truth.distinct => {
                Err(format!("asset {id} was the files {:?} and passes to file {node}: {row:?}", self.were[&id]))
            }
            Action::None if is_other => Err(format!("asset {id} is silently another file, {node}: {row:?}")),
            Action::Added if is_new => self.is_first(id, node, &path, truth),
            _ => Ok(()),
        }
    }

    /// A file appears as a new asset.
    fn is_first(&mut self, id: i64, node: &str, path: &[u8], truth: &Truth) -> Result<(), String> {
        let mount = path.split(|&b| b == b'/').nth(1).unwrap_or_default();
        let mount = String::from_utf8_lossy(mount).into_owned();
        match self.first.get(node) {
            // Without a birth time it is known by what it was like, which may have changed on the way.
            Some((other, there)) if *there == mount && truth.births && !truth.linked.contains(node) => Err(format!(
                "file {node} was asset {other} and is added as the new asset {id} at {}",
                path.escape_ascii()
            )),
            _ => {
                self.first.insert(node.to_owned(), (id, mount));
                Ok(())
            }
        }
    }
}
