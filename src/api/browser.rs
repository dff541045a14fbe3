//! Keeps foreign web pages out: a page that somebody looks at must not call ringback with their browser, neither as
//! another origin nor by a name that its owner pointed here (DNS rebinding). Callers that are no browsers pass.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};

use super::error::ApiError;

/// Refuses a browser's request unless it comes from a page that ringback itself served.
///
/// Browsers send `Origin` or `Sec-Fetch-Site` (Fetch Metadata Request Headers, W3C); nobody else has to.
pub(super) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    let origin = headers.get(header::ORIGIN);
    let site = headers.get("sec-fetch-site");
    if origin.is_none() && site.is_none() {
        return Ok(());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|host| is_own(host)) else {
        return Err(refused("a browser must call this server by an IP address or as localhost"));
    };
    // A page of ours may be served through a TLS proxy, so both schemes are ours.
    let same = |origin: &str| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
    };
    if origin.is_some_and(|origin| !origin.to_str().is_ok_and(same)) {
        return Err(refused("pages of another origin may not call this server"));
    }
    if site.is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")) {
        return Err(refused("pages of another site may not call this server"));
    }
    Ok(())
}

/// Whether a `Host` is one that only this server can have: an address, or localhost. Any other name may be anybody's.
fn is_own(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<std::net::IpAddr>().is_ok()
}

fn refused(detail: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, detail)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName};

    #[test]
    fn only_pages_of_our_own_pass() {
        let cases: [(&[(&str, &str)], bool); 14] = [
            (&[], true),
            (&[("host", "media.example")], true),
            (&[("host", "127.0.0.1:8873"), ("origin", "http://127.0.0.1:8873")], true),
            (&[("host", "localhost:8873"), ("origin", "https://LocalHost:8873")], true),
            (&[("host", "[::1]:8873"), ("origin", "http://[::1]:8873"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "127.0.0.1:8873"), ("sec-fetch-site", "none")], true),
            (&[("host", "127.0.0.1:8873"), ("origin", "http://127.0.0.1:9000")], false),
            (&[("host", "127.0.0.1:8873"), ("origin", "http://evil.example")], false),
            (&[("host", "127.0.0.1:8873"), ("origin", "null")], false),
            (&[("host", "127.0.0.1:8873"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "127.0.0.1:8873"), ("sec-fetch-site", "same-site")], false),
            (&[("host", "evil.example:8873"), ("origin", "http://evil.example:8873")], false),
            (&[("host", "evil.example:8873"), ("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "same-origin")], false),
        ];
        for (given, passes) in cases {
            let headers: HeaderMap = given
                .iter()
                .map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value")))
                .collect();
            assert_eq!(super::check(&headers).is_ok(), passes, "{given:?}");
        }
    }
}
