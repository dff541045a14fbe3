//! Files that are not simply written and closed, and things that are no files.

use std::ffi::{CString, OsStr};
use std::fs::{self, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Rig;
use crate::disk::set_xattr;
use crate::turns;

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("no NUL")
}

pub fn truncated_mapped_and_copied(rig: &Rig) {
    for name in ["/1", "/2"] {
        rig.write(name, "0123456789");
    }
    assert_eq!(rig.told().len(), 2);
    let path = c_path(&rig.at("/1"));
    // SAFETY: a C string that outlives the call.
    assert_eq!(unsafe { libc::truncate(path.as_ptr(), 5) }, 0);
    rig.sink.wait_line("modified /1");
    rig.expect(&["modified /1"]);
    let turn = turns::writing();
    write_mapped(&rig.at("/2"));
    drop(turn);
    rig.sink.wait_line("modified /2");
    rig.expect(&["modified /2"]);
    let turn = turns::writing();
    // copy_file_range(2), where the filesystem has it.
    fs::copy(rig.at("/2"), rig.at("/3")).expect("copied");
    drop(turn);
    rig.expect(&["added /3"]);
}

/// Writes through a mapping, with the file closed before.
fn write_mapped(path: &Path) {
    let file = OpenOptions::new().read(true).write(true).open(path).expect("open");
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: a new mapping of a file that has bytes there.
    let mapping = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, file.as_raw_fd(), 0) };
    assert_ne!(mapping, libc::MAP_FAILED);
    drop(file);
    // SAFETY: the mapping is writable, and nobody uses it afterwards.
    unsafe {
        mapping.cast::<u8>().write(b'x');
        assert_eq!(libc::msync(mapping, 4096, libc::MS_SYNC), 0);
        assert_eq!(libc::munmap(mapping, 4096), 0);
    }
}

pub fn attributes_are_no_change_of_bytes(rig: &Rig) {
    rig.write("/1", "one");
    rig.expect(&["added /1"]);
    fs::set_permissions(rig.at("/1"), fs::Permissions::from_mode(0o600)).expect("chmod");
    // SAFETY: no pointers.
    let is_root = unsafe { libc::geteuid() } == 0;
    if is_root {
        chown(rig.at("/1"), Some(12_345), None).expect("chown");
    } else {
        eprintln!("NOT CHECKED: only root gives files away");
    }
    set_xattr(&rig.at("/1"), "user.city", "SFO");
    rig.expect(&[]);
    // Its bytes may differ, for all that anybody knows.
    let _turn = turns::writing();
    let file = OpenOptions::new().append(true).open(rig.at("/1")).expect("open");
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("utime");
    drop(file);
    drop(_turn);
    let told = rig.expect(&["modified /1"]);
    if is_root {
        assert_eq!(told[0].owner, "12345", "the next entry tells the new owner");
    }
}

/// A file that is written by a name outside of the store makes no event inside.
pub fn a_write_that_nothing_hints_is_found_by_the_sweep(rig: &Rig) {
    rig.stop();
    let config = rig.place.config.as_ref().expect("a configuration");
    let text = fs::read_to_string(config).expect("readable");
    fs::write(config, format!("{text}verify = '300ms'\n")).expect("written");
    rig.start();
    rig.write("/d/deep/1", "one");
    rig.expect(&["added /d/deep/1"]);
    let outside = rig.outside().join("another-name");
    fs::hard_link(rig.at("/d/deep/1"), &outside).expect("linked");
    rig.expect(&[]);
    let turn = turns::writing();
    fs::write(&outside, "written from outside").expect("written");
    drop(turn);
    rig.sink.wait_line("modified /d/deep/1");
    rig.expect(&["modified /d/deep/1"]);
}

pub fn a_hard_link(rig: &Rig) {
    rig.write("/d/1", "one");
    let first = rig.expect(&["added /d/1"]);
    fs::hard_link(rig.at("/d/1"), rig.at("/2")).expect("linked");
    let second = rig.expect(&["added /2"]);
    assert_ne!(first[0].asset_id, second[0].asset_id);
    fs::remove_file(rig.at("/d/1")).expect("removed");
    let gone = rig.expect(&["deleted /d/1"]);
    assert_eq!(gone[0].asset_id, first[0].asset_id);
}

pub fn links_and_specials_are_no_assets(rig: &Rig) {
    rig.write("/d/1", "one");
    rig.expect(&["added /d/1"]);
    symlink(rig.at("/d/1"), rig.at("/to-file")).expect("linked");
    symlink(rig.at("/d"), rig.at("/to-directory")).expect("linked");
    symlink("/nowhere", rig.at("/broken")).expect("linked");
    symlink(rig.at("/"), rig.at("/d/loop")).expect("linked");
    symlink("self", rig.at("/self")).expect("linked");
    let fifo = c_path(&rig.at("/fifo"));
    // SAFETY: a C string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(fifo.as_ptr(), 0o600) }, 0);
    let _socket = std::os::unix::net::UnixListener::bind(rig.at("/socket")).expect("a socket");
    rig.expect(&[]);
    // What is written through a link is told of the file.
    rig.write("/to-directory/1", "two, longer");
    rig.expect(&["modified /d/1"]);
    // A file that becomes a link is gone.
    fs::remove_file(rig.at("/d/1")).expect("removed");
    symlink("/nowhere", rig.at("/d/1")).expect("linked");
    rig.expect(&["deleted /d/1"]);
}

pub fn names_are_bytes(rig: &Rig) {
    let long = [b'x'; 255];
    let names: [&[u8]; 7] = [b"two\nlines", b"tab\there", b"caf\xe9", b"\xff\xfe", b" ", b"\"quoted\\", &long];
    for name in names {
        let _turn = turns::writing();
        fs::write(rig.place.store.join(OsStr::from_bytes(name)), "one").expect("written");
    }
    let mut told: Vec<Vec<u8>> = rig.told().iter().map(|one| one.bytes()[1..].to_vec()).collect();
    told.sort();
    let mut expect: Vec<Vec<u8>> = names.iter().map(|name| name.to_vec()).collect();
    expect.sort();
    assert_eq!(told, expect);
    for name in names {
        fs::remove_file(rig.place.store.join(OsStr::from_bytes(name))).expect("removed");
    }
    let told = rig.told();
    assert!(told.len() == names.len() && told.iter().all(|one| one.action == "deleted"), "{told:?}");
}
