//! Limits of what intake keeps, reads and has under way, at each limit and one past it.

use super::{World, files, path};
use crate::intake::links::{self, ROWS_MAX};
use crate::intake::looks::{self, PATHS_MAX};
use crate::intake::tests::machine::{NOW, World as _};
use crate::intake::{DISPLACED_MAX, Effect, Input, QUIET_CHANGES_MAX, scans};
use crate::model::asset::{Identity, Stat};
use crate::model::hint::{Hint, HintKind, Signal};
use crate::model::ids::{AssetId, MountId};
use crate::model::job::Job;
use crate::model::look::{LookRequest, Looked};

/// A file of no world, by a number.
fn stranger(number: usize) -> Stat {
    let identity = Identity { volume: 8, inode: number as u64, birth_ns: 1 };
    Stat { identity, size: 1, mtime_ns: 1, ctime_ns: 1, links: 2 }
}

/// Hints so many paths at which nothing is known.
fn hint_many(world: &mut World, count: usize) {
    let hint = |n: usize| Signal::Hint(Hint { path: path(&format!("/{n}")), kind: HintKind::Closed });
    world.step(Input::Signals((0..count).map(hint).collect()));
}

/// The looks among effects.
fn looks_in(effects: Vec<Effect>) -> Vec<LookRequest> {
    let look = |effect| match effect {
        Effect::Do(Job::Look(request)) => Some(request),
        _ => None,
    };
    effects.into_iter().filter_map(look).collect()
}

/// Answers a request: its paths are as the world has them.
fn answer(world: &mut World, LookRequest { ticket, paths, .. }: LookRequest) {
    let seen = paths.into_iter().map(|path| (path.clone(), world.see(&path))).collect();
    world.step(Input::Looked(Looked { ticket, seen }));
}

/// While there is room for a displaced file, it takes its asset along; where there is none, it is a new asset.
#[test]
fn a_displaced_file_beyond_the_limit_is_a_new_asset() {
    let moved = &["1 modified /log", "1 deleted /log", "1 added /log.1", "2 added /log"][..];
    let new = &["1 modified /log", "2 added /log.1"][..];
    for (others, expect) in [(DISPLACED_MAX - 1, moved), (DISPLACED_MAX, new)] {
        let mut world = World::new(&["/log 10"]);
        for stat in (0..others).map(stranger) {
            world.machine.intake.displaced.note(NOW.mono, stat.identity, (stat, AssetId(9)));
        }
        world.files = files(&["/log 40", "/log.1 10"]);
        world.hint(&["/log"], HintKind::Moved);
        world.run();
        world.hint(&["/log.1"], HintKind::Moved);
        world.run();
        assert_eq!(world.journal(), expect, "beside {others} others");
    }
}

/// A write that is heard late modifies a row that took up its ctime already, while there is room to remember the row.
#[test]
fn a_row_beyond_the_limit_is_not_modified_by_a_late_hint_alone() {
    for (others, expect) in [(QUIET_CHANGES_MAX - 1, &["1 modified /a"][..]), (QUIET_CHANGES_MAX, &[])] {
        let mut world = World::new(&["/a 10"]);
        for other in 0..others as i64 {
            world.machine.intake.quiet_changes.note(NOW.mono, AssetId(100 + other), ());
        }
        world.ctime_ns = 2;
        world.hint(&["/a"], HintKind::Attributes);
        world.run();
        world.hint(&["/a"], HintKind::Closed);
        world.run();
        assert_eq!(world.journal(), expect, "beside {others} others");
    }
}

/// The memory of files whose names were hinted saves reads only: full or emptied, each name is looked at once.
#[test]
fn a_write_is_reported_at_each_name_whether_or_not_the_memory_of_files_is_emptied() {
    for others in [links::ASKED_MAX - 1, links::ASKED_MAX] {
        let mut world = World::new(&["/a 10", "/b 10", "/c 10"]);
        for stat in (0..others).map(stranger) {
            world.machine.intake.links.note_asked(stat.identity, stat);
        }
        (world.looks, world.size) = (0, 2);
        world.hint(&["/a"], HintKind::Closed);
        world.run();
        assert_eq!(world.looks, 3, "beside {others} others");
        assert_eq!(world.journal(), ["1 modified /a", "2 modified /b", "3 modified /c"], "beside {others} others");
    }
}

/// One group reads the rows of so many names; the rest is for the next group.
#[test]
fn names_beyond_the_limit_are_read_by_the_next_group() {
    for (names, groups) in [(ROWS_MAX, 1), (ROWS_MAX + 1, 2)] {
        let lines: Vec<String> = (0..names).map(|n| format!("/{n} 10")).collect();
        let mut world = World::new(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        world.size = 2;
        world.hint(&["/0"], HintKind::Closed);
        let first = looks_in(world.machine.release()).remove(0);
        answer(&mut world, first);
        let mut took = 0;
        while world.machine.intake.links.any() {
            drop(world.machine.release());
            took += 1;
        }
        assert_eq!(took, groups, "{names} names");
    }
}

/// A request has so many paths; one more is another request.
#[test]
fn paths_beyond_the_limit_go_into_another_request() {
    for (paths, expect) in [(PATHS_MAX, &[PATHS_MAX][..]), (PATHS_MAX + 1, &[PATHS_MAX, 1])] {
        let mut world = World::new(&[]);
        hint_many(&mut world, paths);
        let lens: Vec<_> = looks_in(world.machine.release()).iter().map(|request| request.paths.len()).collect();
        assert_eq!(lens, expect);
    }
}

/// So many look requests are under way; what is due beyond waits until one of them is back.
#[test]
fn look_requests_beyond_the_limit_wait_for_one_to_come_back() {
    for beyond in [0, 1] {
        let mut world = World::new(&[]);
        hint_many(&mut world, (looks::REQUESTS_MAX + beyond) * PATHS_MAX);
        let mut under_way = looks_in(world.machine.release());
        assert_eq!(under_way.len(), looks::REQUESTS_MAX);
        assert_eq!(looks_in(world.machine.release()).len(), 0);
        let first = under_way.remove(0);
        answer(&mut world, first);
        assert_eq!(looks_in(world.machine.release()).len(), beyond);
    }
}

/// Paths that are looked at one by one make a request each, and no more requests at once than any other paths.
#[test]
fn requests_for_paths_that_are_looked_at_alone_are_no_more_than_the_limit() {
    for beyond in [0, 1] {
        let mut world = World::new(&[]);
        let paths = looks::REQUESTS_MAX + beyond;
        world.machine.intake.looks.part((0..paths).map(|n| path(&format!("/{n}"))));
        hint_many(&mut world, paths);
        let mut under_way = looks_in(world.machine.release());
        assert_eq!(under_way.len(), looks::REQUESTS_MAX);
        assert_eq!(looks_in(world.machine.release()).len(), 0);
        let first = under_way.remove(0);
        answer(&mut world, first);
        let next: Vec<_> = looks_in(world.machine.release()).into_iter().flat_map(|request| request.paths).collect();
        assert_eq!(next.len(), beyond);
    }
}

/// So many listings are under way; directories beyond wait.
#[test]
fn listings_beyond_the_limit_wait() {
    for beyond in [0, 1] {
        let mut world = World::new(&[]);
        for n in 0..scans::REQUESTS_MAX + beyond {
            world.machine.intake.scans.push(MountId(0), &path(&format!("/{n}")), 1);
        }
        let listed = world.machine.release().iter().filter(|effect| matches!(effect, Effect::Do(Job::List(_)))).count();
        assert_eq!((listed, world.machine.intake.scans.waiting_len()), (scans::REQUESTS_MAX, beyond));
    }
}
