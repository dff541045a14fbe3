//! A caller of a running daemon's API, for commands. One request a connection: commands make few.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName};
use hyper::rt::{Read, Write};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::reach::Reach;
use super::server::Server;

/// The largest answer that is read, in bytes: several times a status of a hundred mounts with the most notes. What
/// listens there may not be ringback, and must not fill the memory.
const ANSWER_MAX: usize = 8 << 20;

/// No daemon answers there. For people.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody listens, or whoever listens ends the connection.
    #[error("{0}")]
    Unreachable(String),
    /// There was none in time.
    #[error("{0}")]
    Late(String),
}

/// Posts JSON, and gives the JSON of a 2xx answer.
///
/// # Errors
/// The daemon cannot be reached, or its answer is no 2xx: the answer is in the message.
pub async fn post(reach: &Reach, path: &str, body: &serde_json::Value) -> anyhow::Result<serde_json::Value> {
    send(reach, Method::POST, path, body.to_string()).await
}

/// Gets the JSON of a 2xx answer.
///
/// # Errors
/// As [`post`].
pub async fn get(reach: &Reach, path: &str) -> anyhow::Result<serde_json::Value> {
    send(reach, Method::GET, path, String::new()).await
}

/// A path with a query of those fields that are said.
#[must_use]
pub fn query(path: &str, fields: &[(&str, Option<&str>)]) -> String {
    let said = fields.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish();
    format!("{path}?{query}")
}

/// A text as one segment of a path.
#[must_use]
pub fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Follows a stream of server-sent events: gives `each` the data of each event, until the stream ends or `each` says
/// that it is enough.
///
/// # Errors
/// As [`post`], and what `each` says.
pub async fn follow(
    reach: &Reach,
    path: &str,
    mut each: impl FnMut(&serde_json::Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let accept = (ACCEPT, "text/event-stream");
    let answer = open(reach, Method::GET, path, accept, String::new()).await?;
    if !answer.status().is_success() {
        return Err(refused(answer, path).await?);
    }
    let (mut body, mut buffer) = (answer.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        buffer.extend_from_slice(
            &frame.with_context(|| format!("the stream of {path} broke off"))?.into_data().unwrap_or_default(),
        );
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            if let Some(data) = line.strip_prefix(b"data: ") {
                each(&serde_json::from_slice(data).with_context(|| format!("the stream of {path} is not JSON"))?)?;
            }
        }
        if buffer.len() > ANSWER_MAX {
            bail!("an event of {path} is larger than {} MiB", ANSWER_MAX >> 20);
        }
    }
    Ok(())
}

async fn send(reach: &Reach, method: Method, path: &str, body: String) -> anyhow::Result<serde_json::Value> {
    let answer = open(reach, method, path, (CONTENT_TYPE, "application/json"), body).await?;
    if !answer.status().is_success() {
        return Err(refused(answer, path).await?);
    }
    let body = whole(answer, path).await?;
    serde_json::from_slice(&body).with_context(|| format!("the answer to {path} is no JSON"))
}

/// Sends a request, and gives the head of its answer.
async fn open(
    reach: &Reach,
    method: Method,
    path: &str,
    header: (HeaderName, &str),
    body: String,
) -> anyhow::Result<Response<Incoming>> {
    let opened = open_patiently(reach, method, path, header, body);
    let Some(most) = reach.timeout else { return opened.await };
    tokio::time::timeout(most, opened).await.unwrap_or_else(|_| {
        let (address, seconds) = (reach.server.address, most.as_secs_f64());
        let why = format!("{address} gave no answer to {path} within {seconds} s; --timeout waits longer");
        Err(NoAnswer::Late(why).into())
    })
}

async fn open_patiently(
    reach: &Reach,
    method: Method,
    path: &str,
    header: (HeaderName, &str),
    body: String,
) -> anyhow::Result<Response<Incoming>> {
    let Reach { server: Server { address, tls }, token, .. } = reach;
    let stream = TcpStream::connect(address).await.with_context(|| {
        NoAnswer::Unreachable(format!(
            "cannot reach ringback at {address}: is it running? Say another address with --url or --config"
        ))
    })?;
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, address.to_string())
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(header.0, header.1)
        .body(Full::new(Bytes::from(body)))?;
    let Some(tls) = tls else { return exchange(TokioIo::new(stream), *address, request).await };
    let connector = TlsConnector::from(Arc::new(tls.client_config()?));
    let stream = connector.connect(tls.name.clone(), stream).await.with_context(|| match tls.certificate_sha256 {
        Some(_) => format!("what listens at {address} does not have the certificate that the state directory names"),
        None => format!("{address} cannot be believed to be what --url names"),
    })?;
    exchange(TokioIo::new(stream), *address, request).await
}

async fn exchange(
    stream: impl Read + Write + Unpin + Send + 'static,
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Response<Incoming>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    tokio::spawn(connection);
    let path = request.uri().to_string();
    let gone = || NoAnswer::Unreachable(format!("{address} gave no answer to {path}"));
    sender.send_request(request).await.with_context(gone)
}

/// The error that an answer says.
async fn refused(answer: Response<Incoming>, path: &str) -> anyhow::Result<anyhow::Error> {
    let status = answer.status();
    let body = whole(answer, path).await?;
    Ok(anyhow!("{path} was answered {status}: {}", detail(&body)))
}

async fn whole(answer: Response<Incoming>, path: &str) -> anyhow::Result<Bytes> {
    match Limited::new(answer.into_body(), ANSWER_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            bail!("the answer to {path} is larger than {} MiB", ANSWER_MAX >> 20)
        }
        Err(_) => bail!("the answer to {path} broke off"),
    }
}

/// What a problem says (RFC 9457), or the whole answer where it is none.
fn detail(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    match problem.as_ref().and_then(|problem| problem["detail"].as_str()) {
        Some(detail) => detail.to_owned(),
        None => String::from_utf8_lossy(body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use tokio::net::TcpListener;

    use super::{ANSWER_MAX, Reach, Server, get};

    #[tokio::test]
    async fn an_answer_is_read_up_to_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        let router = Router::new()
            .route("/most", axum::routing::get(move || async move { text(ANSWER_MAX) }))
            .route("/more", axum::routing::get(move || async move { text(ANSWER_MAX + 1) }));
        let server = tokio::spawn(async { axum::serve(listener, router).await });
        let reach = Reach { server: Server { address, tls: None }, token: "t".to_owned(), timeout: None };
        let answer = get(&reach, "/most").await.expect("it is read");
        assert_eq!(answer.as_str().map(str::len), Some(ANSWER_MAX - 2));
        let error = get(&reach, "/more").await.expect_err("it is too large");
        assert_eq!(error.to_string(), "the answer to /more is larger than 8 MiB");
        server.abort();
    }
}
