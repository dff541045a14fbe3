//! Paths that a caller hints at: they are looked at like those that a watch source reports.

use super::{World, files, path};
use crate::intake::tests::machine::World as _;
use crate::model::path::LogicalPath;

fn hint(world: &mut World, paths: &[&str]) {
    let paths: Vec<LogicalPath> = paths.iter().map(|text| path(text)).collect();
    let fault = world.machine.intake.hints(world.machine.now, &paths, world.machine.ledger.intake());
    assert!(fault.is_none(), "{fault:?}");
}

#[test]
fn what_a_caller_hints_at_is_looked_at_and_nothing_else() {
    let mut world = World::new(&["/a 10", "/gone 11", "/other 12"]);
    world.files = files(&["/a 20", "/new 21", "/other 22", "/d/e/1 23"]);
    world.looks = 0;
    assert!(!world.machine.intake.wants_to_write());
    hint(&mut world, &["/a", "/gone", "/new", "/never", "/d"]);
    world.run();
    let mut journal = world.journal();
    journal.sort();
    assert_eq!(journal, ["1 modified /a", "2 deleted /gone", "4 added /new", "5 added /d/e/1"]);
    // What was hinted at, and the file in the directory that was not known.
    assert_eq!(world.looks, 6);
}

#[test]
fn a_hint_at_what_is_as_it_was_records_nothing() {
    let mut world = World::new(&["/a 10", "/d/1 11"]);
    hint(&mut world, &["/a", "/d", "/d/1", "/"]);
    world.run();
    assert_eq!(world.journal(), [""; 0]);
}

#[test]
fn a_name_in_another_unicode_form_is_looked_at_by_the_name_that_is_known() {
    let mut world = World::new(&["/e\u{301}.jpg 10"]);
    world.files.clear();
    hint(&mut world, &["/\u{e9}.jpg"]);
    world.run();
    assert_eq!(world.journal(), ["1 deleted /e\u{301}.jpg"]);
}
