//! `POST /v1/hints`: what is taken, what is refused, and what the engine is asked.

use serde_json::{Value, json};

use super::client::{Answer, exchange};
use super::{Call, LogicalPath, Role, Served, ask, auth, limits, served};
use crate::model::ask::Ask;

const HEAD: &str = "POST /v1/hints HTTP/1.1\r\n";

/// Hints at paths as the asset store, and answers as the engine would. What the engine was asked comes back too.
async fn hint(served: &mut Served, paths: Value, reply: ask::Answer) -> (Answer, Ask) {
    let head = format!("{HEAD}{}", auth(Role::Recorder));
    let engine = async {
        let Call { ask, reply: to } = served.calls.recv().await.expect("a call");
        to.send(reply).expect("somebody waits");
        ask
    };
    let body = json!({ "paths": paths }).to_string();
    tokio::join!(exchange(served.address, &head, body.as_bytes()), engine)
}

async fn refused(served: &Served, body: &str) -> Answer {
    served.ask(&format!("{HEAD}{}", auth(Role::Recorder)), body).await
}

#[tokio::test]
async fn each_path_becomes_a_hint_for_the_engine() {
    let mut served = served(true).await;
    let given = json!(["/acme/d/1", "/acme/e/", "/acme/d/1"]);
    let (answer, ask) = hint(&mut served, given, ask::Answer::Done).await;
    assert_eq!((answer.status, answer.text().as_str()), (202, r#"{"accepted":3}"#));
    let path = |text: &str| LogicalPath::parse(text.as_bytes()).expect("a path");
    assert_eq!(ask, Ask::Hints(vec![path("/acme/d/1"), path("/acme/e"), path("/acme/d/1")]));
    let (answer, _) = hint(&mut served, json!(["/acme/1"]), ask::Answer::Unavailable).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text());
}

#[tokio::test]
async fn a_path_in_no_mount_of_the_callers_is_named_by_its_index() {
    let mut served = served(true).await;
    let answer = refused(&served, r#"{"paths": ["/acme/1", "/acme2/1", 5, "acme"]}"#).await;
    assert_eq!(answer.status, 422);
    let problem = answer.json();
    assert_eq!(problem["detail"], "3 faults in 4 paths; nothing is looked at");
    assert_eq!(
        problem["errors"],
        json!([
            {"index": 1, "field": "paths", "detail": "\"/acme2/1\" lies in no mount of yours"},
            {"index": 2, "field": "paths", "detail": "a path is a string, such as \"/acme/dailies/a.mov\""},
            {"index": 3, "field": "paths", "detail": "the path is relative; it must begin with /"},
        ])
    );
    let other = "Authorization: Bearer other-recorder\r\n";
    let answer = served.ask(&format!("{HEAD}{other}"), r#"{"paths": ["/acme/1"]}"#).await;
    assert_eq!(answer.json()["errors"][0]["detail"], "\"/acme/1\" lies in no mount of yours");
    assert!(served.calls.try_recv().is_err(), "the engine is asked for nothing");
}

#[tokio::test]
async fn a_body_that_is_not_a_list_of_paths_is_refused() {
    let served = served(true).await;
    for (body, status, says) in [
        ("{", 400, "the body is not JSON"),
        ("[]", 422, "the body must be an object"),
        ("", 422, "at least one path"),
        (r#"{"paths": []}"#, 422, "at least one path"),
        (r#"{"paths": "/acme"}"#, 422, "`paths` takes a list"),
        (r#"{"paths": ["/acme"], "wait": true}"#, 422, "there is no field \\\"wait\\\""),
    ] {
        let answer = refused(&served, body).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.text().contains(says), "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_thousand_paths_pass_and_one_more_does_not() {
    let mut served = served(true).await;
    let paths = |count: usize| json!(vec!["/acme/1"; count]);
    let (answer, ask) = hint(&mut served, paths(limits::HINTED_PATHS_MAX), ask::Answer::Done).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"accepted": 1_000})));
    assert!(matches!(ask, Ask::Hints(paths) if paths.len() == limits::HINTED_PATHS_MAX));
    let answer = refused(&served, &json!({ "paths": paths(limits::HINTED_PATHS_MAX + 1) }).to_string()).await;
    assert_eq!(answer.status, 413);
    assert!(answer.text().contains("more than 1000 paths"), "{}", answer.text());
}

#[tokio::test]
async fn only_so_many_faults_are_listed_and_all_are_counted() {
    let served = served(true).await;
    let paths = |count: usize| json!({ "paths": vec!["/x"; count] }).to_string();
    for (count, detail) in [
        (limits::FAULTS_MAX, "100 faults in 100 paths; nothing is looked at"),
        (limits::FAULTS_MAX + 1, "101 faults in 101 paths; the first 100 are listed; nothing is looked at"),
    ] {
        let problem = refused(&served, &paths(count)).await.json();
        assert_eq!(problem["detail"], detail);
        assert_eq!(problem["errors"].as_array().map(Vec::len), Some(limits::FAULTS_MAX));
    }
}
