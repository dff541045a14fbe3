//! What the fuzz targets share. A target reads bytes, or makes texts of them, and asks what must always hold.
//!
//! [`bytes`] are choices; [`clauses`] and [`when`] turn them into texts of the rule language that mostly parse,
//! [`changes`] into changes of an asset; [`check`] is what must hold of any of them, [`tags`] of metadata and
//! [`memory`] of what is allocated.

pub mod bytes;
pub mod changes;
pub mod check;
pub mod clauses;
pub mod memory;
pub mod tags;
pub mod when;
