//! Which file is which asset, by each source: rotations, hard links, and dates that are set.

use std::fs::{self, FileTimes, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use super::{Rig, asset, open};
use crate::sink::{Told, view};
use crate::turns;

/// Sets a file's mtime, alone or with its atime: Linux hints the one as a write, the other as a change of attributes.
fn set_date(rig: &Rig, path: &str, date: SystemTime, alone: bool) {
    let file = OpenOptions::new().read(true).open(rig.at(path)).expect("open");
    let times = FileTimes::new().set_modified(date);
    file.set_times(if alone { times } else { times.set_accessed(date) }).expect("utime");
}

/// rsync --inplace -t: other bytes, the same size, and the old date.
pub fn rewritten_in_place_with_its_old_date(rig: &Rig) {
    if rig.source == "poll" {
        eprintln!("NOT CHECKED: a scan does not hear writes");
        return;
    }
    rig.write("/1", "one");
    rig.sink.wait_line("added /1");
    let date = fs::metadata(rig.at("/1")).expect("it is there").modified().expect("a date");
    let turn = turns::writing();
    let mut file = OpenOptions::new().write(true).open(rig.at("/1")).expect("open");
    file.write_all(b"two").expect("written");
    file.set_modified(date).expect("utime");
    drop(file);
    drop(turn);
    rig.sink.wait_line("modified /1");
    rig.expect(&["added /1", "modified /1"]);
}

/// scp -p and SMB clients: written, closed, and then the date is set.
pub fn a_date_set_after_the_close_is_one_report(rig: &Rig) {
    if rig.source == "poll" {
        eprintln!("NOT CHECKED: a scan does not hear what happened to attributes");
        return;
    }
    let day_before = SystemTime::now() - Duration::from_secs(86_400);
    for n in 0..5 {
        let path = format!("/{n}");
        rig.write(&path, "one");
        rig.sink.wait_line(&format!("added {path}"));
        set_date(rig, &path, day_before, n % 2 == 1);
    }
    rig.expect(&["added /0", "added /1", "added /2", "added /3", "added /4"]);
    // Long after the save the bytes may differ, for all that a date says.
    std::thread::sleep(Duration::from_millis(1_200));
    set_date(rig, "/0", SystemTime::now(), false);
    rig.sink.wait_line("modified /0");
    rig.expect(&["modified /0"]);
}

pub fn a_write_by_one_of_several_names_is_reported_at_each(rig: &Rig) {
    rig.write("/a/1", "one");
    // A link moves the ctime. Were the close heard after that, the file might have been written again within one tick
    // of the filesystem's clock, and ringback says so.
    rig.expect(&["added /a/1"]);
    fs::create_dir(rig.at("/b")).expect("a directory");
    fs::hard_link(rig.at("/a/1"), rig.at("/b/2")).expect("linked");
    fs::hard_link(rig.at("/a/1"), rig.at("/3")).expect("linked");
    for line in ["added /b/2", "added /3"] {
        rig.sink.wait_line(line);
    }
    rig.expect(&["added /3", "added /b/2"]);
    let mut file = open(&rig.at("/b/2"));
    file.write_all(b", two").expect("written");
    drop(file);
    for line in ["modified /a/1", "modified /b/2", "modified /3"] {
        rig.sink.wait_line(line);
    }
    rig.expect(&["modified /3", "modified /a/1", "modified /b/2"]);
    // The last name is a file like others again.
    fs::remove_file(rig.at("/b/2")).expect("removed");
    fs::remove_file(rig.at("/3")).expect("removed");
    rig.expect(&["deleted /3", "deleted /b/2"]);
    rig.rename("/a/1", "/4");
    let told = rig.expect(&["added /4", "deleted /a/1"]);
    assert_eq!(asset(&told, "added /4"), asset(&told, "deleted /a/1"));
}

/// v -> v.1 -> v.2 and so on, then a new v, by renames that are some time apart.
pub fn a_rotation_of_many_generations(rig: &Rig) {
    const GENERATIONS: usize = 12;
    let name = |n: usize| if n == 0 { "/log".to_owned() } else { format!("/log.{n}") };
    let mut files: Vec<i64> = Vec::new();
    for round in 0..GENERATIONS {
        for n in (0..files.len()).rev() {
            rig.rename(&name(n), &name(n + 1));
            if n % 4 == round % 4 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        rig.write("/log", &format!("round {round}, {}", "x".repeat(round)));
        rig.sink.wait(&format!("round {round} is reported"), |told| is_rotated(told, &files, name));
        rig.daemon().sync();
        let now = view(&rig.sink.told());
        files.insert(0, now["/log"]);
        for (n, file) in files.iter().enumerate() {
            assert_eq!(now[&name(n)], *file, "{} in round {round}: {:?}", name(n), rig.sink.told());
        }
    }
    let mut distinct = files.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), GENERATIONS);
    rig.told();
}

/// Whether each generation is where it went, and a new file is the log.
fn is_rotated(told: &[Told], files: &[i64], name: impl Fn(usize) -> String) -> bool {
    let now = view(told);
    let moved = files.iter().enumerate().all(|(n, file)| now.get(&name(n + 1)) == Some(file));
    moved && now.get("/log").is_some_and(|log| !files.contains(log))
}
