//! Files that are read elsewhere before they are judged.

use super::{World, files, path};
use crate::intake::tests::machine::World as _;
use crate::intake::{Effect, Input};
use crate::model::hint::HintKind;
use crate::model::ids::{AssetId, ReplyId};
use crate::model::look::{SourceLook, Unread};
use crate::model::metadata::{Metadata, Source};
use crate::store::{Reading, ReadingFault};

#[test]
fn a_file_is_judged_once_it_has_been_read_and_a_sync_waits_for_it() {
    let mut world = World::new(&["/b 11"]);
    world.files = files(&["/a 10", "/b 11", "/c 12"]);
    world.reading = [path("/a"), path("/b")].into();
    world.size = 2;
    world.hint(&["/a", "/b", "/c"], HintKind::Closed);
    world.machine.intake.sync(world.machine.now.mono, ReplyId(1));
    world.run();
    assert_eq!(world.journal(), ["2 added /c"], "nothing else waits");
    assert_eq!(world.answered, []);
    world.looks = 0;
    world.reading.clear();
    world.step(Input::ContentRead(path("/b")));
    world.run();
    assert_eq!(world.journal(), ["2 added /c", "1 modified /b"]);
    world.step(Input::ContentRead(path("/a")));
    world.step(Input::ContentRead(path("/never")));
    world.run();
    assert_eq!(world.journal(), ["2 added /c", "1 modified /b", "3 added /a"]);
    assert_eq!((world.answered, world.looks), (vec![ReplyId(1)], 2));
}

/// The answer may overtake the look that asked for it.
#[test]
fn an_answer_that_comes_during_the_look_is_not_lost() {
    let mut world = World::new(&[]);
    world.files = files(&["/a 10"]);
    world.reading = [path("/a")].into();
    world.hint(&["/a"], HintKind::Closed);
    let Some(Effect::Do(job)) = world.machine.release().pop() else { panic!("a look") };
    let late = world.carry_out(job);
    world.reading.clear();
    world.step(Input::ContentRead(path("/a")));
    world.step(late);
    world.run();
    assert_eq!(world.journal(), ["1 added /a"]);
}

/// An answer that is lost costs time and nothing else.
#[test]
fn an_answer_that_never_comes_is_not_waited_for_for_ever() {
    let mut world = World::new(&[]);
    world.files = files(&["/a 10"]);
    world.reading = [path("/a")].into();
    world.hint(&["/a"], HintKind::Closed);
    world.run();
    world.reading.clear();
    world.wait(29_999);
    world.run();
    assert_eq!(world.journal(), [""; 0]);
    world.wait(1);
    world.run();
    assert_eq!(world.journal(), ["1 added /a"]);
}

#[test]
fn what_was_read_as_it_is_is_not_read_again() {
    let mut world = World::new(&["/a 10", "/b 11", "/c 12"]);
    // The baseline reads them.
    world.wait(60_000);
    world.run();
    let hinted = |world: &mut World| {
        world.hint(&["/a", "/b", "/c", "/never"], HintKind::Attributes);
        world.run();
        let mut as_read = std::mem::take(&mut world.as_read);
        as_read.sort();
        as_read.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(hinted(&mut world), [""; 0], "exiftool is off");
    world.machine.intake.asks_exiftool = true;
    assert_eq!(hinted(&mut world), ["/a", "/b", "/c"]);
    for (asset, again) in [(1, true), (2, false)] {
        let fault = Some(ReadingFault { why: "it says no".to_owned(), again, silent: false });
        let reading = Reading { sidecar: None, fault };
        let ledger = world.machine.ledger.intake();
        ledger.set_reading(AssetId(asset), Source::Exiftool, Some(&reading)).expect("written");
    }
    assert_eq!(hinted(&mut world), ["/b", "/c"], "what was refused is asked for again");
}

/// What was not asked again stays, be it an answer or the reason why there is none.
#[test]
fn what_is_as_known_stays_as_it_is() {
    let mut world = World::new(&["/a 10"]);
    world.wait(60_000);
    world.run();
    let mut look = |exiftool: SourceLook, kind| {
        world.exiftool = Some(exiftool);
        world.hint(&["/a"], kind);
        world.run();
        let ledger = world.machine.ledger.intake();
        let said = ledger.metadata(AssetId(1)).expect("rows").get(Source::Exiftool).map(|said| said.values.clone());
        let readings = ledger.readings(AssetId(1)).expect("rows");
        let fault = readings.into_iter().find_map(|(_, reading)| reading.fault).map(|fault| (fault.why, fault.again));
        (said, fault, world.journal().len())
    };
    let jane = Metadata::from([("PDF_Author".to_owned(), vec!["Jane".to_owned()])]);
    let known = (Some(jane.clone()), None, 1);
    assert_eq!(look(SourceLook::read(jane.clone()), HintKind::Attributes), known);
    assert_eq!(look(SourceLook::unread(Unread::AsKnown), HintKind::Attributes), known);
    let damaged = SourceLook::unread(Unread::Damaged("it hangs".to_owned()));
    let faulty = (Some(jane), Some(("it hangs".to_owned(), false)), 1);
    assert_eq!(look(damaged, HintKind::Attributes), faulty);
    assert_eq!(look(SourceLook::unread(Unread::AsKnown), HintKind::Attributes), faulty);
}
