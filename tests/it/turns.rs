//! Who runs beside whom: tests that load both cores run alone, so that nothing that measures time starves.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static TURNS: RwLock<()> = RwLock::new(());

/// For as long as it is held, no heavy test runs.
pub fn light() -> RwLockReadGuard<'static, ()> {
    // A test that failed has poisoned it, and guarded nothing.
    TURNS.read().unwrap_or_else(PoisonError::into_inner)
}

/// For as long as it is held, nothing else runs that takes a turn.
pub fn heavy() -> RwLockWriteGuard<'static, ()> {
    TURNS.write().unwrap_or_else(PoisonError::into_inner)
}

/// A child has every open file too until it becomes another program: a file that is written at that moment looks held,
/// and is closed only then. So nothing is written while a process is started.
static STARTS: RwLock<()> = RwLock::new(());

/// For as long as it is held, no process is started.
pub fn writing() -> RwLockReadGuard<'static, ()> {
    STARTS.read().unwrap_or_else(PoisonError::into_inner)
}

/// For as long as it is held, no file is written.
pub fn starting() -> RwLockWriteGuard<'static, ()> {
    STARTS.write().unwrap_or_else(PoisonError::into_inner)
}
