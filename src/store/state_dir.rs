//! Who may read the state directory: its owner, and no other user.
//!
//! The ledger holds header secrets, paths and bodies, and the token opens the API. So every file of the directory has
//! mode 0600 and every directory 0700, whatever the umask is and whatever an older version left behind. This module is
//! the one place that sees to it: [`own`] runs before anything in the directory is opened. It narrows the umask of the
//! process, so a file that is made later, by SQLite or by a part of ringback that is not written yet, needs no care.
//!
//! A directory that other users can enter is narrowed only where it holds nothing but ringback's own files. `/tmp` or a
//! home directory is refused: narrowing it would lock other programs out. Ringback's files are never symbolic links,
//! and once the directory is narrowed no other user can put one there.
#![expect(clippy::disallowed_methods, reason = "the state directory is on the disk")]

use std::ffi::{CString, OsStr};
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The mode of every file.
const FILE_MODE: u32 = 0o600;
/// The mode of every directory.
const DIR_MODE: u32 = 0o700;
/// The permission bits of a mode, with set-id and sticky.
const MODE_BITS: u32 = 0o7777;
/// The bits of other users, the group's among them.
const OTHERS: u32 = 0o077;
/// Directories that several programs or users share by custom (Filesystem Hierarchy Standard 3.0). In a container they
/// may be empty, and are not ringback's even so.
const SHARED: [&str; 16] = [
    "/",
    "/dev/shm",
    "/etc",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/run",
    "/srv",
    "/tmp",
    "/usr",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/tmp",
];

/// The ledger's file: a directory that has it has been a state directory.
const LEDGER: &str = "ledger.db";
/// What ringback keeps in the directory. A name counts that is one of these, or continues one with `-` or `.` (SQLite's
/// `ledger.db-wal`, a token on its way into place).
const OWN: [&str; 7] = [LEDGER, "ballast", "lock", "token", ".token", "address", "sync"];
/// What a filesystem itself puts into a directory; not ringback's, and no sign that the directory is not.
const FILESYSTEMS_OWN: [&str; 1] = ["lost+found"];

/// Why a directory is not taken for the state directory. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// The system refuses.
    #[error("the state directory {} cannot be written; choose another with --state, or mend its permissions", dir.display())]
    Unwritable {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Other users can enter it, and it is not ringback's to narrow.
    #[error(
        "the state directory {} is not ringback's alone ({why}), and other users can enter it: choose a directory of its \
         own with --state, or close this one with `chmod 700`", dir.display()
    )]
    Shared {
        /// The directory.
        dir: PathBuf,
        /// For people.
        why: String,
    },
    /// It belongs to another user, who can change what is in it.
    #[error(
        "the state directory {} belongs to user {owner}, and ringback runs as user {me}: run it as its owner, choose \
         another directory with --state, or give this one away with `chown -R {me}`", dir.display()
    )]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// The user id of this process.
        me: u32,
    },
    /// Something stands where ringback keeps a file.
    #[error(
        "{} is {what}, and ringback follows none in its state directory: put the file itself there, or remove it",
        path.display()
    )]
    NotAFile {
        /// Where.
        path: PathBuf,
        /// For people.
        what: &'static str,
    },
    /// The permissions cannot be narrowed.
    #[error(
        "other users can read {}, and its permissions cannot be narrowed; choose a state directory on a filesystem that \
         keeps permissions, with --state", path.display()
    )]
    NotNarrowed {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes the directory if need be, and makes all that is in it the owner's alone. What it mends is logged.
///
/// Narrows the umask of the process to 077.
///
/// # Errors
/// [`StateDirError`]; the directory is then as it was, except that ringback's own files in it may be narrowed.
pub fn own(dir: &Path) -> Result<(), StateDirError> {
    // SAFETY: a plain system call without pointers.
    unsafe { libc::umask(0o077) };
    let unwritable = |source| StateDirError::Unwritable { dir: dir.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir).map_err(unwritable)?;
    let opened = fs::OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(dir).map_err(unwritable)?;
    let about = opened.metadata().map_err(unwritable)?;
    // SAFETY: a plain system call without pointers.
    let me = unsafe { libc::geteuid() };
    if about.uid() != me {
        return Err(StateDirError::Foreign { dir: dir.to_owned(), owner: about.uid(), me });
    }
    let (own, foreign) = names(dir).map_err(unwritable)?;
    if about.mode() & OTHERS != 0 {
        let shared = |why| Err(StateDirError::Shared { dir: dir.to_owned(), why });
        if let Some(name) = &foreign {
            return shared(format!("it also holds {}", name.display()));
        }
        let true_path = fs::canonicalize(dir).map_err(unwritable)?;
        if is_shared(&true_path) {
            return shared("other programs use it too".to_owned());
        }
    }
    let mut mended = Mended::default();
    mended.narrow(dir, &about, DIR_MODE)?;
    forget_default_acl(dir).map_err(|source| StateDirError::NotNarrowed { path: dir.to_owned(), source })?;
    // In a directory that holds other files too, one that is called `sync` may be another program's.
    let is_ours = foreign.is_none() || own.iter().any(|name| name == Path::new(LEDGER));
    for name in own {
        mended.own(&dir.join(name), is_ours)?;
    }
    mended.log(dir);
    Ok(())
}

/// The names in a directory that are ringback's, and one that is not.
fn names(dir: &Path) -> io::Result<(Vec<PathBuf>, Option<PathBuf>)> {
    let (mut own, mut foreign) = (Vec::new(), None);
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        match (is_own(&name), FILESYSTEMS_OWN.iter().any(|other| name == *other)) {
            (true, _) => own.push(name.into()),
            (false, true) => {}
            (false, false) => foreign = Some(name.into()),
        }
    }
    own.sort_unstable();
    Ok((own, foreign))
}

fn is_shared(true_path: &Path) -> bool {
    SHARED.iter().any(|other| true_path == Path::new(other))
}

fn is_own(name: &OsStr) -> bool {
    OWN.iter().any(|own| {
        let rest = name.as_bytes().strip_prefix(own.as_bytes());
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'-' | b'.')))
    })
}

/// What had to be mended.
#[derive(Default)]
struct Mended(Vec<(PathBuf, u32)>);

impl Mended {
    /// Makes a file the owner's alone, or a directory and the files in it. What has gone meanwhile needs nothing.
    fn own(&mut self, path: &Path, enter: bool) -> Result<(), StateDirError> {
        let refused = |source| StateDirError::NotNarrowed { path: path.to_owned(), source };
        let about = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            about => about.map_err(refused)?,
        };
        let kind = about.file_type();
        if kind.is_file() {
            return self.narrow(path, &about, FILE_MODE);
        }
        if !kind.is_dir() {
            let what = if kind.is_symlink() { "a symbolic link" } else { "not a regular file" };
            return Err(StateDirError::NotAFile { path: path.to_owned(), what });
        }
        if enter {
            self.narrow(path, &about, DIR_MODE)?;
            for entry in fs::read_dir(path).map_err(refused)? {
                self.own(&entry.map_err(refused)?.path(), enter)?;
            }
        }
        Ok(())
    }

    /// Gives a file or directory this mode, unless it has it. The directory above is the owner's alone by then, so what
    /// was looked at is what is changed.
    fn narrow(&mut self, path: &Path, about: &Metadata, mode: u32) -> Result<(), StateDirError> {
        let before = about.mode() & MODE_BITS;
        if before == mode {
            return Ok(());
        }
        let refused = |source| StateDirError::NotNarrowed { path: path.to_owned(), source };
        match fs::set_permissions(path, Permissions::from_mode(mode)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            set => set.map_err(refused)?,
        }
        let after = fs::metadata(path).map_err(refused)?.mode();
        if after & OTHERS != 0 {
            return Err(refused(io::Error::other(format!("its mode stays {:04o}", after & MODE_BITS))));
        }
        self.0.push((path.to_owned(), before));
        Ok(())
    }

    fn log(self, dir: &Path) {
        let others_could_enter = self.0.iter().any(|(path, before)| path == dir && before & OTHERS != 0);
        for (path, before) in self.0 {
            let (file, before) = (path.display(), format!("{before:04o}"));
            // Behind a directory that no other user could enter, a file's mode has not mattered.
            match others_could_enter && path.file_name().is_some_and(|name| name == "token") {
                true => tracing::warn!(
                    %file, before,
                    "other users could read the administrator's token; its permissions are narrowed. To have a new one \
                     made, remove it and start again"
                ),
                false => tracing::warn!(%file, before, "permissions narrowed: it is the owner's alone"),
            }
        }
    }
}

/// A default access control list would give what is made in the directory to those whom it names, whatever the umask.
#[cfg(target_os = "linux")]
fn forget_default_acl(dir: &Path) -> io::Result<()> {
    let path = CString::new(dir.as_os_str().as_bytes())?;
    // SAFETY: two C strings that outlive the call.
    if unsafe { libc::removexattr(path.as_ptr(), c"system.posix_acl_default".as_ptr()) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        // There is none, or the filesystem has no such lists.
        error if matches!(error.raw_os_error(), Some(libc::ENODATA | libc::EOPNOTSUPP | libc::EPERM)) => Ok(()),
        error => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn forget_default_acl(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
