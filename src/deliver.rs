//! The edge that calls subscribers: one attempt in, its outcome out. It decides no retry, no order and no concurrency,
//! keeps no ledger, follows no redirect, and uses no proxy.
//!
//! [`Client::attempt`] never fails: whatever goes wrong is an [`Reply`](crate::model::attempt::Reply) that names
//! the phase. An attempt takes a parked connection, or opens one (look up, check, connect, TLS); sends the request;
//! lets the status line decide; reads a bounded part of the answer; and parks the connection again if the answer was
//! read whole.
//!
//! Each new connection goes to an address that the guard has admitted for the subscription's
//! [`Trust`](crate::model::subscription::Trust), whatever its name meant before.

mod answer;
mod classify;
mod client;
mod connect;
mod connection;
mod guard;
mod limits;
mod message;
mod names;
mod pool;
mod resolve;
mod retry_after;
mod sign;
mod wire;

pub use client::{Client, Reach};
pub use limits::Limits;

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
