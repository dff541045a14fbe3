//! Which instance of the source each mount has, modelled after `watch/sources.rs`: one that dies takes its watches and
//! its queue along, and each mount gets the next one when its root is looked at.

use std::collections::BTreeMap;

use ringback::model::hint::Signal;
use ringback::model::ids::MountId;
use ringback::watch::WatchError;

use super::source::Source;

/// The instances, of which only the newest may be alive.
#[derive(Debug, Default)]
pub struct Instances {
    /// The newest one's number.
    newest: u64,
    is_dead: bool,
    held: BTreeMap<MountId, u64>,
    /// What the dead ones have signalled, and nobody has read yet.
    pub last_words: Vec<Signal>,
}

impl Instances {
    /// A new process.
    pub fn restart(&mut self) {
        let newest = self.newest + 1;
        *self = Self { newest, ..Self::default() };
    }

    /// The queue of the newest one dies, and all that is in it. It says so, unless its thread panics over that as well;
    /// but no call of sync goes unanswered.
    pub fn die(&mut self, source: &mut Source, mounts: impl Iterator<Item = MountId>, says_so: bool) {
        if self.is_dead {
            return;
        }
        self.is_dead = true;
        let syncs = source.syncs();
        *source = Source::new(source.kind());
        if says_so || !syncs.is_empty() {
            self.last_words.extend(mounts.map(Signal::Lost));
        }
        self.last_words.extend(syncs.into_iter().map(Signal::Synced));
    }

    /// A mount's root is looked at: the number of the instance that the mount has from now on.
    pub fn take_up(&mut self, mount: MountId) -> u64 {
        if std::mem::take(&mut self.is_dead) {
            self.newest += 1;
        }
        self.held.insert(mount, self.newest);
        self.newest
    }

    /// A mount's directory is to be watched.
    pub fn check(&self, mount: MountId) -> Result<(), WatchError> {
        match self.held.get(&mount) {
            Some(held) if *held == self.newest && !self.is_dead => Ok(()),
            _ => Err(WatchError::Failed("the source is dead".to_owned())),
        }
    }

    /// All instances that any mount has are asked for a sync.
    pub fn check_all(&self) -> Result<(), WatchError> {
        self.held.keys().try_for_each(|mount| self.check(*mount))
    }
}
