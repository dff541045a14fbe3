//! A disk for tests: what lies below one directory of it hangs until it is let go.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};

use crate::look::disk::{Disk, DiskStat, Kind, Lease};
use crate::metadata::content::Content;

/// There is nothing on it.
pub(super) struct HungDisk {
    below: PathBuf,
    answers: Mutex<bool>,
    wake: Condvar,
}

impl HungDisk {
    pub(super) fn below(dir: &str) -> Self {
        Self { below: dir.into(), answers: Mutex::default(), wake: Condvar::new() }
    }

    /// Lets it go.
    pub(super) fn answer(&self) {
        *self.answers.lock().expect("a lock") = true;
        self.wake.notify_all();
    }
}

impl Disk for HungDisk {
    fn stat(&self, path: &Path) -> io::Result<DiskStat> {
        let mut answers = self.answers.lock().expect("a lock");
        while path.starts_with(&self.below) && !*answers {
            answers = self.wake.wait(answers).expect("a lock");
        }
        Err(io::Error::from_raw_os_error(libc::ENOENT))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<(Vec<u8>, Option<Kind>)>> {
        Ok(Vec::new())
    }

    fn xattrs(&self, _: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
        Ok(Vec::new())
    }

    fn writer(&self, _: &Path) -> Lease {
        Lease::Unknown
    }

    fn open(&self, _: &Path) -> io::Result<Box<dyn Content>> {
        Err(io::Error::from_raw_os_error(libc::ENOENT))
    }

    fn owner(&self, uid: u32) -> String {
        uid.to_string()
    }
}
