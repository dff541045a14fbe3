//! Rules about what is mounted nowhere: they wait for changes that cannot come.

use super::{Notes, Placed};
use crate::diagnostic::Code;
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::rules::Rule;
use crate::rules::condition::{Cover, Written};

/// Mounts that help names, at most: a configuration may have very many. The rest are counted.
pub(super) const SHOWN_MAX: usize = 8;

pub(super) fn lint(rule: &Rule, at: &Placed, mounts: &[Mount], notes: &mut Notes) {
    let tenant = rule.subscription.tenant.as_ref();
    let of_tenant = |mount: &&Mount| tenant.is_none() || mount.tenant.as_ref() == tenant;
    if let Some(tenant) = tenant
        && !mounts.iter().any(|mount| of_tenant(&mount))
    {
        let message = format!("no mount belongs to the tenant `{tenant}`: the rule never fires");
        let help = "correct it, or give a [[mount]] in ringback.toml that tenant";
        notes.warn(Code::OutsideMounts, at, &at.spans.tenant, message, "no mount's tenant", help);
        return;
    }
    let Written::Clauses { paths, .. } = rule.condition.written() else { return };
    for (clause, span) in paths.iter().zip(&at.spans.paths) {
        if mounts.iter().filter(of_tenant).any(|mount| may_meet(&clause.cover, &mount.path.nfc())) {
            continue;
        }
        let shown: Vec<_> =
            mounts.iter().filter(of_tenant).take(SHOWN_MAX).map(|mount| mount.path.to_string()).collect();
        let more = match mounts.iter().filter(of_tenant).count() - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!("`{clause}` covers nothing of any mount");
        let help = format!("logical paths begin with a mount's path; mounted: {}{more}", shown.join(", "));
        notes.warn(Code::OutsideMounts, at, span, message, "in no mount", help);
    }
}

/// Whether something in a mount, whose path is in NFC, may be covered; of globs only what stands before their first
/// special character is looked at.
fn may_meet(cover: &Cover, mount: &LogicalPath) -> bool {
    match cover {
        Cover::Under { path, .. } => path.is_at_or_below(mount) || mount.is_below(path),
        Cover::Glob(glob) => {
            let (prefix, mount) = (glob.prefix(), mount.as_bytes());
            let inside = prefix.strip_prefix(mount).is_some_and(|rest| mount.ends_with(b"/") || rest.starts_with(b"/"));
            inside || mount.starts_with(prefix)
        }
    }
}
