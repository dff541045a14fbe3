//! The limits of an attempt.

/// How long an attempt may take, and how much of an answer is read. The defaults are the published ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Looking the name up, connecting and the TLS handshake, together.
    pub connect_ms: u64,
    /// How long the answer of a look-up is believed, a failure too.
    pub name_remembered_ms: u64,
    /// A look-up that takes longer counts as one that failed, for the turn of the next one.
    pub name_slow_ms: u64,
    /// The whole attempt, the answer's body included.
    pub attempt_ms: u64,
    /// How long an answer's body is read after its status line, at most: a body that drips holds no slot for longer.
    pub answer_ms: u64,
    /// Bytes of an answer's body that are read; past them the connection is closed.
    pub answer_read_bytes: usize,
    /// Bytes of an answer's body that are kept.
    pub answer_kept_bytes: usize,
    /// How long a connection stays open unused. Node.js closes after 5 s and nginx after 75 s by default; a parked
    /// connection that the server closed costs nothing but its retry.
    pub idle_ms: u64,
    /// Parked connections for one scheme, host and port: as many as may be in use for one target.
    pub idle_per_target: usize,
    /// Parked connections in all.
    pub idle_total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            name_remembered_ms: 5_000,
            name_slow_ms: 1_000,
            attempt_ms: 30_000,
            answer_ms: 2_000,
            answer_read_bytes: 64 * 1024,
            answer_kept_bytes: 4 * 1024,
            idle_ms: 30_000,
            idle_per_target: 8,
            idle_total: 512,
        }
    }
}
