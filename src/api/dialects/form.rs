//! Bodies of fields: `application/x-www-form-urlencoded`, or a JSON object of the same fields. Nothing in a body is
//! guessed: bytes that encode no text are refused, and not replaced.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use super::super::error::{ApiError, quoted};

/// The fields of a body, each with its values in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(BTreeMap<String, Vec<String>>);

/// In which text a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`, or a media type whose suffix says that it is JSON.
    Json,
}

impl Media {
    /// As a head says; `None`: it says something else. A head that says nothing says a form, as `curl --data` does.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(value) = headers.get(header::CONTENT_TYPE) else { return Some(Self::Form) };
        let essence = value.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Some(Self::Form),
            "application/json" => Some(Self::Json),
            other if other.starts_with("application/") && other.ends_with("+json") => Some(Self::Json),
            _ => None,
        }
    }
}

/// 415.
pub(super) fn unsupported(allowed: &str) -> ApiError {
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("the body is to be {allowed}"))
}

impl Fields {
    /// Reads a form.
    pub(super) fn of_form(body: &[u8]) -> Result<Self, ApiError> {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let equals = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = equals.map_or((pair, &b""[..]), |at| (&pair[..at], &pair[at + 1..]));
            let name = decoded(name).ok_or_else(|| bad("the name of a field is not properly encoded"))?;
            let value = decoded(value).ok_or_else(|| bad(&format!("{} is not properly encoded", quoted(&name))))?;
            fields.entry(name).or_default().push(value);
        }
        Ok(Self(fields))
    }

    /// Reads a JSON object: each field has a text, a number, or a list of texts.
    pub(super) fn of_json(body: &[u8]) -> Result<Self, ApiError> {
        let value: Value =
            serde_json::from_slice(body).map_err(|error| bad(&format!("the body is not JSON: {error}")))?;
        let Value::Object(object) = value else { return Err(bad("the body must be an object")) };
        let one = |name: &str, value: Value| match value {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(wrong(name, "takes a text, a number, or a list of texts")),
        };
        let mut fields = BTreeMap::new();
        for (name, value) in object {
            let values = match value {
                Value::Array(list) => list.into_iter().map(|value| one(&name, value)).collect::<Result<_, _>>()?,
                value => vec![one(&name, value)?],
            };
            fields.insert(name, values);
        }
        Ok(Self(fields))
    }

    /// The names of all fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Takes a field that may be given several times.
    pub(super) fn all(&mut self, name: &str) -> Option<Vec<String>> {
        self.0.remove(name)
    }

    /// Takes a field that is given once.
    pub(super) fn one(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.0.remove(name).unwrap_or_default().as_mut_slice() {
            [] => Ok(None),
            [value] => Ok(Some(std::mem::take(value))),
            _ => Err(wrong(name, "is given twice, and is to be given once")),
        }
    }

    /// Takes a whole number within limits.
    pub(super) fn number(&mut self, name: &str, min: u32, max: u32) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| wrong(name, &format!("takes a whole number from {min} to {max}")))
    }

    /// Takes one of several words.
    pub(super) fn word<T>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, ApiError>
    where
        T: Copy,
    {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            wrong(name, &format!("takes {}, and not {}", words.join(", "), quoted(&text)))
        })
    }
}

/// Reads a JSON object.
pub(super) fn json_object(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let is_said = headers.contains_key(header::CONTENT_TYPE);
    if is_said && Media::of(headers) != Some(Media::Json) {
        return Err(unsupported("JSON"));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(bad("the body must be an object")),
        Err(error) => Err(bad(&format!("the body is not JSON: {error}"))),
    }
}

/// What is wrong with one field.
pub(super) fn wrong(name: &str, why: &str) -> ApiError {
    ApiError::of_field(name, format!("`{name}` {why}"))
}

fn bad(why: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, why)
}

/// The text of a form's name or value; `None`: a `%` without two digits behind it, or bytes that are not UTF-8.
fn decoded(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let (digits, after) = tail.split_at_checked(2)?;
                let digits = std::str::from_utf8(digits).ok().filter(|it| it.bytes().all(|b| b.is_ascii_hexdigit()))?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            }
            byte => out.push(*byte),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn a_form_s_fields_are_decoded_in_their_order() {
        let mut fields = Fields::of_form(b"a=1&b=x+y%26%C3%A9&a=2&&c").expect("a form");
        assert_eq!(fields.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(fields.all("a"), Some(vec!["1".to_owned(), "2".to_owned()]));
        assert_eq!(fields.one("b").expect("one"), Some("x y&\u{e9}".to_owned()));
        assert_eq!(fields.one("c").expect("one"), Some(String::new()));
        assert_eq!(fields.one("d").expect("none"), None);
    }

    #[test]
    fn what_encodes_no_text_is_refused() {
        for body in ["a=%", "a=%4", "a=%zz", "%ff=1", "a=%C3", "a=%+1"] {
            assert!(Fields::of_form(body.as_bytes()).is_err(), "{body}");
        }
        for body in ["", "{", "[]", "{\"a\":{}}", "{\"a\":[[]]}", "{\"a\":null}", "{\"a\":true}"] {
            assert!(Fields::of_json(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn json_has_the_same_fields() {
        let mut fields = Fields::of_json(br#"{"a":["1","2"],"n":7,"b":"x"}"#).expect("JSON");
        assert_eq!(fields.number("n", 0, 7).expect("a number"), Some(7));
        assert!(fields.one("a").is_err(), "it is given twice");
        assert!(fields.word("b", &[("y", 1)]).is_err_and(|error| error.detail.contains("takes y")));
    }
}
