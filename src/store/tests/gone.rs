//! Looking for a gone asset costs the same however many have gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{asset, group, in_memory, path, put};
use crate::model::asset::{Asset, Identity, Stat};
use crate::model::ids::{AssetId, Rrn, Seq};
use crate::model::time::Wall;
use crate::store::Ledger;

/// An asset that shares its path and inode with all others, as a file does that is made anew again and again.
fn one_of_many(number: i64) -> Asset {
    let whole = asset(number, &path("/m/same.mov"), 5);
    let identity = Identity { volume: 5, inode: 7, birth_ns: number };
    Asset { id: AssetId(number), stat: Stat { identity, ..whole.stat }, racy: false, rrn: Rrn(number), ..whole }
}

fn bury(ledger: &Ledger, numbers: std::ops::Range<i64>) {
    group(ledger, |ledger| {
        for number in numbers {
            let asset = one_of_many(number);
            put(ledger, &path("/m"), &asset).expect("an asset");
            ledger.intake().bury_asset(&asset, Rrn(number), Seq(number), Wall(number)).expect("a gone asset");
        }
    });
}

/// How many steps of SQLite's machine some work takes.
fn steps(ledger: &mut Ledger, work: impl Fn(&Ledger)) -> u64 {
    // The first time prepares the statement.
    work(ledger);
    let count = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&count);
    let handler = move || {
        counting.fetch_add(1, Ordering::Relaxed);
        false
    };
    ledger.0.connection.progress_handler(1, Some(handler)).expect("a handler");
    work(ledger);
    ledger.0.connection.progress_handler(0, None::<fn() -> bool>).expect("no handler");
    count.load(Ordering::Relaxed)
}

#[test]
fn finding_a_gone_asset_costs_as_much_among_sixteen_thousand_as_among_two() {
    let mut ledger = in_memory();
    let place = path("/m/same.mov");
    let mut costs = Vec::new();
    for (first, last) in [(1, 2_000), (2_000, 16_000)] {
        bury(&ledger, first..last);
        let newest = one_of_many(last - 1);
        let by_identity = steps(&mut ledger, |ledger| {
            let found = ledger.intake().gone_as(&newest.stat.identity).expect("a look-up");
            assert_eq!(found, Some(newest.clone()));
        });
        let by_path = steps(&mut ledger, |ledger| {
            let found = ledger.intake().gone_from(&place, Wall(1)).expect("a look-up");
            assert_eq!(found, Some(newest.clone()), "the newest");
        });
        let by_none = steps(&mut ledger, |ledger| {
            let never = Identity { volume: 5, inode: 7, birth_ns: -1 };
            assert_eq!(ledger.intake().gone_as(&never).expect("a look-up"), None);
        });
        costs.push([by_identity, by_path, by_none]);
    }
    assert_eq!(costs[0], costs[1], "steps of the look-ups by identity, by path, and of one that finds nothing");
    assert!(costs[0].iter().all(|&steps| (1..100).contains(&steps)), "{costs:?}");
}
