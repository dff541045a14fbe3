//! To come.

pub mod listen;
pub mod receiver;
