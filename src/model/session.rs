//! A session: a token that a principal was given for a while.

use super::time::Wall;

/// One session, as far as the ledger knows it: the token itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of its token.
    pub token_sha256: [u8; 32],
    /// Whose it is: a principal's name.
    pub principal: String,
    /// SHA-256 of the principal's own token, as it was when the session began.
    pub credential_sha256: [u8; 32],
    /// When it ends.
    pub expires: Wall,
}

impl Session {
    /// Sessions of one principal. With one more, the oldest ends.
    pub const MAX: usize = 100;
}
