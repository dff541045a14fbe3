//! Which names and paths of a mount are ignored. Knows no disk and no mount table.

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::normal::{nfc, nfc_names};
use crate::model::path::LogicalPath;

/// The compiled ignore patterns of one mount.
///
/// A pattern without `/` is tried on each name of a path below the mount; the others on the whole logical path and on
/// each directory above it below the mount (an ignored directory hides what is in it), where `*` and `?` do not match a
/// `/` and `**` does. Names are bytes: `*` matches what is not UTF-8 too. Names and patterns compare after NFC, as
/// those of rules do.
#[derive(Debug, Clone)]
pub struct Ignore {
    names: GlobSet,
    paths: GlobSet,
}

/// A pattern that means nothing.
#[derive(Debug, thiserror::Error)]
pub enum BadPattern {
    /// It is no glob.
    #[error("the ignore pattern `{pattern}` is no glob")]
    Syntax {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// It has a slash, so it is tried on logical paths, and could never match one.
    #[error("the ignore pattern `{pattern}` never matches: with a slash in it, it must begin with / or **/")]
    Relative {
        /// As written.
        pattern: String,
    },
}

impl Ignore {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// The first pattern that is no glob, or that can never match.
    pub fn new(patterns: &[String]) -> Result<Self, BadPattern> {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for pattern in patterns {
            let is_path = pattern.contains('/');
            if is_path && !pattern.starts_with(['/', '*', '?', '[', '{', '\\']) {
                return Err(BadPattern::Relative { pattern: pattern.clone() });
            }
            let glob = GlobBuilder::new(&nfc(pattern))
                .literal_separator(is_path)
                .build()
                .map_err(|source| BadPattern::Syntax { pattern: pattern.clone(), source })?;
            if is_path {
                paths.add(glob)
            } else {
                names.add(glob)
            };
        }
        Ok(Self { names: set(&names)?, paths: set(&paths)? })
    }

    /// Whether one name is ignored wherever it stands.
    #[must_use]
    pub fn name(&self, name: &[u8]) -> bool {
        self.names.is_match_candidate(&Candidate::from_bytes(&nfc_names(name)))
    }

    /// Whether [`Self::name`] alone decides, because no pattern has a slash.
    #[must_use]
    pub fn is_by_name(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether a path in the mount is ignored. The mount's root never is.
    #[must_use]
    pub fn path(&self, mount: &LogicalPath, path: &LogicalPath) -> bool {
        let Some(relative) = path.relative_to(mount) else { return false };
        relative.split(|&b| b == b'/').any(|name| !name.is_empty() && self.name(name))
            || (!self.is_by_name() && self.path_or_above(mount, path))
    }

    fn path_or_above(&self, mount: &LogicalPath, path: &LogicalPath) -> bool {
        let bytes = nfc_names(path.as_bytes());
        let first = if mount.is_root() { 1 } else { nfc_names(mount.as_bytes()).len() + 1 };
        let ends = (first..bytes.len()).filter(|&at| bytes[at] == b'/').chain([bytes.len()]);
        ends.filter(|&end| end > first).any(|end| self.paths.is_match_candidate(&Candidate::from_bytes(&bytes[..end])))
    }
}

/// Each glob of it compiled by itself, so only their sum can still be refused (by its size).
fn set(globs: &GlobSetBuilder) -> Result<GlobSet, BadPattern> {
    globs
        .build()
        .map_err(|source| BadPattern::Syntax { pattern: source.glob().unwrap_or("all together").to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::{BadPattern, Ignore};
    use crate::model::mount::IGNORED_BY_DEFAULT;
    use crate::model::path::LogicalPath;

    fn path(bytes: &[u8]) -> LogicalPath {
        LogicalPath::parse(bytes).expect("a path")
    }

    fn check(patterns: &[&str], mount: &str, cases: &[(&[u8], bool)]) {
        let ignore = Ignore::new(&patterns.iter().map(|&p| p.to_owned()).collect::<Vec<_>>()).expect("patterns");
        for &(bytes, ignored) in cases {
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(ignore.path(&path(mount.as_bytes()), &path(bytes)), ignored, "{patterns:?} on {shown:?}");
        }
    }

    #[test]
    fn a_pattern_without_a_slash_is_tried_on_each_name() {
        check(
            &IGNORED_BY_DEFAULT,
            "/acme",
            &[
                (b"/acme", false),
                (b"/acme/a.mov", false),
                (b"/acme/.hidden", true),
                (b"/acme/.git/config", true),
                (b"/acme/a.part/inside", true),
                (b"/acme/part", false),
                (b"/acme/a.part.mov", false),
                (b"/acme/a.tmp", true),
                (b"/acme/~$a.docx", true),
                (b"/acme/.nfs0001", true),
                (b"/acme/a~", true),
                (b"/acme/a.jpg_exiftool_tmp", true),
                (b"/acme/caf\xe9.tmp", true),
                (b"/acme/\xff\xfe", false),
                (b"/acme/two\nlines.part", true),
                (b"/acme/a.partial", true),
                (b"/acme/a.mov.filepart", true),
                (b"/acme/a.download/inside", true),
                (b"/acme/a.aria2", true),
                (b"/acme/a.mkv.!qB", true),
                (b"/acme/lost+found/#12", true),
                (b"/acme/lost and found", false),
                (b"/acme/download", false),
                (b"/acme/tab\there", false),
            ],
        );
    }

    #[test]
    fn names_of_a_mac_are_ignored_by_patterns_as_typed() {
        let names: [(&[u8], bool); 4] = [
            ("/acme\u{301}/caf\u{e9}".as_bytes(), true),
            ("/acme\u{301}/cafe\u{301}".as_bytes(), true),
            ("/acme\u{301}/x/e\u{301}te\u{301}/a".as_bytes(), true),
            (b"/acme\xcc\x81/cafe", false),
        ];
        check(&["caf\u{e9}", "/acm\u{e9}/*/e\u{301}t\u{e9}"], "/acme\u{301}", &names);
    }

    #[test]
    fn names_above_the_mount_do_not_count() {
        check(&[".*"], "/.hidden", &[(b"/.hidden", false), (b"/.hidden/a", false), (b"/.hidden/.a", true)]);
        check(&["*"], "/acme", &[(b"/acme", false), (b"/acme/a", true)]);
    }

    #[test]
    fn a_pattern_with_a_slash_is_tried_on_the_logical_path_and_hides_what_is_below() {
        check(
            &["/acme/cache", "/acme/*/proxy-?", "**/z\u{e9}"],
            "/acme",
            &[
                (b"/acme/cache", true),
                (b"/acme/cache/a/b", true),
                (b"/acme/cached", false),
                (b"/acme/x/cache", false),
                (b"/acme/x/proxy-1/a", true),
                (b"/acme/x/y/proxy-1", false),
                (b"/acme/x/proxy-\xff", true),
                (b"/acme/a/b/z\xc3\xa9", true),
                (b"/acme/a/b/z\xc3", false),
            ],
        );
        check(&["/*/tmp"], "/", &[(b"/a/tmp", true), (b"/a/tmp/b", true), (b"/tmp", false)]);
        check(&["/acme"], "/acme", &[(b"/acme", false), (b"/acme/a", false)]);
    }

    #[test]
    fn a_pattern_that_means_nothing_is_refused_by_name() {
        let refuse = |pattern: &str| Ignore::new(&["*.ok".to_owned(), pattern.to_owned()]).expect_err("no pattern");
        assert!(matches!(refuse("a[b"), BadPattern::Syntax { pattern, .. } if pattern == "a[b"));
        assert!(matches!(refuse("cache/*"), BadPattern::Relative { pattern } if pattern == "cache/*"));
    }
}
