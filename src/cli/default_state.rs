//! Where the state directory lies when nobody says where, and which daemon runs at such a place.
//!
//! It is named for the directory that is watched, and not for where `serve` is started: who starts it again from
//! elsewhere goes on with the same ledger.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::UsageError;
use super::server::Server;

/// Where root's state directories lie, and that of a packaged daemon (Filesystem Hierarchy Standard 3.0, 5.8).
const OF_ROOT: &str = "/var/lib/ringback";
/// What earlier versions used, in the directory in which they were started.
const EARLIER: &str = "ringback-state";
/// Characters of the watched directory's name in the name of its state directory, at most.
const NAME_CHARACTERS: usize = 64;
/// Bytes of the SHA-256 of the watched directory's path in the name of its state directory: two directories of the same
/// name share one by chance once in 10^14.
const HASH_BYTES: usize = 6;
/// How long whoever is named by an `address` file has to answer, where several are.
const PROBE_WITHIN: Duration = Duration::from_millis(500);

/// The environment, as far as it says where state directories lie.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The process runs as root.
    pub is_root: bool,
    /// `XDG_STATE_HOME`.
    pub xdg_state_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// The working directory.
    pub working: PathBuf,
}

impl Surroundings {
    /// Those of this process.
    ///
    /// # Errors
    /// The working directory is gone.
    pub fn of_process() -> std::io::Result<Self> {
        let dir = |name| std::env::var_os(name).map(PathBuf::from);
        Ok(Self {
            // SAFETY: a plain system call without pointers.
            is_root: unsafe { libc::geteuid() } == 0,
            xdg_state_home: dir("XDG_STATE_HOME"),
            home: dir("HOME"),
            working: std::env::current_dir()?,
        })
    }

    /// The directory in which state directories lie.
    fn place(&self) -> PathBuf {
        if self.is_root {
            return OF_ROOT.into();
        }
        // Relative ones do not count (XDG Base Directory Specification 0.8).
        let absolute = |dir: &Option<PathBuf>| dir.clone().filter(|dir| dir.is_absolute());
        let home = || absolute(&self.home).map(|home| home.join(".local/state"));
        absolute(&self.xdg_state_home)
            .or_else(home)
            .map_or_else(|| self.working.join(EARLIER), |dir| dir.join("ringback"))
    }

    /// The state directory of a daemon that watches one directory.
    #[must_use]
    pub fn state_of(&self, watched: &Path) -> StateDir {
        let watched = self.working.join(watched);
        let watched = std::fs::canonicalize(&watched).unwrap_or(watched);
        let dir = self.place().join(name(&watched));
        let earlier = self.working.join(EARLIER);
        let has_ledger = |dir: &Path| dir.join("ledger.db").exists();
        if !has_ledger(&dir) && has_ledger(&earlier) {
            return StateDir { dir: earlier, belongs_at: Some(dir) };
        }
        StateDir { dir, belongs_at: None }
    }

    /// The state directory of the one daemon that runs at a default place; `None`: nothing says that one does.
    ///
    /// # Errors
    /// Several run: they are listed.
    pub fn running(&self) -> anyhow::Result<Option<PathBuf>> {
        let mut named = Vec::new();
        let mut places = vec![PathBuf::from(OF_ROOT), self.place()];
        places.dedup();
        let mut dirs = vec![self.working.join(EARLIER)];
        for place in places {
            // What cannot be read is another user's, whose token this one could not read either.
            let below = std::fs::read_dir(&place).into_iter().flatten().flatten();
            let mut below: Vec<_> = below.map(|entry| entry.path()).collect();
            below.sort();
            dirs.push(place);
            dirs.extend(below);
        }
        for dir in dirs {
            if let Some(server) = Server::of_state_dir(&dir)? {
                named.push((dir, server));
            }
        }
        // A daemon that was killed leaves its file.
        let answers = |(_, server): &&(PathBuf, Server)| {
            std::net::TcpStream::connect_timeout(&server.address, PROBE_WITHIN).is_ok()
        };
        let alive: Vec<_> = if named.len() > 1 { named.iter().filter(answers).collect() } else { Vec::new() };
        match (&alive[..], named.first()) {
            ([(dir, _)], _) | ([], Some((dir, _))) => Ok(Some(dir.clone())),
            ([], None) => Ok(None),
            _ => {
                let list: Vec<_> =
                    alive.iter().map(|(dir, it)| format!("\n  --state {}   {}", dir.display(), it.address)).collect();
                Err(UsageError(format!("several daemons run; say which:{}", list.concat())).into())
            }
        }
    }
}

/// A state directory that nobody named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    /// The directory.
    pub dir: PathBuf,
    /// It is where an earlier version kept it, and a daemon that is started elsewhere would not find it. It would find
    /// it here.
    pub belongs_at: Option<PathBuf>,
}

/// NAME-HASH: for people, and of this path alone.
fn name(watched: &Path) -> String {
    let last = watched.file_name().unwrap_or(OsStr::new("root")).to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let last: String = last.chars().map(plain).take(NAME_CHARACTERS).collect();
    let hash = Sha256::digest(watched.as_os_str().as_bytes());
    let hash: String = hash[..HASH_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{last}-{hash}")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::TcpListener;
    use std::path::{Path, PathBuf};

    use super::{StateDir, Surroundings, name};

    #[test]
    fn state_directories_lie_where_the_user_keeps_state() {
        let some = |dir: &str| Some(PathBuf::from(dir));
        let cases = [
            (true, some("/x"), some("/root"), "/var/lib/ringback"),
            (false, some("/x"), some("/home/ana"), "/x/ringback"),
            (false, some("x"), some("/home/ana"), "/home/ana/.local/state/ringback"),
            (false, None, some("/home/ana"), "/home/ana/.local/state/ringback"),
            (false, None, None, "/w/ringback-state"),
        ];
        for (is_root, xdg_state_home, home, place) in cases {
            let surroundings = Surroundings { is_root, xdg_state_home, home, working: "/w".into() };
            assert_eq!(surroundings.place(), Path::new(place), "{surroundings:?}");
        }
    }

    #[test]
    fn a_state_directory_is_named_for_the_watched_one() {
        assert_eq!(name(Path::new("/srv/media")), "media-0f697eb1b55e");
        assert_ne!(name(Path::new("/srv/media")), name(Path::new("/srv/b/media")));
        assert!(name(Path::new("/")).starts_with("root-"));
        assert!(name(Path::new("/srv/a b")).starts_with("a_b-"));
        let long = format!("/{}", "x".repeat(300));
        assert_eq!(name(Path::new(&long)).len(), 64 + 1 + 12);
    }

    #[test]
    fn it_is_the_same_from_every_directory_and_by_every_link() {
        let scratch = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(scratch.path()).expect("it is there");
        fs::create_dir_all(root.join("store")).expect("a directory");
        std::os::unix::fs::symlink("store", root.join("link")).expect("a link");
        let from = |working: &Path| Surroundings {
            xdg_state_home: Some(root.join("xdg")),
            working: working.to_owned(),
            ..Surroundings::default()
        };
        let direct = from(&root).state_of(Path::new("store"));
        assert_eq!(direct.dir, root.join("xdg/ringback").join(name(&root.join("store"))));
        assert_eq!(from(Path::new("/")).state_of(&root.join("link")), direct);
        assert_eq!(from(&root.join("store")).state_of(Path::new(".")), direct);

        // What an earlier version left in the working directory is gone on with, as long as nothing lies at the new
        // place.
        fs::create_dir(root.join("ringback-state")).expect("a directory");
        fs::write(root.join("ringback-state/ledger.db"), "").expect("written");
        let earlier = StateDir { dir: root.join("ringback-state"), belongs_at: Some(direct.dir.clone()) };
        assert_eq!(from(&root).state_of(Path::new("store")), earlier);
        fs::create_dir_all(&direct.dir).expect("a directory");
        fs::write(direct.dir.join("ledger.db"), "").expect("written");
        assert_eq!(from(&root).state_of(Path::new("store")), direct);
    }

    #[test]
    fn the_one_daemon_that_runs_is_found_and_several_are_listed() {
        let scratch = tempfile::tempdir().expect("a directory");
        let xdg_state_home = Some(scratch.path().to_owned());
        let surroundings =
            Surroundings { xdg_state_home, working: scratch.path().to_owned(), ..Surroundings::default() };
        assert_eq!(surroundings.running().expect("nothing is wrong"), None);

        let listening = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let dir = |name: &str| scratch.path().join("ringback").join(name);
        let write = |name: &str, listener: &TcpListener| {
            fs::create_dir_all(dir(name)).expect("a directory");
            let address = listener.local_addr().expect("bound");
            fs::write(dir(name).join("address"), format!("http://{address}\n")).expect("written");
        };
        let [one, other] = &listening;
        write("one-0", one);
        assert_eq!(surroundings.running().expect("one"), Some(dir("one-0")));
        write("other-0", other);
        let error = surroundings.running().expect_err("two").to_string();
        assert!(error.contains("one-0") && error.contains("other-0"), "{error}");
        // One of them was killed: its file is left.
        drop(listening);
        let again = TcpListener::bind("127.0.0.1:0").expect("a port");
        write("other-0", &again);
        assert_eq!(surroundings.running().expect("one"), Some(dir("other-0")));
    }
}
