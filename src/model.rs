//! The nouns of ringback, as plain data.
//!
//! Nothing here reads a disk, a clock, a socket or a database, and nothing here knows who uses it. Every type is valid
//! once it exists: the constructors refuse what cannot mean anything, so no later stage checks again.
//!
//! The cast, in the order in which the pipeline meets it: a [`hint`] says that something may have changed at a
//! [`path`]; a [`look`] reads what is there; a look against the catalog's [`asset`] gives a [`change`] with its
//! [`metadata`] delta; a change that a subscription's rule matches is an [`entry`] owed to that [`subscription`];
//! entries are cut into a frozen [`delivery`]. A [`record`] is what the asset store itself says of
//! an asset, or an [`event`] that it reports.

pub mod address;
pub mod ask;
pub mod asset;
pub mod attempt;
pub mod by_number;
pub mod change;
pub mod counted;
pub mod delivery;
pub mod dialects;
pub mod duration;
pub mod entry;
pub mod error_chain;
pub mod event;
pub mod explain;
pub mod format;
pub mod hint;
pub mod ids;
pub mod job;
pub mod keys;
pub mod lane;
pub mod listing;
pub mod look;
pub mod mage_id;
pub mod mask;
pub mod measures;
pub mod metadata;
pub mod metadata_by_key;
pub mod mount;
pub mod mounts_by_path;
pub mod nearest;
pub mod network;
pub mod normal;
pub mod part;
pub mod path;
pub mod principal;
pub mod record;
pub mod registered;
pub mod registration;
pub mod rescan;
pub mod retention;
pub mod retry;
pub mod root;
pub mod rule_list;
pub mod scope;
pub mod secret;
pub mod session;
pub mod sidecar;
pub mod slot_limits;
pub mod status;
pub mod subscription;
pub mod task;
pub mod tenant;
pub mod tenant_ids;
pub mod time;
pub mod uuid;
pub mod watching;
pub mod why;
