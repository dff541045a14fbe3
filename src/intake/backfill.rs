//! The catalog as a subscription's rule sees it: what a subscription that lost entries is told.

use super::Intake;
use super::metadata::asked;
use crate::catalog::added;
use crate::model::asset::Stat;
use crate::model::change::{Action, Change};
use crate::model::entry::Entry;
use crate::model::ids::SubscriptionId;
use crate::model::metadata::{BySource, merged};
use crate::model::tenant::Tenant;
use crate::model::time::Now;
use crate::rules::{Facts, Rule};
use crate::store::{Backfill, IntakeTables, PIECE_ROWS, Stands, StoreError, Walked};

/// As what an asset that exists is told: as new where the rule covers that, since the subscriber may never have heard
/// of it; else as the first of these that the rule covers.
const STANDS: [Action; 3] = [Action::Added, Action::Modified, Action::None];
const IS_GONE: [Action; 1] = [Action::Deleted];

impl Intake {
    /// Goes on with a backfill's walk through the catalog: at most `most` entries. `None`: no rule says what is
    /// covered.
    ///
    /// # Errors
    /// When the ledger refuses, or a row is damaged.
    pub fn walk(
        &self,
        now: Now,
        backfill: &Backfill,
        most: usize,
        ledger: IntakeTables<'_>,
    ) -> Result<Option<Walked<Change>>, StoreError> {
        let Some(rule) = self.rule_of(backfill.subscription) else { return Ok(None) };
        let Walked { found, next } = ledger.walk(backfill, PIECE_ROWS as usize, most)?;
        let mut changes = Vec::new();
        for (stands, place) in found {
            changes.extend(self.change_of(now, rule, stands, ledger)?.map(|change| (change, place)));
        }
        Ok(Some(Walked { found: changes, next }))
    }

    fn rule_of(&self, subscription: SubscriptionId) -> Option<&Rule> {
        let of_files = || self.rules.subscriptions.iter().position(|id| *id == subscription);
        self.registered.get(subscription).or_else(|| self.rules.set.rules().get(of_files()?))
    }

    /// How an asset stands, where the rule covers it.
    fn change_of(
        &self,
        now: Now,
        rule: &Rule,
        stands: Stands,
        ledger: IntakeTables<'_>,
    ) -> Result<Option<Change>, StoreError> {
        let Stands { asset, is_gone } = stands;
        // A mount that is configured no longer is nobody's.
        let Some(mount) = self.mounts.of(&asset.path) else { return Ok(None) };
        let sources = if is_gone { BySource::new() } else { ledger.metadata(asset.id)? };
        let state = merged(&sources);
        let Stat { size, mtime_ns, .. } = asset.stat;
        let mut change = Change {
            seq: Entry::NO_SEQ,
            rrn: asset.rrn,
            time: now.wall,
            asset: asset.id,
            path: asset.path,
            owner: asset.owner,
            action: Action::None,
            // Nobody knows what the subscriber has heard of it: all that it has.
            delta: asked(added(&sources), &self.rules, &self.registered),
            size: Some(size),
            mtime_ns: Some(mtime_ns),
            previous_path: None,
            moved: None,
        };
        let tenant = self.mounts.tenant(mount).map(Tenant::as_str);
        let facts = Facts { size, mtime_ns, mount: self.mounts.root_path(mount), tenant };
        for action in if is_gone { &IS_GONE[..] } else { &STANDS[..] } {
            change.action = *action;
            if self.rules.set.fires(rule, &change, &state, facts) {
                return Ok(Some(change));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::diagnostic::SourceFile;
    use crate::intake::RulesInForce;
    use crate::intake::tests::machine::{Machine, NOW};
    use crate::model::asset::{Asset, ContentRead, Identity, Stat};
    use crate::model::change::Change;
    use crate::model::entry::Entry;
    use crate::model::ids::{AssetId, Rrn, Seq, SubscriptionId, TaskNo};
    use crate::model::metadata::{Metadata, Source};
    use crate::model::path::LogicalPath;
    use crate::rules::load;
    use crate::store::{Backfill, Place, Walked};

    /// Three assets: one as it was long ago, one that changed, with metadata, and one that is gone.
    fn machine() -> Machine {
        let machine = Machine::new(|_| {});
        let ledger = &machine.ledger;
        ledger.begin().expect("a group");
        let root = LogicalPath::parse(b"/").expect("a path");
        for (id, rrn) in [(1, 4), (2, 5), (3, 5)] {
            let path = LogicalPath::parse(format!("/m/{id}.mov").as_bytes()).expect("a path");
            let identity = Identity { volume: 1, inode: id as u64, birth_ns: 1 };
            let stat = Stat { identity, size: 9, mtime_ns: 1, ctime_ns: 1, links: 1 };
            let dir = ledger.intake().dir_or_new(&root, &path.parent().expect("a parent")).expect("a row");
            let asset = Asset {
                id: AssetId(id),
                path,
                stat,
                racy: false,
                owner: "jo".into(),
                rrn: Rrn(rrn),
                content: ContentRead::Yes,
            };
            ledger.intake().put_asset(dir, &asset).expect("a row");
            let city = Metadata::from([("City".to_owned(), vec!["SFO".to_owned()])]);
            ledger.intake().set_metadata(asset.id, Source::Xattr, &city.into()).expect("a row");
            if id == 3 {
                ledger.intake().bury_asset(&asset, Rrn(6), Seq(1), NOW.wall).expect("a row");
            }
        }
        ledger.commit().expect("a commit");
        machine
    }

    /// What a rule with these clauses is told, in pieces of one.
    #[track_caller]
    fn check(clauses: &str, expect: &[&str]) {
        let mut machine = machine();
        let text = format!("[[subscription]]\nname = 'a'\ncallback = 'http://h'\n{clauses}\n");
        let set = load(&[SourceFile { name: "a.toml".into(), text: text.into_bytes().into() }]).set.expect("no fault");
        let id = SubscriptionId(7);
        machine.intake.set_rules(RulesInForce { set: Arc::new(set), subscriptions: [id].into() });
        let rrn = Rrn(5);
        let (task, place) = (TaskNo(1), Place::before(rrn));
        let mut backfill = Backfill { task, subscription: id, rrn, again: None, place, done: 0 };
        let mut told = Vec::new();
        loop {
            let walked = machine.intake.walk(machine.now, &backfill, 1, machine.ledger.intake()).expect("a piece");
            let Walked { found, next } = walked.expect("a rule");
            for (change, _) in found {
                assert_eq!((change.seq, change.size, change.time), (Entry::NO_SEQ, Some(9), NOW.wall));
                let Change { action, path, delta, .. } = change;
                let keys: Vec<_> = delta.iter().map(|key| format!("{}={:?}", key.key, key.new)).collect();
                told.push(format!("{} {} {}", action.as_str(), path.display(), keys.join(" ")));
            }
            match next {
                Some(place) => backfill.place = place,
                None => break,
            }
        }
        assert_eq!(told, expect, "{clauses}");
    }

    #[test]
    fn what_changed_is_told_as_new_or_as_what_else_the_rule_covers() {
        let (gone, new) = ("deleted /m/3.mov ", r#"added /m/2.mov City=["SFO"]"#);
        check("watchPath = ['* /m']", &[gone, new]);
        check("watchPath = ['+ /m']", &[new]);
        check("watchPath = ['- /m']", &[gone]);
        check("watchPath = ['* /elsewhere']", &[]);
        check("watchMetadata = ['City==SFO']", &[new]);
        check("watchMetadata = ['City==OAK']", &[]);
        check("when = 'action in (modified) and path like \"/m/**\"'", &[r#"modified /m/2.mov City=["SFO"]"#]);
        check("when = 'action in (none) and City == SFO'", &[r#"none /m/2.mov City=["SFO"]"#]);
        check("watchPath = ['* /m']\ntenant = 'acme'", &[]);
        check("events = ['asset.deleted']", &[gone]);
    }

    #[test]
    fn a_backfill_without_a_rule_waits() {
        let machine = machine();
        let (rrn, task, place) = (Rrn(5), TaskNo(1), Place::before(Rrn(5)));
        let backfill = Backfill { task, subscription: SubscriptionId(7), rrn, again: None, place, done: 0 };
        let walked = machine.intake.walk(machine.now, &backfill, 9, machine.ledger.intake()).expect("a piece");
        assert!(walked.is_none(), "{walked:?}");
    }
}
