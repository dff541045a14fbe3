//! Where the mounts really are: each directory's one true path, and that no two are the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::mount::Mount;

/// What a missing directory means, and what to do.
const NOT_THERE: &str = "the mount's directory does not exist: the mount is offline, and nothing is called for it, until \
                         it does. Make or mount it, or mend `dir` in the configuration";

/// Why a configured directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Something else stands there.
    #[error("the mount {path} is to show {}, which is no directory; mount the directory that holds it", dir.display())]
    NoDirectory {
        /// The mount's logical path.
        path: String,
        /// On disk.
        dir: PathBuf,
    },
    /// Two mounts show the same files.
    #[error("the mounts {one} and {other} show the same directory, or one that lies in the other: {}", dir.display())]
    Overlap {
        /// A logical path.
        one: String,
        /// Another.
        other: String,
        /// Where they meet.
        dir: PathBuf,
    },
    /// It cannot be found out.
    #[error("cannot look at {}", dir.display())]
    Unreadable {
        /// On disk.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes the mounts' directories absolute. Symbolic links are resolved at each look at a mount's root. A directory that
/// is missing is offline until it appears.
pub(super) fn settle(mut mounts: Vec<Mount>) -> Result<Vec<Mount>, PlaceError> {
    let mut resolved = Vec::with_capacity(mounts.len());
    for mount in &mut mounts {
        let unreadable = |source| PlaceError::Unreadable { dir: mount.dir.clone(), source };
        mount.dir = std::path::absolute(&mount.dir).map_err(unreadable)?;
        match fs::metadata(&mount.dir) {
            Ok(about) if about.is_dir() => resolved.push(canonical(&mount.dir)?),
            Ok(_) => {
                return Err(PlaceError::NoDirectory { path: mount.path.to_string(), dir: mount.dir.clone() });
            }
            Err(error) => {
                match error.kind() {
                    io::ErrorKind::NotFound => {
                        tracing::warn!(mount = %mount.path, dir = %mount.dir.display(), "{NOT_THERE}");
                    }
                    // On a filesystem that does not answer: offline until it does, and the others are served.
                    _ => tracing::warn!(mount = %mount.path, dir = %mount.dir.display(), %error,
                        "the mount's directory cannot be looked at: the mount is offline until it can"),
                }
                resolved.push(mount.dir.clone());
            }
        }
    }
    for (n, one) in resolved.iter().enumerate() {
        for (m, other) in resolved[..n].iter().enumerate() {
            if one.starts_with(other) || other.starts_with(one) {
                let (dir, one, other) = (one.clone(), mounts[n].path.to_string(), mounts[m].path.to_string());
                return Err(PlaceError::Overlap { one, other, dir });
            }
        }
    }
    Ok(mounts)
}

/// A directory's one true path.
pub(super) fn canonical(dir: &Path) -> Result<PathBuf, PlaceError> {
    fs::canonicalize(dir).map_err(|source| PlaceError::Unreadable { dir: dir.to_owned(), source })
}
