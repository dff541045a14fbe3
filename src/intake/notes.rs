//! Places of a mount that are not watched, read or entered, for people to see in its status. Nothing is decided by
//! them, and none of them is kept over a restart: the scan of the next start meets them again.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::mounts::{Mounts, State};
use crate::model::path::LogicalPath;
use crate::model::status::{MountNote, NOTES_MAX, NoteKind};

/// Names that scans pass over and that are kept by path, so that a store full of links does not fill the memory; one
/// beyond is not noted.
pub(super) const PASSED_OVER_MAX: usize = 1_000;
/// What the system says of a path that it cannot take (ENAMETOOLONG, strerror(3)).
const TOO_LONG: &str = "File name too long";

/// Names in one directory, each with why it is passed over.
pub(super) type NamesPassedOver = Vec<(Vec<u8>, NoteKind)>;

/// Names that scans pass over, each with why. By directory, since a listing says all that there are in one.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    directories: BTreeMap<LogicalPath, BTreeMap<Vec<u8>, NoteKind>>,
    count: usize,
}

impl PassedOver {
    /// Takes what a listing has passed over, in place of what was passed over there before.
    fn replace(&mut self, directory: &LogicalPath, mut names: NamesPassedOver) {
        self.count -= self.directories.remove(directory).map_or(0, |names| names.len());
        names.sort_unstable();
        names.truncate(PASSED_OVER_MAX - self.count);
        if !names.is_empty() {
            self.count += names.len();
            self.directories.insert(directory.clone(), names.into_iter().collect());
        }
    }

    /// A look has found something that is passed over.
    fn insert(&mut self, path: &LogicalPath, why: NoteKind) {
        let Some((directory, name)) = path.split() else { return };
        let is_known = self.directories.get(&directory).is_some_and(|names| names.contains_key(name));
        if is_known || self.count < PASSED_OVER_MAX {
            self.count += usize::from(!is_known);
            self.directories.entry(directory).or_default().insert(name.to_vec(), why);
        }
    }

    /// A path is not passed over any more, as far as is known.
    pub(super) fn remove(&mut self, path: &LogicalPath) {
        if self.count == 0 {
            return;
        }
        let Some((directory, name)) = path.split() else { return };
        let Some(names) = self.directories.get_mut(&directory) else { return };
        self.count -= usize::from(names.remove(name).is_some());
        if names.is_empty() {
            self.directories.remove(&directory);
        }
    }

    fn forget_under(&mut self, directory: &LogicalPath) {
        self.directories.retain(|at, _| !at.is_at_or_below(directory));
        self.count = self.directories.values().map(BTreeMap::len).sum();
    }

    fn iter(&self) -> impl Iterator<Item = (LogicalPath, NoteKind)> {
        let names = self.directories.iter();
        names.flat_map(|(directory, names)| names.iter().map(|(name, why)| (directory.join(name), *why)))
    }
}

impl State {
    /// Places in it that are not watched, read or entered, at most [`NOTES_MAX`], and how many more there are. In the
    /// order of paths; symbolic links come last, since a store may have many, and nothing is the matter with them.
    pub(super) fn notes(&self) -> (Vec<MountNote>, u64) {
        let unwatched = self.unwatched.keys().map(|path| (path, NoteKind::NotWatched));
        let kind = |why: &str| if why.contains(TOO_LONG) { NoteKind::TooLong } else { NoteKind::Unreadable };
        let faults = self.faults.iter().map(|(path, why)| (path, kind(why)));
        let noted = self.inside.notes().chain(unwatched).chain(faults);
        // What is known of a place says more than that a listing passed it over.
        let passed_over = self.passed_over.iter().filter(|(path, _)| !self.inside.is_place(path));
        let mut all: Vec<(Cow<'_, LogicalPath>, NoteKind)> = noted
            .map(|(path, why)| (Cow::Borrowed(path), why))
            .chain(passed_over.map(|(path, why)| (Cow::Owned(path), why)))
            .collect();
        all.sort_unstable_by(|(one, why), (other, other_why)| {
            let is_link = |why: &NoteKind| *why == NoteKind::SymbolicLink;
            (is_link(why), one, why).cmp(&(is_link(other_why), other, other_why))
        });
        let more = all.len().saturating_sub(NOTES_MAX);
        all.truncate(NOTES_MAX);
        let note = |(path, why): (Cow<'_, LogicalPath>, NoteKind)| MountNote {
            path: path.to_string(),
            path_base64: path.base64(),
            why,
        };
        (all.into_iter().map(note).collect(), more as u64)
    }
}

impl Mounts {
    /// A directory was listed, and these names in it are passed over.
    pub(super) fn note_listing_passed_over(&mut self, directory: &LogicalPath, names: NamesPassedOver) {
        if let Some(mount) = self.of(directory) {
            self.state_mut(mount).passed_over.replace(directory, names);
        }
    }

    /// A path was looked at, and is passed over.
    pub(super) fn note_passed_over(&mut self, path: &LogicalPath, why: NoteKind) {
        if let Some(mount) = self.of(path) {
            self.state_mut(mount).passed_over.insert(path, why);
        }
    }

    /// A directory has gone, with all that was noted below it.
    pub(super) fn forget_notes_under(&mut self, path: &LogicalPath) {
        if let Some(mount) = self.of(path) {
            let state = self.state_mut(mount);
            state.faults.retain(|fault, _| !fault.is_at_or_below(path));
            state.unwatched.retain(|directory, _| !directory.is_at_or_below(path));
            state.passed_over.forget_under(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NamesPassedOver, PASSED_OVER_MAX, PassedOver};
    use crate::model::path::LogicalPath;
    use crate::model::status::NoteKind;

    fn path(text: &str) -> LogicalPath {
        LogicalPath::parse(text.as_bytes()).expect("a path")
    }

    fn links(names: &[&str]) -> NamesPassedOver {
        names.iter().map(|name| (name.as_bytes().to_vec(), NoteKind::SymbolicLink)).collect()
    }

    fn shown(passed_over: &PassedOver) -> String {
        let all: Vec<_> = passed_over.iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(passed_over.count, all.len());
        all.join(" ")
    }

    #[test]
    fn what_is_passed_over_is_what_the_last_listing_or_look_says() {
        let mut passed_over = PassedOver::default();
        passed_over.replace(&path("/d"), links(&["b", "a"]));
        passed_over.replace(&path("/d/e"), links(&["c"]));
        assert_eq!(shown(&passed_over), "/d/a /d/b /d/e/c");
        passed_over.replace(&path("/d"), links(&["b"]));
        passed_over.insert(&path("/d/x"), NoteKind::SymbolicLink);
        passed_over.insert(&path("/d/x"), NoteKind::Subvolume);
        passed_over.remove(&path("/d/e/none"));
        assert_eq!(shown(&passed_over), "/d/b /d/x /d/e/c");
        passed_over.remove(&path("/d/e/c"));
        passed_over.replace(&path("/dd"), links(&["y"]));
        passed_over.forget_under(&path("/d"));
        assert_eq!(shown(&passed_over), "/dd/y");
        passed_over.replace(&path("/dd"), Vec::new());
        assert_eq!(shown(&passed_over), "");
    }

    #[test]
    fn names_that_are_passed_over_are_kept_up_to_the_limit() {
        let mut passed_over = PassedOver::default();
        let names: Vec<_> = (0..PASSED_OVER_MAX).map(|n| format!("{n:04}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        passed_over.replace(&path("/d"), links(&names[1..]));
        passed_over.insert(&path("/e"), NoteKind::SymbolicLink);
        passed_over.insert(&path("/f"), NoteKind::SymbolicLink);
        assert_eq!(passed_over.count, PASSED_OVER_MAX);
        assert!(!shown(&passed_over).contains("/f"), "one beyond");
        passed_over.replace(&path("/g"), links(&["a"]));
        passed_over.replace(&path("/d"), links(&names));
        assert_eq!(passed_over.count, PASSED_OVER_MAX);
        passed_over.replace(&path("/d"), Vec::new());
        passed_over.insert(&path("/f"), NoteKind::SymbolicLink);
        assert_eq!(shown(&passed_over), "/e /f", "there is room again");
    }
}
