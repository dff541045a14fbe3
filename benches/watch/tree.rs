//! Trees and what is done to them. Paths are told relative to the tree, with a slash in front, as logical paths are.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tempfile::TempDir;

/// Directories below one parent.
const SIBLINGS: usize = 100;

/// A tree of its own in the directory that was asked for. It is removed when dropped.
pub struct Tree {
    /// Without symbolic links, as watchers report it.
    pub root: PathBuf,
    _dir: TempDir,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// It was written once.
    Written,
    /// It was written again, and closed at this moment.
    Rewritten(Instant),
    /// It was removed.
    Gone,
}

/// Files and what became of them, and when the first and the last were touched.
pub struct Done {
    pub files: Vec<(String, Last)>,
    pub began: Instant,
    pub last_write: Instant,
}

impl Done {
    /// No file was touched, until now.
    pub fn nothing() -> Self {
        let now = Instant::now();
        Self { files: Vec::new(), began: now, last_write: now }
    }
}

impl Tree {
    /// An empty one.
    pub fn new(above: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("ringback-bench-").tempdir_in(above);
        let dir = dir.unwrap_or_else(|error| panic!("{}: {error}", above.display()));
        // A name without a dot in front: ringback's default is to ignore those.
        let root = fs::canonicalize(dir.path()).expect("a true path").join("tree");
        fs::create_dir(&root).expect("a directory");
        Self { root, _dir: dir }
    }

    /// A path in it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The name of a directory, by number.
    pub fn dir(&self, number: usize) -> String {
        format!("/d{:04}/{:02}", number / SIBLINGS, number % SIBLINGS)
    }

    /// Makes directories with empty files in each.
    pub fn fill(&self, dirs: usize, each: usize) {
        for dir in 0..dirs {
            let dir = self.at(&self.dir(dir));
            fs::create_dir_all(&dir).expect("directories");
            for file in 0..each {
                File::create(dir.join(format!("f{file:03}.jpg"))).expect("created");
            }
        }
    }

    /// Makes new directories and at once files in each, then appends to every tenth file and unlinks every tenth.
    pub fn burst(&self, dirs: usize, each: usize) -> Done {
        let began = Instant::now();
        let mut files = Vec::with_capacity(dirs * each);
        for dir in 0..dirs {
            let dir = self.dir(dir);
            fs::create_dir_all(self.at(&dir)).expect("directories");
            for file in 0..each {
                let path = format!("{dir}/f{file:03}.jpg");
                write(&self.at(&path));
                files.push((path, Last::Written));
            }
        }
        for (path, last) in files.iter_mut().skip(3).step_by(10) {
            let mut file = OpenOptions::new().append(true).open(self.at(path)).expect("open");
            file.write_all(b", and more").expect("written");
            *last = Last::Rewritten(Instant::now());
        }
        for (path, last) in files.iter_mut().skip(7).step_by(10) {
            fs::remove_file(self.at(path)).expect("removed");
            *last = Last::Gone;
        }
        Done { files, began, last_write: Instant::now() }
    }
}

/// Writes a file; the moment right before it is closed.
pub fn write(path: &Path) -> Instant {
    let mut file = File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.write_all(b"some bytes").expect("written");
    let at = Instant::now();
    drop(file);
    at
}
