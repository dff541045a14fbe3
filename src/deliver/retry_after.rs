//! `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.

use std::time::UNIX_EPOCH;

use hyper::HeaderMap;
use hyper::header::RETRY_AFTER;

use crate::model::attempt::RetryAfter;
use crate::model::time::Wall;

/// The header's value; `None` where there is none, or where it is neither seconds nor a date. A number that is too
/// large for 64 bits is the largest: what is made of it is capped anyway.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(RetryAfter::Seconds(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since = date.duration_since(UNIX_EPOCH).ok()?;
    Some(RetryAfter::At(Wall(i64::try_from(since.as_millis()).ok()?)))
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::{HeaderValue, RETRY_AFTER};

    use super::retry_after;
    use crate::model::attempt::RetryAfter;
    use crate::model::time::Wall;

    #[test]
    fn both_forms_are_read_and_what_is_neither_is_passed_over() {
        let day = Wall(784_111_777_000);
        let cases: [(&str, Option<RetryAfter>); 10] = [
            ("120", Some(RetryAfter::Seconds(120))),
            (" 0 ", Some(RetryAfter::Seconds(0))),
            ("99999999999999999999999", Some(RetryAfter::Seconds(u64::MAX))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(RetryAfter::At(day))),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(RetryAfter::At(day))),
            ("Sun Nov  6 08:49:37 1994", Some(RetryAfter::At(day))),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ];
        for (text, expect) in cases {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers), expect, "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
