//! What an endpoint takes and answers, said beside the endpoint, and made into its part of the OpenAPI document. The
//! schemas are JSON Schema (draft 2020-12), as OpenAPI 3.1 takes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::auth::Right;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// What a caller may ask of one endpoint, and what comes back.
#[derive(Debug)]
pub(super) struct Operation {
    summary: &'static str,
    /// Of the query and of the head.
    parameters: Vec<Value>,
    /// Bodies by media type, and whether there must be one.
    body: Option<(Map<String, Value>, bool)>,
    answers: BTreeMap<u16, Value>,
    /// How errors are written here.
    errors: (&'static str, Value),
}

impl Operation {
    pub(super) fn new(summary: &'static str) -> Self {
        let errors = (PROBLEM, problem());
        Self { summary, parameters: Vec::new(), body: None, answers: BTreeMap::new(), errors }
    }

    /// Writes its errors otherwise. To be said first.
    pub(super) fn errors_in(self, media: &'static str, schema: Value) -> Self {
        Self { errors: (media, schema), ..self }
    }

    /// Adds a field of the query. All of them may be left out.
    pub(super) fn query(mut self, name: &str, schema: Value, description: &str) -> Self {
        self.parameters.push(json!({"name": name, "in": "query", "description": description, "schema": schema}));
        self
    }

    /// Adds the fields of a page.
    pub(super) fn page(self) -> Self {
        self.limit().query("cursor", text(), "The `next` of the page before.")
    }

    /// Adds how many rows a page has.
    pub(super) fn limit(self) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": super::limits::PAGE_MAX});
        self.query("limit", limit, "Rows of a page.")
    }

    /// Adds a header. It may be left out.
    pub(super) fn header(mut self, name: &str, schema: Value, description: &str) -> Self {
        self.parameters.push(json!({"name": name, "in": "header", "description": description, "schema": schema}));
        self
    }

    /// Takes a body of JSON, which must be there.
    pub(super) fn body(self, schema: Value) -> Self {
        self.body_of(JSON, schema, true)
    }

    /// Takes a body of JSON, or none.
    pub(super) fn optional_body(self, schema: Value) -> Self {
        self.body_of(JSON, schema, false)
    }

    /// Takes a body of a media type.
    pub(super) fn body_of(mut self, media: &str, schema: Value, is_required: bool) -> Self {
        let (bodies, required) = self.body.get_or_insert_with(|| (Map::new(), false));
        *required |= is_required;
        bodies.insert(media.to_owned(), json!({"schema": schema}));
        self
    }

    /// Answers with JSON.
    pub(super) fn answer(self, status: u16, description: &str, schema: Value) -> Self {
        self.answer_of(status, description, JSON, schema)
    }

    /// Answers with another media type.
    pub(super) fn answer_of(mut self, status: u16, description: &str, media: &str, schema: Value) -> Self {
        let answer = self.answers.entry(status).or_insert_with(|| json!({"description": description, "content": {}}));
        answer["content"][media] = json!({"schema": schema});
        self
    }

    /// Refuses, for a reason of its own.
    pub(super) fn refusal(self, status: u16, description: &str) -> Self {
        let (media, schema) = self.errors.clone();
        self.answer_of(status, description, media, schema)
    }

    /// Its part of the document.
    pub(super) fn document(self, path: &str, right: Option<Right>) -> Value {
        let takes_body = self.body.is_some();
        let mut operation = self;
        for (status, description) in [
            (401, "No credentials, or unknown ones."),
            (403, "The role may not, or a page of another origin asks."),
            (429, "Too many wrong credentials from this address, or too many streams."),
            (503, "Busy, going down, or the ledger's disk refuses. Come back."),
        ] {
            // The probes ask for no credentials, and still refuse foreign pages.
            let is_refused = right.is_some() || status == 403;
            if is_refused && !operation.answers.contains_key(&status) {
                operation = operation.refusal(status, description);
            }
        }
        if takes_body {
            for (status, description) in [
                (400, "The body cannot be read, or is not JSON."),
                (408, "The body took too long."),
                (413, "The body, or a list in it, is too long."),
            ] {
                if !operation.answers.contains_key(&status) {
                    operation = operation.refusal(status, description);
                }
            }
        }
        if takes_body || !operation.parameters.is_empty() {
            operation = operation.refusal(422, "A field or a value is wrong: the detail says which.");
        }
        let mut parameters = operation.parameters;
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            parameters.push(json!({"name": name, "in": "path", "required": true, "schema": text()}));
        }
        let answers: Map<String, Value> =
            operation.answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
        let mut out = json!({"summary": operation.summary, "parameters": parameters, "responses": answers});
        if let Some((content, required)) = operation.body {
            out["requestBody"] = json!({"content": content, "required": required});
        }
        out["security"] = match right {
            Some(_) => json!([{"bearer": []}, {"basic": []}, {"cookie": []}]),
            None => json!([]),
        };
        out
    }
}

/// The schema of a refusal, by reference.
fn problem() -> Value {
    json!({"$ref": "#/components/schemas/Problem"})
}

pub(super) fn text() -> Value {
    json!({"type": "string"})
}

pub(super) fn number() -> Value {
    json!({"type": "integer"})
}

pub(super) fn flag() -> Value {
    json!({"type": "boolean"})
}

/// RFC 3339.
pub(super) fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

pub(super) fn words(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

pub(super) fn array(of: Value) -> Value {
    json!({"type": "array", "items": of})
}

/// An object in an answer: fields that are always there, and fields that may be.
pub(super) fn object<const N: usize, const M: usize>(always: [(&str, Value); N], maybe: [(&str, Value); M]) -> Value {
    let required = always.each_ref().map(|(name, _)| name.to_string());
    let fields: Map<String, Value> =
        always.into_iter().chain(maybe).map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({"type": "object", "properties": fields, "required": required.as_slice()})
}

/// An object in a body: another field than these is refused.
pub(super) fn closed<const N: usize, const M: usize>(always: [(&str, Value); N], maybe: [(&str, Value); M]) -> Value {
    let mut schema = object(always, maybe);
    schema["additionalProperties"] = json!(false);
    schema
}
