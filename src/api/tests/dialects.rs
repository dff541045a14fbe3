//! The dialects' limits. What they take, answer and send is in `fixtures/dialects`, which `tests/it` runs.

use serde_json::json;

use super::{Role, auth, limits, served};
use crate::api::limits::EQP_CALLBACKS_MAX;
use crate::model::mage_id::MageId;

#[tokio::test]
async fn a_body_that_registers_is_taken_up_to_the_limit() {
    let served = served(true).await;
    let head = "POST /review/api/events/assets/subscribe/an-id-to-try HTTP/1.1\r\n";
    let head = format!("{head}{}", auth(Role::NetworkAdministrator));
    for (length, status, said) in [
        (limits::REGISTRATION_BYTES_MAX, 200, "`callback` is missing"),
        (limits::REGISTRATION_BYTES_MAX + 1, 413, "over the limit of 65536 bytes"),
    ] {
        let body = format!("watchPath={}", "a".repeat(length - "watchPath=".len()));
        let answer = served.ask(&head, &body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.json()["success"], false);
        assert!(answer.json()["error"].as_str().is_some_and(|error| error.contains(said)), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_user_of_eqp_has_callbacks_up_to_the_limit() {
    let served = served(true).await;
    let name = Role::NetworkAdministrator.as_str();
    let head = format!("PUT /rest/v1/users/{} HTTP/1.1\r\nContent-Type: application/json\r\n", MageId::of(name));
    let head = format!("{head}{}", auth(Role::NetworkAdministrator));
    // Each of them is wrong, which is looked at once there are not too many.
    for (count, said) in [(EQP_CALLBACKS_MAX, "api_callbacks[0].url"), (EQP_CALLBACKS_MAX + 1, "at most 100 callbacks")]
    {
        let answer = served.ask(&head, &json!({"api_callbacks": vec![json!({}); count]}).to_string()).await;
        assert_eq!((answer.status, answer.json()["code"].as_u64()), (422, Some(422)));
        assert!(answer.json()["message"].as_str().is_some_and(|text| text.contains(said)), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_page_of_compendium_has_callbacks_up_to_the_limit() {
    let served = served(true).await;
    for (count, status) in [(1_000, 200), (1_001, 400), (0, 400)] {
        let head = format!("GET /app/callbacks?Count={count} HTTP/1.1\r\n{}", auth(Role::Reader));
        assert_eq!(served.ask(&head, "").await.status, status, "{count}");
    }
}
