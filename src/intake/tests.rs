//! What the tests of intake's parts share.

pub(super) mod machine;
