//! What the dialects do alike: whose a registration is, and asking the engine for it.

use axum::http::StatusCode;

use super::super::error::{ApiError, Fault, quoted};
use super::super::gate::Caller;
use super::super::reading::ReadError;
use super::super::router::{Api, unexpected};
use crate::model::ask::{Answer, Ask};
use crate::model::event::Dialect;
use crate::model::mask::suggests_secret;
use crate::model::registered::{Registered, RegisteredQuery};
use crate::model::registration::{Edit, KeptRegistration, RegistrationFault};
use crate::model::retry::RetrySchedule;
use crate::model::scope::Scope;
use crate::model::subscription::Name;
use crate::model::tenant::Tenant;

impl Caller {
    /// Whose a registration of this caller is, where the dialect has no word for it: one for each of its tenants, or,
    /// of a caller who sees every tenant, one that hears of all.
    pub(super) fn registers_for(&self) -> Result<Vec<Option<Tenant>>, ApiError> {
        match &self.scope {
            Scope::All => Ok(vec![None]),
            Scope::Of(tenants) if tenants.is_empty() => {
                Err(ApiError::new(StatusCode::FORBIDDEN, "you have no tenants, so there is nothing to hear of"))
            }
            Scope::Of(tenants) => Ok(tenants.iter().cloned().map(Some).collect()),
        }
    }
}

impl Api {
    /// Registers, replaces and ends: all of it is durable, or nothing is done.
    pub(super) async fn register(&self, by: &str, edits: Vec<Edit>) -> Result<(), ApiError> {
        match self.ask(Ask::Register { edits, by: by.to_owned() }).await? {
            Answer::Registered(_) => Ok(()),
            Answer::Invalid(faults) => Err(invalid(&faults)),
            Answer::Taken { .. } => {
                Err(ApiError::new(StatusCode::FORBIDDEN, "somebody else has registered this: it is theirs to change"))
            }
            Answer::NotFound => Err(ApiError::new(StatusCode::NOT_FOUND, "it has ended, or was never registered")),
            other => Err(unexpected(&other)),
        }
    }

    /// The registrations that a caller sees under an id, one a tenant. An id that no registration can have finds none.
    pub(super) async fn registered(
        &self,
        caller: &Caller,
        dialect: Dialect,
        id: &str,
    ) -> Result<Vec<KeptRegistration>, ApiError> {
        let Ok(name) = Name::registered(dialect, id) else { return Ok(Vec::new()) };
        let scope = caller.scope.clone();
        self.read(move |reader, _| reader.registrations_named(&scope, &name).map_err(ReadError::from)).await
    }

    /// A page of registrations, and how many there are in all.
    pub(super) async fn list_registered(&self, query: RegisteredQuery) -> Result<(Vec<Registered>, u64), ApiError> {
        self.read(move |reader, _| reader.registrations(&query).map_err(ReadError::from)).await
    }

    /// The schedule of a dialect: each of its delays once.
    pub(super) fn schedule(&self, dialect: Dialect) -> RetrySchedule {
        RetrySchedule::of_delays(self.state.dialects.get().retry_ms(dialect).to_vec())
    }
}

/// 422: each part, and of a clause which one. Nothing is quoted that may hold a secret.
pub(super) fn invalid(faults: &[RegistrationFault]) -> ApiError {
    let sentence = |fault: &RegistrationFault| {
        let RegistrationFault { part, clause, why, help, .. } = fault;
        let about = clause.as_ref().map(|clause| format!(" {}", quoted(clause))).unwrap_or_default();
        let help = help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{}{about}: {why}{help}", part.as_str())
    };
    let detail = faults.first().map(&sentence).unwrap_or_default();
    let errors = faults.iter().map(|fault| Fault {
        index: fault.edit,
        field: Some(fault.part.as_str().to_owned()),
        detail: sentence(fault),
    });
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(errors.collect())
}

/// Whether a text is an https URL. What else is wrong with one, the engine says.
pub(super) fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// A header or a query parameter as reads give it back: the value of one whose name suggests a secret is hidden.
pub(super) fn without_secret(text: &str, separator: char) -> String {
    match text.split_once(separator) {
        Some((name, value)) if is_telling(name) => {
            let space = if value.starts_with(' ') { " " } else { "" };
            format!("{name}{separator}{space}{HIDDEN}")
        }
        _ => text.to_owned(),
    }
}

/// Whether a name suggests that its value is a secret.
fn is_telling(name: &str) -> bool {
    const WORDS: [&str; 9] = ["auth", "key", "token", "sig", "pwd", "pass", "session", "code", "cred"];
    let name = name.trim().to_ascii_lowercase();
    suggests_secret(&name) || WORDS.iter().any(|word| name.contains(word))
}

/// What stands where a secret was.
pub(super) const HIDDEN: &str = "***";

#[cfg(test)]
mod tests {
    use super::without_secret;

    #[test]
    fn the_values_of_what_may_be_secret_are_hidden() {
        assert_eq!(without_secret("Authorization: Basic a2V5", ':'), "Authorization: ***");
        assert_eq!(without_secret("X-Api-Key:k", ':'), "X-Api-Key:***");
        assert_eq!(without_secret("Content-Type: text/plain", ':'), "Content-Type: text/plain");
        assert_eq!(without_secret("access_token=k", '='), "access_token=***");
        assert_eq!(without_secret("a=b=c", '='), "a=b=c");
        assert_eq!(without_secret("Ocp-Apim-Subscription-Key: k", ':'), "Ocp-Apim-Subscription-Key: ***");
        assert_eq!(without_secret("sig=k", '='), "sig=***");
    }
}
