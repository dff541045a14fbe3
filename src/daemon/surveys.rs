//! Looks at single paths for people who ask why a callback did not come. Each has a thread of its own, so that a
//! filesystem that hangs takes that thread and nothing else: not the looking threads, which live hints wait for, and
//! not the runtime's, which the daemon's end waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

use tokio::sync::oneshot;

use crate::look::disk::Disk;
use crate::look::survey;
use crate::model::path::LogicalPath;
use crate::model::why::{PathSeen, There};
use crate::watch::mounts::Mounts;

/// Looks for people at once. More are refused: those that are under way hang, or many ask at the same time.
pub(super) const SURVEYS_MAX: usize = 8;

/// Looks at paths for people.
pub(super) struct Surveys {
    disk: Arc<dyn Disk>,
    mounts: Arc<Mounts>,
    under_way: Arc<AtomicUsize>,
}

/// One look under way.
struct Turn(Arc<AtomicUsize>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Surveys {
    pub(super) fn new(disk: Arc<dyn Disk>, mounts: Arc<Mounts>) -> Self {
        Self { disk, mounts, under_way: Arc::default() }
    }

    /// Begins a look at a path. The answer comes when the filesystem gives it.
    pub(super) fn begin(&self, path: LogicalPath) -> oneshot::Receiver<PathSeen> {
        let (sender, answer) = oneshot::channel();
        let turn = Turn(Arc::clone(&self.under_way));
        let ignored = self.mounts.mount_of(&path).and_then(|mount| self.mounts.why_ignored(mount, &path));
        if self.under_way.fetch_add(1, Ordering::Relaxed) >= SURVEYS_MAX {
            drop(turn);
            let why = "too many looks at the disk are under way".to_owned();
            // Who has gone away needs no answer.
            drop(sender.send(PathSeen { ignored, there: There::NotLooked(why) }));
            return answer;
        }
        let (disk, mounts) = (Arc::clone(&self.disk), Arc::clone(&self.mounts));
        let begun = Builder::new().name("survey".into()).spawn(move || {
            let seen = survey(&*disk, &mounts, &path);
            drop(turn);
            drop(sender.send(seen));
        });
        if let Err(error) = begun {
            // The sender went with the closure: whoever asked hears that nobody looked.
            tracing::warn!(%error, "no thread could be started for a look at the disk");
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::hung_disk::HungDisk;
    use super::{SURVEYS_MAX, Surveys};
    use crate::look::disk::Disk;
    use crate::model::mount::Mount;
    use crate::model::path::LogicalPath;
    use crate::model::why::There;
    use crate::watch::mounts::Mounts;

    #[tokio::test]
    async fn a_filesystem_that_hangs_takes_so_many_threads_and_no_more() {
        let path = |text: &str| LogicalPath::parse(text.as_bytes()).expect("a path");
        let mounts = Mounts::new(vec![Mount::new(path("/m"), "/m".into())], None).expect("a mount");
        let disk = Arc::new(HungDisk::below("/m"));
        let surveys = Surveys::new(Arc::clone(&disk) as Arc<dyn Disk>, Arc::new(mounts));
        let mut hung: Vec<_> = (0..SURVEYS_MAX).map(|_| surveys.begin(path("/m/a"))).collect();
        let refused = surveys.begin(path("/m/a.part")).await.expect("an answer");
        assert!(matches!(refused.there, There::NotLooked(_)) && refused.ignored.is_some(), "{refused:?}");
        assert!(hung.iter_mut().all(|answer| answer.try_recv().is_err()));
        disk.answer();
        for answer in hung {
            assert_eq!(answer.await.expect("an answer").there, There::NoRoot("its directory is not there".to_owned()));
        }
        let after = surveys.begin(path("/m/a")).await.expect("an answer");
        assert!(matches!(after.there, There::NoRoot(_)), "{after:?}");
    }
}
