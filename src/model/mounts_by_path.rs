//! Which mount a path lies in, found by the path's own ancestors: the cost is that of the path, whatever the number of
//! mounts. Serves logical paths and disk paths alike, because it reads nothing but bytes and slashes.

use std::collections::HashMap;

use super::ids::MountId;

/// Mounts by the path of their top. The tops do not lie in one another, so at most one of them holds a path.
#[derive(Debug, Clone, Default)]
pub struct MountsByPath {
    tops: HashMap<Box<[u8]>, MountId>,
    /// The fewest and the most slashes that a top has; the ancestors of a path between the two are the only ones asked
    /// for.
    slashes: Option<(usize, usize)>,
}

impl MountsByPath {
    /// The index of these tops, in the order of the mounts' numbers. A top begins with `/` and does not end with one,
    /// unless it is `/`.
    ///
    /// # Panics
    /// When there are more mounts than a [`MountId`] can number.
    #[must_use]
    pub fn new<'a>(tops: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut index = Self::default();
        for (at, top) in tops.into_iter().enumerate() {
            let slashes = depth(top);
            let (fewest, most) = index.slashes.unwrap_or((slashes, slashes));
            index.slashes = Some((fewest.min(slashes), most.max(slashes)));
            let mount = MountId(u16::try_from(at).expect("fewer mounts than numbers"));
            index.tops.entry(top.into()).or_insert(mount);
        }
        index
    }

    /// The mount whose top is this path or lies above it.
    #[must_use]
    pub fn of(&self, path: &[u8]) -> Option<MountId> {
        let (fewest, most) = self.slashes?;
        if fewest == 0 {
            if let Some(mount) = self.tops.get(b"/".as_slice()) {
                return Some(*mount);
            }
            if path == b"/" {
                return None;
            }
        }
        let slashes = path.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let ancestors = slashes.chain([path.len()]).enumerate().map(|(at, end)| (at + 1, &path[..end]));
        let mut asked = ancestors.skip_while(|(depth, _)| *depth < fewest).take_while(|(depth, _)| *depth <= most);
        asked.find_map(|(_, ancestor)| self.tops.get(ancestor).copied())
    }
}

/// How many names lead to a top: 0 for `/`.
fn depth(top: &[u8]) -> usize {
    if top == b"/" { 0 } else { top.iter().filter(|byte| **byte == b'/').count() }
}

#[cfg(test)]
mod tests {
    use super::MountsByPath;
    use crate::model::ids::MountId;

    #[track_caller]
    fn check(tops: &[&str], cases: &[(&str, Option<u16>)]) {
        let index = MountsByPath::new(tops.iter().map(|top| top.as_bytes()));
        for (path, mount) in cases {
            assert_eq!(index.of(path.as_bytes()), mount.map(MountId), "{path} in {tops:?}");
        }
    }

    #[test]
    fn a_path_lies_in_the_mount_whose_top_is_above_it() {
        check(
            &["/a", "/b/c/d", "/a-b"],
            &[
                ("/a", Some(0)),
                ("/a/b/c/d/e", Some(0)),
                ("/ab", None),
                ("/a-b/c", Some(2)),
                ("/b", None),
                ("/b/c", None),
                ("/b/c/d", Some(1)),
                ("/b/c/d/e", Some(1)),
                ("/b/c/de", None),
                ("/", None),
            ],
        );
        check(&["/"], &[("/", Some(0)), ("/a", Some(0)), ("/a/b", Some(0))]);
        check(&[], &[("/", None), ("/a", None)]);
    }
}
