//! The brake on deletions (`max_deletions`): how many deletions that a scan found may still be reported. Knows nothing
//! of what is deleted.

/// What is left of a scan's deletions, for one group of looks.
#[derive(Debug)]
pub(super) struct Brake {
    left: Option<u64>,
    /// Deletions that were let through.
    pub reported: u64,
    /// Deletions that were not.
    pub withheld: u64,
}

impl Brake {
    /// A brake that lets `left` deletions through; `None`: all of them.
    pub(super) fn new(left: Option<u64>) -> Self {
        Self { left, reported: 0, withheld: 0 }
    }

    /// Whether it counts at all.
    pub(super) fn is_on(&self) -> bool {
        self.left.is_some()
    }

    /// Whether one more deletion may be reported.
    pub(super) fn lets_through(&mut self) -> bool {
        match &mut self.left {
            None => true,
            Some(0) => {
                self.withheld += 1;
                false
            }
            Some(left) => {
                *left -= 1;
                self.reported += 1;
                true
            }
        }
    }
}
