//! The keys that say what is watched: clauses, or `when`, or none of them.

use std::ops::Range;

use super::{clauses, each};
use crate::diagnostic::Code;
use crate::diagnostic::document::{Faults, Table};
use crate::rules::condition::{Condition, NothingToWatch, Operand};
use crate::rules::syntax::{watch_metadata, watch_path, when};

/// The keys.
pub(super) const KEYS: [&str; 4] = ["watchPath", "watchMetadata", "logicalOperand", "when"];

/// What a table watches.
pub(super) enum Watched {
    /// This.
    By(Box<(Condition, Places)>),
    /// Nothing: it has no clause and no `when`.
    Nothing,
    /// What it watches is wrong, and that was noted; or it may only have been skipped.
    Faulty,
}

/// Where the parts of a condition stand.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub paths: Vec<Range<usize>>,
    pub metadata: Vec<Range<usize>>,
}

/// Reads the keys. `meant` are those that unknown keys were probably meant to be.
pub(super) fn read(table: &Table<'_, '_>, meant: &[&str], faults: &mut Faults<'_>) -> Watched {
    let paths = clauses(table, "watchPath", watch_path::parse, faults);
    let metadata = clauses(table, "watchMetadata", watch_metadata::parse, faults);
    let operands = [("OR", Operand::Or), ("AND", Operand::And)];
    let operand = table.word("logicalOperand", &operands, faults).unwrap_or_default();
    if table.has("when") {
        let expr = table.string("when", faults).and_then(|text| {
            let expr = each(&text, faults, when::parse)?;
            Some(Condition::when(text.value, expr))
        });
        let beside: Vec<_> = KEYS.iter().filter(|key| **key != "when" && table.has(key)).collect();
        if let Some(first) = beside.first() {
            let message = format!("`when` and `{first}` exclude each other");
            faults
                .error(Code::KeysExclude, table.key_span("when"), message, "beside clauses")
                .help("say all of it in `when`, or remove `when`; to have both, write two subscriptions");
        }
        return match expr {
            Some(condition) if beside.is_empty() => Watched::By(Box::new((condition, Places::default()))),
            _ => Watched::Faulty,
        };
    }
    // A key of another type, or with a broken clause, was noted; what remains of it says nothing.
    let (Some((paths, path_spans)), Some((metadata, metadata_spans))) = (paths, metadata) else {
        return Watched::Faulty;
    };
    if meant.iter().any(|key| KEYS.contains(key)) || faults.incomplete() && paths.is_empty() && metadata.is_empty() {
        return Watched::Faulty;
    }
    if paths.is_empty() && metadata.is_empty() {
        return Watched::Nothing;
    }
    match Condition::clauses(paths, metadata, operand) {
        Ok(condition) => Watched::By(Box::new((condition, Places { paths: path_spans, metadata: metadata_spans }))),
        Err(error) => {
            if !faults.incomplete() {
                nothing(table, error, faults);
            }
            Watched::Faulty
        }
    }
}

/// Notes that a table watches nothing.
pub(super) fn nothing(table: &Table<'_, '_>, error: NothingToWatch, faults: &mut Faults<'_>) {
    faults.error(Code::NothingToWatch, table.key_span("watchPath"), error.to_string(), "").help(
        "put a mode before a path, such as watchPath = [\"* /acme/dailies\"] \
         (* any change, + added, - deleted, ~ modified), or add watchMetadata = [\"City==SFO\"]",
    );
}
