//! Ringback and its peers, each of them a child process that reports what it sees of a tree.

pub mod lines;
pub mod raw;
pub mod ringback;
pub mod watchman;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::heard::{Heard, Piece};
use crate::options::{Options, Peer, Who};
use crate::score::Report;
use lines::Lines;
use ringback::Ringback;
use watchman::Watchman;

/// In the name of each file that is made to see whether everything before it was reported.
pub const MARKER: &str = "/marker-";

/// A watcher that has said nothing for so long says nothing more.
const SILENCE: Duration = Duration::from_secs(6);
/// After the marker of one that promises no order.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// One that runs, and is ended when dropped.
pub trait Watcher {
    /// The process that works.
    fn pid(&self) -> u32;

    /// Where its reports arrive.
    fn heard(&self) -> &Heard;

    /// The reports in a piece of what arrived, with paths relative to the tree.
    fn reports_in(&self, piece: &Piece) -> Vec<Report>;

    /// Waits until it has reported everything that was done before. By default that is when a marker has been reported
    /// and then nothing comes for a while, or when nothing comes for longer: it may have lost the marker.
    fn finish(&self, root: &Path) {
        let marker = mark(root, "last");
        if self.heard().until(SILENCE, |piece| contains(&piece.bytes, &marker)) {
            self.heard().until(LAST_WORDS, |_| false);
        }
    }

    /// All that it has reported.
    fn reports(&self) -> Vec<Report> {
        self.heard().pieces().iter().flat_map(|piece| self.reports_in(piece)).collect()
    }
}

/// Starts one of them, and waits until it watches; and how long that took.
pub fn start(who: Who, options: &Options, root: &Path) -> (Box<dyn Watcher>, Duration) {
    let Who::Peer(peer) = who else {
        let (ringback, took) = Ringback::start(options, root);
        return (Box::new(ringback), took);
    };
    start_peer(peer, root)
}

/// The same, of a peer.
pub fn start_peer(peer: Peer, root: &Path) -> (Box<dyn Watcher>, Duration) {
    let began = Instant::now();
    let watcher: Box<dyn Watcher> = match peer {
        Peer::Raw => Box::new(Lines::raw(root)),
        Peer::Watchman => Box::new(Watchman::subscribed(root)),
        Peer::Inotifywait => Box::new(Lines::inotifywait(root)),
    };
    (watcher, began.elapsed())
}

/// Makes a marker, a file in the root of the tree; its name.
fn mark(root: &Path, name: &str) -> String {
    let marker = format!("{MARKER}{name}");
    File::create(root.join(marker.trim_start_matches('/'))).expect("created");
    marker.trim_start_matches('/').to_owned()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
