//! What must hold of tags, whatever file they come from.

use ringback::metadata::logical;
use ringback::metadata::tag::Tag;
use ringback::model::metadata::Said;

/// Tags have names, and their keys and values are clean.
///
/// # Panics
/// One has not.
pub fn check(tags: &[Tag]) {
    for tag in tags {
        assert!(!tag.group.is_empty() && !tag.name.is_empty(), "{tag:?}");
    }
    check_said(&logical::said(tags));
}

/// Keys have values, and nothing has a NUL.
///
/// # Panics
/// One has not.
pub fn check_said(said: &Said) {
    for (key, values) in &said.values {
        assert!(!key.is_empty() && !values.is_empty(), "{key:?}: {values:?}");
        assert!(values.iter().all(|value| !value.contains('\0')), "{key:?}: {values:?}");
    }
    assert!(said.ordered.iter().all(|key| said.values.contains_key(key)), "{said:?}");
}
