//! How many attempts may be under way.

/// Attempts under way, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotLimits {
    /// In all; at least `per_target`.
    pub in_flight: usize,
    /// To one host and port; at least 1.
    pub per_target: usize,
}

impl Default for SlotLimits {
    fn default() -> Self {
        Self { in_flight: 256, per_target: 8 }
    }
}
