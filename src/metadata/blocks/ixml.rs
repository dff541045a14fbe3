//! iXML, the XML that sound recorders write into WAV (iXML Specification 3.01, Gallery SoftWare and others).
//!
//! Each element with text is a tag, whose name is the path of its elements below the root: `SPEED/NOTE` is `SpeedNote`.
//! Elements that occur several times (one for each track) are a sequence. Knows no element by itself.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::Part;
use crate::metadata::limits::{KEYS_MAX, VALUE_BYTES_MAX, XML_DEPTH_MAX, XML_NODES_MAX};
use crate::metadata::tag::{Family, Tag, TagValue, Text};
use crate::metadata::text;

const GROUP: Text = Cow::Borrowed("iXML");

/// An element that is open.
struct Element {
    /// How long the name of its parent is.
    parent_bytes: usize,
    /// Its text so far.
    text: String,
    has_elements: bool,
}

/// Reads the document.
///
/// # Errors
/// When it is not well formed, or larger than allowed.
pub fn read(block: &[u8], budget: &Budget) -> Part {
    // Recorders reserve space behind the document.
    let end = block.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let block = block.get(..end).unwrap_or_default();
    let block = block.strip_prefix(b"\xef\xbb\xbf").unwrap_or(block);
    let mut reader = Reader::from_reader(block);
    reader.config_mut().expand_empty_elements = true;
    let (mut tags, mut open, mut name, mut nodes) = (Vec::new(), Vec::<Element>::new(), String::new(), 0_usize);
    loop {
        budget.step()?;
        match reader.read_event().map_err(damaged)? {
            Event::Start(start) => {
                nodes += 1;
                if nodes > XML_NODES_MAX {
                    return Err(Fault::limit(
                        "XML has more elements than allowed",
                        format!("{XML_NODES_MAX} elements"),
                    ));
                }
                if open.len() >= XML_DEPTH_MAX {
                    return Err(Fault::limit("XML nests deeper than allowed", format!("{XML_DEPTH_MAX} elements")));
                }
                let parent_bytes = name.len();
                if let Some(parent) = open.last_mut() {
                    parent.has_elements = true;
                    push_camel(&mut name, &text::guessed(start.local_name().as_ref()));
                }
                open.push(Element { parent_bytes, text: String::new(), has_elements: false });
            }
            Event::Text(text) => push(&mut open, &decoded(&text)),
            Event::CData(text) => push(&mut open, &decoded(&text)),
            Event::GeneralRef(reference) => push(&mut open, &resolved(&reference)?),
            Event::End(_) => {
                let Some(element) = open.pop() else { break };
                if !element.has_elements && !open.is_empty() {
                    add(&mut tags, &name, &element.text)?;
                }
                name.truncate(element.parent_bytes);
                if open.is_empty() {
                    break;
                }
            }
            Event::Eof if open.is_empty() => break,
            Event::Eof => return Err(Fault::damaged("iXML", "it ends within an element")),
            _ => {}
        }
    }
    Ok(tags)
}

/// Bytes as UTF-8, with what is not valid replaced: white space is kept until the text is whole.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn damaged(error: impl ToString) -> Fault {
    Fault::damaged("iXML", error.to_string())
}

/// Adds text to the innermost element; one that gets too long is dropped with its tag.
fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut()
        && element.text.len() <= VALUE_BYTES_MAX
    {
        element.text.push_str(text);
    }
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, Fault> {
    if let Some(character) = reference.resolve_char_ref().map_err(damaged)? {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(damaged)?;
    let known = quick_xml::escape::resolve_predefined_entity(&name);
    known.map(str::to_owned).ok_or_else(|| Fault::damaged("iXML", format!("the entity {name} is not declared")))
}

/// Adds a name as one word: `FILE_UID` is `FileUid`.
fn push_camel(name: &mut String, element: &str) {
    let is_shouted = !element.bytes().any(|byte| byte.is_ascii_lowercase());
    let mut is_first = true;
    for character in element.chars() {
        if !character.is_alphanumeric() {
            is_first = true;
        } else if std::mem::take(&mut is_first) {
            name.extend(character.to_uppercase());
        } else if is_shouted {
            name.extend(character.to_lowercase());
        } else {
            name.push(character);
        }
    }
}

fn add(tags: &mut Vec<Tag>, name: &str, value: &str) -> Result<(), Fault> {
    if value.len() > VALUE_BYTES_MAX || name.is_empty() {
        return Ok(());
    }
    let value = text::clean(value);
    if let Some(tag) = tags.iter_mut().find(|tag| tag.name == name) {
        match &mut tag.value {
            TagValue::Seq(values) => values.push(TagValue::Text(value)),
            other => *other = TagValue::Seq(vec![other.clone(), TagValue::Text(value)]),
        }
        return Ok(());
    }
    if tags.len() >= KEYS_MAX {
        return Err(Fault::limit("iXML has more keys than allowed", format!("{KEYS_MAX} keys")));
    }
    tags.push(Tag::text(Family::Riff, GROUP, name.to_owned(), value));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{KEYS_MAX, VALUE_BYTES_MAX, XML_DEPTH_MAX, XML_NODES_MAX, read};
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;
    use crate::metadata::tag::TagValue;

    fn text(text: &str) -> TagValue {
        TagValue::Text(text.to_owned())
    }

    #[test]
    fn elements_are_tags_by_their_paths() {
        let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BWFXML>\n<PROJECT>A &amp; B &#228;</PROJECT><NOTE/>\
            <SPEED><MASTER_SPEED>24/1</MASTER_SPEED></SPEED><TRACK_LIST><TRACK><NAME>Boom</NAME></TRACK>\
            <TRACK><NAME><![CDATA[<L>]]></NAME></TRACK></TRACK_LIST><Scene> 12A </Scene></BWFXML>\0\0\0";
        let tags = read(xml.as_bytes(), &Budget::endless()).expect("tags");
        let found: Vec<_> = tags.iter().map(|tag| (&*tag.group, &*tag.name, tag.value.clone())).collect();
        let expect = [
            ("iXML", "Project", text("A & B \u{e4}")),
            ("iXML", "Note", text("")),
            ("iXML", "SpeedMasterSpeed", text("24/1")),
            ("iXML", "TrackListTrackName", TagValue::Seq(vec![text("Boom"), text("<L>")])),
            ("iXML", "Scene", text("12A")),
        ];
        assert_eq!(found, expect);
    }

    #[test]
    fn what_is_not_well_formed_or_too_deep_is_a_fault() {
        let fault = |xml: &str| read(xml.as_bytes(), &Budget::endless()).expect_err("a fault");
        assert!(matches!(fault("<A><B></A>"), Fault::Damaged { .. }));
        assert!(matches!(fault("<A><B>"), Fault::Damaged { .. }));
        assert!(matches!(fault("<A>&lol;</A>"), Fault::Damaged { .. }));
        assert!(matches!(fault(&"<A>".repeat(XML_DEPTH_MAX)), Fault::Damaged { .. }));
        let deep = fault(&"<A>".repeat(XML_DEPTH_MAX + 1)).to_string();
        assert_eq!(deep, "XML nests deeper than allowed (limit: 32 elements)");
        assert!(read(b"", &Budget::endless()).expect("nothing").is_empty());
    }

    #[test]
    fn what_is_too_much_is_a_fault_and_a_value_that_is_too_long_is_left_out() {
        let read = |xml: String| read(xml.as_bytes(), &Budget::endless());
        let keys = |count: usize| {
            let elements: String = (0..count).map(|n| format!("<E{n}>x</E{n}>")).collect();
            read(format!("<R>{elements}</R>"))
        };
        assert_eq!(keys(KEYS_MAX).expect("tags").len(), KEYS_MAX);
        let fault = keys(KEYS_MAX + 1).expect_err("one key too many").to_string();
        assert_eq!(fault, "iXML has more keys than allowed (limit: 512 keys)");
        // The outermost element is one of them.
        let elements = |count: usize| read(format!("<R>{}</R>", "<E/>".repeat(count - 1)));
        assert!(elements(XML_NODES_MAX).is_ok());
        let fault = elements(XML_NODES_MAX + 1).expect_err("one element too many").to_string();
        assert_eq!(fault, "XML has more elements than allowed (limit: 50000 elements)");
        let note = |length: usize| {
            let tags = read(format!("<R><NOTE>{}</NOTE><SCENE>1</SCENE></R>", "x".repeat(length))).expect("tags");
            tags.iter().map(|tag| tag.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(note(VALUE_BYTES_MAX), ["Note", "Scene"]);
        assert_eq!(note(VALUE_BYTES_MAX + 1), ["Scene"]);
    }
}
