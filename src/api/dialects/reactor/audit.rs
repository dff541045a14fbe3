//! Audit events: what callbacks are told, to be read again. One is a change of an asset or an event, and is known by
//! the ledger and its place in the journal, as the document says that a callback got.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use url::Url;

use super::super::super::body::Asked;
use super::super::super::error::ApiError;
use super::super::super::limits::AUDIT_EVENTS_MAX;
use super::super::super::mount_table::MountTable;
use super::super::super::operation::{Operation, text};
use super::super::super::reading::ReadError;
use super::super::super::router::{Answer, Api};
use super::document::{answer, answered, audit_event_schema, page_schema, schema};
use super::listing::{Listing, Wanted};
use super::paged;
use crate::model::entry::Entry;
use crate::model::event::Dialect;
use crate::model::format::Format;
use crate::model::ids::Seq;
use crate::model::registered::Comparison;
use crate::model::retry::Accepts;
use crate::model::scope::Scope;
use crate::model::subscription::{Method, Name, Subscription, Target};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

/// Entries that are looked at in one go.
const AT_ONCE: usize = 500;

pub(super) async fn list(State(api): State<Arc<Api>>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.list_audit_events(&mut asked).await;
    asked.answer(answer).await
}

pub(super) async fn show(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let mut asked = Asked::new(request);
    let answer = api.show_audit_event(&id, &mut asked).await;
    asked.answer(answer).await
}

impl Api {
    /// The newest first, of the newest [`AUDIT_EVENTS_MAX`] of the journal.
    async fn list_audit_events(&self, asked: &mut Asked) -> Answer {
        let caller = self.reactor_caller(asked).await?;
        let listing = Listing::read(asked.parts.uri.query());
        let (wanted, scope, mounts) = (listing.wanted.clone(), caller.scope.clone(), Arc::clone(&self.mounts));
        // Of each only its place is kept: payloads may be long.
        let places = self.read(move |reader, _| {
            let (mut places, mut before) = (Vec::new(), Seq(i64::MAX));
            for _ in 0..AUDIT_EVENTS_MAX / AT_ONCE {
                let entries = reader.newest_entries(before, AT_ONCE)?;
                let Some(last) = entries.last() else { break };
                before = last.seq();
                let is_seen = |entry: &&Arc<Entry>| whose(entry, &scope, &mounts).is_some();
                let holds = |entry: &&Arc<Entry>| wanted.iter().all(|wanted| holds(wanted, entry));
                places.extend(entries.iter().filter(is_seen).filter(holds).map(|entry| entry.seq()));
            }
            Ok::<_, ReadError>(places)
        });
        let mut rows = places.await?;
        if let Some((_, falls)) =
            listing.order.iter().find(|(name, _)| matches!(name.as_str(), "created_at" | "updated_at"))
            && !falls
        {
            rows.reverse();
        }
        let total = rows.len() as u64;
        let from = usize::try_from(listing.offset()).unwrap_or(usize::MAX);
        let size = usize::try_from(listing.size).unwrap_or(usize::MAX);
        let page: Vec<_> = rows.into_iter().skip(from).take(size).collect();
        let entries = self.read(move |reader, _| {
            page.into_iter().map(|seq| reader.entry(seq).map_err(ReadError::from)).collect::<Result<Vec<_>, _>>()
        });
        let entries = entries.await?;
        let seen =
            entries.iter().flatten().filter_map(|entry| Some((entry, whose(entry, &caller.scope, &self.mounts)?)));
        let page: Vec<_> = seen.map(|(entry, tenant)| self.audit_event(entry, tenant)).collect();
        Ok(answer(StatusCode::OK, json!({"data": page, "meta": {"pagination": listing.pagination(total)}})))
    }

    async fn show_audit_event(&self, id: &str, asked: &mut Asked) -> Answer {
        let caller = self.reactor_caller(asked).await?;
        let unknown = || ApiError::new(StatusCode::NOT_FOUND, "there is no such audit event, or it is kept no longer");
        let seq = place(id, self.state.reader.node().0).ok_or_else(unknown)?;
        let entry = self.read(move |reader, _| reader.entry(seq).map_err(ReadError::from)).await?;
        let entry = entry.ok_or_else(unknown)?;
        let tenant = whose(&entry, &caller.scope, &self.mounts).ok_or_else(unknown)?;
        Ok(answer(StatusCode::OK, json!({"data": self.audit_event(&entry, tenant)})))
    }

    /// An entry as a resource: what a callback of its tenant's property is told.
    fn audit_event(&self, entry: &Entry, tenant: Option<Tenant>) -> Value {
        let settings = self.state.dialects.get();
        let property = settings.tenants.iter().find(|ids| Some(&ids.tenant) == tenant.as_ref());
        let Some(mut told) = nobody() else { return Value::Null };
        told.format = Format::Reactor;
        told.belongs_to = property.map(|ids| ids.property.as_str().into());
        told.tenant = tenant;
        let body = (self.state.written)(&told, entry);
        serde_json::from_slice::<Value>(&body.bytes).map(|mut document| document["data"].take()).unwrap_or_default()
    }
}

/// Whose an entry is; `None`: a scope does not cover it.
fn whose(entry: &Entry, scope: &Scope, mounts: &MountTable) -> Option<Option<Tenant>> {
    let tenant = match entry {
        Entry::Event(event) => event.tenant.clone(),
        Entry::Change(change) => mounts.of(&change.path).and_then(|mount| mount.tenant.clone()),
    };
    scope.covers(tenant.as_ref()).then_some(tenant)
}

/// A subscription of nobody, in whose format an event is written.
fn nobody() -> Option<Subscription> {
    let name = Name::registered(Dialect::Reactor, "audit_events").ok()?;
    let url = Url::parse("https://localhost/").ok()?;
    let target =
        Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::AnySuccess };
    Some(Subscription::new(name, target))
}

/// The place in the journal of an id of this ledger's.
fn place(id: &str, node: u64) -> Option<Seq> {
    let digits = id.strip_prefix("AE").filter(|digits| digits.len() == 32 && digits.is_ascii())?;
    let number = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let seq = number(&digits[16..])?;
    (number(&digits[..16])? == node).then(|| i64::try_from(seq).ok().map(Seq)).flatten()
}

/// Whether an entry is as a filter wants it. A filter for something else, or with a time that is none, is passed over.
fn holds(wanted: &Wanted, entry: &Entry) -> bool {
    let Wanted { key, comparison, value } = wanted;
    match key.as_str() {
        "created_at" | "updated_at" => {
            Wall::parse(value).is_none_or(|time| compares(*comparison, &entry.time().0, &time.0))
        }
        "type_of" => {
            let name = match entry {
                Entry::Change(change) => change.action.event_name(),
                Entry::Event(event) => &event.name,
            };
            match comparison {
                Comparison::Contains => name.contains(value.as_str()),
                comparison => compares(*comparison, name, value.as_str()),
            }
        }
        _ => true,
    }
}

fn compares<T: Ord + ?Sized>(comparison: Comparison, left: &T, right: &T) -> bool {
    match comparison {
        Comparison::Equal | Comparison::Contains => left == right,
        Comparison::Different => left != right,
        Comparison::Less => left < right,
        Comparison::Greater => left > right,
        Comparison::AtLeast => left >= right,
        Comparison::AtMost => left <= right,
    }
}

pub(super) fn list_operation() -> Operation {
    paged(answered("Lists audit events, the newest first.", 200, page_schema(audit_event_schema()))).query(
        "filter[type_of]",
        text(),
        "An operator and a name: EQ rule.created.",
    )
}

pub(super) fn show_operation() -> Operation {
    answered("Shows an audit event.", 200, schema(audit_event_schema()))
}

#[cfg(test)]
mod tests {
    use super::{Seq, place};

    #[test]
    fn an_id_is_of_this_ledger_or_of_none() {
        assert_eq!(place("AE00000000000000ab0000000000000007", 0xab), Some(Seq(7)));
        for id in [
            "AE00000000000000ac0000000000000007",
            "AE00000000000000ab8000000000000007",
            "AE00000000000000ab000000000000007",
            "00000000000000ab0000000000000007",
            "AE\u{e9}0000000000000ab000000000000007",
        ] {
            assert_eq!(place(id, 0xab), None, "{id}");
        }
    }
}
