//! Which directories are watched: from what the kernel calls a directory (an inotify watch descriptor, a file handle)
//! to where it is, and back. Asks neither kernel nor disk.
//!
//! The kernel's names stay with a directory when it is renamed, ours do not: an entry is true when it is made, and may
//! be stale later. A rename is hinted, so the new place is watched anew before it is listed, and that mends the entry.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::model::ids::MountId;
use crate::model::path::LogicalPath;

/// A directory of a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which mount.
    pub mount: MountId,
    /// Where it shows there.
    pub path: LogicalPath,
}

/// The watched directories, by the kernel's key.
#[derive(Debug)]
pub struct Table<K> {
    places: HashMap<K, Places>,
    keys: BTreeMap<LogicalPath, K>,
}

/// Nearly always one; bind mounts show one directory at several.
#[derive(Debug)]
struct Places {
    first: Place,
    more: Vec<Place>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { places: HashMap::new(), keys: BTreeMap::new() }
    }
}

impl<K: Clone + Eq + Hash> Table<K> {
    /// Where a directory is.
    pub fn places<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> impl Iterator<Item = &Place>
    where
        K: Borrow<Q>,
    {
        self.places.get(key).into_iter().flat_map(|places| std::iter::once(&places.first).chain(&places.more))
    }

    /// Notes that the directory `key` is at `place`. Of its other places those stay that `stands` vouches for. Gives
    /// the key of a directory that was at the place before and is nowhere now.
    pub fn insert(&mut self, key: K, place: Place, stands: impl Fn(&Place) -> bool) -> Option<K> {
        let before = match self.keys.get(&place.path) {
            Some(before) if *before == key => return None,
            Some(before) => Some(before.clone()),
            None => None,
        };
        let released = before.and_then(|before| self.leave(&before, &place.path).then_some(before));
        let others: Vec<Place> = self.places(&key).cloned().collect();
        for other in others.iter().filter(|other| !stands(other)) {
            self.keys.remove(&other.path);
            self.leave(&key, &other.path);
        }
        self.keys.insert(place.path.clone(), key.clone());
        match self.places.get_mut(&key) {
            Some(places) => places.more.push(place),
            None => drop(self.places.insert(key, Places { first: place, more: Vec::new() })),
        }
        released
    }

    /// The directory is no more.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        let Some((key, places)) = self.places.remove_entry(key) else { return };
        for place in std::iter::once(places.first).chain(places.more) {
            if self.keys.get(&place.path) == Some(&key) {
                self.keys.remove(&place.path);
            }
        }
    }

    /// Whether a directory is kept at a path.
    pub fn has(&self, path: &LogicalPath) -> bool {
        self.keys.contains_key(path)
    }

    /// Whether anything is kept at or below a path.
    pub fn has_under(&self, path: &LogicalPath) -> bool {
        self.under(path).next().is_some()
    }

    /// Forgets all places at or below a path; gives the keys of directories that are nowhere now.
    pub fn remove_under(&mut self, path: &LogicalPath) -> Vec<K> {
        let gone: Vec<(LogicalPath, K)> = self.under(path).map(|(path, key)| (path.clone(), key.clone())).collect();
        let mut released = Vec::new();
        for (path, key) in gone {
            self.keys.remove(&path);
            if self.leave(&key, &path) {
                released.push(key);
            }
        }
        released
    }

    fn under(&self, path: &LogicalPath) -> impl Iterator<Item = (&LogicalPath, &K)> {
        self.keys.get_key_value(path).into_iter().chain(self.keys.range::<[u8], _>(path.below()))
    }

    /// The directory is not at this place; gives whether it is nowhere now.
    fn leave(&mut self, key: &K, path: &LogicalPath) -> bool {
        let Some(places) = self.places.get_mut(key) else { return false };
        if places.first.path == *path {
            match places.more.pop() {
                Some(other) => places.first = other,
                None => {
                    self.places.remove(key);
                    return true;
                }
            }
        } else {
            places.more.retain(|place| place.path != *path);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Table};
    use crate::model::ids::MountId;
    use crate::model::path::LogicalPath;

    fn place(path: &str) -> Place {
        Place { mount: MountId(0), path: LogicalPath::parse(path.as_bytes()).expect("a path") }
    }

    fn at(table: &Table<i32>, key: i32) -> Vec<String> {
        table.places(&key).map(|place| place.path.to_string()).collect()
    }

    #[test]
    fn a_directory_that_moved_is_where_it_was_seen_last() {
        let mut table = Table::default();
        assert_eq!(table.insert(1, place("/a"), |_| false), None);
        assert_eq!(table.insert(1, place("/a"), |_| panic!("nothing new")), None);
        assert_eq!(table.insert(1, place("/b"), |_| false), None);
        assert_eq!(at(&table, 1), ["/b"]);
        assert_eq!(table.insert(2, place("/a"), |_| false), None);
        // Renamed over the other one.
        assert_eq!(table.insert(2, place("/b"), |_| false), Some(1));
        assert_eq!((at(&table, 1), at(&table, 2)), (vec![], vec!["/b".to_owned()]));
        assert_eq!(table.places.len(), 1);
    }

    #[test]
    fn a_directory_may_be_at_two_places() {
        let mut table = Table::default();
        table.insert(1, place("/a"), |_| true);
        table.insert(1, place("/b"), |_| true);
        assert_eq!(at(&table, 1), ["/a", "/b"]);
        assert_eq!(table.insert(2, place("/a"), |_| true), None, "it is still at the other place");
        assert_eq!((at(&table, 1), at(&table, 2)), (vec!["/b".to_owned()], vec!["/a".to_owned()]));
        table.remove(&2);
        assert_eq!(table.insert(2, place("/a"), |_| true), None);
        table.remove(&1);
        assert_eq!(table.places.len(), 1);
    }

    #[test]
    fn what_lies_under_a_path_goes_with_it() {
        let mut table = Table::default();
        for (key, path) in [(1, "/a"), (2, "/a/b"), (3, "/a-b"), (4, "/a/b/c"), (5, "/ab")] {
            table.insert(key, place(path), |_| true);
        }
        table.insert(4, place("/z"), |_| true);
        assert!(table.has_under(&place("/a/b").path) && !table.has_under(&place("/a/c").path));
        assert_eq!(table.remove_under(&place("/a").path), [1, 2]);
        assert_eq!(
            (at(&table, 4), at(&table, 3), at(&table, 5)),
            (vec!["/z".into()], vec!["/a-b".into()], vec!["/ab".into()])
        );
    }
}
