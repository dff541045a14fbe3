//! From owed entries to the bytes of a batch. It reads no clock and no ledger, sends nothing and retries nothing.
//!
//! [`fold::fold`] joins what one receiver need not be told twice; [`batch::cut`] takes the longest prefix that fits and
//! renders it. What is rendered is frozen: nobody renders the same batch again.

pub mod batch;
pub mod fold;
pub mod limits;
pub mod zoom;
