//! What is known in memory of a path, for people.

use super::{World, path};
use crate::intake::Input;
use crate::intake::tests::machine::World as _;
use crate::model::hint::HintKind;
use crate::model::ids::MountId;
use crate::model::look::Writer;
use crate::model::root::RootSeen;
use crate::model::time::Wall;
use crate::model::why::{Until, Wait, Watched};

fn watched(world: &World, text: &str) -> Watched {
    let machine = &world.machine;
    machine.intake.watched(machine.now, &path(text), machine.ledger.intake()).expect("it lies in the mount")
}

fn hint(world: &mut World, text: &str, kind: HintKind) {
    world.hint(&[text], kind);
}

#[test]
fn a_path_says_what_it_waits_for_and_since_when() {
    let mut world = World::new(&["/a 10", "/e\u{301}.jpg 12"]);
    assert_eq!(watched(&world, "/a").waits, None);
    assert_eq!(watched(&world, "/\u{e9}.jpg").known_as, Some(path("/e\u{301}.jpg")));
    let began = world.machine.now.wall;
    hint(&mut world, "/a", HintKind::Written);
    let waits = |until, due: i64| Some(Wait { since: began, until, due: Some(Wall(began.0 + due)) });
    assert_eq!(watched(&world, "/a").waits, waits(Until::Quiet, 1_000));
    world.writers.insert(path("/a"), Writer::Some);
    world.machine.pass(1_000);
    world.run();
    let wait = watched(&world, "/a").waits.expect("it waits for its close");
    assert_eq!((wait.since, wait.until), (began, Until::Close));
    world.writers.clear();
    hint(&mut world, "/a", HintKind::Closed);
    let wait = watched(&world, "/a").waits.expect("it is due");
    assert_eq!((wait.since, wait.until), (began, Until::Turn));
    let jobs = world.machine.release();
    assert_eq!(watched(&world, "/a").waits.map(|wait| wait.until), Some(Until::Look), "{jobs:?}");
}

#[test]
fn a_mount_that_is_offline_says_why_and_since_when() {
    let mut world = World::new(&["/a 10"]);
    assert_eq!(watched(&world, "/a").offline, None);
    let began = world.machine.now.wall;
    world.step(Input::RootSeen(MountId(0), RootSeen::Missing));
    world.machine.pass(5_000);
    world.step(Input::RootSeen(MountId(0), RootSeen::Missing));
    assert_eq!(watched(&world, "/a").offline, Some(("its directory is not there".to_owned(), began)));
}
