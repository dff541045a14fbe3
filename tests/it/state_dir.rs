//! Who may read the state directory: nobody but its owner, whatever the umask is and whatever was there before.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::daemon::{Daemon, Place, until};
use crate::sink::{Sink, lines};

/// The paths in a directory, itself among them, that other users may read or enter, each with its mode. What goes while
/// it is looked at is not among them.
fn open_to_others(dir: &Path) -> BTreeMap<String, String> {
    let entries = walkdir::WalkDir::new(dir).into_iter().filter_map(|entry| match entry {
        Ok(entry) => Some(entry),
        Err(error) if error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::NotFound) => None,
        Err(error) => panic!("{error}"),
    });
    let modes = entries.filter_map(|entry| Some((entry.path().to_owned(), fs::symlink_metadata(entry.path()).ok()?)));
    let wrong = modes.filter(|(_, about)| {
        let expect = if about.is_dir() { 0o700 } else { 0o600 };
        about.permissions().mode() & 0o7777 != expect
    });
    wrong.map(|(path, about)| (path.display().to_string(), format!("{:o}", about.permissions().mode()))).collect()
}

#[track_caller]
fn assert_closed(place: &Place) {
    assert_eq!(open_to_others(&place.state), BTreeMap::new());
}

fn under_umask(place: &mut Place, umask: &str) {
    place.through = ["sh", "-c", &format!("umask {umask}; exec \"$0\" \"$@\"")].map(str::to_owned).into();
}

/// Everything that makes files: records, rules, a checkpoint, the notify crate's cookies, a new ballast.
#[track_caller]
fn work(daemon: &Daemon, place: &Place, sink: &Sink, round: &str) {
    place.write(&format!("/{round}/a.jpg"), "one");
    let told = daemon.settled(place, sink, "/");
    assert_eq!(lines(&told).last().map(String::as_str), Some(format!("added /{round}/a.jpg").as_str()));
    place.rule(&format!("{}# {round}\n", sink.rule_all()));
    daemon.status_until("the edited rules are in force", |status| status["rules"]["generation"] == 2);
    assert_closed(place);
}

#[test]
fn every_file_is_the_owners_alone_whatever_the_umask() {
    for umask in ["000", "022", "077", "777"] {
        let sink = Sink::new();
        let mut place = Place::new(&sink.rule_all());
        place.configure("[[mount]]\npath = '/'\ndir = '{store}'\nwatch = 'notify'\n");
        under_umask(&mut place, umask);
        let daemon = place.start();
        assert_closed(&place);
        let names: Vec<_> = fs::read_dir(&place.state).expect("a directory").flatten().map(|e| e.file_name()).collect();
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "lock", "token", "sync"] {
            assert!(names.iter().any(|other| other == name), "{name} is among {names:?}");
        }
        work(&daemon, &place, &sink, "first");
        daemon.kill();
        // The ballast is made anew, and SQLite's own files.
        let remove = |name: &str| match fs::remove_file(place.state.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{name}: {error}"),
            _ => {}
        };
        ["ballast", "ledger.db-shm"].into_iter().for_each(remove);
        let daemon = place.start();
        until("a ballast is taken on board", || place.state.join("ballast").exists().then_some(()));
        work(&daemon, &place, &sink, "second");
        assert!(daemon.stop().success());
        assert_closed(&place);
    }
}

#[test]
fn modes_that_an_older_version_left_are_mended_and_said() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    assert!(place.start().stop().success());
    let open = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
    for entry in fs::read_dir(&place.state).expect("a directory") {
        open(&entry.expect("an entry").path(), 0o644);
    }
    open(&place.state, 0o755);
    under_umask(&mut place, "000");
    let daemon = place.start();
    work(&daemon, &place, &sink, "later");
    for (what, said) in [
        (place.state.display().to_string(), "permissions narrowed"),
        (place.state.join("ledger.db").display().to_string(), "permissions narrowed"),
        (place.state.join("token").display().to_string(), "other users could read the administrator's token"),
    ] {
        let line = format!("\"file\":\"{what}\"");
        assert!(daemon.log().lines().any(|l| l.contains(&line) && l.contains(said)), "{what}: {}", daemon.log());
    }
}

#[test]
fn a_directory_of_others_is_refused_and_left_as_it_was() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    fs::create_dir(&place.state).expect("a directory");
    fs::write(place.state.join("thesis.odt"), "years").expect("a file");
    fs::set_permissions(&place.state, Permissions::from_mode(0o755)).expect("a mode");
    let (code, said) = place.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("thesis.odt") && said.contains("--state"), "{said}");
    assert_eq!(fs::metadata(&place.state).expect("there").permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_dir(&place.state).expect("there").count(), 1);
}

#[test]
fn a_token_or_ledger_that_is_a_link_is_refused() {
    for name in ["token", "ledger.db"] {
        let sink = Sink::new();
        let place = Place::new(&sink.rule_all());
        fs::create_dir(&place.state).expect("a directory");
        let elsewhere = place.state.with_file_name("elsewhere");
        fs::write(&elsewhere, "rb_0123456789").expect("a file");
        symlink(&elsewhere, place.state.join(name)).expect("a link");
        let (code, said) = place.refused();
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(name) && said.contains("a symbolic link"), "{said}");
        assert_eq!(fs::read_to_string(&elsewhere).expect("there"), "rb_0123456789");
    }
}

/// A file that still opens as a database, and whose tables are overwritten.
#[test]
fn a_ledger_that_is_damaged_keeps_a_supervisor_from_starting_it_again() {
    const PAGE: usize = 4_096;
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    for n in 0..200 {
        place.write(&format!("/{n}"), "one");
    }
    assert!(place.start().stop().success());
    let ledger = place.state.join("ledger.db");
    let mut bytes = fs::read(&ledger).expect("a ledger");
    assert!(bytes.len() > 8 * PAGE);
    bytes[3 * PAGE..].fill(0xff);
    fs::write(&ledger, bytes).expect("written");
    let (code, said) = place.refused();
    assert!(code == Some(2) && said.contains("restore it from a backup, or move it away"), "{code:?} {said}");
    assert!(said.contains("malformed"), "it says what is wrong: {said}");
    // Without it the start is the first one.
    for entry in fs::read_dir(&place.state).expect("a directory").flatten() {
        if entry.file_name().to_string_lossy().starts_with("ledger.db") {
            fs::remove_file(entry.path()).expect("removed");
        }
    }
    let daemon = place.start();
    until("it says so", || daemon.log().contains("first start: 200 files filed, none told").then_some(()));
}
