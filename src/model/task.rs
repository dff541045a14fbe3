//! A task: work that goes on by itself, in pieces, until it is done, and what people see of it.

use sha2::{Digest as _, Sha256};

use super::ids::{DeliveryNo, NodeId, Seq, SubscriptionId, TaskNo};
use super::part::DeliveryKey;
use super::time::Wall;

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It goes on, also after a restart.
    Running,
    /// All of it is done.
    Done,
    /// It cannot go on.
    Failed,
    /// Somebody has stopped it: what was done by then is done.
    Stopped,
}

impl TaskState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Failed, Self::Stopped];

    /// As shown, and as the ledger has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// The state of a [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A replay under way: a subscription is sent again what it was told since a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its task.
    pub task: TaskNo,
    /// Whose.
    pub subscription: SubscriptionId,
    /// Changes that were recorded then or later are sent again.
    pub since: Wall,
    /// The last delivery that it has dealt with.
    pub after: Option<DeliveryKey>,
    /// The newest delivery when it began: what is cut after that is not sent again.
    pub until: DeliveryNo,
    /// Deliveries that it has dealt with, of those that it is about.
    pub done: u64,
}

/// A task as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTask {
    /// Its place in the list.
    pub number: TaskNo,
    /// What it is known by.
    pub uuid: String,
    /// What is done: `replay`.
    pub task: String,
    /// How it stands.
    pub state: TaskState,
    /// Whose deliveries, by name.
    pub subscription: Option<String>,
    /// How much of it is done: deliveries.
    pub done: u64,
    /// How much there was when it began.
    pub total: Option<u64>,
    /// Who began it.
    pub by: String,
    /// When.
    pub started: Wall,
    /// When it ended.
    pub ended: Option<Wall>,
    /// Why it cannot go on.
    pub problem: Option<String>,
}

/// How much a replay would send again, of the deliveries that were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ToldSince {
    /// Deliveries.
    pub deliveries: u64,
    /// Entries in them.
    pub entries: u64,
    /// The oldest change that they told.
    pub first: Option<Seq>,
    /// Where the next question begins; `None`: all of them were looked at.
    pub next: Option<DeliveryKey>,
}

/// The UUID of a task: version 8 (RFC 9562, section 5.8), of the SHA-256 of `task:NODE:NUMBER`.
#[must_use]
pub fn uuid(node: NodeId, number: TaskNo) -> String {
    let hash = Sha256::digest(format!("task:{node}:{number}"));
    let mut bytes: [u8; 16] = std::array::from_fn(|at| hash[at]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::uuid;
    use crate::model::ids::{NodeId, TaskNo};

    #[test]
    fn a_uuid_is_one_of_version_8() {
        let id = uuid(NodeId(0xa1), TaskNo(1));
        assert_eq!(id.len(), 36);
        let parts: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "8");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_ne!(id, uuid(NodeId(0xa1), TaskNo(2)));
        assert_ne!(id, uuid(NodeId(0xa2), TaskNo(1)));
    }
}
