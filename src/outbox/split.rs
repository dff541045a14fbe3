//! Splitting a frozen body in two: the entries of a batch that its target refuses, byte for byte, as two batches.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::delivery::Body;
use crate::model::format::Format;

/// The payload of the `zoom` text, as far as it has to be taken apart. Its keys are in the text's order.
#[derive(Serialize, Deserialize)]
struct Zoom<'a> {
    #[serde(borrow)]
    success: &'a RawValue,
    #[serde(borrow)]
    data: Data<'a>,
    #[serde(borrow)]
    id: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    entry: Vec<&'a RawValue>,
}

/// The first `at` entries of a body and the others, each as a body of the same kind; `None` where the body has no
/// others, or is not of a kind that holds several.
#[must_use]
pub fn split(body: &Body, at: usize) -> Option<[Body; 2]> {
    let part = |bytes: Vec<u8>| Body { bytes: Bytes::from(bytes), content_type: body.content_type.clone() };
    if body.content_type == Format::CloudEventsBatch.content_type() {
        let mut first: Vec<&RawValue> = serde_json::from_slice(&body.bytes).ok()?;
        let rest = split_off(&mut first, at)?;
        return Some([part(serde_json::to_vec(&first).ok()?), part(serde_json::to_vec(&rest).ok()?)]);
    }
    if body.content_type != Format::Zoom.content_type() {
        return None;
    }
    let mut first: Zoom<'_> = serde_json::from_slice(&body.bytes).ok()?;
    let entry = split_off(&mut first.data.entry, at)?;
    let rest = Zoom { success: first.success, data: Data { entry }, id: first.id };
    Some([part(serde_json::to_vec(&first).ok()?), part(serde_json::to_vec(&rest).ok()?)])
}

fn split_off<'a>(entries: &mut Vec<&'a RawValue>, at: usize) -> Option<Vec<&'a RawValue>> {
    (0 < at && at < entries.len()).then(|| entries.split_off(at))
}

#[cfg(test)]
mod tests {
    use super::split;
    use crate::model::delivery::Body;
    use crate::model::format::Format;

    fn body(format: Format, text: &str) -> Body {
        Body { bytes: text.to_owned().into(), content_type: format.content_type().into() }
    }

    fn texts(halves: Option<[Body; 2]>) -> Option<[String; 2]> {
        halves.map(|halves| halves.map(|half| String::from_utf8(half.bytes.to_vec()).expect("text")))
    }

    #[test]
    fn entries_keep_their_bytes_and_their_order() {
        let zoom = r#"{"success":true,"data":{"entry":[{"a":1.10,"b":"\u0041"},{"a":2},{"a":3}]},"id":"x\"y"}"#;
        let halves = [
            r#"{"success":true,"data":{"entry":[{"a":1.10,"b":"\u0041"},{"a":2}]},"id":"x\"y"}"#,
            r#"{"success":true,"data":{"entry":[{"a":3}]},"id":"x\"y"}"#,
        ];
        assert_eq!(texts(split(&body(Format::Zoom, zoom), 2)), Some(halves.map(str::to_owned)));
        let batch = body(Format::CloudEventsBatch, r#"[{"id":"1"},{"id":"2"}]"#);
        let halves = split(&batch, 1).expect("halves");
        assert!(halves.iter().all(|half| half.content_type == batch.content_type));
        assert_eq!(texts(Some(halves)), Some([r#"[{"id":"1"}]"#.to_owned(), r#"[{"id":"2"}]"#.to_owned()]));
    }

    #[test]
    fn what_holds_one_entry_is_not_split() {
        let one = r#"{"success":true,"data":{"entry":[{"a":1}]},"id":"x"}"#;
        for at in 0..3 {
            assert_eq!(split(&body(Format::Zoom, one), at), None);
        }
        assert_eq!(split(&body(Format::CloudEvents, r#"{"id":"1"}"#), 1), None);
        assert_eq!(split(&body(Format::Zoom, "no JSON"), 1), None);
    }
}
