//! The body of `POST /v1/records`: bytes to [`Record`]s. All of them are checked, so that a caller sees every fault at
//! once. What the records do is the engine's business.

use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::json;

use self::check::Faults;
use self::shape::Shape;
use super::error::{ApiError, Fault};
use super::limits::{FAULTS_MAX, RECORDS_MAX};
use super::operation::{Operation, array, closed, number, object, text};
use crate::model::counted::counted;
use crate::model::record::Record;
use crate::model::scope::Scope;

mod check;
mod event;
mod shape;

/// Of `POST /v1/records`.
pub(super) fn operation() -> Operation {
    let strings = json!({"type": "array", "items": text(), "minItems": 1});
    let values = json!({"type": "object", "additionalProperties": {"anyOf": [text(), strings]}});
    let record = closed(
        [],
        [
            ("path", text()),
            ("pathBase64", text()),
            ("assetId", json!({"type": "integer", "minimum": 1})),
            ("set", values),
            ("unset", array(text())),
            ("event", text()),
            ("tenant", text()),
            ("entity", json!({"type": "object"})),
            ("displayName", text()),
        ],
    );
    let records = json!({"type": "array", "items": record, "minItems": 1, "maxItems": RECORDS_MAX});
    let counts = [("rrn", number()), ("accepted", number()), ("applied", number()), ("kept", number())];
    Operation::new("Assigns metadata to assets, and reports events.")
        .header("Idempotency-Key", text(), "A repeat within 24 hours gets the first answer.")
        .body(records)
        .body_of("application/x-ndjson", text(), true)
        .answer(202, "It is durable.", object(counts, []))
        .refusal(409, "The Idempotency-Key came with another body.")
        .refusal(415, "The body is of another type.")
}

/// How the records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/x-ndjson`: one record a line.
    Lines,
    /// `application/json`: an array of records.
    Array,
}

impl Format {
    /// As the request's head says.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let unsupported = |detail: &str| ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
        if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(unsupported("send the body without a Content-Encoding")
                .with_header(header::ACCEPT_ENCODING, "identity"));
        }
        let given = headers.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok()).unwrap_or_default();
        let (essence, parameters) = given.split_once(';').unwrap_or((given, ""));
        let foreign = parameters.split(';').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8")
        });
        if foreign {
            return Err(unsupported("records are UTF-8"));
        }
        match essence.trim().to_ascii_lowercase().as_str() {
            "application/x-ndjson" => Ok(Self::Lines),
            "application/json" => Ok(Self::Array),
            _ => Err(unsupported("records are application/x-ndjson (one a line) or application/json (an array)")),
        }
    }
}

/// All records of a body, at least one, in its order; or everything that is wrong with them.
/// `scope`: whose events the caller may report.
pub(super) fn parse(format: Format, body: &[u8], scope: &Scope) -> Result<Vec<Record>, ApiError> {
    let mut reading = Reading { scope, read: 0, records: Vec::new(), faults: Faults::default() };
    match format {
        Format::Lines => reading.lines(body)?,
        Format::Array => reading.array(body)?,
    }
    let Reading { read, records, faults, .. } = reading;
    if faults.count > 0 {
        let listed =
            if faults.count > FAULTS_MAX { format!("; the first {FAULTS_MAX} are listed") } else { String::new() };
        let found = counted(faults.count as u64, "fault");
        let detail = format!("{found} in {read} records{listed}; nothing was recorded");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with_errors(faults.listed));
    }
    if records.is_empty() {
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "the body has no records; send at least one"));
    }
    Ok(records)
}

/// What was read so far.
struct Reading<'s> {
    scope: &'s Scope,
    read: usize,
    records: Vec<Record>,
    faults: Faults,
}

/// There are more records than [`RECORDS_MAX`].
struct TooMany;

impl Reading<'_> {
    fn take(&mut self, shape: Shape) -> Result<(), TooMany> {
        if self.read == RECORDS_MAX {
            return Err(TooMany);
        }
        let record = check::record(self.read, shape, self.scope, &mut self.faults);
        // With a fault found, nothing will be recorded: the rest is only checked.
        if self.faults.count == 0 {
            self.records.extend(record);
        } else {
            self.records = Vec::new();
        }
        self.read += 1;
        Ok(())
    }

    fn lines(&mut self, body: &[u8]) -> Result<(), ApiError> {
        for (number, line) in (1..).zip(body.split(|&b| b == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let shape = serde_json::from_slice(line).map_err(|error| self.unparseable(&error, number))?;
            self.take(shape).map_err(|TooMany| too_many())?;
        }
        Ok(())
    }

    fn array(&mut self, body: &[u8]) -> Result<(), ApiError> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let mut too_many_found = false;
        let array = Array { reading: self, too_many: &mut too_many_found };
        match array.deserialize(&mut json).and_then(|()| json.end()) {
            Ok(()) => Ok(()),
            Err(_) if too_many_found => Err(too_many()),
            Err(error) if error.classify() == Category::Data => {
                let detail = "application/json is an array of records: [{...}, {...}]";
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
            }
            Err(error) => Err(self.unparseable(&error, error.line())),
        }
    }

    fn unparseable(&self, error: &serde_json::Error, line: usize) -> ApiError {
        let text = error.to_string();
        let why = text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why);
        let detail = format!("this is not JSON, at line {line}, column {}: {why}", error.column());
        let fault = Fault { index: self.read, field: None, detail: detail.clone() };
        let detail = format!("record {}: {detail}; nothing was recorded", self.read);
        ApiError::new(StatusCode::BAD_REQUEST, detail).with_errors(vec![fault])
    }
}

fn too_many() -> ApiError {
    let detail = format!("more than {RECORDS_MAX} records; send them in parts; nothing was recorded");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Reads an array record by record, so that only one is held as JSON.
struct Array<'a, 's> {
    reading: &'a mut Reading<'s>,
    too_many: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Array<'_, '_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Array<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while let Some(shape) = records.next_element()? {
            if self.reading.take(shape).is_err() {
                *self.too_many = true;
                return Err(de::Error::custom("too many records"));
            }
        }
        Ok(())
    }
}
