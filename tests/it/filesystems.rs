//! The daemon on real filesystems: loop devices with ext4, xfs and btrfs, a tmpfs, an overlay, binds and FUSE, as they
//! behave and not as a temporary directory does. Tests do without a sync where a user would not sync.
//!
//! All of it needs root and some programs (e2fsprogs xfsprogs btrfs-progs bindfs). What cannot be had is skipped in a
//! line on stderr that a captured test shows too, with how many were skipped so far.

mod kinds;
mod latency;
mod mounted;
mod ordinary;
mod roots;

pub use mounted::skipped;
