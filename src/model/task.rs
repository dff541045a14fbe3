//! A task: work that goes on by itself, in pieces, until it is done, and what people see of it.

use super::ask::Bulk;
use super::ids::{DeliveryNo, NodeId, Seq, SubscriptionId, TaskNo};
use super::part::DeliveryKey;
use super::scope::Scope;
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

/// Something that is done, piece by piece, with all that a filter covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningBulk {
    /// Its task.
    pub task: TaskNo,
    /// What, and with what; `which.after` is how far it has come.
    pub bulk: Bulk,
    /// With how many it has been done.
    pub done: u64,
}

/// A task as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTask {
    /// Its place in the list.
    pub number: TaskNo,
    /// What it is known by.
    pub uuid: String,
    /// What is done: `rescan`, `replay`, `backfill`, or a [`Deed`](super::ask::Deed).
    pub task: String,
    /// How it stands.
    pub state: TaskState,
    /// Whose deliveries.
    pub owner: Option<SubscriptionId>,
    /// The same, by name.
    pub subscription: Option<String>,
    /// Whose things it is about, where it is about what a filter covers.
    pub scope: Option<Scope>,
    /// How much of it is done: directories, deliveries, entries or subscriptions.
    pub done: u64,
    /// How much there was when it began.
    pub total: Option<u64>,
    /// Who began it.
    pub by: String,
    /// When.
    pub started: Wall,
    /// When it ended.
    pub ended: Option<Wall>,
    /// What it came to, where there is more to say than how much is done: a JSON object.
    pub result: Option<String>,
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

/// The UUID of a task: that of the text `task:NODE:NUMBER`.
#[must_use]
pub fn uuid(node: NodeId, number: TaskNo) -> String {
    super::uuid::of(&format!("task:{node}:{number}"))
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
