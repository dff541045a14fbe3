//! The edge that looks: what is on disk at a path, in a directory, at a mount's root. Decides nothing, remembers
//! nothing between two requests, and hints nothing.
//!
//! A look never follows a symbolic link below a mount's root, reads no more of a file than its metadata, never blocks
//! on a fifo, and reports absence only after it has seen that the mount's root is still the known one.
//!
//! [`disk`] is the seam: what a look asks of a disk, with [`real`] behind it in the daemon and an in-memory one in the
//! simulation. [`look()`], [`list()`] and [`root()`] are the looks themselves, the same over both.

pub mod disk;
mod fault;
pub mod file;
pub mod list;
mod metadata;
pub mod real;
pub mod root;
mod sidecars;
mod survey;
mod way;

#[cfg(test)]
mod tests;

pub use self::file::look;
pub use self::list::list;
pub use self::metadata::{AskForRest, metadata_of, physical};
pub use self::real::ignore_lease_signals;
pub use self::root::root;
pub use self::survey::survey;
