//! How clauses and targets are written, in rule files as in registrations: texts to checked values.
//!
//! Nothing here knows where a text comes from; a fault names its place in the text.

mod glob;
mod hints;
pub mod literal;
pub mod target;
pub mod watch_metadata;
pub mod watch_path;
pub mod when;
