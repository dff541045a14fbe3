//! Directories as users hand them over, and what becomes of their modes.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::{StateDirError, is_shared, own};

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

fn write(path: &Path, mode: u32) {
    fs::write(path, "").expect("a file");
    set(path, mode);
}

/// Every path below a directory, with its mode; the directory itself is the empty path.
fn modes(dir: &Path) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(dir) {
        let entry = entry.expect("readable");
        let name = entry.path().strip_prefix(dir).expect("below").display().to_string();
        found.insert(name, fs::symlink_metadata(entry.path()).expect("there").permissions().mode() & 0o7777);
    }
    found
}

#[test]
fn what_an_older_version_left_open_is_closed() {
    let dir = tempfile::tempdir().expect("a directory");
    for mode in [0o755, 0o777, 0o750, 0o711, 0o2775, 0o700] {
        let state = dir.path().join(format!("{mode:o}"));
        fs::create_dir_all(state.join("sync")).expect("a directory");
        let files = ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ballast", "lock", "token", ".token-0a", "sync/7"];
        for (n, name) in files.iter().enumerate() {
            write(&state.join(name), [0o644, 0o666, 0o640, 0o600, 0o755, 0o400][n % 6]);
        }
        fs::create_dir(state.join("lost+found")).expect("a directory");
        set(&state.join("lost+found"), 0o711);
        set(&state.join("sync"), 0o755);
        set(&state, mode);
        own(&state).unwrap_or_else(|error| panic!("{mode:o}: {error}"));
        let found = modes(&state);
        let mut expect: BTreeMap<_, _> = files.iter().map(|name| ((*name).to_owned(), 0o600)).collect();
        expect.extend([(String::new(), 0o700), ("sync".to_owned(), 0o700), ("lost+found".to_owned(), 0o711)]);
        assert_eq!(found, expect, "{mode:o}");
    }
}

#[test]
fn a_directory_is_made_with_the_ones_above_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let state = dir.path().join("a/state");
    own(&state).expect("made");
    assert_eq!(modes(&state), [(String::new(), 0o700)].into());
    own(&state).expect("there");
}

#[test]
fn a_directory_that_is_not_ringbacks_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let cases: [(&str, u32, &[&str], &str); 4] = [
        ("home", 0o755, &[".profile"], "it also holds .profile"),
        ("used before", 0o755, &["ledger.db", "photo.jpg"], "it also holds photo.jpg"),
        ("group", 0o750, &["notes"], "it also holds notes"),
        ("tokens", 0o755, &["tokens"], "it also holds tokens"),
    ];
    for (name, mode, files, why) in cases {
        let state = dir.path().join(name);
        fs::create_dir(&state).expect("a directory");
        files.iter().for_each(|file| write(&state.join(file), 0o644));
        set(&state, mode);
        let before = modes(&state);
        let error = own(&state).expect_err(name);
        assert!(matches!(error, StateDirError::Shared { .. }), "{name}: {error:?}");
        let said = error.to_string();
        assert!(said.contains(why) && said.contains("--state") && said.contains(&*state.to_string_lossy()), "{said}");
        assert_eq!(modes(&state), before, "{name}");
    }
}

/// A volume of a container comes like this.
#[test]
fn an_empty_directory_that_all_may_write_is_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    set(dir.path(), 0o1777);
    own(dir.path()).expect("narrowed");
    assert_eq!(modes(dir.path()), [(String::new(), 0o700)].into());
}

#[test]
fn directories_that_programs_share_are_known() {
    for dir in ["/", "/tmp", "/var/lib"] {
        assert!(is_shared(Path::new(dir)), "{dir}");
    }
    for dir in ["/var/lib/ringback", "/tmp/state", "/home/ana"] {
        assert!(!is_shared(Path::new(dir)), "{dir}");
    }
}

#[test]
fn other_programs_files_in_a_closed_directory_are_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    set(dir.path(), 0o700);
    fs::create_dir(dir.path().join("sync")).expect("a directory");
    write(&dir.path().join("sync/photo.jpg"), 0o644);
    write(&dir.path().join("notes"), 0o644);
    let before = modes(dir.path());
    own(dir.path()).expect("no other user can enter it");
    assert_eq!(modes(dir.path()), before);
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    for name in ["token", "ledger.db", "ledger.db-wal", "ballast", "lock", "sync"] {
        let dir = tempfile::tempdir().expect("a directory");
        let (state, elsewhere) = (dir.path().join("state"), dir.path().join("elsewhere"));
        fs::create_dir(&state).expect("a directory");
        write(&elsewhere, 0o644);
        symlink(&elsewhere, state.join(name)).expect("a link");
        let error = own(&state).expect_err(name);
        assert!(error.to_string().contains("a symbolic link"), "{error}");
        assert_eq!(modes(dir.path())["elsewhere"], 0o644, "{name}");
    }
}

#[test]
fn another_users_directory_is_refused() {
    // SAFETY: a plain system call without pointers.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("SKIPPED: only root can give a directory away");
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    for mode in [0o700, 0o755] {
        set(dir.path(), mode);
        std::os::unix::fs::chown(dir.path(), Some(12_345), None).expect("given away");
        let error = own(dir.path()).expect_err("another user's");
        assert!(error.to_string().contains("belongs to user 12345") && error.to_string().contains("chown"), "{error}");
        assert_eq!(modes(dir.path()), [(String::new(), mode)].into());
    }
}
