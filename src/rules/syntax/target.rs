//! What a callback's target is made of: the URL, headers, query parameters.
//!
//! No message quotes a header's value or what stands before a URL's `@`: those may be secrets. Whether an address may
//! be called is not decided here but when it is connected to.

use std::ops::Range;

use url::{ParseError, Url};

use crate::diagnostic::{Code, TextFault};

const URL_HELP: &str = "write a whole URL, such as http://127.0.0.1:8874/hook";

/// Headers that ringback sets itself, or that say how a connection is used and would break it, in small letters.
const RESERVED: [&str; 9] =
    ["host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect"];
/// Beginnings of such headers.
const RESERVED_BEGINNINGS: [&str; 3] = ["webhook-", "ringback-", "proxy-"];

/// Reads a callback URL: http or https, with a host, without user information, fragment and port 0.
///
/// # Errors
/// What is wrong with it.
pub fn callback(text: &str) -> Result<Url, TextFault> {
    let bad = |range: Range<usize>, message: &str, help: &str| TextFault::error(Code::BadUrl, range, message, "", help);
    // Parsers drop tabs and line ends, so these are looked for before: what is checked is what was written.
    if let Some((at, c)) = text.char_indices().find(|(_, c)| c.is_control()) {
        let help = "remove it, or write it percent-encoded (a line end is %0A)";
        return Err(bad(at..at + c.len_utf8(), "the callback has a control character", help));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(bad(0..text.len(), "the callback is not a whole URL", &whole_url(text)));
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        let odd = scheme.find("http").filter(|at| *at > 0 && !scheme[..*at].contains(char::is_alphanumeric));
        return Err(match odd {
            Some(at) => bad(0..at, "something stands before the URL", "remove it"),
            None => bad(0..scheme.len(), "a callback is called by http or https", URL_HELP),
        });
    }
    let start = scheme.len() + 3;
    let authority = start..start + rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    if authority.is_empty() {
        return Err(bad(0..text.len(), "the callback names no host", URL_HELP));
    }
    if let Some(at) = text[authority.clone()].rfind('@') {
        let help = "remove it, and send it as a header instead: header = [\"Authorization: Basic ...\"]";
        return Err(bad(start..start + at + 1, "the callback has user information before the host", help));
    }
    let url = Url::parse(text).map_err(|error| {
        let host = &text[authority.clone()];
        let (message, help) = if host.matches(':').count() > 1 && !host.starts_with('[') {
            ("an IPv6 address stands in brackets".to_owned(), "such as http://[::1]:8874/hook")
        } else if error == ParseError::InvalidPort {
            let help = "write the port that the receiver listens on, such as http://127.0.0.1:8874/hook";
            ("the callback's port is no number from 1 to 65535".to_owned(), help)
        } else {
            (format!("the callback has no proper host: {error}"), URL_HELP)
        };
        bad(authority.clone(), &message, help)
    })?;
    if url.fragment().is_some() {
        let at = text.find('#').unwrap_or(start);
        let help = "remove it: a fragment is never sent; write %23 for a `#` that belongs to the path";
        return Err(bad(at..text.len(), "the callback has a fragment", help));
    }
    if url.port() == Some(0) {
        return Err(bad(authority, "the callback's port is 0", "write the port that the receiver listens on"));
    }
    Ok(url)
}

/// How a text is a URL that has no `://`. It quotes nothing: the text may hold a password.
fn whole_url(text: &str) -> String {
    let begins = |start: &str| text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    if text.starts_with('$') {
        "nothing is replaced in a callback: write the URL itself, such as http://127.0.0.1:8874/hook".into()
    } else if begins("http") {
        "write http:// or https:// at its beginning: a colon and two slashes".into()
    } else if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && !text.starts_with("unix:") {
        "write http:// or https:// before it, such as http://127.0.0.1:8874/hook".into()
    } else {
        URL_HELP.into()
    }
}

/// Points out braces in a URL.
pub fn odd_callback(text: &str, faults: &mut Vec<TextFault>) {
    let braces = text.find('{').and_then(|from| Some(from..from + text[from..].find('}')? + 1));
    if let Some(range) = braces {
        let message = "nothing is replaced in a callback: the braces are sent as they stand";
        let help = "remove them: the body says which asset it is; or write %7B and %7D for braces that are meant";
        faults.push(TextFault::error(Code::TakenLiterally, range, message, "sent as it stands", help).as_warning());
    }
}

/// Points out a query parameter that is written as in a URL.
pub fn odd_query_parameter(text: &str, faults: &mut Vec<TextFault>) {
    let encoded =
        |at: &usize| text.get(at + 1..at + 3).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let (range, message, help) = if text.starts_with(['?', '&']) {
        (0..1, "this is sent as a part of the key", "remove it")
    } else if let Some(at) = text.find('&').filter(|at| text[*at..].contains('=')) {
        (
            at..text.len(),
            "this is sent as a part of the value",
            "write each parameter as a text of its own: \"a=1\", \"b=2\"",
        )
    } else if let Some(at) = text.match_indices('%').map(|(at, _)| at).find(encoded) {
        (at..at + 3, "ringback encodes the value once more: the receiver gets this as it stands", "write it unencoded")
    } else {
        return;
    };
    faults.push(TextFault::error(Code::TakenLiterally, range, message, "taken as it stands", help).as_warning());
}

/// Reads a query parameter, `key=value`; the first `=` parts them.
///
/// # Errors
/// What is wrong with it.
pub fn query_parameter(text: &str) -> Result<(String, String), TextFault> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(TextFault::error(
            Code::BadQueryParameter,
            0..text.len(),
            "a query parameter is key=value",
            "not key=value",
            "write it unencoded, such as \"site=San Francisco\"; ringback encodes it",
        )),
    }
}

/// Reads a header, `Name: value`: a name of token characters (RFC 9110, section 5.6.2), a value of visible ASCII and
/// inner spaces, not one of ringback's own.
///
/// # Errors
/// What is wrong with it.
pub fn header(text: &str) -> Result<(String, String), TextFault> {
    let bad =
        |range: Range<usize>, message: &str, help: &str| TextFault::error(Code::BadHeader, range, message, "", help);
    let Some((name, value)) = text.split_once(':') else {
        return Err(bad(
            0..text.len(),
            "a header is Name: value",
            "write a colon after the name, such as \"X-Site: sfo\"",
        ));
    };
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        let help = "names have letters, digits and hyphens, and no space before the colon, such as \"X-Site: sfo\"";
        return Err(bad(0..name.len(), "this cannot be a header's name", help));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) || RESERVED_BEGINNINGS.iter().any(|begin| lower.starts_with(begin)) {
        let message = format!("the header `{name}` is ringback's own, to set or to leave out");
        let help = "remove it; to send the same under another name, write X- before it";
        return Err(TextFault::error(Code::ReservedHeader, 0..name.len(), message, "ringback's own", help));
    }
    let value = value.trim_matches(' ');
    if let Some((at, c)) = value.char_indices().find(|(_, c)| !matches!(c, ' '..='~')) {
        let at = text.len() - text[name.len() + 1..].trim_start_matches(' ').len() + at;
        let help = "values have visible ASCII characters and spaces between them; write others in an encoding that the receiver knows";
        let message = format!("the header `{name}` has a character that headers cannot have");
        return Err(bad(at..at + c.len_utf8(), &message, help));
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{callback, header, query_parameter};
    use crate::diagnostic::Code;

    #[test]
    fn urls_are_http_with_a_host_and_nothing_hidden() {
        for (text, expect) in [
            ("http://127.0.0.1:8874/sfo", Ok("http://127.0.0.1:8874/sfo")),
            ("HTTPS://Example.org", Ok("https://example.org/")),
            ("http://[::1]:80/a?b=c", Ok("http://[::1]/a?b=c")),
            ("http://h/a@b", Ok("http://h/a@b")),
            ("", Err(0..0)),
            ("127.0.0.1:8874/sfo", Err(0..18)),
            ("http:/host/a", Err(0..12)),
            ("ftp://host/a", Err(0..3)),
            (" http://host/a", Err(0..1)),
            ("http://", Err(0..7)),
            ("http:///a", Err(0..9)),
            ("http://?a", Err(0..9)),
            ("http://:80/", Err(7..10)),
            ("http://a b/", Err(7..10)),
            ("http://ana:pw@host/", Err(7..14)),
            ("http://@host/", Err(7..8)),
            ("http://host\\@x/", Ok("http://host/@x/")),
            ("http://host:0/", Err(7..13)),
            ("http://host:99999/", Err(7..17)),
            ("http://host/#a", Err(12..14)),
            ("http://host/#", Err(12..13)),
            ("http://host/a\nb", Err(13..14)),
            ("http://ho\tst/", Err(9..10)),
            ("http://host/\u{85}", Err(12..14)),
        ] {
            let found = callback(text).map_err(|fault| fault.range);
            assert_eq!(found.as_ref().map(url::Url::as_str), expect.as_ref().map(|url| *url), "{text}");
        }
    }

    #[test]
    fn headers_are_tokens_and_visible_ascii_and_not_ringbacks_own() {
        for (text, expect) in [
            ("X-Site: sfo", Ok(("X-Site", "sfo"))),
            ("X-Site:a: b  c ", Ok(("X-Site", "a: b  c"))),
            ("X-Empty:", Ok(("X-Empty", ""))),
            ("User-Agent: me", Ok(("User-Agent", "me"))),
            ("X-Site sfo", Err(Code::BadHeader)),
            ("X-Site : sfo", Err(Code::BadHeader)),
            (": sfo", Err(Code::BadHeader)),
            ("X-S\u{ef}te: sfo", Err(Code::BadHeader)),
            ("X-Site: caf\u{e9}", Err(Code::BadHeader)),
            ("X-Site: a\tb", Err(Code::BadHeader)),
            ("X-Site: a\r\nEvil: b", Err(Code::BadHeader)),
            ("HOST: a", Err(Code::ReservedHeader)),
            ("content-length: 1", Err(Code::ReservedHeader)),
            ("Transfer-Encoding: chunked", Err(Code::ReservedHeader)),
            ("Connection: close", Err(Code::ReservedHeader)),
            ("TE: trailers", Err(Code::ReservedHeader)),
            ("Upgrade: h2c", Err(Code::ReservedHeader)),
            ("Trailer: X-Sum", Err(Code::ReservedHeader)),
            ("Keep-Alive: timeout=5", Err(Code::ReservedHeader)),
            ("Proxy-Authorization: Basic eHl6", Err(Code::ReservedHeader)),
            ("Ringback-Replay: 1", Err(Code::ReservedHeader)),
            ("X-Webhook-Id: 1", Ok(("X-Webhook-Id", "1"))),
            ("X-Site: a\u{7f}", Err(Code::BadHeader)),
            ("X-Site: a\0b", Err(Code::BadHeader)),
            ("Expect: 100-continue", Err(Code::ReservedHeader)),
            ("Webhook-Anything: a", Err(Code::ReservedHeader)),
        ] {
            let found = header(text).map_err(|fault| fault.code);
            assert_eq!(found, expect.map(|(name, value)| (name.to_owned(), value.to_owned())), "{text}");
        }
        let place = header("X-Site:  caf\u{e9}").map_err(|fault| fault.range);
        assert_eq!(place, Err(12..14));
    }

    #[test]
    fn query_parameters_part_at_the_first_equals_sign() {
        assert_eq!(query_parameter("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(query_parameter("a="), Ok(("a".into(), String::new())));
        assert!(query_parameter("a").is_err() && query_parameter("=a").is_err());
    }
}
