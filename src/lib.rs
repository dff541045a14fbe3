//! ringback: calls subscribers back when the files of a media asset store, or their metadata, change.
//!
//! ```text
//! watch -> settle -> look -> catalog diff -> journal -> rules -> outbox -> deliver
//! (hints)  (quiet)  (disk)   (changes)      (durable)  (match)  (owed)    (HTTP)
//! ```
#![warn(missing_docs)]

pub mod api;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod deliver;
pub mod diagnostic;
pub mod dispatch;
pub mod engine;
pub mod intake;
pub mod look;
pub mod metadata;
pub mod model;
pub mod outbox;
pub mod rules;
pub mod settle;
pub mod store;
pub mod watch;
