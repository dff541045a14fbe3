//! Ringback stands beside a media asset store, watches its files and their metadata, and calls HTTP subscribers back
//! when what they asked about changes.
//!
//! ```text
//! watch -> settle -> look -> catalog diff -> journal -> rules -> outbox -> deliver
//! (hints)  (quiet)  (disk)   (changes)      (durable)  (match)  (owed)    (HTTP)
//! ```
//!
//! A [hint](model::hint) says that something may have changed at a path; it is never trusted, it only causes a
//! [look](model::look). A look against the catalog gives [changes](model::change), which go to the journal. Rules say
//! to whom a change is owed; what is [owed](model::entry) is folded and cut into [deliveries](model::delivery), whose
//! bytes are frozen; each is attempted until it is accepted or given up.
//!
//! # The one idea
//!
//! The middle is two state machines without I/O, clock or threads. [`intake`] goes from hints to what is owed,
//! [`dispatch`] from what is owed to what came of it. They take inputs, write to the ledger ([`store`]), and return
//! effects. [`engine`] runs both in one transaction a group of inputs; effects go out only after its commit. The edges
//! ([`watch`], [`look`], [`deliver`], [`api`]) do what the effects say and feed what came of it back in; [`daemon`] is
//! the wiring.
//!
//! # What always holds
//!
//! - No effect (a request, an answer to a caller) happens before the commit of what it tells.
//! - Memory is never ahead of the ledger: what is derived moves after its savepoint, and is rebuilt after a lost group.
//! - No id is used twice, power cuts included. The same id always means the same bytes.
//! - Absence is believed only after an lstat of that very path, with the mount's root still the known one.
//! - Nobody waits to send: requests go out by credit, and what overflows collapses into a scan.
//! - Nothing in the pure stages knows of a clock, a file, a socket or a thread. Time is passed in.
//! - Neither machine reaches the other's tables: each has a view of the ledger, and the compiler keeps it to that.
//! - Nothing but [`store`] knows that the ledger is SQL.
#![warn(missing_docs)]
// They panic where standard error or output cannot be written: `cli::output` and `daemon::log` print.
#![cfg_attr(not(test), deny(clippy::print_stderr, clippy::print_stdout))]

#[allow(clippy::disallowed_methods, reason = "an edge: sockets, timeouts, the token file")]
pub mod api;
pub mod catalog;
#[allow(clippy::disallowed_methods, reason = "the command line: terminal, environment, files")]
pub mod cli;
#[allow(clippy::disallowed_methods, reason = "reads the configuration file")]
pub mod config;
#[cfg(test)]
mod cpu_time;
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
