//! An XMP packet as a tree of elements whose namespaces are known (W3C, XML 1.0 and Namespaces in XML 1.0). Knows
//! nothing of RDF but its namespace.
//!
//! The tree borrows from the packet: an element is a few words, and no text is copied that has no entity in it. Only
//! the five predefined entities and character references are replaced; a declared entity stays as it is written, so
//! that nothing expands. Elements, attributes and namespace declarations count against
//! [`XML_NODES_MAX`].

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::scope::{Namespace, Scope};
use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::limits::{XML_DEPTH_MAX, XML_NODES_MAX};

/// Bytes of a reference, its semicolon included. None that means anything is longer; the search for its end is bounded
/// by that.
const NAME_BYTES_MAX: usize = 12;

/// Room for the elements, and for the attributes, of a usual packet.
const NODES_USUAL: usize = 64;

/// The number of an element in its document.
pub type Index = usize;

/// An element.
#[derive(Debug)]
pub struct Element<'a> {
    /// The namespace of its name.
    pub namespace: Namespace,
    /// The local name.
    pub name: &'a str,
    /// The text in it before its first child; white space counts.
    pub text: Cow<'a, str>,
    attributes: Range<usize>,
    first_child: Option<Index>,
    next: Option<Index>,
}

/// An attribute that is not a namespace declaration.
#[derive(Debug)]
pub struct Attribute<'a> {
    /// The namespace of its name.
    pub namespace: Namespace,
    /// The local name.
    pub name: &'a str,
    /// Its value.
    pub value: Cow<'a, str>,
}

/// A document that is read.
#[derive(Debug, Default)]
pub struct Document<'a> {
    /// Its namespaces.
    pub scope: Scope<'a>,
    /// The elements `rdf:RDF`, in the order of the document.
    pub roots: Vec<Index>,
    elements: Vec<Element<'a>>,
    attributes: Vec<Attribute<'a>>,
}

/// An element that is open.
struct Open {
    index: Index,
    last_child: Option<Index>,
    bindings: usize,
}

impl<'a> Document<'a> {
    /// Reads the first element at the top of a text that has an `rdf:RDF` in it. What follows that element is padding.
    ///
    /// # Errors
    /// When the text is not well formed, or past a limit.
    pub fn read(text: &'a str, budget: &Budget) -> Result<Self, Fault> {
        let mut document = Self {
            elements: Vec::with_capacity(NODES_USUAL),
            attributes: Vec::with_capacity(NODES_USUAL),
            ..Self::default()
        };
        let mut open: Vec<Open> = Vec::new();
        let mut reader = Reader::from_str(text);
        loop {
            budget.step()?;
            let event = reader.read_event().map_err(|error| not_well_formed(error, reader.error_position()))?;
            let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            match event {
                Event::Start(tag) => {
                    if open.len() >= XML_DEPTH_MAX {
                        return Err(Fault::limit("XML nests deeper than allowed", format!("{XML_DEPTH_MAX} elements")));
                    }
                    let content = content_of(text, &tag, end.checked_sub(1))?;
                    let element = document.begin(content, &tag, &mut open, budget)?;
                    open.push(element);
                }
                Event::Empty(tag) => {
                    let content = content_of(text, &tag, end.checked_sub(2))?;
                    let element = document.begin(content, &tag, &mut open, budget)?;
                    document.scope.leave(element.bindings);
                }
                Event::End(_) => {
                    let Some(element) = open.pop() else { break };
                    document.scope.leave(element.bindings);
                    if open.is_empty() && !document.roots.is_empty() {
                        return Ok(document);
                    }
                }
                Event::Text(piece) => {
                    let decoded = piece.decode().map_err(|error| not_well_formed(error.into(), end as u64))?;
                    document.append(open.last(), decoded);
                }
                Event::CData(piece) => {
                    let decoded = piece.decode().map_err(|error| not_well_formed(error.into(), end as u64))?;
                    document.append(open.last(), decoded);
                }
                Event::GeneralRef(reference) => {
                    let name = reference.decode().map_err(|error| not_well_formed(error.into(), end as u64))?;
                    let replaced = match character(&name) {
                        Some(one) => one.to_string(),
                        None => format!("&{name};"),
                    };
                    document.append(open.last(), Cow::Owned(replaced));
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        match open.last().and_then(|element| document.elements.get(element.index)) {
            Some(element) => Err(Fault::damaged("XMP", format!("the XML ends inside the element {}", element.name))),
            None => Ok(document),
        }
    }

    /// The element of a number.
    #[must_use]
    pub fn element(&self, index: Index) -> Option<&Element<'a>> {
        self.elements.get(index)
    }

    /// The elements right below an element.
    pub fn children(&self, element: &Element<'a>) -> impl Iterator<Item = &Element<'a>> {
        std::iter::successors(element.first_child.and_then(|first| self.elements.get(first)), |last| {
            last.next.and_then(|next| self.elements.get(next))
        })
    }

    /// The attributes of an element.
    #[must_use]
    pub fn attributes(&self, element: &Element<'_>) -> &[Attribute<'a>] {
        self.attributes.get(element.attributes.clone()).unwrap_or_default()
    }

    /// Returns whether an element has a name that others refer to (`rdf:nodeID`).
    #[must_use]
    pub fn has_node_ids(&self) -> bool {
        self.attributes.iter().any(|one| one.namespace == Namespace::Rdf && one.name == "nodeID")
    }

    /// All elements, in the order of the document.
    #[must_use]
    pub fn elements(&self) -> &[Element<'a>] {
        &self.elements
    }

    /// Takes an element in, with its attributes and its namespaces.
    fn begin(
        &mut self,
        content: &'a str,
        tag: &BytesStart<'_>,
        open: &mut [Open],
        budget: &Budget,
    ) -> Result<Open, Fault> {
        let name_length = tag.name().as_ref().len();
        let bindings = self.scope.enter();
        // Declarations hold for the whole tag: attributes are collected first and their prefixes resolved then.
        let begin = self.attributes.len();
        let mut rest = content.get(name_length..).unwrap_or_default();
        while let Some((name, value)) = attribute(&mut rest)? {
            budget.step()?;
            match name.strip_prefix("xmlns") {
                Some("") => self.scope.declare("", value)?,
                Some(rest) if rest.starts_with(':') => self.scope.declare(rest.trim_start_matches(':'), value)?,
                _ => self.attributes.push(Attribute { namespace: Namespace::None, name, value }),
            }
            self.check_nodes()?;
        }
        let end = self.attributes.len();
        for attribute in self.attributes.get_mut(begin..end).unwrap_or_default() {
            // An attribute without a prefix has no namespace.
            if let Some((prefix, local)) = split_at_byte(attribute.name, b':') {
                attribute.namespace = self.scope.resolve(prefix)?;
                attribute.name = local;
            }
        }
        let name = content.get(..name_length).unwrap_or_default();
        let (prefix, name) = split_at_byte(name, b':').unwrap_or(("", name));
        let namespace = self.scope.resolve(prefix)?;
        let index = self.elements.len();
        if namespace == Namespace::Rdf && name == "RDF" {
            self.roots.push(index);
        }
        if let Some(parent) = open.last_mut() {
            let slot = match parent.last_child {
                Some(last) => self.elements.get_mut(last).map(|element| &mut element.next),
                None => self.elements.get_mut(parent.index).map(|element| &mut element.first_child),
            };
            if let Some(slot) = slot {
                *slot = Some(index);
            }
            parent.last_child = Some(index);
        }
        let text = Cow::Borrowed("");
        self.elements.push(Element { namespace, name, text, attributes: begin..end, first_child: None, next: None });
        self.check_nodes()?;
        Ok(Open { index, last_child: None, bindings })
    }

    fn check_nodes(&self) -> Result<(), Fault> {
        if self.elements.len() + self.attributes.len() + self.scope.declarations() > XML_NODES_MAX {
            let limit = format!("{XML_NODES_MAX} elements and attributes");
            return Err(Fault::limit("XML has more nodes than allowed", limit));
        }
        Ok(())
    }

    /// Adds a piece of text to the open element, unless it has a child: mixed content is not XMP.
    fn append(&mut self, open: Option<&Open>, piece: Cow<'a, str>) {
        let Some(Open { index, last_child: None, .. }) = open else { return };
        let Some(element) = self.elements.get_mut(*index) else { return };
        if element.text.is_empty() {
            element.text = piece;
        } else {
            element.text.to_mut().push_str(&piece);
        }
    }
}

/// Takes the next attribute off the inside of a tag: its name and its value. `None` at the end.
fn attribute<'a>(rest: &mut &'a str) -> Result<Option<(&'a str, Cow<'a, str>)>, Fault> {
    let text = rest.trim_ascii_start();
    if text.is_empty() {
        return Ok(None);
    }
    let split = || {
        let (name, after) = split_at_byte(text, b'=')?;
        let (name, after) = (name.trim_ascii_end(), after.trim_ascii_start());
        let quote = *after.as_bytes().first().filter(|quote| matches!(quote, b'"' | b'\''))?;
        let (value, after) = split_at_byte(after.get(1..)?, quote)?;
        let is_in_name = |byte: u8| !byte.is_ascii_whitespace() && byte != b'"' && byte != b'\'';
        (!name.is_empty() && name.bytes().all(is_in_name)).then_some((name, value, after))
    };
    let Some((name, value, after)) = split() else {
        return Err(Fault::damaged("XMP", "an attribute is not well formed"));
    };
    *rest = after;
    Ok(Some((name, unescaped(value))))
}

/// The parts of a text before and after an ASCII byte.
fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = position(text, byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Where an ASCII byte is first in a text. Names and most values are so short that a plain loop is faster than a search
/// that looks at many bytes at once; that search is for the few values of thousands of bytes.
#[inline]
fn position(text: &str, byte: u8) -> Option<usize> {
    const SHORT: usize = 64;
    match text.as_bytes().split_at_checked(SHORT) {
        None => text.as_bytes().iter().position(|&one| one == byte),
        Some((first, _)) => first.iter().position(|&one| one == byte).or_else(|| position_behind(SHORT, text, byte)),
    }
}

/// Where an ASCII byte is first in a text at or behind an offset, which may be inside a character.
#[cold]
fn position_behind(from: usize, text: &str, byte: u8) -> Option<usize> {
    let from = (from..text.len()).find(|&from| text.is_char_boundary(from))?;
    text.get(from..)?.find(char::from(byte)).map(|at| from + at)
}

/// The inside of a tag, as long as the text lives. The parser lends it for as long as the event lives only.
fn content_of<'a>(text: &'a str, tag: &BytesStart<'_>, end: Option<usize>) -> Result<&'a str, Fault> {
    let content = end.and_then(|end| text.get(end.checked_sub(tag.len())?..end));
    content
        .filter(|content| content.as_bytes() == &**tag)
        .ok_or_else(|| Fault::damaged("XMP", "a tag is not where the parser says"))
}

fn not_well_formed(error: quick_xml::Error, at: u64) -> Fault {
    Fault::damaged("XMP", format!("the XML is not well formed at byte {at}: {error}"))
}

/// The value of an attribute with its references replaced.
fn unescaped(raw: &str) -> Cow<'_, str> {
    let Some(first) = position(raw, b'&') else { return Cow::Borrowed(raw) };
    let (done, mut rest) = raw.split_at(first);
    let mut out = String::with_capacity(raw.len());
    out.push_str(done);
    while let Some(after) = rest.strip_prefix('&') {
        let end = after.bytes().take(NAME_BYTES_MAX).position(|byte| byte == b';');
        let reference = end.and_then(|end| Some((character(after.get(..end)?)?, after.get(end + 1..)?)));
        let tail = match reference {
            Some((one, tail)) => {
                out.push(one);
                tail
            }
            None => {
                out.push('&');
                after
            }
        };
        let (plain, next) = tail.split_at(tail.find('&').unwrap_or(tail.len()));
        out.push_str(plain);
        rest = next;
    }
    Cow::Owned(out)
}

/// What a reference without its `&` and `;` means: a character or one of the five predefined entities.
fn character(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return resolve_predefined_entity(name)?.chars().next();
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|&one| one != '\0')
}

#[cfg(test)]
mod tests {
    use super::{Document, NAME_BYTES_MAX, XML_DEPTH_MAX, XML_NODES_MAX, position, unescaped};
    use crate::metadata::budget::Budget;

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        for length in 0..80 {
            for filling in ["x", "\u{e9}", "\u{20ac}", "\u{1f600}"] {
                let text = filling.repeat(length);
                assert_eq!(position(&text, b'&'), None);
                assert_eq!(position(&format!("{text}&&{text}"), b'&'), Some(text.len()), "{text}");
            }
        }
    }

    fn check(text: &str) -> Result<Vec<(String, String)>, String> {
        let document = Document::read(text, &Budget::endless()).map_err(|fault| fault.to_string())?;
        Ok(document.elements().iter().map(|one| (one.name.to_owned(), one.text.clone().into_owned())).collect())
    }

    #[test]
    fn references_are_replaced_and_nothing_expands() {
        assert_eq!(unescaped("a &amp; b &#233;&#xe9; &lt;"), "a & b \u{e9}\u{e9} <");
        assert_eq!(unescaped("&foo; & &#0; &#xd800; &amp"), "&foo; & &#0; &#xd800; &amp");
        let text = "<!DOCTYPE a [<!ENTITY b 'cccc'>]><a>x &b; &#65;<![CDATA[<&>]]><!-- no --> &quot;y</a>";
        assert_eq!(check(text), Ok(vec![("a".to_owned(), "x &b; A<&> \"y".to_owned())]));
    }

    #[test]
    fn what_is_not_well_formed_is_damaged() {
        for text in ["<a><b></a>", "<a", "<a b></a>", "<a b=c/>", "<a><b/>", "<a>&", "<a><![CDATA[x"] {
            let fault = check(text).expect_err(text);
            assert!(fault.starts_with("XMP is damaged: "), "{text}: {fault}");
        }
    }

    #[test]
    fn limits_have_names() {
        let deep = |levels: usize| check(&["<a>".repeat(levels), "</a>".repeat(levels)].concat());
        assert_eq!(deep(XML_DEPTH_MAX).map(|elements| elements.len()), Ok(XML_DEPTH_MAX));
        let depth = Err("XML nests deeper than allowed (limit: 32 elements)".to_owned());
        assert_eq!(deep(XML_DEPTH_MAX + 1), depth);
        let nodes = Err("XML has more nodes than allowed (limit: 50000 elements and attributes)".to_owned());
        // The outermost element is a node too.
        let elements = |count: usize| check(&format!("<a>{}</a>", "<b/>".repeat(count - 1)));
        assert_eq!(elements(XML_NODES_MAX).map(|elements| elements.len()), Ok(XML_NODES_MAX));
        assert_eq!(elements(XML_NODES_MAX + 1), nodes);
        let attributes = |count: usize| {
            let attributes: String = (1..count).map(|n| format!(" b{n}=''")).collect();
            check(&format!("<a{attributes}/>"))
        };
        assert!(attributes(XML_NODES_MAX).is_ok());
        assert_eq!(attributes(XML_NODES_MAX + 1), nodes);
        // Each of these elements has a declaration: two nodes.
        let namespaces =
            |count: usize, last: &str| check(&format!("<a>{}{last}</a>", "<b xmlns:c='d'/>".repeat((count - 1) / 2)));
        assert!(namespaces(XML_NODES_MAX, "<b/>").is_ok());
        assert_eq!(namespaces(XML_NODES_MAX, "<b xmlns:c='d'/>"), nodes);
    }

    #[test]
    fn a_reference_that_is_too_long_stays_as_it_is_written() {
        let reference = |length: usize| format!("#{:0>1$}", 65, length - 2);
        // The semicolon counts.
        let (longest, too_long) = (reference(NAME_BYTES_MAX), reference(NAME_BYTES_MAX + 1));
        assert_eq!(format!("{longest};").len(), NAME_BYTES_MAX);
        assert_eq!(unescaped(&format!("&{longest};")), "A");
        assert_eq!(unescaped(&format!("&{too_long};")), format!("&{too_long};"));
    }
}
