//! Names that are not plain text, in payloads and back.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use crate::daemon::Place;
use crate::sink::{Sink, lines};
use crate::turns;

#[test]
fn odd_names_are_told_byte_for_byte() {
    let long = [b'x'; 255];
    let names: [&[u8]; 8] = [
        b"caf\xe9.jpg",
        b"\xff\xfe",
        b"two\nlines",
        b"tab\tbell\x07",
        "e\u{301}\u{1f3ac}".as_bytes(),
        b"quote\"back\\slash",
        b" spaces ",
        &long,
    ];
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    for dir in [&b"in"[..], b"not\xc3utf8"] {
        let dir = place.store.join(OsStr::from_bytes(dir));
        fs::create_dir(&dir).expect("a directory");
        for name in names {
            let turn = turns::writing();
            fs::write(dir.join(OsStr::from_bytes(name)), "one").expect("written");
            drop(turn);
        }
    }
    let told = daemon.settled(&place, &sink, "/");
    let mut found: Vec<_> = told.iter().map(|one| one.bytes()).collect();
    let mut expect: Vec<_> = names.iter().map(|name| [&b"/in/"[..], name].concat()).collect();
    expect.extend(names.iter().map(|name| [&b"/not\xc3utf8/"[..], name].concat()));
    found.sort();
    expect.sort();
    assert_eq!(found, expect);
    for one in &told {
        let text = String::from_utf8(one.bytes());
        match &text {
            Ok(text) => assert_eq!((&one.path, &one.path_base64), (text, &None)),
            Err(_) => assert!(one.path.contains('\u{fffd}') && one.path_base64.is_some(), "{one:?}"),
        }
    }

    // And they survive a restart, and are gone when they are gone.
    let count = told.len();
    daemon.kill();
    let daemon = place.start();
    fs::remove_dir_all(place.store.join(OsStr::from_bytes(b"not\xc3utf8"))).expect("removed");
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(told.len(), count + names.len(), "{:?}", lines(&told[count..]));
    assert!(told[count..].iter().all(|one| one.action == "deleted" && one.bytes().starts_with(b"/not\xc3utf8/")));
}

#[test]
fn a_path_longer_than_the_system_takes_in_one_call_does_no_harm() {
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    let daemon = place.start();
    // Each step is made from its parent, as programs do that get there.
    let name = "d".repeat(200);
    let mut dir = place.at("/deep");
    fs::create_dir(&dir).expect("a directory");
    let mut depth = 0;
    while fs::create_dir(dir.join(&name)).is_ok() {
        dir = dir.join(&name);
        depth += 1;
    }
    assert!(depth > 10);
    place.write("/beside", "one");
    assert_eq!(lines(&daemon.settled(&place, &sink, "/")), ["added /beside"]);
}
