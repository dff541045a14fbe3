//! What programs have registered. A registration's name and number are rows of `subscriptions`; what it means is here,
//! as texts, and is read again at each start.

use rusqlite::{OptionalExtension as _, Row};

use super::error::{Cause, Operation as _};
use super::subscriptions::tenant_column;
use super::{Ledger, Result, codec};
use crate::model::event::{Dialect, EventName};
use crate::model::format::Format;
use crate::model::ids::SubscriptionId;
use crate::model::registration::{KeptRegistration, Registration};
use crate::model::retry::{Accepts, RetrySchedule};
use crate::model::subscription::{Batching, Field, Lifetime, Method, Name, Order};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

const READ: &str = "read a registration";
const WRITE: &str = "write a registration";

/// The columns of a registration, for [`kept`].
pub(super) const COLUMNS: &str = "subscription, name, subscriptions.tenant, owner, created, updated, content, request";

impl Ledger {
    /// A registration's number, and who registered it first; `None` where there is none of that name.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn registered(&self, tenant: Option<&Tenant>, name: &Name) -> Result<Option<(SubscriptionId, String)>> {
        self.connection
            .prepare_cached(
                "SELECT id, owner FROM subscriptions JOIN registrations ON subscription = id
                 WHERE name = ?1 AND subscriptions.tenant = ?2",
            )
            .and_then(|mut sql| {
                let row = |row: &Row<'_>| Ok((SubscriptionId(row.get(0)?), row.get(1)?));
                sql.query_row((name.as_str(), tenant_column(tenant)), row).optional()
            })
            .to(READ)
    }

    /// Writes a registration in place of what its number had. Its owner, and when it was created, stay.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn put_registration(&self, id: SubscriptionId, it: &Registration, by: &str, at: Wall) -> Result<()> {
        let content = codec::to_json(&Content::of(it))?;
        let dialect = it.name.dialect().map_or("", Dialect::as_str);
        self.connection
            .prepare_cached(
                "INSERT INTO registrations (subscription, dialect, tenant, owner, created, updated, content, request)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7)
                 ON CONFLICT (subscription) DO UPDATE SET updated = ?5, content = ?6, request = ?7",
            )
            .and_then(|mut sql| {
                sql.execute((id.0, dialect, tenant_column(it.tenant.as_ref()), by, at.0, content, &it.request))
            })
            .to(WRITE)
            .map(drop)
    }

    /// Removes a registration. Its number and its name stay, for what it is owed.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn remove_registration(&self, id: SubscriptionId) -> Result<()> {
        self.connection
            .prepare_cached("DELETE FROM registrations WHERE subscription = ?1")
            .and_then(|mut sql| sql.execute([id.0]))
            .to("remove a registration")
            .map(drop)
    }

    /// Gives each registration, by number. One whose row is damaged is given as its error.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn each_registration(&self, mut each: impl FnMut(SubscriptionId, Result<KeptRegistration>)) -> Result<()> {
        let mut sql = self
            .connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM registrations JOIN subscriptions ON id = subscription ORDER BY subscription"
            ))
            .to(READ)?;
        let mut rows = sql.query([]).to(READ)?;
        while let Some(row) = rows.next().to(READ)? {
            let id = SubscriptionId(row.get(0).to(READ)?);
            each(id, kept(row).map_err(|error| error.in_row("registrations", id.0)));
        }
        Ok(())
    }
}

/// A registration from the columns [`COLUMNS`].
pub(super) fn kept(row: &Row<'_>) -> Result<KeptRegistration> {
    let text = |at: usize| row.get::<_, String>(at).to(READ);
    let name = name_of(&text(1)?)?;
    let tenant = match text(2)?.as_str() {
        "" => None,
        tenant => Some(Tenant::parse(tenant).map_err(|_| damaged("tenant")).to(READ)?),
    };
    let content: Content = codec::json(&text(6)?)?;
    let mut registration = content.into_registration(name, tenant).ok_or_else(|| damaged("word")).to(READ)?;
    registration.request = text(7)?;
    Ok(KeptRegistration {
        id: SubscriptionId(row.get(0).to(READ)?),
        owner: text(3)?,
        created: Wall(row.get(4).to(READ)?),
        updated: Wall(row.get(5).to(READ)?),
        registration,
    })
}

/// The name of a registration, from its column.
pub(super) fn name_of(text: &str) -> Result<Name> {
    let (dialect, id) = text.split_once(':').ok_or_else(|| damaged("name")).to(READ)?;
    let dialect =
        one_of(&Dialect::ALL.map(|it| (it.as_str(), it)), dialect).ok_or_else(|| damaged("dialect")).to(READ)?;
    Name::registered(dialect, id).map_err(|_| damaged("id")).to(READ)
}

fn damaged(what: &str) -> Cause {
    Cause::Damaged(format!("it has a bad {what}"))
}

/// What a registration means, as JSON. What is as it is unless said is left out.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Content {
    callback: String,
    #[serde(skip_serializing_if = "is_false")]
    is_topic: bool,
    method: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metadata: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    within: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    joins_by_and: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    query: Vec<String>,
    /// Empty: any success.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepts: Vec<u16>,
    /// `None`: ringback's own schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<Retry>,
    linger_ms: u64,
    max_entries: usize,
    order: String,
    format: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<String>,
    lifetime: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    hub_signature: bool,
    #[serde(skip_serializing_if = "is_false")]
    hears_marked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    belongs_to: Option<String>,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Retry {
    delays_ms: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    for_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_default: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    never_after: Vec<u16>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Content {
    fn of(it: &Registration) -> Self {
        let RetrySchedule { delays_ms, retries, for_ms, is_default, never_after } = it.retry.clone();
        let retry = Retry { delays_ms, retries, for_ms, is_default, never_after };
        Self {
            callback: it.callback.clone(),
            is_topic: it.is_topic,
            method: it.method.as_str().to_owned(),
            paths: it.paths.clone(),
            metadata: it.metadata.clone(),
            within: it.within.clone(),
            joins_by_and: it.joins_by_and,
            events: it.events.iter().map(|event| event.as_str().to_owned()).collect(),
            headers: it.headers.clone(),
            query: it.query.clone(),
            accepts: match &it.accepts {
                Accepts::AnySuccess => Vec::new(),
                Accepts::Codes(codes) => codes.clone(),
            },
            retry: (it.retry != RetrySchedule::default()).then_some(retry),
            linger_ms: it.batching.linger_ms,
            max_entries: it.batching.max_entries,
            order: it.order.as_str().to_owned(),
            format: it.format.as_str().to_owned(),
            fields: it.fields.iter().map(|field| field.as_str().to_owned()).collect(),
            lifetime: it.lifetime.as_str().to_owned(),
            secret: it.secret.clone(),
            hub_signature: it.hub_signature,
            hears_marked: it.hears_marked,
            belongs_to: it.belongs_to.clone(),
        }
    }

    /// `None`: it has a word that this version does not know.
    fn into_registration(self, name: Name, tenant: Option<Tenant>) -> Option<Registration> {
        let fields = Field::ALL.map(|it| (it.as_str(), it));
        Some(Registration {
            is_topic: self.is_topic,
            paths: self.paths,
            metadata: self.metadata,
            within: self.within,
            joins_by_and: self.joins_by_and,
            events: self.events.iter().map(|event| EventName::parse(event).ok()).collect::<Option<_>>()?,
            method: one_of(&Method::ALL.map(|it| (it.as_str(), it)), &self.method)?,
            headers: self.headers,
            query: self.query,
            accepts: if self.accepts.is_empty() { Accepts::AnySuccess } else { Accepts::Codes(self.accepts) },
            retry: self.retry.map_or_else(
                RetrySchedule::default,
                |Retry { delays_ms, retries, for_ms, is_default, never_after }| RetrySchedule {
                    delays_ms,
                    retries,
                    for_ms,
                    is_default,
                    never_after,
                },
            ),
            batching: Batching { linger_ms: self.linger_ms, max_entries: self.max_entries },
            order: one_of(&Order::ALL.map(|it| (it.as_str(), it)), &self.order)?,
            format: one_of(&Format::ALL.map(|it| (it.as_str(), it)), &self.format)?,
            fields: self.fields.iter().map(|field| one_of(&fields, field)).collect::<Option<_>>()?,
            lifetime: one_of(&Lifetime::ALL.map(|it| (it.as_str(), it)), &self.lifetime)?,
            secret: self.secret,
            hub_signature: self.hub_signature,
            hears_marked: self.hears_marked,
            belongs_to: self.belongs_to,
            ..Registration::new(name, tenant, self.callback)
        })
    }
}

fn one_of<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}
