//! What every watch source has to see: each scenario is run with each source that this machine allows, by the real
//! daemon on real files, and ends in exactly the callbacks that it should.
//!
//! With `poll` nothing is hinted, so what is seen is seen by scans: those of `POST /v1/sync`, which scans at once, and
//! those of the poll interval.

mod dying;
mod identity;
mod limits;
mod odd;
mod outages;
mod roots;
mod saves;
mod trees;
mod unknown;

use std::cell::{Cell, Ref, RefCell};
use std::fs::{self, File, OpenOptions};
use std::path::Path;

use crate::daemon::{Daemon, Place};
use crate::sink::{Sink, Told, sorted};
use crate::turns;

/// A store watched by one source, its daemon, and a subscriber that hears all.
pub struct Rig {
    pub source: &'static str,
    pub place: Place,
    pub sink: Sink,
    daemon: RefCell<Option<Daemon>>,
    /// How much of what was told has been looked at.
    seen: Cell<usize>,
}

macro_rules! each_source {
    ($($group:ident: $($scenario:ident)+;)+) => {
        each_source!(@of fanotify $($group: $($scenario)+;)+);
        each_source!(@of inotify $($group: $($scenario)+;)+);
        each_source!(@of notify $($group: $($scenario)+;)+);
        each_source!(@of poll $($group: $($scenario)+;)+);
    };
    (@of $source:ident $($group:ident: $($scenario:ident)+;)+) => {
        mod $source {
            $($(
                #[test]
                fn $scenario() {
                    super::run(stringify!($source), super::$group::$scenario);
                }
            )+)+
        }
    };
}

each_source! {
    trees:
        a_file_right_after_its_directories
        thirty_directories_at_once
        a_tree_moved_in_and_out
        a_tree_renamed_and_written_to
        two_directories_swapped_in_one_step
        two_directories_swapped_by_a_third_name
        a_tree_removed
        a_directory_replaced_by_a_file_and_back
        a_large_directory_renamed_is_moves_and_no_file_is_opened;
    saves:
        temp_and_rename
        unlink_and_recreate_three_times
        appends
        a_slow_writer_and_a_second_one
        two_files_swapped
        a_chain_of_renames
        a_file_renamed_over_another
        a_file_moved_to_another_mount
        deleted_and_made_again_later_is_somebody_else
        an_inode_number_that_comes_back_is_somebody_else
        a_rename_that_changes_only_case
        deleted_before_it_was_whole_is_never_told
        a_temporary_name_until_it_is_renamed
        a_trickle_delays_nothing_else
        the_longest_wait_tells_a_file_that_is_still_written;
    odd:
        truncated_mapped_and_copied
        attributes_are_no_change_of_bytes
        a_write_that_nothing_hints_is_found_by_the_sweep
        a_hard_link
        links_and_specials_are_no_assets
        names_are_bytes;
    identity:
        rewritten_in_place_with_its_old_date
        a_date_set_after_the_close_is_one_report
        a_write_by_one_of_several_names_is_reported_at_each
        a_rotation_of_many_generations;
    roots:
        removed_and_made_again
        moved_away_and_back
        missing_at_the_start
        a_filesystem_mounted_below_hides_what_is_there
        a_filesystem_that_is_unmounted_and_comes_back_empty
        a_disk_that_comes_back_under_another_number
        a_filesystem_below_that_is_entered;
    outages:
        stopped_while_very_many_files_come_and_some_go
        killed_and_changed_offline
        killed_during_the_first_scan
        written_during_the_first_scan
        written_beside_the_first_start
        a_sync_is_exact_beside_a_steady_writer;
    unknown:
        what_was_covered_at_the_start_is_reported_once_it_is_uncovered
        a_write_by_a_name_outside_is_reported_at_every_name_inside;
    dying:
        two_mounts_whose_queue_dies;
    limits:
        the_limit_of_watches
        an_unreadable_directory;
}

/// The ordinary saves, one after the other, in stores of their own in a directory of some filesystem.
pub fn saves_in(above: &Path, source: &'static str) {
    let scenarios: [fn(&Rig); 11] = [
        saves::temp_and_rename,
        saves::unlink_and_recreate_three_times,
        saves::appends,
        saves::a_slow_writer_and_a_second_one,
        saves::two_files_swapped,
        saves::a_chain_of_renames,
        saves::a_file_renamed_over_another,
        saves::a_file_moved_to_another_mount,
        saves::a_rename_that_changes_only_case,
        saves::deleted_before_it_was_whole_is_never_told,
        saves::a_temporary_name_until_it_is_renamed,
    ];
    for scenario in scenarios {
        run_in(above, source, scenario);
    }
}

/// Runs a scenario with a source, and sees that it was that source, from beginning to end.
fn run(source: &'static str, scenario: fn(&Rig)) {
    run_in(&std::env::temp_dir(), source, scenario);
}

fn run_in(above: &Path, source: &'static str, scenario: fn(&Rig)) {
    let Some(rig) = Rig::new(above, source) else { return };
    scenario(&rig);
    if rig.daemon.borrow().is_some() {
        rig.is_watched_as_asked();
    }
}

impl Rig {
    /// An empty store that is watched. None where the source is not to be had.
    fn new(above: &Path, source: &'static str) -> Option<Self> {
        let sink = Sink::new();
        let place = Place::new_in(&sink.rule_all(), above);
        let rig = Self { source, place, sink, daemon: RefCell::default(), seen: Cell::new(0) };
        let rig = rig.configured("");
        rig.start();
        let status = rig.daemon().status();
        if source == "fanotify" && status["mounts"][0]["source"] != "fanotify" {
            let why = &status["mounts"][0]["sourceReason"];
            eprintln!("SKIPPED: fanotify is not to be had here: {why}");
            return None;
        }
        rig.is_watched_as_asked();
        Some(rig)
    }

    /// With more in its configuration from the next start on.
    fn configured(mut self, more: &str) -> Self {
        self.configure(more);
        self
    }

    fn configure(&mut self, more: &str) {
        let source = self.source;
        let mount = format!("[[mount]]\npath = '/'\ndir = '{{store}}'\nwatch = '{source}'\npoll_interval = '500ms'\n");
        self.place.configure(&format!("{more}\n{mount}"));
    }

    #[track_caller]
    fn is_watched_as_asked(&self) {
        let status = self.daemon().status_until("its source is known", |s| s["mounts"][0]["source"].is_string());
        assert_eq!(status["mounts"][0]["source"], self.source, "{:#}", status["mounts"][0]);
    }

    fn daemon(&self) -> Ref<'_, Daemon> {
        Ref::map(self.daemon.borrow(), |daemon| daemon.as_ref().expect("it runs"))
    }

    fn start(&self) {
        *self.daemon.borrow_mut() = Some(self.place.start());
    }

    fn start_unready(&self) {
        *self.daemon.borrow_mut() = Some(self.place.start_unready());
    }

    fn stop(&self) {
        let daemon = self.daemon.borrow_mut().take().expect("it runs");
        assert_eq!(daemon.stop().code(), Some(0));
    }

    fn kill(&self) {
        self.daemon.borrow_mut().take().expect("it runs").kill();
    }

    /// What was told of everything that was done since the last call, and nothing else.
    #[track_caller]
    fn told(&self) -> Vec<Told> {
        let told = self.daemon().settled(&self.place, &self.sink, "/");
        let new = told[self.seen.get()..].to_vec();
        self.seen.set(told.len());
        new
    }

    /// Checks what was told since the last call: actions and paths, in any order.
    #[track_caller]
    fn expect(&self, lines: &[&str]) -> Vec<Told> {
        let told = self.told();
        let mut lines = lines.to_vec();
        lines.sort_unstable();
        assert_eq!(sorted(&told), lines, "with {}\n{}", self.source, self.daemon().log());
        told
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.place.at(path)
    }

    fn write(&self, path: &str, content: &str) {
        self.place.write(path, content);
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.at(from), self.at(to)).unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
    }

    /// A directory beside the store, on the same filesystem.
    fn outside(&self) -> std::path::PathBuf {
        let outside = self.place.store.with_file_name("outside");
        fs::create_dir_all(&outside).expect("a directory");
        outside
    }
}

/// Opens a file to be written on.
fn open(path: &Path) -> File {
    let _turn = turns::writing();
    OpenOptions::new().create(true).append(true).open(path).expect("open")
}

/// The asset of the last entry of this action and path.
#[track_caller]
fn asset(told: &[Told], line: &str) -> i64 {
    let found = told.iter().rev().find(|one| one.line() == line);
    found.unwrap_or_else(|| panic!("{line} in {told:?}")).asset_id
}
