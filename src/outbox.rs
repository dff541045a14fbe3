//! From owed entries to the bytes of a batch, and from a reply to what becomes of a delivery. It reads no clock and no
//! ledger, and sends nothing.
//!
//! [`fold::fold`] joins what one receiver need not be told twice; [`batch::cut`] takes the longest prefix that fits and
//! writes it in the subscription's format ([`formats`]). What is written is frozen: nobody writes the same batch again.
//! [`verdict::verdict`] judges an attempt.

pub mod batch;
pub mod fold;
pub mod formats;
pub mod limits;
pub mod split;
pub mod verdict;
