//! What a look reads besides lstat(2), as metadata. Knows no disk, no catalog and no rank of sources: each module
//! turns the raw content of one source into keys and values.

pub mod xattr;
