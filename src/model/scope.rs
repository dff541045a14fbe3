//! Whose things a caller may see and change. Which roles have which scope is [`super::principal`]'s business.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::tenant::Tenant;

/// Whose things somebody may see and change. What lies outside is to them as if it did not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of every tenant, and those that have no tenant.
    All,
    /// Those of these tenants. Nothing that has no tenant is among them.
    Of(Arc<BTreeSet<Tenant>>),
}

impl Scope {
    /// The scope of some tenants.
    #[must_use]
    pub fn of(tenants: impl IntoIterator<Item = Tenant>) -> Self {
        Self::Of(Arc::new(tenants.into_iter().collect()))
    }

    /// Returns whether it covers what is a tenant's, or what has no tenant.
    #[must_use]
    pub fn covers(&self, tenant: Option<&Tenant>) -> bool {
        match self {
            Self::All => true,
            Self::Of(tenants) => tenant.is_some_and(|tenant| tenants.contains(tenant)),
        }
    }

    /// Returns whether it covers everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;
    use crate::model::tenant::Tenant;

    #[test]
    fn what_has_no_tenant_is_covered_by_the_scope_of_all_alone() {
        let tenant = |name| Tenant::parse(name).expect("a name");
        let (acme, b) = (tenant("acme"), tenant("b"));
        let of_acme = Scope::of([acme.clone()]);
        let covered = |scope: &Scope| [Some(&acme), Some(&b), None].map(|tenant| scope.covers(tenant));
        assert_eq!(covered(&Scope::All), [true, true, true]);
        assert_eq!(covered(&of_acme), [true, false, false]);
        assert_eq!(covered(&Scope::of([])), [false, false, false]);
    }
}
