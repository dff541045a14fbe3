//! Limits of what is read of one file, at each limit and one past it.

use std::fs;

use super::{Rig, set_attribute};
use crate::look::real::attributes::{Limits, user_within};
use crate::look::real::{At, c_path};

/// The kernel sets no value and no list of names that is longer than the limits in force, and a filesystem seldom keeps
/// as much; so the limits here are lower.
#[test]
fn attributes_beyond_the_limits_are_an_error_and_are_not_cut_short() {
    let limits = Limits { bytes: 16, keys: 2 };
    let rig = Rig::new();
    let at = rig.disk("a");
    fs::write(&at, "").expect("write");
    if let Err(error) = set_attribute(&at, "user.a", &[b'x'; 16]) {
        eprintln!("SKIPPED: {} has no attributes: {error}", rig.dir.path().display());
        return;
    }
    let path = c_path(&at).expect("a path");
    let read = || match user_within(At::Path(&path), limits) {
        Ok(found) => Ok(found.len()),
        Err(error) => Err(error.to_string()),
    };
    assert_eq!(read(), Ok(1), "a value at the limit");
    set_attribute(&at, "user.b", b"").expect("set");
    assert_eq!(read(), Ok(2), "as many attributes as the limit");
    set_attribute(&at, "user.c", b"").expect("set");
    assert_eq!(read(), Err("the file has more than 2 attributes".into()));
    fs::write(rig.disk("b"), "").expect("write");
    let (at, path) = (rig.disk("b"), c_path(&rig.disk("b")).expect("a path"));
    set_attribute(&at, "user.a", &[b'x'; 17]).expect("set");
    let error = user_within(At::Path(&path), limits).expect_err("a value past the limit");
    assert_eq!(error.to_string(), "the attribute user.a is longer than 16 bytes");
}
