//! The request of one attempt, as HTTP.

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::{Position, Url};

use super::sign;
use crate::model::attempt::{Phase, Reply};
use crate::model::delivery::{Mark, SendRequest};
use crate::model::subscription::{Method, Target};

/// The `User-Agent` of every request, unless the target's headers have one.
const AGENT: &str = concat!("ringback/", env!("CARGO_PKG_VERSION"));

/// Writes the request, signed when its subscription has a secret. The target's headers go as they are, repeats
/// included; one that names `Content-Type` or `User-Agent` stands instead of ringback's.
///
/// # Errors
/// The reply of an attempt whose URL or headers HTTP cannot carry. A checked target has none such.
pub(super) fn message(request: &SendRequest, url: &Url) -> Result<Request<Full<Bytes>>, Reply> {
    build(request, url).map_err(|fault| Reply::Unreachable {
        phase: Phase::Send,
        why: format!("the request cannot be written: {fault}"),
    })
}

fn build(request: &SendRequest, url: &Url) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let Target { method, headers, .. } = &request.subscription.target;
    let body = if *method == Method::Get { Bytes::new() } else { request.body.bytes.clone() };
    let signed = request.subscription.signing.as_ref().map(|secret| {
        let signature = sign::standard(secret, &request.id.to_string(), request.at.unix_seconds(), &body);
        (signature, request.subscription.hub_signature.then(|| sign::hub(secret, &body)))
    });
    let mut message = Request::builder()
        .method(method.as_str())
        .uri(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, host(url))
        .header("webhook-id", request.id.to_string())
        .header("webhook-timestamp", request.at.unix_seconds())
        .body(Full::new(body))?;
    let sent = message.headers_mut();
    let mark = request.mark.map(|mark| match mark {
        Mark::Replay => "ringback-replay",
        Mark::Trial => "ringback-test",
    });
    if let Some(mark) = mark {
        sent.insert(mark, HeaderValue::from_static("1"));
    }
    for (name, value) in headers {
        sent.append(HeaderName::try_from(name.as_str())?, HeaderValue::try_from(value.as_str())?);
    }
    if let Some((signature, hub)) = signed {
        sent.insert("webhook-signature", HeaderValue::try_from(signature)?);
        if let Some(hub) = hub {
            sent.insert("x-hub-signature-256", HeaderValue::try_from(hub)?);
        }
    }
    default(sent, USER_AGENT, HeaderValue::from_static(AGENT));
    if *method != Method::Get {
        default(sent, CONTENT_TYPE, HeaderValue::try_from(&*request.body.content_type)?);
    }
    Ok(message)
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}

/// The host, with the port when it is not the scheme's own (RFC 9110, section 7.2).
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
