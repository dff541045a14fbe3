//! `POST /v1/records`: what is taken, and what is wrong with what is not.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    AssetId, LogicalPath, Record, RecordsAnswer, RecordsRequest, Role, Rrn, Subject, auth, limits, post_records, served,
};
use crate::model::ask::Answer;
use crate::model::record::Assignment;

const LINES: &str = "application/x-ndjson";
const ARRAY: &str = "application/json";

fn at(path: &[u8], set: &[(&str, &[&str])], unset: &[&str]) -> Record {
    let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    Record::Assignment(Assignment {
        subject: Subject::Path(LogicalPath::parse(path).expect("a path")),
        set: set.iter().map(|(key, list)| ((*key).to_owned(), values(list))).collect(),
        unset: values(unset),
    })
}

#[tokio::test]
async fn what_is_right_reaches_the_engine_as_it_was_meant() {
    let mut served = served(true).await;
    let subject = Subject::Asset(AssetId(7));
    let number = Record::Assignment(Assignment { subject, set: Vec::new(), unset: vec!["Rating".to_owned()] });
    let cases: [(&str, &str, Vec<Record>); 8] = [
        (
            ARRAY,
            r#"[{"path": "/acme//a.jpg/", "set": {"City": "SFO"}}]"#,
            vec![at(b"/acme/a.jpg", &[("City", &["SFO"])], &[])],
        ),
        (
            LINES,
            "{\"path\":\"/a\",\"set\":{\"K\":[\"b\",\"a\"],\"E\":\"\"}}\r\n\n {\"assetId\":7,\"unset\":[\"Rating\",\"Rating\"]}",
            vec![at(b"/a", &[("K", &["b", "a"]), ("E", &[""])], &[]), number.clone()],
        ),
        (ARRAY, r#"[{"assetId": 7, "set": {}, "unset": ["Rating"]}]"#, vec![number]),
        (ARRAY, r#"[{"path": "/a", "set": {"A": "1"}, "unset": ["B"]}]"#, vec![at(b"/a", &[("A", &["1"])], &["B"])]),
        ("application/json; charset=\"UTF-8\"", r#"[{"path": "/a", "unset": ["B"]}]"#, vec![at(b"/a", &[], &["B"])]),
        // Keys and values are normalised, paths are bytes and are not.
        (
            ARRAY,
            "[{\"path\": \"/e\u{301}\", \"set\": {\"e\u{301}\": \"e\u{301}\"}, \"unset\": [\"o\u{308}\"]}]",
            vec![at("/e\u{301}".as_bytes(), &[("\u{e9}", &["\u{e9}"])], &["\u{f6}"])],
        ),
        (ARRAY, r#"[{"pathBase64": "L2NhZukuanBn", "unset": ["B"]}]"#, vec![at(b"/caf\xe9.jpg", &[], &["B"])]),
        (ARRAY, r#"[{"path": "/a\tb\u0041", "unset": ["B"]}]"#, vec![at(b"/a\tbA", &[], &["B"])]),
    ];
    for (content_type, body, records) in cases {
        let accepted = RecordsAnswer::Accepted { rrn: Rrn(13), accepted: records.len() as u64, applied: 1, events: 0 };
        let accepted = Answer::Records(accepted);
        let expect = format!(r#"{{"accepted":{},"applied":1,"kept":{},"rrn":13}}"#, records.len(), records.len() - 1);
        let (answer, asked) = served.ask_engine(&post_records(content_type), body, accepted).await;
        assert_eq!((answer.status, answer.text()), (202, expect), "{body}");
        assert_eq!(asked, RecordsRequest { records, scope: super::tenants::acme(), idempotency: None }, "{body}");
    }
}

#[tokio::test]
async fn a_fault_is_named_with_its_record_and_field() {
    let served = served(true).await;
    // The record (the second of two), then each fault: its field, and what its detail says.
    let cases: [(&str, &[(&str, &str)]); 31] = [
        (r#"[]"#, &[("", "a record is an object, not a list")]),
        (r#"{}"#, &[("path", "exactly one of"), ("set", "")]),
        (r#"{"path":"/a"}"#, &[("set", "at least one key in `set` or `unset`")]),
        (r#"{"path":"/a","set":{},"unset":[]}"#, &[("set", "at least one key")]),
        (r#"{"set":{"A":"1"}}"#, &[("path", "exactly one of")]),
        (r#"{"path":"/a","assetId":1,"set":{"A":"1"}}"#, &[("assetId", "exactly one of")]),
        (r#"{"path":"/a","pathBase64":"L2E=","set":{"A":"1"}}"#, &[("assetId", "exactly one of")]),
        (r#"{"path":"a","set":{"A":"1"}}"#, &[("path", "the path is relative; it must begin with /")]),
        (r#"{"path":"","set":{"A":"1"}}"#, &[("path", "the path is empty")]),
        (r#"{"path":"/a/../b","set":{"A":"1"}}"#, &[("path", "`..`")]),
        (r#"{"path":"/a\u0000","set":{"A":"1"}}"#, &[("path", "NUL")]),
        (r#"{"path":"/","set":{"A":"1"}}"#, &[("path", "`/` is no asset")]),
        (r#"{"path":7,"set":{"A":"1"}}"#, &[("path", "must be a string, not a number")]),
        (r#"{"pathBase64":"?","set":{"A":"1"}}"#, &[("pathBase64", "base64")]),
        (r#"{"assetId":"7","set":{"A":"1"}}"#, &[("assetId", "must be a number, not a string")]),
        (r#"{"assetId":0,"set":{"A":"1"}}"#, &[("assetId", "positive whole number, not 0")]),
        (r#"{"assetId":1.5,"set":{"A":"1"}}"#, &[("assetId", "not 1.5")]),
        (r#"{"assetId":9223372036854775808,"set":{"A":"1"}}"#, &[("assetId", "positive")]),
        (r#"{"path":"/a","set":{"A":4}}"#, &[("set", r#""A" has a number; values are strings: write "4""#)]),
        (r#"{"path":"/a","set":{"A":["x",true]}}"#, &[("set", r#"write "true""#)]),
        (r#"{"path":"/a","set":{"A":null}}"#, &[("set", "name it in `unset`")]),
        (r#"{"path":"/a","set":{"A":[]}}"#, &[("set", "empty list")]),
        (r#"{"path":"/a","set":{"A":{"de":"x"}}}"#, &[("set", "a string or a list of strings")]),
        (r#"{"path":"/a","set":{"":"x"}}"#, &[("set", "a key is not empty")]),
        (r#"{"path":"/a","set":{"A":"1","A":"2"}}"#, &[("set", r#"the key "A" is given twice"#)]),
        (r#"{"path":"/a","set":["A"]}"#, &[("set", "must be an object")]),
        (r#"{"path":"/a","unset":"A"}"#, &[("unset", "must be a list of keys, not a string")]),
        (
            r#"{"path":"/a","unset":["A",""],"set":{"A":"1"}}"#,
            &[("unset", "not empty"), ("unset", r#""A" is in `set` too"#)],
        ),
        (r#"{"pth":"/a","set":{"A":"1"}}"#, &[("pth", "did you mean `path`?"), ("path", "exactly one of")]),
        (
            r#"{"path":"/a","asset_id":1,"color":"red","set":{"A":"1"}}"#,
            &[("asset_id", "`assetId`"), ("color", "a record has `path`")],
        ),
        (r#"{"path":"/a","path":"/b","set":{"A":"1"}}"#, &[("path", "given twice")]),
    ];
    for (record, faults) in cases {
        let body = format!("[{{\"path\":\"/ok\",\"unset\":[\"A\"]}},{record}]");
        let answer = served.ask(&post_records(ARRAY), &body).await;
        assert_eq!(answer.status, 422, "{record}: {}", answer.text());
        let problem = answer.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let faults: Vec<_> = faults.iter().filter(|(_, says)| !says.is_empty()).collect();
        assert_eq!(errors.len(), faults.len(), "{record}: {errors:?}");
        for (error, (field, says)) in errors.iter().zip(faults) {
            let field = if field.is_empty() { Value::Null } else { json!(field) };
            assert_eq!((&error["index"], &error["field"]), (&json!(1), &field), "{record}: {error}");
            assert!(error["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{record}: {error}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_parsed_is_400_with_its_place() {
    let served = served(true).await;
    let cases = [
        (ARRAY, "", 0, "line 1, column 0"),
        (ARRAY, "[{\"path\":\n  nil}]", 0, "line 2, column 4"),
        (ARRAY, "[{\"path\":\"/a\",\"unset\":[\"A\"]} {}]", 1, "line 1, column 30"),
        (ARRAY, "[] []", 0, "trailing characters"),
        (LINES, "{\"path\":\"/a\",\"unset\":[\"A\"]}\n\n{\"path\":}\n", 1, "line 3, column 9"),
        (LINES, "{\"path\":\"/a\"} {}", 0, "trailing characters"),
        (LINES, "{\"path\":\"\\ud800\"}", 0, "line 1"),
    ];
    for (content_type, body, index, says) in cases {
        let answer = served.ask(&post_records(content_type), body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["index"], index, "{body}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{body}: {problem}");
    }
}

#[tokio::test]
async fn a_body_without_records_or_of_another_shape_is_422() {
    let served = served(true).await;
    let cases = [
        (ARRAY, "[]", "no records"),
        (LINES, "\n \n", "no records"),
        (ARRAY, r#"{"path":"/a","unset":["A"]}"#, "array of records"),
        (ARRAY, "7", "array of records"),
        (LINES, r#"[{"path":"/a","unset":["A"]}]"#, "1 fault in 1 records"),
    ];
    for (content_type, body, says) in cases {
        let answer = served.ask(&post_records(content_type), body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        let problem = answer.json();
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{body}: {problem}");
    }
}

#[tokio::test]
async fn other_types_are_415() {
    let served = served(true).await;
    let cases = [
        "text/plain",
        "application/jsonl",
        "application/json; charset=latin1",
        "application/json\r\nContent-Encoding: gzip",
    ];
    for content_type in cases {
        let answer = served.ask(&post_records(content_type), "[]").await;
        assert_eq!(answer.status, 415, "{content_type}: {}", answer.text());
    }
}

#[tokio::test]
async fn ten_thousand_records_pass_and_one_more_does_not() {
    let mut served = served(true).await;
    let line = "{\"path\":\"/a\",\"unset\":[\"A\"]}\n";
    let most = line.repeat(limits::RECORDS_MAX);
    let accepted = Answer::Records(RecordsAnswer::Accepted { rrn: Rrn(1), accepted: 10_000, applied: 0, events: 0 });
    let (answer, asked) = served.ask_engine(&post_records(LINES), &most, accepted).await;
    assert_eq!((answer.status, asked.records.len()), (202, limits::RECORDS_MAX));
    let list = |count: usize| format!("[{}]", vec![line.trim_end(); count].join(","));
    for (content_type, body) in [(LINES, format!("{most}{line}")), (ARRAY, list(limits::RECORDS_MAX + 1))] {
        let answer = served.ask(&post_records(content_type), &body).await;
        assert_eq!(answer.status, 413, "{content_type}: {}", answer.text());
        assert!(answer.text().contains("10000 records"), "{}", answer.text());
    }
}

#[tokio::test]
async fn only_so_many_faults_are_listed_and_all_are_counted() {
    let served = served(true).await;
    let answer = served.ask(&post_records(LINES), &"{}\n".repeat(limits::FAULTS_MAX)).await;
    let problem = answer.json();
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(limits::FAULTS_MAX));
    assert_eq!(problem["detail"], "100 faults in 100 records; nothing was recorded");
    let answer = served.ask(&post_records(LINES), &"{}\n".repeat(250)).await;
    let problem = answer.json();
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(limits::FAULTS_MAX));
    assert_eq!(problem["detail"], "250 faults in 250 records; the first 100 are listed; nothing was recorded");
}

#[tokio::test]
async fn the_engines_refusals_have_their_status() {
    let mut served = served(true).await;
    let body = r#"[{"path":"/a","unset":["A"]},{"assetId":9,"unset":["A"]}]"#;
    let fault = json!([{"index": 1, "field": "assetId", "detail": "no asset has this number"}]);
    let cases = [
        (Answer::Records(RecordsAnswer::UnknownAsset { index: 1 }), 422, fault, None),
        (Answer::Records(RecordsAnswer::KeyReused), 409, Value::Null, None),
        (Answer::Unavailable, 503, Value::Null, Some("1")),
    ];
    for (reply, status, errors, retry_after) in cases {
        let (answer, _) = served.ask_engine(&post_records(ARRAY), body, reply).await;
        assert_eq!((answer.status, &answer.json()["errors"]), (status, &errors));
        assert_eq!(answer.header("retry-after"), retry_after);
    }
}

#[tokio::test]
async fn an_idempotency_key_is_told_apart_by_its_caller() {
    let mut served = served(true).await;
    let body = r#"[{"path":"/a","unset":["A"]}]"#;
    let accepted = Answer::Records(RecordsAnswer::Accepted { rrn: Rrn(1), accepted: 1, applied: 1, events: 0 });
    for role in [Role::Recorder, Role::SuperAdministrator] {
        let head =
            format!("POST /v1/records HTTP/1.1\r\nContent-Type: {ARRAY}\r\nIdempotency-Key: build/7\r\n{}", auth(role));
        let (_, asked) = served.ask_engine(&head, body, accepted.clone()).await;
        let idempotency = asked.idempotency.expect("a key");
        assert_eq!(idempotency.key, format!("{} build/7", role.as_str()));
        assert_eq!(idempotency.body_sha256[..], Sha256::digest(body)[..]);
    }
    let longest = "k".repeat(limits::IDEMPOTENCY_KEY_MAX);
    let head = format!("{}Idempotency-Key: {longest}\r\n", post_records(ARRAY));
    let (_, asked) = served.ask_engine(&head, body, accepted).await;
    assert_eq!(asked.idempotency.map(|idempotency| idempotency.key), Some(format!("recorder {longest}")));
    let long = format!("{longest}k");
    for key in ["", "two words", "k\u{e9}y", &long, "a\r\nIdempotency-Key: b"] {
        let answer = served.ask(&format!("{}Idempotency-Key: {key}\r\n", post_records(ARRAY)), body).await;
        assert_eq!(answer.status, 400, "{key:?}: {}", answer.text());
    }
}
