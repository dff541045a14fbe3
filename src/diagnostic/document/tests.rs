//! How much of a file messages repeat.

use super::{ASSIGNMENT_MAX, KEY_SHOWN_MAX, Table, walk};
use crate::diagnostic::{Diagnostic, SourceFile};

/// The one diagnostic that a file gives.
fn found(text: &str, read: impl FnOnce(&Table<'_, '_>, &mut super::Faults<'_>)) -> Diagnostic {
    let file = SourceFile { name: "a.toml".into(), text: text.as_bytes().into() };
    let mut found = walk(&file, read);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn help_repeats_an_assignment_up_to_the_limit() {
    let help_of = |value: &str| {
        found(&format!("paths = \"{value}\""), |table, faults| assert!(table.strings("paths", faults).is_none())).help
    };
    let most = "x".repeat(ASSIGNMENT_MAX - "paths = [\"\"]".len());
    assert_eq!(help_of(&most), Some(format!("put it in brackets: paths = [\"{most}\"]")));
    assert_eq!(help_of(&format!("{most}x")), Some("put it in brackets: paths = [\"...\"]".to_owned()));
}

#[test]
fn a_message_repeats_a_key_up_to_the_limit() {
    let message_of = |key: &str| {
        found(&format!("{key} = 1"), |table, faults| {
            table.only(&["paths"], faults);
        })
        .message
    };
    let most = "k".repeat(KEY_SHOWN_MAX);
    assert_eq!(message_of(&most), format!("unknown key `{most}` in the file"));
    assert_eq!(message_of(&format!("{most}k")), format!("unknown key `{most}...` in the file"));
}
