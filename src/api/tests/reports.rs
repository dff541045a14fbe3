//! `POST /v1/records`: events that the store reports, and what is wrong with those that are not taken.

use serde_json::{Value, json};

use super::{Record, RecordsAnswer, RecordsRequest, Role, Rrn, auth, limits, post_records, served};
use crate::model::ask::Answer;
use crate::model::event::{EventFields, EventName};
use crate::model::record::Report;
use crate::model::scope::Scope;
use crate::model::tenant::Tenant;

const ARRAY: &str = "application/json";

fn report(event: &str, tenant: Option<&str>, entity: &str, display_name: Option<&str>) -> Record {
    Record::Report(Report {
        event: EventName::parse(event).expect("a name"),
        tenant: tenant.map(|name| Tenant::parse(name).expect("a name")),
        entity: EventFields::of_object(entity.to_owned()),
        display_name: display_name.map(str::to_owned),
    })
}

fn accepted(events: u64) -> Answer {
    Answer::Records(RecordsAnswer::Accepted { rrn: Rrn(13), accepted: events, applied: 0, events })
}

#[tokio::test]
async fn a_reported_event_reaches_the_engine_as_it_was_given() {
    let mut served = served(true).await;
    let body = r#"[{"event": "build.created", "tenant": "acme", "displayName": "Build 7",
                    "entity": {"z": {"b": [1, 2.5, null, true]}, "a": "\u00e9\"", "n": 9007199254740993}}]"#;
    let entity = r#"{"z":{"b":[1,2.5,null,true]},"a":"é\"","n":9007199254740993}"#;
    let records = vec![report("build.created", Some("acme"), entity, Some("Build 7"))];
    let (answer, asked) = served.ask_engine(&post_records(ARRAY), body, accepted(1)).await;
    assert_eq!((answer.status, answer.text()), (202, r#"{"accepted":1,"applied":0,"kept":0,"rrn":13}"#.to_owned()));
    assert_eq!(asked, RecordsRequest { records, scope: super::tenants::acme(), idempotency: None });
    // A super-administrator may leave the tenant out, and name any.
    let head = format!("POST /v1/records HTTP/1.1\r\nContent-Type: {ARRAY}\r\n{}", auth(Role::SuperAdministrator));
    let body = r#"[{"event": "a", "entity": {}}, {"event": "a", "tenant": "other", "entity": {}}]"#;
    let (_, asked) = served.ask_engine(&head, body, accepted(2)).await;
    let records = vec![report("a", None, "{}", None), report("a", Some("other"), "{}", None)];
    assert_eq!(asked, RecordsRequest { records, scope: Scope::All, idempotency: None });
}

#[tokio::test]
async fn a_fault_of_a_reported_event_is_named_with_its_record_and_field() {
    let served = served(true).await;
    let cases = [
        (r#"{"event":7,"tenant":"acme","entity":{}}"#, "event", "must be a string, not a number"),
        (r#"{"event":"two words","tenant":"acme","entity":{}}"#, "event", "1 to 64 letters"),
        (r#"{"event":"a","event":"b","tenant":"acme","entity":{}}"#, "event", "given twice"),
        (r#"{"event":"a","entity":{}}"#, "tenant", "name one of your tenants"),
        (r#"{"event":"a","tenant":"other","entity":{}}"#, "tenant", "none of your tenants"),
        (r#"{"event":"a","tenant":"two words","entity":{}}"#, "tenant", "1 to 64 letters"),
        (r#"{"event":"a","tenant":"acme"}"#, "entity", "an object: its payload"),
        (r#"{"event":"a","tenant":"acme","entity":[]}"#, "entity", "must be an object, not a list"),
        (r#"{"event":"a","tenant":"acme","entity":{"b":{"k":1,"k":2}}}"#, "entity", r#"the key "k" is given twice"#),
        (r#"{"event":"a","tenant":"acme","entity":{},"displayName":1}"#, "displayName", "must be a string"),
        (r#"{"event":"a","tenant":"acme","entity":{},"set":{}}"#, "set", "of metadata"),
        (r#"{"event":"a","tenant":"acme","entity":{},"entty":{}}"#, "entty", "did you mean `entity`?"),
        (r#"{"path":"/a","unset":["A"],"tenant":"acme"}"#, "tenant", "for a reported event"),
    ];
    for (record, field, says) in cases {
        let body = format!("[{{\"path\":\"/ok\",\"unset\":[\"A\"]}},{record}]");
        let answer = served.ask(&post_records(ARRAY), &body).await;
        assert_eq!(answer.status, 422, "{record}: {}", answer.text());
        let errors = answer.json()["errors"].clone();
        let [error] = &errors.as_array().expect("a list")[..] else { panic!("{record}: {errors}") };
        assert_eq!((&error["index"], &error["field"]), (&json!(1), &json!(field)), "{record}: {error}");
        assert!(error["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{record}: {error}");
    }
}

#[tokio::test]
async fn what_a_reported_event_holds_has_limits() {
    let mut served = served(true).await;
    let of = |bytes: usize, characters: usize| {
        let (text, name) = ("x".repeat(bytes - r#"{"k":""}"#.len()), "é".repeat(characters));
        json!([{"event": "a", "tenant": "acme", "entity": {"k": text}, "displayName": name}]).to_string()
    };
    let (bytes, characters) = (limits::ENTITY_BYTES_MAX, limits::DISPLAY_NAME_CHARS_MAX);
    let (answer, _) = served.ask_engine(&post_records(ARRAY), &of(bytes, characters), accepted(1)).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    for (body, field) in [(of(bytes + 1, characters), "entity"), (of(bytes, characters + 1), "displayName")] {
        let answer = served.ask(&post_records(ARRAY), &body).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (422, &json!(field)));
    }
}

#[tokio::test]
async fn the_engines_refusals_of_events_name_index_and_field() {
    let mut served = served(true).await;
    let body = r#"[{"path":"/a","unset":["A"]},{"event":"a","tenant":"acme","entity":{}}]"#;
    for (refused, field) in
        [(RecordsAnswer::UnknownEvent { index: 1 }, "event"), (RecordsAnswer::EventOfAnother { index: 1 }, "tenant")]
    {
        let (answer, _) = served.ask_engine(&post_records(ARRAY), body, Answer::Records(refused)).await;
        let error: &Value = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["index"], &error["field"]), (422, &json!(1), &json!(field)));
    }
}
