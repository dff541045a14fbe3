//! `POST /v1/subscriptions/{id}/test`.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::super::Call;
use super::client::Answer;
use super::ledger::A;
use super::{Served, api_on, auth, exchange, serve_api};
use crate::api::limits::TRIALS_MAX;
use crate::model::ask::{self, Ask};
use crate::model::attempt::{Attempted, Phase, Reply};
use crate::model::change::Change;
use crate::model::delivery::{Body, Mark, SendRequest};
use crate::model::ids::{DeliveryNo, NodeId};
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::principal::Role;
use crate::model::time::Wall;

fn head(name: &str) -> String {
    format!("POST /v1/subscriptions/{name}/test HTTP/1.1\r\n{}", auth(Role::SuperAdministrator))
}

/// What the engine makes of a change.
pub(super) fn made() -> SendRequest {
    let subscription = Arc::clone(super::ledger::registry().subscriptions.get(A).expect("a subscription"));
    let id = DeliveryId { node: NodeId(0xff), key: DeliveryKey::whole(DeliveryNo(9)) };
    let body = Body::json(Bytes::from_static(b"{}"));
    SendRequest { subscription, id, attempt: 1, mark: Some(Mark::Trial), at: Wall(1_000), body }
}

/// Asks for a trial, and answers as the engine would. What it was asked to tell comes back too.
async fn try_it(served: &mut Served, body: &Value) -> (Answer, Change) {
    let engine = async {
        let Call { ask, reply } = served.calls.recv().await.expect("a call");
        reply.send(ask::Answer::Trial(Box::new(made()))).expect("somebody waits");
        match ask {
            Ask::Trial { subscription, change } if subscription == A => *change,
            other => panic!("not a trial of a: {other:?}"),
        }
    };
    let (head, body) = (head("a"), body.to_string());
    tokio::join!(exchange(served.address, &head, body.as_bytes()), engine)
}

#[tokio::test]
async fn the_attempt_is_the_answer_whatever_came_of_it() {
    let replies = [
        (Reply::status_alone(204), json!({"outcome": "succeeded", "status": 204})),
        (Reply::status_alone(500), json!({"outcome": "http-error", "status": 500})),
        (
            Reply::Unreachable { phase: Phase::Connect, why: "refused".to_owned() },
            json!({"outcome": "unreachable", "phase": "connect", "answer": "refused"}),
        ),
    ];
    for (reply, expect) in replies {
        let (mut state, calls) = api_on(super::ledger::reader(), true);
        state.attempt = Arc::new(move |request| {
            assert_eq!(request.mark, Some(Mark::Trial));
            let reply = reply.clone();
            let attempted = Attempted { key: request.id.key, attempt: 1, duration_ms: 7, reply };
            Box::pin(std::future::ready(attempted))
        });
        let mut served = serve_api((state, calls)).await;
        let (answer, change) = try_it(&mut served, &json!({})).await;
        let mut expect = expect;
        expect["number"] = json!(1);
        expect["at"] = json!(Wall(1_007).to_string());
        expect["durationMs"] = json!(7);
        assert_eq!((answer.status, answer.json()), (200, expect));
        assert_eq!((change.asset.0, change.path.to_string()), (0, "/ringback-test".to_owned()));
    }
}

#[tokio::test]
async fn it_tells_of_the_asset_at_a_path_and_of_none_that_is_not_there() {
    let mut served = serve_api(api_on(super::ledger::reader(), true)).await;
    let show = format!("GET /v1/assets?id=1 HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    let asset = exchange(served.address, &show, b"").await.json();
    let (answer, change) = try_it(&mut served, &json!({"path": asset["path"]})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(json!(change.asset.0), asset["assetId"]);
    assert_eq!((json!(change.path.to_string()), json!(change.owner)), (asset["path"].clone(), asset["owner"].clone()));
    for (name, body, status, detail) in [
        ("a", json!({"path": "/acme/none"}), 422, "there is no asset"),
        ("a", json!({"path": "/nowhere"}), 422, "there is no asset"),
        ("a", json!({"file": "/acme/1"}), 422, "file"),
        ("none", json!({}), 404, "none"),
    ] {
        let answer = exchange(served.address, &head(name), body.to_string().as_bytes()).await;
        assert_eq!(answer.status, status, "{name} {body}");
        assert!(answer.text().contains(detail), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_trial_more_than_the_limit_is_refused() {
    let (mut state, calls) = api_on(super::ledger::reader(), true);
    let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, ends) = (Arc::clone(&begun), Arc::clone(&end));
    state.attempt = Arc::new(move |request| {
        let (begins, ends) = (Arc::clone(&begins), Arc::clone(&ends));
        Box::pin(async move {
            begins.notify_one();
            ends.notified().await;
            Attempted { key: request.id.key, attempt: 1, duration_ms: 7, reply: Reply::status_alone(204) }
        })
    });
    let mut served = serve_api((state, calls)).await;
    let mut under_way = Vec::new();
    for _ in 0..TRIALS_MAX {
        let address = served.address;
        under_way.push(tokio::spawn(async move { exchange(address, &head("a"), b"{}").await }));
        let Call { reply, .. } = served.calls.recv().await.expect("a call");
        reply.send(ask::Answer::Trial(Box::new(made()))).expect("somebody waits");
        begun.notified().await;
    }
    let refused = exchange(served.address, &head("a"), b"{}").await;
    assert_eq!(refused.status, 503);
    for one in under_way {
        end.notify_one();
        assert_eq!(one.await.expect("it answers").status, 200);
    }
    end.notify_one();
    let (answer, _) = try_it(&mut served, &json!({})).await;
    assert_eq!(answer.status, 200);
}
