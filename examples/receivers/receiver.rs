//! A receiver of deliveries: it checks each signature, drops what has come before, and prints each entry.
//!
//! ```sh
//! SECRET=whsec_... cargo run --example receiver -- 8874
//! ```
//!
//! It needs axum, base64, hmac, serde_json, sha2 and tokio.
#![allow(clippy::disallowed_methods, reason = "an example reads the clock, the environment and its arguments")]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::{Router, body::Bytes, http::HeaderMap, http::StatusCode, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};

/// Returns whether one of the signatures is of this key, and not old.
fn is_good(key: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let is_mine = |signature: &str| {
        let digest = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        let mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("a key of any length");
        mac.chain_update(format!("{id}.{at}.")).chain_update(body).verify_slice(&digest).is_ok()
    };
    header("webhook-signature").split(' ').any(is_mine) && at.parse().is_ok_and(|at| now.abs_diff(at) < 300)
}

#[tokio::main]
async fn main() {
    let secret = std::env::var("SECRET").expect("SECRET=whsec_...");
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("whsec_ and base64");
    // Keep it where your own data is, in the same transaction, for as long as deliveries are retried.
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let receive = move |headers: HeaderMap, body: Bytes| async move {
        if !is_good(&key, &headers, &body) {
            return StatusCode::UNAUTHORIZED;
        }
        if seen.lock().expect("it does not panic").insert(headers["webhook-id"].clone()) {
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON, for it is signed");
            for entry in body["data"]["entry"].as_array().expect("a list") {
                println!("{} {}", entry["action"].as_str().unwrap_or(""), entry["path"].as_str().unwrap_or(""));
            }
        }
        StatusCode::NO_CONTENT
    };
    let port = std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("a port");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    println!("listening on {}", listener.local_addr().expect("it listens").port());
    axum::serve(listener, Router::new().fallback(post(receive))).await.expect("it serves");
}
