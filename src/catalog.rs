//! A look against what was known. Pure: it reads no disk and no ledger; it is given rows and looks, and says what
//! follows from them.
//!
//! [`reconcile`] takes a group of looks and decides, place by place, which asset is where now. [`between`] says which
//! metadata keys a change touched. [`Identities`] finds the asset that a file was before, whatever it was called.

mod diff;
mod identities;
mod reconcile;

pub use diff::{added, between};
pub use identities::Identities;
pub use reconcile::{Before, Candidate, Heard, Here, Place, Plan, Step, arrivals, differ_only_in_case, reconcile};
