//! Numbers that are never used twice, power cuts included.
//!
//! They come from blocks. The ledger keeps, for each kind, the first number that nobody may hand out; handing that one
//! out first raises it by a block, in the same group, and makes the group's commit wait for the disk. So whatever a
//! power cut takes back, the numbers it took lie below what the disk remembers, and numbering goes on above it. A clean
//! end gives the rest of the block back.

use super::error::Operation as _;
use super::{DispatchTables, IntakeTables, Ledger, Result, SharedTables};
use crate::model::ids::{AssetId, DeliveryNo, NodeId, Rrn, Seq};

/// How many numbers one durable reservation covers: a sync a 65,536th change.
const BLOCK: i64 = 1 << 16;

/// What is numbered. The discriminant is the ledger's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Seq = 1,
    Rrn = 2,
    Asset = 3,
    Delivery = 4,
}

const KINDS: [Kind; 4] = [Kind::Seq, Kind::Rrn, Kind::Asset, Kind::Delivery];

/// The next number of a kind, and the first beyond the reserved block.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    next: i64,
    end: i64,
}

/// All kinds, indexed by `Kind as usize - 1`.
#[derive(Debug, Default)]
pub(super) struct Ids([Block; 4]);

impl SharedTables {
    /// The id of this ledger.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// A number for a new change.
    ///
    /// # Errors
    /// When a new block cannot be reserved.
    pub fn next_seq(&self) -> Result<Seq> {
        self.next(Kind::Seq).map(Seq)
    }

    /// The open group's transaction number, the same for everything recorded in it.
    ///
    /// # Errors
    /// When a new block cannot be reserved.
    pub fn rrn(&self) -> Result<Rrn> {
        if let Some(rrn) = self.group_rrn.get() {
            return Ok(rrn);
        }
        let rrn = self.next(Kind::Rrn).map(Rrn)?;
        self.group_rrn.set(Some(rrn));
        Ok(rrn)
    }

    /// The newest numbers handed out: the journal's and the transactions'. 0 before any.
    #[must_use]
    pub fn newest(&self) -> (Seq, Rrn) {
        let ids = self.ids.borrow();
        (Seq(ids.0[Kind::Seq as usize - 1].next - 1), Rrn(ids.0[Kind::Rrn as usize - 1].next - 1))
    }

    fn next(&self, kind: Kind) -> Result<i64> {
        let block = self.ids.borrow().0[kind as usize - 1];
        let end = if block.next < block.end { block.end } else { self.reserve(kind, block.next)? };
        self.ids.borrow_mut().0[kind as usize - 1] = Block { next: block.next + 1, end };
        Ok(block.next)
    }

    /// Reserves the block that begins with `next`, and gives its end. When the input or group that needed it is rolled
    /// back, [`SharedTables::expire_ids`] forgets it, and the next number reserves again.
    fn reserve(&self, kind: Kind, next: i64) -> Result<i64> {
        let end = next + BLOCK;
        self.write_next(kind, end)?;
        self.promise();
        Ok(end)
    }

    /// Forgets the reserved blocks: the row that reserved one may just have been rolled back.
    pub(super) fn expire_ids(&self) {
        for block in &mut self.ids.borrow_mut().0 {
            block.end = block.next;
        }
    }

    fn write_next(&self, kind: Kind, next: i64) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO ids (kind, next) VALUES (?1, ?2) ON CONFLICT (kind) DO UPDATE SET next = ?2")
            .and_then(|mut sql| sql.execute((kind as i64, next)))
            .to("reserve ids")
            .map(drop)
    }
}

impl IntakeTables<'_> {
    /// A number for a new asset.
    ///
    /// # Errors
    /// When a new block cannot be reserved.
    pub fn next_asset(&self) -> Result<AssetId> {
        self.next(Kind::Asset).map(AssetId)
    }
}

impl DispatchTables<'_> {
    /// A number for a new delivery.
    ///
    /// # Errors
    /// When a new block cannot be reserved.
    pub fn next_delivery(&self) -> Result<DeliveryNo> {
        self.next(Kind::Delivery).map(DeliveryNo)
    }

    /// The newest delivery's number; 0 before any.
    #[must_use]
    pub fn newest_delivery(&self) -> DeliveryNo {
        DeliveryNo(self.ids.borrow().0[Kind::Delivery as usize - 1].next - 1)
    }
}

impl Ledger {
    /// Gives the rest of each block back: the last write of a clean end.
    ///
    /// # Errors
    /// When the ledger refuses; then the rest of the blocks is lost, which harms nothing.
    pub fn close_ids(&self) -> Result<()> {
        for kind in KINDS {
            self.write_next(kind, self.ids.borrow().0[kind as usize - 1].next)?;
        }
        self.promise();
        Ok(())
    }

    /// Reads where numbering goes on, and reserves the first blocks. Part of opening.
    pub(super) fn open_ids(&self) -> Result<()> {
        for kind in KINDS {
            let next = self
                .connection
                .prepare_cached("SELECT coalesce(max(next), 1) FROM ids WHERE kind = ?1")
                .and_then(|mut sql| sql.query_row([kind as i64], |row| row.get(0)))
                .to("read its ids")?;
            let end = self.reserve(kind, next)?;
            self.ids.borrow_mut().0[kind as usize - 1] = Block { next, end };
        }
        Ok(())
    }

    pub(super) fn read_or_make_node(&self, if_new: u64) -> Result<NodeId> {
        self.connection
            .execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('node', ?1)", [if_new as i64])
            .and_then(|_| self.connection.query_row("SELECT value FROM meta WHERE key = 'node'", [], |row| row.get(0)))
            .to("read its node id")
            .map(|node: i64| NodeId(node as u64))
    }
}
