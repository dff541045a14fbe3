//! What the status says of names that scans and looks pass over.

use std::fmt::Write as _;

use super::{World, path};
use crate::intake::tests::machine::{NOW, World as _};
use crate::model::hint::HintKind;
use crate::model::rescan::RescanRequest;
use crate::model::status::{MountState, NOTES_MAX, NoteKind};

impl World {
    /// The notes of the mount, `PATH WHY` each.
    fn notes(&self) -> String {
        let status = self.machine.intake.status(NOW).remove(0);
        let mut shown = String::new();
        for note in &status.notes {
            let gap = if shown.is_empty() { "" } else { ", " };
            write!(shown, "{gap}{} {:?}", note.path, note.why).expect("memory");
        }
        shown
    }

    fn rescan(&mut self) {
        self.machine.scan(crate::model::ids::ReplyId(1), &RescanRequest::of(None));
        self.run();
    }
}

#[test]
fn symbolic_links_are_noted_by_scans_and_looks_as_long_as_they_are_there() {
    let mut world = World::new(&["/d/1 1", "/e/2 2"]);
    world.links.extend([path("/d/latest"), path("/x")]);
    world.rescan();
    assert_eq!(world.notes(), "/d/latest SymbolicLink, /x SymbolicLink");
    assert_eq!(world.machine.intake.status(NOW)[0].state, MountState::Watching, "nothing is the matter with them");
    world.links.insert(path("/e/new"));
    world.hint(&["/e/new"], HintKind::Moved);
    world.run();
    assert_eq!(world.notes(), "/d/latest SymbolicLink, /e/new SymbolicLink, /x SymbolicLink");
    // A file takes the place of one, and another goes.
    world.links.clear();
    world.files.insert(path("/x"), 3);
    world.links.insert(path("/d/latest"));
    world.hint(&["/x", "/e/new"], HintKind::Moved);
    world.run();
    assert_eq!(world.notes(), "/d/latest SymbolicLink");
    assert_eq!(world.journal(), ["3 added /x"]);
    // Its directory is removed, with the link in it.
    world.links.clear();
    world.files.remove(&path("/d/1"));
    world.hint(&["/d"], HintKind::Moved);
    world.run();
    assert_eq!(world.notes(), "");
    // One that went while nobody heard of it is found by the next scan.
    world.links.insert(path("/e/new"));
    world.rescan();
    world.links.clear();
    assert_eq!(world.notes(), "/e/new SymbolicLink");
    world.rescan();
    assert_eq!(world.notes(), "");
}

#[test]
fn links_are_noted_behind_what_needs_somebody() {
    let mut world = World::new(&["/d/1 1"]);
    world.links.extend((0..NOTES_MAX).map(|n| path(&format!("/a{n:03}"))));
    world.rescan();
    world.machine.intake.mounts.note_fault(&path("/z"), Some("it cannot be read".to_owned()));
    let status = world.machine.intake.status(NOW).remove(0);
    let first = status.notes.first().map(|note| (note.path.as_str(), note.why));
    assert_eq!(first, Some(("/z", NoteKind::Unreadable)));
    assert_eq!((status.notes.len(), status.notes_more), (NOTES_MAX, 1));
    assert_eq!(status.notes.last().expect("a link").path, format!("/a{:03}", NOTES_MAX - 2));
}
