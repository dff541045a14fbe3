//! How programs write files, and who a file is afterwards.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Rig, asset, open};
use crate::disk::exchange;
use crate::sink::{lines, view};

pub fn temp_and_rename(rig: &Rig) {
    rig.write("/1.psd", "one");
    let before = rig.expect(&["added /1.psd"]);
    for round in 0..3 {
        rig.write("/1.psd.tmp", &format!("{round}, and longer"));
        rig.rename("/1.psd.tmp", "/1.psd");
        let told = rig.expect(&["modified /1.psd"]);
        assert_eq!(told[0].asset_id, before[0].asset_id);
    }
}

pub fn unlink_and_recreate_three_times(rig: &Rig) {
    rig.write("/1.psd", "one");
    let before = rig.expect(&["added /1.psd"]);
    for round in 0..3 {
        fs::remove_file(rig.at("/1.psd")).expect("removed");
        rig.write("/1.psd", &format!("{round}, and longer"));
        let told = rig.told();
        // Whether the moment without the file was seen is a matter of luck.
        let lines = lines(&told);
        let either = lines == ["modified /1.psd"] || lines == ["deleted /1.psd", "added /1.psd"];
        assert!(either, "{lines:?}");
        assert!(told.iter().all(|one| one.asset_id == before[0].asset_id), "{told:?}");
    }
}

pub fn appends(rig: &Rig) {
    rig.write("/log", "one");
    rig.expect(&["added /log"]);
    for round in 0..3 {
        let mut file = open(&rig.at("/log"));
        for part in 0..5 {
            write!(file, "{round} {part}").expect("written");
        }
        drop(file);
        rig.expect(&["modified /log"]);
    }
}

pub fn a_slow_writer_and_a_second_one(rig: &Rig) {
    let mut first = open(&rig.at("/1"));
    fs::create_dir(rig.at("/new")).expect("a directory");
    let mut deep = open(&rig.at("/new/2"));
    let second = open(&rig.at("/1"));
    for file in [&mut first, &mut deep] {
        file.write_all(b"half").expect("written");
    }
    rig.expect(&[]);
    first.write_all(b", and whole").expect("written");
    drop(first);
    drop(deep);
    rig.sink.wait_line("added /new/2");
    rig.expect(&["added /new/2"]);
    drop(second);
    rig.sink.wait_line("added /1");
    rig.expect(&["added /1"]);
}

pub fn two_files_swapped(rig: &Rig) {
    rig.write("/a", "one");
    rig.write("/b", "two, longer");
    let before = view(&rig.told());
    exchange(&rig.at("/a"), &rig.at("/b"));
    let after = view(&rig.told());
    assert_eq!((after["/a"], after["/b"]), (before["/b"], before["/a"]));
}

pub fn a_chain_of_renames(rig: &Rig) {
    for name in ["/a", "/b", "/c"] {
        rig.write(name, name);
    }
    let before = view(&rig.told());
    rig.rename("/c", "/d");
    rig.rename("/b", "/c");
    rig.rename("/a", "/b");
    let told = rig.told();
    let after = view(&told);
    assert_eq!(after.keys().collect::<Vec<_>>(), ["/b", "/c", "/d"], "{told:?}");
    let expect = [("/b", "/a"), ("/c", "/b"), ("/d", "/c")];
    for (now, was) in expect {
        assert_eq!(after[now], before[was], "{now} was {was}: {told:?}");
    }
}

pub fn a_file_renamed_over_another(rig: &Rig) {
    rig.write("/a", "one");
    rig.write("/b", "two, longer");
    let before = view(&rig.told());
    rig.rename("/a", "/b");
    let told = rig.expect(&["deleted /a", "modified /b"]);
    assert_eq!(asset(&told, "modified /b"), before["/b"]);
    assert_eq!(asset(&told, "deleted /a"), before["/a"]);
}

pub fn a_file_moved_to_another_mount(rig: &Rig) {
    rig.stop();
    let source = rig.source;
    let other = rig.place.store.with_file_name("other-store");
    fs::create_dir(&other).expect("a directory");
    let mount = |path: &str, dir: &std::path::Path| {
        format!("[[mount]]\npath = '{path}'\ndir = '{}'\nwatch = '{source}'\npoll_interval = '500ms'\n", dir.display())
    };
    let config = rig.place.config.as_ref().expect("a configuration");
    fs::write(config, mount("/here", &rig.place.store) + &mount("/there", &other)).expect("written");
    // The marker is told under the first mount's path.
    rig.place.rule(&rig.sink.rule("both", "* /"));
    rig.start();
    rig.write("/1", "one");
    rig.write("/d/2", "two");
    rig.sink.wait("both", |told| told.len() == 2);
    let before = view(&rig.sink.told());
    fs::rename(rig.at("/1"), other.join("1")).expect("renamed");
    rig.sink.wait_line("added /there/1");
    fs::rename(rig.at("/d"), other.join("d")).expect("renamed");
    rig.sink.wait_line("added /there/d/2");
    rig.daemon().sync();
    let told = rig.sink.told();
    let lines = lines(&told);
    let at = |line: &str| lines.iter().position(|other| other == line).unwrap_or_else(|| panic!("{line} in {lines:?}"));
    assert!(
        at("deleted /here/1") < at("added /there/1") && at("deleted /here/d/2") < at("added /there/d/2"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 6, "{lines:?}");
    let after = view(&told);
    assert_eq!((after["/there/1"], after["/there/d/2"]), (before["/here/1"], before["/here/d/2"]), "{lines:?}");
}

pub fn deleted_and_made_again_later_is_somebody_else(rig: &Rig) {
    rig.write("/a", "one");
    let before = rig.expect(&["added /a"]);
    fs::remove_file(rig.at("/a")).expect("removed");
    rig.expect(&["deleted /a"]);
    // A file that refills its path within a second is who was there.
    std::thread::sleep(Duration::from_millis(1_200));
    rig.write("/a", "two");
    let after = rig.expect(&["added /a"]);
    assert_ne!(after[0].asset_id, before[0].asset_id);
}

pub fn an_inode_number_that_comes_back_is_somebody_else(rig: &Rig) {
    let mut owners = HashMap::new();
    for n in 0..200 {
        let path = format!("/{n}");
        rig.write(&path, "one");
        let inode = fs::metadata(rig.at(&path)).expect("it is there").ino();
        let told = rig.expect(&[&format!("added {path}")]);
        if let Some(other) = owners.insert(inode, told[0].asset_id) {
            assert_ne!(told[0].asset_id, other, "another file has had that number");
            return;
        }
        fs::remove_file(rig.at(&path)).expect("removed");
        rig.expect(&[&format!("deleted {path}")]);
    }
    eprintln!("SKIPPED: no inode number comes back on the filesystem of {}", rig.place.store.display());
}

pub fn a_rename_that_changes_only_case(rig: &Rig) {
    rig.write("/Clip.mov", "one");
    let before = rig.expect(&["added /Clip.mov"]);
    rig.rename("/Clip.mov", "/clip.mov");
    let told = rig.expect(&["added /clip.mov", "deleted /Clip.mov"]);
    assert!(told.iter().all(|one| one.asset_id == before[0].asset_id));
}

pub fn deleted_before_it_was_whole_is_never_told(rig: &Rig) {
    let mut file = open(&rig.at("/a"));
    file.write_all(b"half").expect("written");
    rig.expect(&[]);
    fs::remove_file(rig.at("/a")).expect("removed");
    file.write_all(b"more").expect("written");
    drop(file);
    rig.expect(&[]);
}

pub fn a_temporary_name_until_it_is_renamed(rig: &Rig) {
    for name in [".hidden", "a.part", "b.tmp", "~$d.docx", "e~", ".dir/inside"] {
        rig.write(&format!("/{name}"), "one");
    }
    rig.expect(&[]);
    rig.rename("/a.part", "/a.mov");
    rig.rename("/.dir", "/dir");
    rig.expect(&["added /a.mov", "added /dir/inside"]);
    rig.write("/dir/more", "one");
    rig.expect(&["added /dir/more"]);
    rig.rename("/dir", "/.dir");
    rig.expect(&["deleted /dir/inside", "deleted /dir/more"]);
}

pub fn a_trickle_delays_nothing_else(rig: &Rig) {
    let ending = AtomicBool::new(false);
    let mut trickling = open(&rig.at("/recording"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ending.load(Ordering::Relaxed) {
                trickling.write_all(b"more").expect("written");
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        for n in 0..5 {
            let line = format!("added /{n}");
            let began = Instant::now();
            rig.write(&format!("/{n}"), "one");
            rig.sink.wait_line(&line);
            // A poll comes each half second, and a machine under load is slow; a global quiet period would take for
            // ever.
            assert!(began.elapsed() < Duration::from_secs(5), "{line} took {:?}", began.elapsed());
        }
        assert!(!lines(&rig.sink.told()).contains(&"added /recording".to_owned()), "it is still being written");
        ending.store(true, Ordering::Relaxed);
    });
    drop(trickling);
    rig.sink.wait_line("added /recording");
    rig.expect(&["added /0", "added /1", "added /2", "added /3", "added /4", "added /recording"]);
}

pub fn the_longest_wait_tells_a_file_that_is_still_written(rig: &Rig) {
    rig.stop();
    let config = rig.place.config.as_ref().expect("a configuration");
    let text = fs::read_to_string(config).expect("readable");
    fs::write(config, format!("{text}\n[settle]\nquiet = '100ms'\nmax = '300ms'\n")).expect("written");
    rig.start();
    let mut file = open(&rig.at("/recording"));
    let began = Instant::now();
    while !lines(&rig.sink.told()).contains(&"added /recording".to_owned()) {
        assert!(began.elapsed() < Duration::from_secs(20), "it is not told though it waits too long");
        file.write_all(b"more").expect("written");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(began.elapsed() >= Duration::from_millis(250), "it is told after {:?}", began.elapsed());
    drop(file);
    rig.write("/last", "one");
    rig.sink.wait_line("added /last");
    rig.told();
}
