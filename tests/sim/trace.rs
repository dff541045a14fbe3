//! What happened, a line a step: what two runs of a seed are compared by, and what a failure shows.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};

/// Lines kept for a failure.
const LINES: usize = 60;

/// The lines' hash, and the last of them.
pub struct Trace {
    hash: DefaultHasher,
    last: VecDeque<String>,
    print: bool,
}

impl Trace {
    pub fn new(print: bool) -> Self {
        // Keys of zero: the same in every process.
        Self { hash: DefaultHasher::new(), last: VecDeque::new(), print }
    }

    pub fn line(&mut self, line: String) {
        if self.print {
            println!("{line}");
        }
        self.hash.write(line.as_bytes());
        if self.last.len() == LINES {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    pub fn hash(&self) -> u64 {
        self.hash.finish()
    }

    pub fn tail(&self) -> String {
        self.last.iter().map(|line| format!("  {line}\n")).collect()
    }
}
