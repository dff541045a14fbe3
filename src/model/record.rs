//! Records: what the asset store itself says of an asset, and events that it reports (`POST /v1/records`).

use super::event::{EventFields, EventName};
use super::ids::{AssetId, Rrn, Seq};
use super::metadata::{Key, Values};
use super::path::LogicalPath;
use super::scope::Scope;
use super::tenant::Tenant;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Metadata of an asset.
    Assignment(Assignment),
    /// Something happened in the store.
    Report(Report),
}

/// An event that the asset store reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The event's name.
    pub event: EventName,
    /// Whose it is; `None`: nobody's, and only those hear of it who hear of every tenant.
    pub tenant: Option<Tenant>,
    /// Its payload.
    pub entity: EventFields,
    /// What people call it.
    pub display_name: Option<String>,
}

/// One assignment of metadata to one asset. It stays until unset, and wins over what the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Which asset.
    pub subject: Subject,
    /// Keys to assign, each with one or more values. In the order given; keys and values in NFC.
    pub set: Vec<(Key, Values)>,
    /// Keys whose assignment ends. None of them is in `set` too.
    pub unset: Vec<Key>,
}

/// How a record names its asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// By path. A path that holds no asset yet is kept until one appears, for 30 days.
    Path(LogicalPath),
    /// By number. An unknown one refuses the request.
    Asset(AssetId),
}

/// One `POST /v1/records`: all of it takes effect, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsRequest {
    /// At least one.
    pub records: Vec<Record>,
    /// Whose assets the caller may assign metadata to.
    pub scope: Scope,
    /// The `Idempotency-Key`, where the caller gave one.
    pub idempotency: Option<Idempotency>,
}

/// What makes a repeated request recognisable for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The header's value, 1 to 255 visible ASCII characters, prefixed by the principal's name so that callers cannot
    /// meet in it.
    pub key: String,
    /// SHA-256 of the request body.
    pub body_sha256: [u8; 32],
}

/// What came of a [`RecordsRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordsAnswer {
    /// It is durable.
    Accepted {
        /// The transaction that recorded it.
        rrn: Rrn,
        /// How many records it had.
        accepted: u64,
        /// How many of them were applied to an asset.
        applied: u64,
        /// How many of them were events. The others are kept for an asset to come.
        events: u64,
    },
    /// A record names an asset number that does not exist, or is another tenant's; nothing was recorded.
    UnknownAsset {
        /// Its index in the request, from 0.
        index: usize,
    },
    /// A record names a path that lies in no mount of the caller's tenants; nothing was recorded.
    OutsideScope {
        /// Its index in the request, from 0.
        index: usize,
    },
    /// A record reports an event that is neither built in nor a type of the reactor dialect, and that no rule file
    /// declares; nothing was recorded.
    UnknownEvent {
        /// Its index in the request, from 0.
        index: usize,
    },
    /// A record reports an event that is declared for another tenant alone; nothing was recorded.
    EventOfAnother {
        /// Its index in the request, from 0.
        index: usize,
    },
    /// The same key came with another body.
    KeyReused,
}

/// What came of a `POST /v1/sync`: every write that finished before the call is journaled and matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncAnswer {
    /// The newest journal place.
    pub seq: Seq,
    /// The newest ledger transaction.
    pub rrn: Rrn,
    /// Mounts that are offline: nothing is promised for them.
    pub offline: Vec<LogicalPath>,
}
