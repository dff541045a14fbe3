//! What was reported against what was done.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::tree::{Done, Last};
use crate::watcher::MARKER;

/// One thing that a watcher said of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub at: Instant,
    pub said: Said,
    /// Relative to the tree, with a slash in front.
    pub path: String,
}

/// What it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// A file is there, or was changed.
    Here,
    /// It is gone.
    Gone,
    /// All that is there follows; what does not is gone. Of no path.
    Anew,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// Living files that were never told, or last told as gone, or not told after they were written again.
    pub never_told: usize,
    /// Paths last told as there that are not.
    pub ghosts: usize,
    /// Files that are gone, of which that was never told; a short life need not be told at all.
    pub gone_untold: usize,
    /// The last report, of whatever but a marker, after the last write.
    pub lag: Duration,
}

/// Compares.
pub fn score(done: &Done, reports: &[Report]) -> Score {
    let mut told: HashMap<&str, (Said, Instant)> = HashMap::new();
    let mut last_report = done.last_write;
    for report in reports.iter().filter(|report| !report.path.contains(MARKER)) {
        last_report = last_report.max(report.at);
        if report.said == Said::Anew {
            told.values_mut().for_each(|last| *last = (Said::Gone, report.at));
        } else {
            told.insert(&report.path, (report.said, report.at));
        }
    }
    let (mut never_told, mut ghosts, mut gone_untold) = (0, 0, 0);
    for (path, last) in &done.files {
        let told = told.remove(path.as_str());
        let here = told.filter(|(said, _)| *said == Said::Here);
        gone_untold += usize::from(*last == Last::Gone && told.is_none_or(|(said, _)| said == Said::Here));
        match (last, here) {
            (Last::Gone, Some(_)) => ghosts += 1,
            (Last::Written, None) | (Last::Rewritten(_), None) => never_told += 1,
            (Last::Rewritten(closed), Some((_, at))) if at < *closed => never_told += 1,
            _ => {}
        }
    }
    // What is left was never there, unless it was said to be gone.
    ghosts += told.values().filter(|(said, _)| *said == Said::Here).count();
    Score { never_told, ghosts, gone_untold, lag: last_report - done.last_write }
}
