//! The `ringback` command: exit codes only.

fn main() {}
