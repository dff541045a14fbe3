//! What programs have registered, written and read.

use crate::model::entry::Entry;
use crate::model::event::{Dialect, EventFields, EventName};
use crate::model::format::Format;
use crate::model::ids::Seq;
use crate::model::registered::{Comparison, Filter, FilterValue, RegisteredKey, RegisteredQuery};
use crate::model::registration::{KeptRegistration, Registration};
use crate::model::retry::{Accepts, RetrySchedule};
use crate::model::scope::Scope;
use crate::model::subscription::{Batching, Field, Lifetime, Method, Name, Order};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;
use crate::store::{Ledger, Reader};

fn name(id: &str) -> Name {
    Name::registered(Dialect::Zoom, id).expect("an id")
}

fn acme() -> Tenant {
    Tenant::parse("acme").expect("a tenant")
}

/// One in which everything is said.
fn whole() -> Registration {
    Registration {
        paths: vec!["* /a b/\u{e9}".into()],
        metadata: vec!["K==\"v\"".into(), "L==*".into()],
        within: vec!["/a b".into()],
        joins_by_and: true,
        events: vec![EventName::parse("asset.added").expect("a name")],
        method: Method::Put,
        headers: vec!["Authorization: Bearer x".into()],
        query: vec!["a=b&c".into()],
        accepts: Accepts::Codes(vec![200, 202]),
        retry: RetrySchedule { retries: Some(3), for_ms: Some(9), ..RetrySchedule::of_delays(vec![1, 2]) },
        batching: Batching { linger_ms: 7, max_entries: 3 },
        order: Order::Parallel,
        format: Format::CloudEvents,
        fields: vec![Field::Size, Field::Seq],
        lifetime: Lifetime::Once,
        secret: Some("whsec_aGk=".into()),
        hub_signature: true,
        request: "{\"to the\": \"letter\"}\n".into(),
        ..Registration::new(name("whole"), Some(acme()), "https://example.com")
    }
}

fn kept(ledger: &Ledger) -> Vec<Option<KeptRegistration>> {
    let mut all = Vec::new();
    ledger.each_registration(|_, kept| all.push(kept.ok())).expect("rows");
    all
}

#[test]
fn a_registration_is_read_as_it_was_written_until_it_is_removed() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    let reader = Reader::open(temporary.path()).expect("a reader");
    let bare = Registration::new(name("bare"), None, "https://h");
    ledger.begin().expect("a group");
    let put = |it: &Registration, by: &str, at| {
        let id = ledger.enrol(it.tenant.as_ref(), it.name.as_str()).expect("a number");
        ledger.put_registration(id, it, by, Wall(at)).expect("a row");
        id
    };
    let ids = [put(&bare, "jo", 1), put(&whole(), "jo", 2)];
    ledger.commit().expect("a commit");
    let row = |id, at, registration| KeptRegistration {
        id,
        owner: "jo".into(),
        created: Wall(at),
        updated: Wall(at),
        registration,
    };
    let expect = [row(ids[0], 1, bare), row(ids[1], 2, whole())];
    assert_eq!(kept(&ledger), expect.clone().map(Some));
    let named = |scope: &Scope| reader.registrations_named(scope, &name("whole")).expect("rows");
    let (of_acme, of_other) = (Scope::of([acme()]), Scope::of([Tenant::parse("other").expect("a name")]));
    assert_eq!((named(&Scope::All), named(&of_acme)), (vec![expect[1].clone()], vec![expect[1].clone()]));
    assert_eq!(named(&of_other), [], "it is another tenant's");
    let listed = |query: RegisteredQuery| {
        let (rows, total) = reader.registrations(&query).expect("rows");
        let ids: Vec<_> = rows.iter().map(|row| row.name.id().to_owned()).collect();
        (ids.join(" "), total)
    };
    let all = RegisteredQuery::of(Dialect::Zoom, Scope::All, 10);
    assert_eq!(listed(all.clone()), ("bare whole".to_owned(), 2));
    assert_eq!(listed(RegisteredQuery { scope: of_acme, ..all.clone() }), ("whole".to_owned(), 1));
    assert_eq!(listed(RegisteredQuery { owner: Some("li".into()), ..all.clone() }), (String::new(), 0));
    let falling = RegisteredQuery { order: vec![(RegisteredKey::Created, true)], ..all.clone() };
    assert_eq!(listed(falling.clone()), ("whole bare".to_owned(), 2));
    assert_eq!(listed(RegisteredQuery { limit: 1, offset: 1, ..falling }), ("bare".to_owned(), 2));
    let later = |comparison| {
        let filter = Filter { key: RegisteredKey::Created, comparison, value: FilterValue::Number(1) };
        listed(RegisteredQuery { filters: vec![filter], ..all.clone() }).0
    };
    assert_eq!([later(Comparison::Greater), later(Comparison::AtMost)], ["whole", "bare"]);
    ledger.begin().expect("a group");
    put(&Registration { request: "again".into(), ..whole() }, "li", 3);
    ledger.remove_registration(ids[0]).expect("a row");
    ledger.commit().expect("a commit");
    assert_eq!(ledger.registered(None, &name("bare")).expect("an answer"), None);
    let owner = ledger.registered(Some(&acme()), &name("whole")).expect("an answer");
    assert_eq!(owner, Some((ids[1], "jo".into())), "it stays whose it was");
    let again = named(&Scope::All).remove(0);
    assert_eq!((again.created, again.updated, again.registration.request.as_str()), (Wall(2), Wall(3), "again"));
}

#[test]
fn the_newest_entries_are_given_up_to_a_number() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    ledger.begin().expect("a group");
    for number in 1..=4_u64 {
        let fields = EventFields::default().number("n", number);
        ledger.tell(Wall(9), "mount.online", None, fields).expect("an event");
    }
    ledger.commit().expect("a commit");
    let reader = Reader::open(temporary.path()).expect("a reader");
    let fields = |entry: &Entry| match entry {
        Entry::Event(event) => event.fields.as_json().to_owned(),
        Entry::Change(_) => String::new(),
    };
    let newest = reader.newest_entries(Seq(i64::MAX), 2).expect("entries");
    assert_eq!(newest.iter().map(|entry| fields(entry)).collect::<Vec<_>>(), [r#"{"n":4}"#, r#"{"n":3}"#]);
    assert_eq!(reader.entry(newest[1].seq()).expect("an entry").as_ref(), Some(&newest[1]));
    assert_eq!(reader.entry(Seq(newest[0].seq().0 + 1)).expect("an answer"), None);
}

#[test]
fn one_whose_row_is_damaged_leaves_the_others_readable() {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    ledger.begin().expect("a group");
    for id in ["one", "two", "three"] {
        let registration = Registration { paths: vec!["* /".into()], ..Registration::new(name(id), None, "https://h") };
        let number = ledger.enrol(None, registration.name.as_str()).expect("a number");
        ledger.put_registration(number, &registration, "jo", Wall(1)).expect("a row");
    }
    let damage = "UPDATE registrations SET content = ?1 WHERE subscription = ?2";
    for (content, id) in [("{\"format\":\"of a later version\"}", 1), ("no JSON", 3)] {
        ledger.connection.execute(damage, (content, id)).expect("damage");
    }
    ledger.commit().expect("a commit");
    let readable: Vec<_> = kept(&ledger).iter().map(Option::is_some).collect();
    assert_eq!(readable, [false, true, false]);
    let reader = Reader::open(temporary.path()).expect("a reader");
    let two = Name::registered(Dialect::Zoom, "two").expect("an id");
    assert_eq!(reader.registrations_named(&Scope::All, &two).expect("rows").len(), 1);
}
