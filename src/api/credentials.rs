//! What a request's head shows of its caller: a token, and with some a name. Whose it is, is not known here.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The cookie that carries a token.
const COOKIE: &str = "zm_cookie";

/// What a caller shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing.
    Missing,
    /// Something that cannot be credentials, or two of them.
    Unreadable,
    /// A token, and the name that it is to belong to, where one is given.
    Token {
        /// The token.
        token: Vec<u8>,
        /// The principal's name.
        name: Option<Vec<u8>>,
    },
}

/// Reads the credentials of a head: `Authorization: Bearer TOKEN` (RFC 6750), `Authorization: Basic` with a principal's
/// name and its token (RFC 7617), or a cookie. Where there is an `Authorization`, cookies do not count.
pub(super) fn of(headers: &HeaderMap) -> Shown {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (None, _) => of_cookies(headers),
        (Some(value), None) => {
            let value = value.as_bytes();
            bearer(value).or_else(|| basic(value)).unwrap_or(Shown::Unreadable)
        }
        (Some(_), Some(_)) => Shown::Unreadable,
    }
}

fn bearer(value: &[u8]) -> Option<Shown> {
    let token = after_scheme(value, b"Bearer ")?;
    Some(Shown::Token { token: token.to_vec(), name: None })
}

fn basic(value: &[u8]) -> Option<Shown> {
    let decoded = STANDARD.decode(after_scheme(value, b"Basic ")?).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (name, token) = (decoded[..colon].to_vec(), decoded[colon + 1..].to_vec());
    (!token.is_empty()).then_some(Shown::Token { token, name: Some(name) })
}

/// What follows the scheme, whose case does not matter.
fn after_scheme<'v>(value: &'v [u8], scheme: &[u8]) -> Option<&'v [u8]> {
    let (begins, rest) = value.split_at_checked(scheme.len())?;
    let rest = rest.trim_ascii();
    (begins.eq_ignore_ascii_case(scheme) && !rest.is_empty()).then_some(rest)
}

/// `Cookie: zm_cookie=TOKEN`, or `Cookie: TOKEN`. Browsers send other servers' cookies of the same host along (cookies
/// know no ports): a cookie with another name is none of ringback's.
fn of_cookies(headers: &HeaderMap) -> Shown {
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies = cookies.flat_map(|value| value.as_bytes().split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    let mut tokens = cookies.filter_map(|cookie| match cookie.iter().position(|byte| *byte == b'=') {
        Some(equals) => (&cookie[..equals] == COOKIE.as_bytes()).then(|| &cookie[equals + 1..]),
        None => (!cookie.is_empty()).then_some(cookie),
    });
    match (tokens.next(), tokens.next()) {
        (None, _) => Shown::Missing,
        (Some(token), None) => Shown::Token { token: token.to_vec(), name: None },
        (Some(_), Some(_)) => Shown::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName};

    use super::{Shown, of};

    #[test]
    fn credentials_are_read_however_they_are_shown() {
        let token = |token: &str| Shown::Token { token: token.into(), name: None };
        let named =
            |name: &str, token: &str| Shown::Token { token: token.into(), name: Some(name.as_bytes().to_vec()) };
        let cases: [(&[(&str, &str)], Shown); 21] = [
            (&[], Shown::Missing),
            (&[("authorization", "Bearer abc")], token("abc")),
            (&[("authorization", "bEARER  abc ")], token("abc")),
            (&[("authorization", "Bearer ")], Shown::Unreadable),
            (&[("authorization", "Bearer")], Shown::Unreadable),
            (&[("authorization", "abc")], Shown::Unreadable),
            (&[("authorization", "")], Shown::Unreadable),
            (&[("authorization", "Basic YW5hOmE6Yg==")], named("ana", "a:b")),
            (&[("authorization", "basic OmFi")], named("", "ab")),
            (&[("authorization", "Basic YW5hOg==")], Shown::Unreadable),
            (&[("authorization", "Basic YW5h")], Shown::Unreadable),
            (&[("authorization", "Basic %%")], Shown::Unreadable),
            (&[("authorization", "Bearer a"), ("authorization", "Bearer a")], Shown::Unreadable),
            (&[("cookie", "abc")], token("abc")),
            (&[("cookie", "zm_cookie=abc")], token("abc")),
            (&[("cookie", "theme=dark; zm_cookie=abc;")], token("abc")),
            (&[("cookie", "theme=dark"), ("cookie", "zm_cookie=a=b=")], token("a=b=")),
            (&[("cookie", "theme=dark")], Shown::Missing),
            (&[("cookie", "zm_cookie=a; zm_cookie=b")], Shown::Unreadable),
            (&[("cookie", "a; b")], Shown::Unreadable),
            (&[("cookie", "abc"), ("authorization", "Bearer def")], token("def")),
        ];
        for (given, expect) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.append(name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value"));
            }
            assert_eq!(of(&headers), expect, "{given:?}");
        }
    }
}
