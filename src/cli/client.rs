//! A caller of a running daemon's API, for commands. One request a connection: commands make few.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The largest answer that is read.
const ANSWER_MAX: usize = 8 << 20;

/// Posts JSON, and gives the JSON of a 2xx answer.
///
/// # Errors
/// The daemon cannot be reached, or its answer is no 2xx: the answer is in the message.
pub async fn post(
    address: SocketAddr,
    token: &str,
    path: &str,
    body: &serde_json::Value,
) -> anyhow::Result<serde_json::Value> {
    send(address, token, Method::POST, path, body.to_string()).await
}

/// Gets the JSON of a 2xx answer.
///
/// # Errors
/// As [`post`].
pub async fn get(address: SocketAddr, token: &str, path: &str) -> anyhow::Result<serde_json::Value> {
    send(address, token, Method::GET, path, String::new()).await
}

async fn send(
    address: SocketAddr,
    token: &str,
    method: Method,
    path: &str,
    body: String,
) -> anyhow::Result<serde_json::Value> {
    let stream = TcpStream::connect(address).await.with_context(|| {
        format!("cannot reach ringback at {address}: is it running? Say another address with --url or --config")
    })?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, address.to_string())
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))?;
    let answer = sender.send_request(request).await.with_context(|| format!("{address} gave no answer to {path}"))?;
    let status = answer.status();
    let Ok(body) = Limited::new(answer.into_body(), ANSWER_MAX).collect().await else {
        bail!("the answer to {path} broke off");
    };
    let body = body.to_bytes();
    if !status.is_success() {
        bail!("{path} was answered {status}: {}", detail(&body));
    }
    serde_json::from_slice(&body).with_context(|| format!("the answer to {path} is no JSON"))
}

/// What a problem says (RFC 9457), or the whole answer where it is none.
fn detail(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    match problem.as_ref().and_then(|problem| problem["detail"].as_str()) {
        Some(detail) => detail.to_owned(),
        None => String::from_utf8_lossy(body).into_owned(),
    }
}
