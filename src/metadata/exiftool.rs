//! What only `exiftool` reads of a file: asked of processes that stay open, a file at a time.
//!
//! A [process](process::Process) answers one request after another. A [session](session::Session) has one, and replaces
//! it when it ends, takes too long or has answered often. The [pool](pool::Exiftool) has a few sessions, each on a
//! thread of its own, so that no look at a file waits for an answer. [`answer`] makes keys and values of what comes
//! back.
//!
//! No name of a file reaches `exiftool`. It is given `/proc/PID/fd/N`, a file that ringback has opened: so no name can
//! be taken for an option, no link is followed, and what is read is what was looked at.

pub mod answer;
pub mod pool;
pub mod process;
pub mod session;

#[cfg(test)]
mod tests;

pub use pool::Exiftool;
pub use session::Session;
