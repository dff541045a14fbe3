//! Logical paths: what rules, records and payloads call an asset. Bytes, because file names are bytes.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;

use super::normal::nfc_names;

/// An absolute logical path: `/` or `/a/b`, never with a trailing slash, an empty component, `.`, `..` or a NUL.
///
/// Names are kept byte for byte; [`LogicalPath::display`] and [`LogicalPath::base64`] are the one way to JSON: the
/// text, with U+FFFD where it is not UTF-8, and beside it the whole path in base64 whenever the text lost something.
/// Cloning is cheap (a reference count).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogicalPath(Arc<[u8]>);

/// Why bytes are no logical path. Each message says what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing was given.
    #[error("the path is empty; write an absolute path such as /acme/dailies")]
    Empty,
    /// It does not begin with a slash.
    #[error("the path is relative; it must begin with /")]
    Relative,
    /// A component is `.` or `..`.
    #[error("the path has a component `.` or `..`; write it without")]
    Dots,
    /// A NUL byte, which no file name can hold.
    #[error("the path has a NUL byte, which no file name can hold")]
    Nul,
}

impl LogicalPath {
    /// The top of the logical tree, `/`.
    #[must_use]
    pub fn root() -> Self {
        Self(Arc::from(&b"/"[..]))
    }

    /// Checks and normalises: repeated and trailing slashes go, nothing else changes.
    ///
    /// # Errors
    /// [`PathError`] when the bytes are empty, relative, have a `.` or `..` component, or a NUL.
    pub fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        match bytes.first() {
            None => return Err(PathError::Empty),
            Some(b'/') => {}
            Some(_) => return Err(PathError::Relative),
        }
        if bytes.contains(&0) {
            return Err(PathError::Nul);
        }
        let mut out = Vec::with_capacity(bytes.len());
        for name in bytes.split(|&b| b == b'/').filter(|name| !name.is_empty()) {
            if name == b"." || name == b".." {
                return Err(PathError::Dots);
            }
            out.push(b'/');
            out.extend_from_slice(name);
        }
        if out.is_empty() {
            out.push(b'/');
        }
        Ok(Self(out.into()))
    }

    /// The path of `name` in this directory. `name` is one component, as a directory listing gives it.
    #[must_use]
    pub fn join(&self, name: &[u8]) -> Self {
        debug_assert!(!name.is_empty() && !name.contains(&b'/'), "a name is one component");
        let mut out = Vec::with_capacity(self.0.len() + 1 + name.len());
        if self.0.len() > 1 {
            out.extend_from_slice(&self.0);
        }
        out.push(b'/');
        out.extend_from_slice(name);
        Self(out.into())
    }

    /// Whether this is `/`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The bytes, beginning with `/`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path with its names in Unicode's normalisation form C ([`nfc_names`]): two paths that a person reads as one
    /// are the same in this form.
    #[must_use]
    pub fn nfc(&self) -> Self {
        match nfc_names(&self.0) {
            Cow::Borrowed(_) => self.clone(),
            Cow::Owned(bytes) => Self(bytes.into()),
        }
    }

    /// The directory and the last name; `None` for `/`.
    #[must_use]
    pub fn split(&self) -> Option<(Self, &[u8])> {
        if self.is_root() {
            return None;
        }
        let slash = self.0.iter().rposition(|&b| b == b'/')?;
        let parent = if slash == 0 { Self::root() } else { Self(self.0[..slash].into()) };
        Some((parent, &self.0[slash + 1..]))
    }

    /// The directory that holds this path; `None` for `/`.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.split().map(|(parent, _)| parent)
    }

    /// The names from the top down; empty for `/`.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|name| !name.is_empty())
    }

    /// Whether this path lies strictly below `directory`.
    #[must_use]
    pub fn is_below(&self, directory: &Self) -> bool {
        if directory.is_root() {
            return !self.is_root();
        }
        self.0.len() > directory.0.len() && self.0.starts_with(&directory.0) && self.0[directory.0.len()] == b'/'
    }

    /// Whether this path is `top` or lies below it.
    #[must_use]
    pub fn is_at_or_below(&self, top: &Self) -> bool {
        self == top || self.is_below(top)
    }

    /// The range, among paths in order, of all that lie strictly below this one: to be asked of a tree of paths as
    /// `range::<[u8], _>`.
    #[must_use]
    pub fn below(&self) -> BelowRange {
        let mut start = self.0.to_vec();
        if !self.is_root() {
            start.push(b'/');
        }
        // What follows a slash in the order of bytes. Below the root it is everything but the root itself.
        let mut end = start.clone();
        end.pop();
        end.push(b'/' + 1);
        if self.is_root() {
            start.push(0);
        }
        BelowRange(start..end)
    }

    /// What is left of this path under `directory`, without a leading slash; empty when they are equal, `None` when
    /// it does not lie there.
    #[must_use]
    pub fn relative_to(&self, directory: &Self) -> Option<&[u8]> {
        if self == directory {
            return Some(b"");
        }
        if !self.is_below(directory) {
            return None;
        }
        let skip = if directory.is_root() { 1 } else { directory.0.len() + 1 };
        Some(&self.0[skip..])
    }

    /// The path as text; a byte sequence that is not UTF-8 shows as U+FFFD.
    #[must_use]
    pub fn display(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The whole path in standard base64, when [`Self::display`] would lose something; `None` for UTF-8.
    #[must_use]
    pub fn base64(&self) -> Option<String> {
        match std::str::from_utf8(&self.0) {
            Ok(_) => None,
            Err(_) => Some(base64::engine::general_purpose::STANDARD.encode(&self.0)),
        }
    }
}

/// See [`LogicalPath::below`].
#[derive(Debug)]
pub struct BelowRange(Range<Vec<u8>>);

impl std::ops::RangeBounds<[u8]> for BelowRange {
    fn start_bound(&self) -> std::ops::Bound<&[u8]> {
        std::ops::Bound::Included(&self.0.start)
    }

    fn end_bound(&self) -> std::ops::Bound<&[u8]> {
        std::ops::Bound::Excluded(&self.0.end)
    }
}

impl Borrow<[u8]> for LogicalPath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for LogicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.display())
    }
}

impl fmt::Display for LogicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

#[cfg(test)]
mod tests {
    use super::{LogicalPath, PathError};

    fn path(text: &str) -> LogicalPath {
        LogicalPath::parse(text.as_bytes()).expect("a path")
    }

    #[test]
    fn slashes_are_normalised_and_nothing_else_is() {
        assert_eq!(path("//a///b/").as_bytes(), b"/a/b");
        assert_eq!(path("///").as_bytes(), b"/");
        assert_eq!(path("/a\n\tb").as_bytes(), b"/a\n\tb");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for (bytes, error) in [
            (&b""[..], PathError::Empty),
            (b"a/b", PathError::Relative),
            (b"/a/../b", PathError::Dots),
            (b"/a/.", PathError::Dots),
            (b"/a\0", PathError::Nul),
        ] {
            assert_eq!(LogicalPath::parse(bytes), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn below_means_a_whole_component_below() {
        assert!(path("/a/b").is_below(&path("/a")));
        assert!(!path("/a/bc").is_below(&path("/a/b")));
        assert!(!path("/a").is_below(&path("/a")));
        assert!(path("/a").is_below(&LogicalPath::root()));
        assert!(path("/a").is_at_or_below(&path("/a")));
        assert!(path("/a/b").is_at_or_below(&path("/a")));
        assert!(!path("/a").is_at_or_below(&path("/a/b")));
        assert_eq!(path("/a/b/c").relative_to(&path("/a")), Some(&b"b/c"[..]));
        assert_eq!(path("/a/b").relative_to(&LogicalPath::root()), Some(&b"a/b"[..]));
        assert_eq!(path("/a").relative_to(&path("/a")), Some(&b""[..]));
    }

    #[test]
    fn what_lies_below_is_a_range() {
        let all: std::collections::BTreeSet<LogicalPath> =
            ["/", "/a", "/a-b", "/a/b", "/a/b/c", "/a/\u{10ffff}", "/a0", "/ab", "/b"].map(path).into();
        for directory in ["/", "/a", "/a/b", "/b", "/none"] {
            let directory = path(directory);
            let found: Vec<_> = all.range::<[u8], _>(directory.below()).collect();
            let expect: Vec<_> = all.iter().filter(|path| path.is_below(&directory)).collect();
            assert_eq!(found, expect, "{directory}");
        }
    }

    #[test]
    fn a_name_that_is_not_utf_8_survives_beside_its_text() {
        let odd = LogicalPath::root().join(b"caf\xe9.jpg");
        assert_eq!(odd.display(), "/caf\u{fffd}.jpg");
        assert_eq!(odd.base64().as_deref(), Some("L2NhZukuanBn"));
        assert_eq!(path("/caf\u{e9}.jpg").base64(), None);
    }
}
