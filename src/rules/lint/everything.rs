//! Rules that match everything. They cost their output and nothing else, but are seldom meant.

use super::{Notes, Placed};
use crate::diagnostic::Code;
use crate::rules::Rule;
use crate::rules::condition::{Cover, MetadataClause, Mode, Operand, Test, Written};

const HELP: &str = "limit it to what its target wants to hear of, such as \"* /acme/dailies\"; \
                    for an index or an archive of everything it may be right";

pub(super) fn lint(rule: &Rule, at: &Placed, notes: &mut Notes) {
    let Written::Clauses { paths, metadata, operand } = rule.condition.written() else { return };
    if rule.subscription.tenant.is_some() {
        return;
    }
    let name = &rule.subscription.name;
    if let Some(index) = paths.iter().position(|clause| clause.mode == Mode::All && is_everything(&clause.cover)) {
        let message = format!("the rule `{name}` matches every file that is added, modified or deleted");
        notes.warn(Code::MatchesEverything, at, &at.spans.paths[index], message, "matches everything", HELP);
        return;
    }
    let unscoped = paths.is_empty() || paths.iter().any(|clause| is_everything(&clause.cover));
    let any = |clause: &std::sync::Arc<MetadataClause>| clause.test == Test::AnyTouched && clause.keys.is_any();
    let unfiltered = *operand == Operand::Or || metadata.iter().all(any);
    if let Some(index) = metadata.iter().position(any).filter(|_| unscoped && unfiltered) {
        let message = format!("the rule `{name}` matches every change of metadata");
        notes.warn(Code::MatchesEverything, at, &at.spans.metadata[index], message, "matches everything", HELP);
    }
}

fn is_everything(cover: &Cover) -> bool {
    match cover {
        Cover::Under { path, .. } => path.is_root(),
        Cover::Glob(glob) => glob.as_str() == "/**",
    }
}
