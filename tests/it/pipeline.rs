//! What is done in the store, and exactly what is told of it.

use std::fs;
use std::process::Command;

use crate::daemon::Place;
use crate::disk::{grow_old, remove_xattr, set_xattr};
use crate::sink::{Sink, Told, lines, sorted};
use crate::turns;

/// The asset at the last entry of a path.
#[track_caller]
fn asset(told: &[Told], line: &str) -> i64 {
    let found = told.iter().rev().find(|one| one.line() == line);
    found.unwrap_or_else(|| panic!("{line} in {:?}", lines(told))).asset_id
}

/// Who files of this process belong to.
fn me() -> String {
    let out = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8(out.stdout).expect("UTF-8").trim().to_owned()
}

#[test]
fn a_file_is_told_as_added_modified_and_deleted_in_the_zoom_payload() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule("OnChange-1", "* /"));
    let daemon = place.start();
    place.write("/acme/1.png", "one");
    sink.wait_line("added /acme/1.png");

    let call = &sink.calls()[0];
    let Told { asset_id, rrn, .. } = call.entries[0];
    assert!(asset_id > 0 && rrn > 0);
    let owner = me();
    let body = format!(
        r#"{{"success":true,"data":{{"entry":[{{"assetId":{asset_id},"rrn":{rrn},"path":"/acme/1.png","owner":"{owner}","action":"added"}}]}},"id":"OnChange-1"}}"#
    );
    assert_eq!(String::from_utf8_lossy(&call.received.body), body);
    assert_eq!(call.received.method.as_str(), "POST");
    assert_eq!(call.received.path_and_query, "/hook");
    assert!(call.received.header("content-type").starts_with("application/json"), "{:?}", call.received.headers);
    assert!(!call.id.is_empty());

    place.write("/acme/1.png", "one and more");
    sink.wait_line("modified /acme/1.png");
    fs::remove_file(place.at("/acme/1.png")).expect("removed");
    sink.wait_line("deleted /acme/1.png");
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(lines(&told), ["added /acme/1.png", "modified /acme/1.png", "deleted /acme/1.png"]);
    assert!(told.iter().all(|one| one.asset_id == asset_id), "{told:?}");
    assert!(told.windows(2).all(|two| two[0].rrn < two[1].rrn), "{told:?}");
}

#[test]
fn each_rule_hears_what_it_asked_for_and_no_more() {
    let (added, deleted, movies) = (Sink::new(), Sink::new(), Sink::new());
    let rules = [
        added.rule("added", "+ /in"),
        deleted.rule("deleted", "- /in"),
        movies.rule("movies", "* /**/*.mov"),
        // The marker is for all of them.
        added.rule("m1", "+ /m"),
        deleted.rule("m2", "+ /m"),
        movies.rule("m3", "+ /m"),
    ];
    let place = Place::new(&rules.concat());
    let daemon = place.start();
    place.write("/in/a.mov", "1");
    place.write("/in/b.jpg", "1");
    place.write("/inside/c.jpg", "1");
    daemon.sync();
    place.write("/in/a.mov", "22");
    daemon.sync();
    fs::remove_file(place.at("/in/b.jpg")).expect("removed");
    movies.wait_line("modified /in/a.mov");
    deleted.wait_line("deleted /in/b.jpg");
    // Either of the two may be told first; and the marker is told by another rule, which does not wait for this one.
    added.wait_line("added /in/a.mov");
    added.wait_line("added /in/b.jpg");
    assert_eq!(sorted(&daemon.settled(&place, &added, "/m")), ["added /in/a.mov", "added /in/b.jpg"]);
    assert_eq!(sorted(&daemon.settled(&place, &deleted, "/m")), ["deleted /in/b.jpg"]);
    assert_eq!(lines(&daemon.settled(&place, &movies, "/m")), ["added /in/a.mov", "modified /in/a.mov"]);
}

#[test]
fn a_renamed_file_keeps_its_asset() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    place.write("/a/1.png", "one");
    sink.wait_line("added /a/1.png");
    fs::create_dir(place.at("/b")).expect("a directory");
    fs::rename(place.at("/a/1.png"), place.at("/b/2.png")).expect("renamed");
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(lines(&told), ["added /a/1.png", "deleted /a/1.png", "added /b/2.png"]);
    assert!(told.iter().all(|one| one.asset_id == told[0].asset_id), "{told:?}");
}

#[test]
fn a_renamed_directory_keeps_the_assets_in_it() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    for name in ["1", "2", "sub/3"] {
        place.write(&format!("/d/{name}"), name);
    }
    let before = daemon.settled(&place, &sink, "/");
    assert_eq!(sorted(&before), ["added /d/1", "added /d/2", "added /d/sub/3"]);
    fs::rename(place.at("/d"), place.at("/e")).expect("renamed");
    let told = daemon.settled(&place, &sink, "/");
    let after = &told[before.len()..];
    let expect = ["added /e/1", "added /e/2", "added /e/sub/3", "deleted /d/1", "deleted /d/2", "deleted /d/sub/3"];
    assert_eq!(sorted(after), expect);
    for name in ["1", "2", "sub/3"] {
        assert_eq!(asset(after, &format!("added /e/{name}")), asset(&before, &format!("added /d/{name}")), "{name}");
        let at = |line: String| after.iter().position(|one| one.line() == line);
        assert!(at(format!("deleted /d/{name}")) < at(format!("added /e/{name}")), "{after:?}");
    }
    // It is watched under its new name.
    place.write("/e/sub/3", "changed");
    sink.wait_line("modified /e/sub/3");
    fs::remove_dir_all(place.at("/e")).expect("removed");
    let told = daemon.settled(&place, &sink, "/");
    let last: Vec<_> = told[before.len() + after.len()..].to_vec();
    assert_eq!(sorted(&last), ["deleted /e/1", "deleted /e/2", "deleted /e/sub/3", "modified /e/sub/3"]);
}

#[test]
fn a_retag_is_told_to_those_who_asked_for_metadata() {
    let (tags, paths) = (Sink::new(), Sink::new());
    let mut rules = tags.rule("tags", "/in");
    rules.push_str("watchMetadata = ['XATTR_user.city==SFO', 'XATTR_user.city!=*']\n");
    let place = Place::new(&(rules + &paths.rule("paths", "* /") + &tags.rule("m", "+ /m")));
    let daemon = place.start();
    place.write("/in/1.jpg", "one");
    place.write("/out/1.jpg", "one");
    paths.wait_line("added /in/1.jpg");
    let (inside, outside) = (place.at("/in/1.jpg"), place.at("/out/1.jpg"));
    if !set_xattr(&inside, "user.city", "LAX") {
        eprintln!("SKIPPED: the filesystem of {} has no user xattrs", inside.display());
        return;
    }
    daemon.sync();
    assert!(set_xattr(&inside, "user.city", "SFO"));
    assert!(set_xattr(&outside, "user.city", "SFO"));
    daemon.sync();
    assert!(set_xattr(&inside, "user.rating", "5"));
    daemon.sync();
    remove_xattr(&inside, "user.city");
    // The marker is told by another rule, which does not wait for this one.
    tags.wait("both retags", |told| told.len() >= 2);
    let told = daemon.settled(&place, &tags, "/m");
    assert_eq!(lines(&told), ["none /in/1.jpg"; 2]);
    // A file that is tagged when it comes is told as what it is.
    let aside = place.at("/.aside");
    let turn = turns::writing();
    fs::write(&aside, "two").expect("written");
    drop(turn);
    assert!(set_xattr(&aside, "user.city", "SFO"));
    fs::rename(&aside, place.at("/in/2.jpg")).expect("renamed");
    tags.wait_line("added /in/2.jpg");
    let told = daemon.settled(&place, &tags, "/m");
    assert_eq!(lines(&told), ["none /in/1.jpg", "none /in/1.jpg", "added /in/2.jpg"]);
    let told = daemon.settled(&place, &paths, "/");
    assert_eq!(sorted(&told), ["added /in/1.jpg", "added /in/2.jpg", "added /out/1.jpg"]);
}

#[test]
fn a_temp_and_rename_save_is_one_modification() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    place.write("/1.psd", "one");
    sink.wait_line("added /1.psd");
    place.write("/1.psd.tmp", "two, longer");
    fs::rename(place.at("/1.psd.tmp"), place.at("/1.psd")).expect("renamed");
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(lines(&told), ["added /1.psd", "modified /1.psd"]);
    assert_eq!(told[0].asset_id, told[1].asset_id);
}

#[test]
fn unlink_and_recreate_keeps_the_asset() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    place.write("/1.psd", "one");
    sink.wait_line("added /1.psd");
    fs::remove_file(place.at("/1.psd")).expect("removed");
    place.write("/1.psd", "two, longer");
    let told = daemon.settled(&place, &sink, "/");
    let lines = lines(&told);
    // Whether the moment without the file was seen is a matter of luck.
    let either = lines[1..] == ["modified /1.psd"] || lines[1..] == ["deleted /1.psd", "added /1.psd"];
    assert!(lines[0] == "added /1.psd" && either, "{lines:?}");
    assert!(told.iter().all(|one| one.asset_id == told[0].asset_id), "{told:?}");
}

#[test]
fn a_file_made_right_after_its_directories_is_told() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    for n in 0..50 {
        place.write(&format!("/{n}/a/b/c/d/file"), "one");
    }
    let mut expect: Vec<_> = (0..50).map(|n| format!("added /{n}/a/b/c/d/file")).collect();
    expect.sort();
    assert_eq!(sorted(&daemon.settled(&place, &sink, "/")), expect);
}

#[test]
fn the_first_scan_is_silent() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    for n in 0..100 {
        place.write(&format!("/{}/{n}", n % 7), "one");
    }
    grow_old(&place.at("/1/99"));
    let daemon = place.start();
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), [""; 0]);
    daemon.status_until("they are all known", |status| status["mounts"][0]["assets"] == 101);
    place.write("/1/99", "changed");
    sink.wait_line("modified /1/99");
}

#[test]
fn a_restart_tells_exactly_what_changed_meanwhile() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    for name in ["stays", "grows", "goes", "moves", "d/1", "d/2", "gone/3"] {
        place.write(&format!("/{name}"), "one");
    }
    grow_old(&place.at("/gone/3"));
    for end in ["stop", "kill"] {
        let before = sink.told().len();
        let daemon = place.start();
        let settled = daemon.settled(&place, &sink, "/").len();
        // Except for the markers, a start without a difference says nothing.
        assert_eq!(settled, sink.told().iter().filter(|one| !one.path.contains("/marker-")).count());
        if end == "stop" {
            assert_eq!(settled, before);
            assert_eq!(daemon.stop().code(), Some(0));
        } else {
            daemon.kill();
        }
        place.write(&format!("/new-{end}"), "one");
        place.write(&format!("/fresh-{end}/deep/new"), "one");
        place.write("/grows", &format!("one and more by {end}"));
        place.write("/goes", "again");
        fs::remove_file(place.at("/goes")).expect("removed");
        fs::rename(place.at("/moves"), place.at("/moved")).expect("renamed");
        fs::rename(place.at("/d"), place.at("/e")).expect("renamed");
        if end == "stop" {
            fs::remove_dir_all(place.at("/gone")).expect("removed");
        }
        let daemon = place.start();
        let told = daemon.settled(&place, &sink, "/");
        let gone: &[&str] = if end == "stop" { &["deleted /goes", "deleted /gone/3"] } else { &[] };
        let mut expect: Vec<String> = [
            format!("added /fresh-{end}/deep/new"),
            format!("added /new-{end}"),
            "added /e/1".into(),
            "added /e/2".into(),
            "added /moved".into(),
            "deleted /d/1".into(),
            "deleted /d/2".into(),
            "deleted /moves".into(),
            "modified /grows".into(),
        ]
        .into_iter()
        .chain(gone.iter().map(|&line| line.to_owned()))
        .collect();
        expect.sort();
        assert_eq!(sorted(&told[settled..]), expect, "after a {end}");
        let (moves, moved) = (asset(&told, "deleted /moves"), asset(&told, "added /moved"));
        assert_eq!(moves, moved, "the renamed file is the same asset");
        // Back, for the next turn.
        fs::rename(place.at("/moved"), place.at("/moves")).expect("renamed");
        fs::rename(place.at("/e"), place.at("/d")).expect("renamed");
        daemon.settled(&place, &sink, "/");
        daemon.stop();
    }
}
