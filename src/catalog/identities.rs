//! Finds the asset that a file was before, whatever it was called: from filesystem and inode to asset numbers.
//!
//! It only suggests. An entry may be stale, and two files may share one, so whoever asks verifies against the row.
//! That is why the ledger needs no index on inodes, which are random numbers and would cost every change dearly.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::model::asset::Identity;
use crate::model::ids::AssetId;

/// From files to the assets that may be them.
#[derive(Debug, Default)]
pub struct Identities {
    first: HashMap<u64, AssetId, BuildHasherDefault<AlreadyMixed>>,
    /// Further assets under the same number: hard links, and collisions.
    more: HashMap<u64, Vec<AssetId>, BuildHasherDefault<AlreadyMixed>>,
}

impl Identities {
    /// The asset is this file.
    pub fn insert(&mut self, volume: u64, inode: u64, asset: AssetId) {
        if inode == 0 {
            // It names any file of its filesystem.
            return;
        }
        let key = mix(volume, inode);
        match self.first.get(&key) {
            None => {
                self.first.insert(key, asset);
            }
            Some(&first) if first == asset => {}
            Some(_) => {
                let more = self.more.entry(key).or_default();
                if !more.contains(&asset) {
                    more.push(asset);
                }
            }
        }
    }

    /// The asset is no longer this file.
    pub fn remove(&mut self, volume: u64, inode: u64, asset: AssetId) {
        let key = mix(volume, inode);
        if let Some(more) = self.more.get_mut(&key) {
            more.retain(|&other| other != asset);
            let next = more.first().copied();
            if more.is_empty() {
                self.more.remove(&key);
            }
            if self.first.get(&key) == Some(&asset)
                && let Some(next) = next
            {
                self.first.insert(key, next);
                self.remove_further(key, next);
            }
        } else if self.first.get(&key) == Some(&asset) {
            self.first.remove(&key);
        }
    }

    /// Assets that may be this file, lowest number first.
    #[must_use]
    pub fn candidates(&self, identity: &Identity) -> Vec<AssetId> {
        let key = mix(identity.volume, identity.inode);
        let mut found: Vec<_> = self.first.get(&key).copied().into_iter().collect();
        found.extend(self.more.get(&key).into_iter().flatten());
        found.sort_unstable();
        found
    }

    /// How many assets may be this file.
    #[must_use]
    pub fn len(&self, identity: &Identity) -> usize {
        let key = mix(identity.volume, identity.inode);
        usize::from(self.first.contains_key(&key)) + self.more.get(&key).map_or(0, Vec::len)
    }

    fn remove_further(&mut self, key: u64, asset: AssetId) {
        if let Some(more) = self.more.get_mut(&key) {
            more.retain(|&other| other != asset);
            if more.is_empty() {
                self.more.remove(&key);
            }
        }
    }
}

/// One number for a file. Inodes are small and dense, so both halves are spread (splitmix64's finaliser).
fn mix(volume: u64, inode: u64) -> u64 {
    let mut x = inode ^ volume.rotate_left(32);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The keys are mixed already; hashing them again would only cost.
#[derive(Debug, Default)]
pub(super) struct AlreadyMixed(u64);

impl Hasher for AlreadyMixed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only u64 keys are hashed");
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Identities;
    use crate::model::asset::Identity;
    use crate::model::ids::AssetId;

    #[test]
    fn hard_links_are_all_candidates_until_each_is_removed() {
        let mut identities = Identities::default();
        let file = Identity { volume: 1, inode: 2, birth_ns: 3 };
        for id in [5, 4, 6, 4] {
            identities.insert(1, 2, AssetId(id));
        }
        let candidates =
            |identities: &Identities| -> Vec<i64> { identities.candidates(&file).into_iter().map(|id| id.0).collect() };
        assert_eq!(candidates(&identities), [4, 5, 6]);
        identities.remove(1, 2, AssetId(5));
        assert_eq!(candidates(&identities), [4, 6]);
        identities.remove(1, 2, AssetId(7));
        identities.remove(1, 2, AssetId(6));
        identities.remove(1, 2, AssetId(4));
        assert_eq!(candidates(&identities), [0; 0]);
    }
}
