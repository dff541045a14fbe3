//! ringback: calls subscribers back when the files of a media asset store, or their metadata, change.
//!
//! ```text
//! watch -> settle -> look -> catalog diff -> journal -> rules -> outbox -> deliver
//! (hints)  (quiet)  (disk)   (changes)      (durable)  (match)  (owed)    (HTTP)
//! ```
#![warn(missing_docs)]

#[allow(clippy::disallowed_methods, reason = "an edge: sockets, timeouts, the token file")]
pub mod api;
pub mod catalog;
#[allow(clippy::disallowed_methods, reason = "the command line: terminal, environment, files")]
pub mod cli;
#[allow(clippy::disallowed_methods, reason = "reads the configuration file")]
pub mod config;
#[allow(clippy::disallowed_methods, reason = "the wiring: clocks, threads, signals")]
pub mod daemon;
#[allow(clippy::disallowed_methods, reason = "an edge: sockets and timeouts")]
pub mod deliver;
pub mod diagnostic;
pub mod dispatch;
pub mod engine;
pub mod intake;
#[allow(clippy::disallowed_methods, reason = "an edge: reads the disk")]
pub mod look;
#[allow(clippy::disallowed_methods, reason = "an edge: reads the disk")]
pub mod metadata;
pub mod model;
pub mod outbox;
pub mod rules;
pub mod settle;
pub mod store;
#[allow(clippy::disallowed_methods, reason = "an edge: the kernel hints, on threads of its own")]
pub mod watch;
