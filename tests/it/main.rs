//! The whole daemon, as its users meet it: the real binary on a real directory, called over real sockets.
//!
//! Nothing here reaches into the crate but for its receiver. A test waits for a condition, with a deadline, and prints
//! what it saw when the condition does not come; that nothing else came is known from a marker (`Daemon::settled`).
#![allow(clippy::disallowed_methods, reason = "it starts processes, writes files and waits for both")]

mod api;
mod bad_files;
mod bad_input;
mod bad_subscribers;
mod burst;
mod commands;
mod conformance;
mod crash;
mod daemon;
mod deliveries;
mod delivery_faults;
mod dialects;
mod disk;
mod disk_full;
mod events;
mod exiftool;
mod explaining;
mod filesystems;
mod following;
mod http;
mod identities;
mod log_lost;
mod metadata;
mod other_processes;
mod pipeline;
mod pipeline_odd;
mod principals;
mod receivers;
mod recorder;
mod registering;
mod rough;
mod rule_admin;
mod rules_at_work;
mod scratch;
mod secrets;
mod sink;
mod starts;
mod state_dir;
mod turns;
mod unicode_forms;
mod vanished_rules;
mod where_it_calls;
mod why;
mod within;
