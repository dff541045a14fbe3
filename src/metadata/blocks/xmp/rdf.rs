//! RDF as XMP uses it (ISO 16684-1, "Serialization"; W3C, RDF 1.1 XML Syntax): the properties of the resource as tags.
//! Knows no names; [`super::names`] does.
//!
//! A property is an attribute or an element of a description. Its value is text, a structure (`rdf:parseType`, an inner
//! description, attributes), or an array (`rdf:Bag`, `rdf:Seq`, `rdf:Alt`). In an alternative by language, `x-default`
//! is the value. A value may have qualifiers (`rdf:value` beside others); ExifTool makes tags of them, and so does this
//! module. An element without `rdf:` in it that should be a typed node is taken for a field, as in ExifTool: it is
//! mostly one whose writer forgot `rdf:parseType`.
//!
//! `rdf:nodeID`, which RDF has and XMP does not, is followed, because programs write it. It can make one part of a
//! document count many times, so that what is converted is counted.

use std::cell::Cell;
use std::collections::HashMap;

use super::document::{Document, Element};
use super::names;
use super::properties::Kind;
use super::scope::Namespace;
use super::values::value;
use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::limits::{KEYS_MAX, XML_DEPTH_MAX, XML_NODES_MAX};
use crate::metadata::tag::{Family, Tag, TagValue, Text};

/// The tags of a document, in its order. Of two with one name the first counts.
///
/// # Errors
/// Past a limit.
pub fn tags(document: &Document<'_>, budget: &Budget) -> Result<Vec<Tag>, Fault> {
    let converter = Converter::new(document, budget);
    let mut tags = Tags { tags: Vec::with_capacity(TAGS_USUAL), marks: Vec::with_capacity(TAGS_USUAL) };
    for root in document.roots.iter().filter_map(|&root| document.element(root)) {
        for node in document.children(root) {
            converter.description(node, &mut tags)?;
        }
    }
    Ok(tags.tags)
}

/// Room for the tags of a usual packet.
const TAGS_USUAL: usize = 64;

/// Tags without a second one of the same name.
struct Tags {
    tags: Vec<Tag>,
    marks: Vec<u64>,
}

impl Tags {
    fn push(&mut self, group: &Text, name: Text, language: Option<String>, value: TagValue) -> Result<(), Fault> {
        let mark = mark(&name);
        let is_same = |tag: &Tag| tag.name == name && tag.group == *group && tag.language == language;
        let mut marks = self.marks.iter().zip(&self.tags);
        if marks.any(|(&known, tag)| known == mark && is_same(tag)) {
            return Ok(());
        }
        if self.tags.len() >= KEYS_MAX {
            return Err(too_many());
        }
        self.marks.push(mark);
        self.tags.push(Tag { family: Family::Xmp, group: group.clone(), name, language, value });
        Ok(())
    }
}

/// A number that names mostly differ in: their length and their last bytes.
fn mark(name: &str) -> u64 {
    let bytes = name.as_bytes().iter().rev().take(7);
    bytes.fold(name.len() as u64, |mark, &byte| mark << 8 | u64::from(byte))
}

/// What a property says.
#[derive(Default)]
struct Reading {
    /// The value; of an alternative by language, the default one.
    value: Option<TagValue>,
    /// The values in other languages.
    languages: Vec<(String, TagValue)>,
    /// The qualifiers of the value or of its items.
    qualifiers: Vec<(Text, TagValue)>,
}

impl Reading {
    fn of(value: Option<TagValue>) -> Self {
        Self { value, ..Self::default() }
    }

    fn text(kind: Kind, text: &str) -> Self {
        Self::of(value(kind, text).map(TagValue::Text))
    }
}

/// The nodes of one `rdf:nodeID`.
#[derive(Default)]
struct Shared<'d, 'a> {
    nodes: Vec<&'d Element<'a>>,
    /// A property refers to it, or has one of the nodes in it: it is a value, not the resource.
    is_value: bool,
}

struct Converter<'d, 'a> {
    document: &'d Document<'a>,
    budget: &'d Budget,
    shared: HashMap<&'d str, Shared<'d, 'a>>,
    converted: Cell<usize>,
}

impl<'d, 'a> Converter<'d, 'a> {
    fn new(document: &'d Document<'a>, budget: &'d Budget) -> Self {
        let mut shared: HashMap<&'d str, Shared<'d, 'a>> = HashMap::new();
        if document.has_node_ids() {
            for element in document.elements() {
                let Some(id) = syntax(document, element, "nodeID") else { continue };
                let entry = shared.entry(id).or_default();
                if is_array(element) || is_description(element) {
                    entry.nodes.push(element);
                } else {
                    entry.is_value = true;
                }
            }
            let tops = document.roots.iter().filter_map(|&root| document.element(root));
            let mut outer: HashMap<&str, usize> = HashMap::new();
            for id in tops.flat_map(|root| document.children(root)).filter_map(|top| syntax(document, top, "nodeID")) {
                *outer.entry(id).or_default() += 1;
            }
            for (id, entry) in &mut shared {
                entry.is_value |= entry.nodes.len() > outer.get(id).copied().unwrap_or(0);
            }
        }
        Self { document, budget, shared, converted: Cell::new(0) }
    }

    /// Adds the properties of one description of the resource.
    fn description(&self, node: &Element<'a>, tags: &mut Tags) -> Result<(), Fault> {
        if is_array(node) {
            return Ok(());
        }
        if !is_description(node) {
            return self.property(node, tags);
        }
        if let Some(id) = syntax(self.document, node, "nodeID")
            && self.shared.get(id).is_some_and(|shared| shared.is_value)
        {
            return Ok(());
        }
        if let Some(about) = syntax(self.document, node, "about").filter(|about| !about.is_empty())
            && let Some(about) = value(Kind::Text, about)
        {
            tags.push(&Text::Borrowed("XMP-rdf"), Text::Borrowed("About"), None, TagValue::Text(about))?;
        }
        for attribute in self.document.attributes(node) {
            if is_syntax(attribute.namespace) {
                continue;
            }
            self.step()?;
            let (name, kind) = names::tag(attribute.name, attribute.namespace.property(attribute.name));
            if let Some(text) = value(kind, &attribute.value) {
                tags.push(&self.document.scope.group(attribute.namespace), name, None, TagValue::Text(text))?;
            }
        }
        for child in self.document.children(node) {
            self.property(child, tags)?;
        }
        Ok(())
    }

    /// Adds the tags of one property of the resource.
    fn property(&self, element: &Element<'a>, tags: &mut Tags) -> Result<(), Fault> {
        let (name, kind) = names::tag(element.name, element.namespace.property(element.name));
        if kind == Kind::Noise || element.namespace == Namespace::Rdf {
            return Ok(());
        }
        let mut reading = self.read(element, kind, 0)?;
        let group = self.document.scope.group(element.namespace);
        if kind == Kind::Lang
            && let Some(language) = self.language(element)
            && let Some(value) = reading.value.take()
        {
            reading.languages.push((language, value));
        }
        for (qualifier, value) in reading.qualifiers {
            tags.push(&group, format!("{name}{qualifier}").into(), None, value)?;
        }
        for (language, value) in reading.languages {
            tags.push(&group, name.clone(), Some(language), value)?;
        }
        match reading.value {
            Some(value) => tags.push(&group, name, None, value),
            None => Ok(()),
        }
    }

    /// Reads the value of a property, a field or an item.
    fn read(&self, element: &Element<'a>, kind: Kind, depth: usize) -> Result<Reading, Fault> {
        self.step()?;
        if depth >= XML_DEPTH_MAX {
            return Err(Fault::limit("XMP nests deeper than allowed", format!("{XML_DEPTH_MAX} values")));
        }
        let is_open = element.name == "Extensions" && is_region(element.namespace);
        let parse_type = syntax(self.document, element, "parseType");
        if let Some(child) = self.document.children(element).next() {
            return match parse_type {
                Some("Literal") => Ok(Reading::text(kind, &element.text)),
                None if is_array(child) => self.array(child, kind, depth + 1),
                None if is_description(child) => match syntax(self.document, child, "nodeID") {
                    Some(id) => self.refer(id, kind, depth + 1),
                    None => self.structure(&[child], kind, is_open, depth + 1),
                },
                _ => self.structure(&[element], kind, is_open, depth + 1),
            };
        }
        if let Some(id) = syntax(self.document, element, "nodeID") {
            return self.refer(id, kind, depth + 1);
        }
        let mut attributes = self.document.attributes(element).iter();
        let has_fields =
            attributes.any(|one| !is_syntax(one.namespace) || (one.namespace == Namespace::Rdf && one.name == "value"));
        let resource = syntax(self.document, element, "resource");
        // Text beside attributes is not RDF. It is the value then, and the attributes are its qualifiers.
        let own_text = if has_fields { element.text.trim() } else { "" };
        let mut reading = if has_fields {
            self.structure(&[element], kind, is_open, depth + 1)?
        } else if parse_type == Some("Resource") {
            Reading::text(kind, "")
        } else {
            Reading::text(kind, resource.unwrap_or(&element.text))
        };
        let plain = resource.or((!own_text.is_empty()).then_some(own_text));
        if let (Some(plain), Some(TagValue::Struct(_))) = (plain, &reading.value) {
            let text = value(kind, plain).map(TagValue::Text);
            if let Some(TagValue::Struct(fields)) = std::mem::replace(&mut reading.value, text) {
                reading.qualifiers.extend(fields);
            }
        }
        Ok(reading)
    }

    /// Reads what a node that is elsewhere says.
    fn refer(&self, id: &str, kind: Kind, depth: usize) -> Result<Reading, Fault> {
        match self.shared.get(id).map(|shared| shared.nodes.as_slice()) {
            Some([array, ..]) if is_array(array) => self.array(array, kind, depth),
            Some([]) | None => Ok(Reading::text(kind, "")),
            Some(nodes) => self.structure(nodes, kind, false, depth),
        }
    }

    /// Reads the fields of a structure, or the value that has qualifiers. The fields of an open structure may be
    /// properties of any namespace, so that their names have the group before them.
    fn structure(&self, nodes: &[&Element<'a>], kind: Kind, is_open: bool, depth: usize) -> Result<Reading, Fault> {
        let (mut fields, mut qualified, mut is_empty) = (Vec::new(), None, true);
        let name = |namespace, id: &str| match names::field(id, matches!(namespace, Namespace::Known(_))) {
            name if is_open => format!("{}:{name}", self.document.scope.group(namespace)).into(),
            name => name,
        };
        let kind_of = |namespace: Namespace, id: &str| namespace.property(id).map_or(Kind::Text, |known| known.2);
        for &node in nodes {
            for attribute in self.document.attributes(node) {
                self.step()?;
                if attribute.namespace == Namespace::Rdf && attribute.name == "value" {
                    qualified = Some(Reading::text(kind, &attribute.value));
                } else if !is_syntax(attribute.namespace) {
                    is_empty = false;
                    if let Some(text) = value(kind_of(attribute.namespace, attribute.name), &attribute.value) {
                        fields.push((name(attribute.namespace, attribute.name), TagValue::Text(text)));
                    }
                }
            }
            for child in self.document.children(node) {
                if child.namespace == Namespace::Rdf {
                    if child.name == "value" {
                        qualified = Some(self.read(child, kind, depth)?);
                    }
                    continue;
                }
                is_empty = false;
                let kind = kind_of(child.namespace, child.name);
                if kind == Kind::Noise {
                    continue;
                }
                let reading = self.read(child, kind, depth)?;
                let name = name(child.namespace, child.name);
                let languages = reading.languages.into_iter();
                fields.extend(languages.map(|(language, value)| (format!("{name}-{language}").into(), value)));
                let qualifiers = reading.qualifiers.into_iter();
                fields.extend(qualifiers.map(|(qualifier, value)| (format!("{name}{qualifier}").into(), value)));
                fields.extend(reading.value.map(|value| (name, value)));
            }
        }
        Ok(match qualified {
            Some(mut reading) => {
                reading.qualifiers.extend(fields);
                reading
            }
            None if is_empty => Reading::text(kind, ""),
            None if fields.is_empty() => Reading::default(),
            None => Reading::of(Some(TagValue::Struct(fields))),
        })
    }

    /// Reads the items of an array.
    fn array(&self, array: &Element<'a>, kind: Kind, depth: usize) -> Result<Reading, Fault> {
        let items = || {
            let is_item = |item: &&Element<'a>| item.namespace == Namespace::Rdf && !is_array(item);
            self.document.children(array).filter(is_item)
        };
        if array.name == "Alt" && items().any(|item| self.language_code(item).is_some()) {
            return self.alternative(items(), kind, depth);
        }
        let (mut values, mut reading) = (Vec::new(), Reading::default());
        let mut languages: Vec<(String, Vec<TagValue>)> = Vec::new();
        let mut qualifiers: Vec<(Text, Vec<TagValue>)> = Vec::new();
        let mut count = 0;
        for (at, item) in items().enumerate() {
            let Reading { value, languages: others, qualifiers: more } = self.read(item, kind, depth)?;
            count += 1;
            values.extend(value);
            for (language, value) in others {
                // An item that does not have the language has an empty place, so that places still match.
                self.add(&mut languages, language, at, value)?;
            }
            for (qualifier, value) in more {
                self.add(&mut qualifiers, qualifier, 0, value)?;
            }
        }
        let is_ordered = array.name == "Seq";
        let list = |values| if is_ordered { TagValue::Seq(values) } else { TagValue::Bag(values) };
        reading.value = match (count, values.is_empty()) {
            (0, _) => Some(TagValue::Text(String::new())),
            (_, true) => None,
            (_, false) => Some(list(values)),
        };
        reading.languages = languages.into_iter().map(|(language, values)| (language, list(values))).collect();
        let one = |mut values: Vec<TagValue>| match values.pop() {
            Some(only) if values.is_empty() => only,
            last => {
                values.extend(last);
                TagValue::Bag(values)
            }
        };
        reading.qualifiers = qualifiers.into_iter().map(|(qualifier, values)| (qualifier, one(values))).collect();
        Ok(reading)
    }

    /// Reads an alternative by language. The default is the item of `x-default`, or one without a language.
    fn alternative<'e>(
        &self,
        items: impl Iterator<Item = &'e Element<'a>>,
        kind: Kind,
        depth: usize,
    ) -> Result<Reading, Fault>
    where
        'a: 'e,
    {
        let mut reading = Reading::default();
        for item in items {
            let Some(value) = self.read(item, kind, depth)?.value else { continue };
            match self.language(item) {
                None if reading.value.is_none() => reading.value = Some(value),
                None => {}
                Some(language) if reading.languages.iter().any(|(known, _)| *known == language) => {}
                Some(_) if reading.languages.len() >= KEYS_MAX => return Err(too_many()),
                Some(language) => reading.languages.push((language, value)),
            }
        }
        Ok(reading)
    }

    /// Adds a value to the list of a key, with empty places before it as far as the list is shorter than `places`.
    fn add<K: PartialEq>(
        &self,
        lists: &mut Vec<(K, Vec<TagValue>)>,
        key: K,
        places: usize,
        value: TagValue,
    ) -> Result<(), Fault> {
        let at = lists.iter().position(|(known, _)| *known == key).unwrap_or(lists.len());
        if at >= KEYS_MAX {
            return Err(too_many());
        }
        if at == lists.len() {
            lists.push((key, Vec::new()));
        }
        let Some((_, list)) = lists.get_mut(at) else { return Ok(()) };
        while list.len() < places {
            self.step()?;
            list.push(TagValue::Text(String::new()));
        }
        list.push(value);
        Ok(())
    }

    fn language_code(&self, element: &Element<'a>) -> Option<&'d str> {
        let attributes = self.document.attributes(element);
        let is_language = |namespace, name| namespace == Namespace::Xml && name == "lang";
        attributes.iter().find(|one| is_language(one.namespace, one.name)).map(|one| &*one.value)
    }

    fn language(&self, element: &Element<'a>) -> Option<String> {
        names::language(self.language_code(element)?)
    }

    /// Counts one value.
    fn step(&self) -> Result<(), Fault> {
        self.converted.set(self.converted.get() + 1);
        if self.converted.get() > 2 * XML_NODES_MAX {
            return Err(Fault::limit("XMP has more values than allowed", format!("{} values", 2 * XML_NODES_MAX)));
        }
        self.budget.step()
    }
}

fn too_many() -> Fault {
    Fault::limit("XMP has more properties than allowed", format!("{KEYS_MAX} keys"))
}

fn is_array(element: &Element<'_>) -> bool {
    element.namespace == Namespace::Rdf && matches!(element.name, "Bag" | "Seq" | "Alt")
}

fn is_description(element: &Element<'_>) -> bool {
    element.namespace == Namespace::Rdf && element.name == "Description"
}

/// Returns whether the namespace is that of regions, whose extensions may be any property.
fn is_region(namespace: Namespace) -> bool {
    matches!(namespace, Namespace::Known(schema) if schema.prefix == "mwg-rs")
}

/// Returns whether an attribute of this namespace is syntax, not a property. Early RDF had its own without a prefix,
/// and what ExifTool writes as XML has its notes on each element.
fn is_syntax(namespace: Namespace) -> bool {
    match namespace {
        Namespace::Rdf | Namespace::Xml | Namespace::None => true,
        Namespace::Known(schema) => schema.prefix == "et",
        Namespace::Other(_) => false,
    }
}

/// An attribute of RDF's syntax: `about`, `nodeID`, `parseType`, `resource`.
fn syntax<'d>(document: &'d Document<'_>, element: &Element<'_>, name: &str) -> Option<&'d str> {
    let is_it = |namespace, known: &str| known == name && matches!(namespace, Namespace::Rdf | Namespace::None);
    document.attributes(element).iter().find(|one| is_it(one.namespace, one.name)).map(|one| &*one.value)
}

#[cfg(test)]
mod tests {
    use super::tags;
    use crate::metadata::blocks::xmp::document::Document;
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;
    use crate::metadata::limits::{KEYS_MAX, VALUE_BYTES_MAX, XML_DEPTH_MAX, XML_NODES_MAX};
    use crate::metadata::tag::TagValue;

    fn show(value: &TagValue) -> String {
        let all = |values: &[TagValue]| values.iter().map(show).collect::<Vec<_>>().join(", ");
        match value {
            TagValue::Text(text) => text.clone(),
            TagValue::Bag(values) => format!("bag({})", all(values)),
            TagValue::Seq(values) => format!("seq({})", all(values)),
            TagValue::Struct(fields) => {
                let one = |(name, value): &(_, TagValue)| format!("{name}={}", show(value));
                format!("{{{}}}", fields.iter().map(one).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn read(rdf: &str) -> Result<Vec<String>, Fault> {
        let namespaces = [
            ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
            ("dc", "http://purl.org/dc/elements/1.1/"),
            ("xmp", "http://ns.adobe.com/xap/1.0/"),
            ("xmpMM", "http://ns.adobe.com/xap/1.0/mm/"),
            ("exif", "http://ns.adobe.com/exif/1.0/"),
            ("mwg-rs", "http://www.metadataworkinggroup.com/schemas/regions/"),
            ("my", "http://my/"),
        ];
        let declarations: String = namespaces.iter().map(|(prefix, uri)| format!(" xmlns:{prefix}='{uri}'")).collect();
        let text = format!("<rdf:RDF{declarations}>{rdf}</rdf:RDF>");
        let budget = Budget::endless();
        let tags = tags(&Document::read(&text, &budget)?, &budget)?;
        let group = |group: &str| group.trim_start_matches("XMP-").to_owned();
        Ok(tags.iter().map(|tag| format!("{}:{} {}", group(&tag.group), tag.full_name(), show(&tag.value))).collect())
    }

    /// Checks what the properties in a description become.
    fn check(properties: &str, expect: &[&str]) {
        let tags = read(&format!("<rdf:Description rdf:about=''>{properties}</rdf:Description>")).expect(properties);
        assert_eq!(tags, expect, "{properties}");
    }

    #[test]
    fn descriptions_have_attributes_and_elements() {
        let rdf = "<rdf:Description rdf:about='uuid:1' xmp:Rating='3' exif:FNumber='28/10'><dc:source>s</dc:source>\
            </rdf:Description><rdf:Description about='' xmp:Rating='4' my:title='t' xmp:MetadataDate='2026'/>";
        let expect = ["rdf:About uuid:1", "xmp:Rating 3", "exif:FNumber 2.8", "dc:Source s", "my:Title t"];
        assert_eq!(read(rdf).expect("tags"), expect);
    }

    #[test]
    fn arrays_keep_their_kind() {
        check("<dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li/></rdf:Bag></dc:subject>", &["dc:Subject bag(a, )"]);
        check("<dc:creator><rdf:Seq><rdf:li>a</rdf:li></rdf:Seq></dc:creator>", &["dc:Creator seq(a)"]);
        check("<my:a><rdf:Alt><rdf:li>1</rdf:li><rdf:li>2</rdf:li></rdf:Alt></my:a>", &["my:TagA bag(1, 2)"]);
        check("<dc:type><rdf:Bag/></dc:type>", &["dc:Type "]);
        let nested = "<my:list><rdf:Seq><rdf:li><rdf:Bag><rdf:li>1</rdf:li></rdf:Bag></rdf:li></rdf:Seq></my:list>";
        check(nested, &["my:List seq(bag(1))"]);
        let items = "<my:list><rdf:Seq><rdf:li my:a='1' my:b='2'/><rdf:li rdf:resource='r'/></rdf:Seq></my:list>";
        check(items, &["my:List seq({A=1, B=2}, r)"]);
    }

    #[test]
    fn languages_are_apart_from_the_default() {
        let li = |language: &str, text: &str| format!("<rdf:li xml:lang='{language}'>{text}</rdf:li>");
        let alternative = |items: &str| format!("<rdf:Alt>{items}</rdf:Alt>");
        let title = alternative(&(li("x-default", "a") + &li("de", "b") + &li("fr-fr", "c")));
        check(&format!("<dc:title>{title}</dc:title>"), &["dc:Title-de b", "dc:Title-fr-FR c", "dc:Title a"]);
        check("<dc:title xml:lang='de'>b</dc:title>", &["dc:Title-de b"]);
        check("<my:title xml:lang='de'>b</my:title>", &["my:Title b"]);
        let (one, two) = (alternative(&li("x-default", "a")), alternative(&li("de", "b")));
        let bag = format!("<my:list><rdf:Bag><rdf:li>{one}</rdf:li><rdf:li>{two}</rdf:li></rdf:Bag></my:list>");
        check(&bag, &["my:List-de bag(, b)", "my:List bag(a)"]);
        let field = format!("<my:s rdf:parseType='Resource'><my:title>{title}</my:title></my:s>");
        check(&field, &["my:TagS {Title-de=b, Title-fr-FR=c, Title=a}"]);
    }

    #[test]
    fn structures_are_written_in_many_ways() {
        let expect = &["my:Struct {A=1, B=2}"];
        check("<my:struct my:a='1' my:b='2'/>", expect);
        check("<my:struct rdf:parseType='Resource'><my:a>1</my:a><my:b>2</my:b></my:struct>", expect);
        check("<my:struct><rdf:Description my:a='1'><my:b>2</my:b></rdf:Description></my:struct>", expect);
        check("<my:struct><my:a>1</my:a><my:b>2</my:b></my:struct>", expect);
        check("<my:struct rdf:parseType='Resource'/>", &["my:Struct "]);
        let region =
            "<mwg-rs:Regions><rdf:Description><mwg-rs:Extensions xmp:Rating='1'/></rdf:Description></mwg-rs:Regions>";
        check(region, &["mwg-rs:RegionInfo {Extensions={XMP-xmp:Rating=1}}"]);
        check("<xmpMM:DerivedFrom xmpMM:InstanceID='1'/><xmpMM:History xmpMM:a='1'/>", &[]);
    }

    #[test]
    fn qualifiers_become_tags() {
        let expect = &["my:PropQ q", "my:Prop v"];
        check("<my:prop rdf:parseType='Resource'><rdf:value>v</rdf:value><my:q>q</my:q></my:prop>", expect);
        check("<my:prop rdf:value='v' my:q='q'/>", expect);
        check("<my:prop><rdf:Description rdf:value='v' my:q='q'/></my:prop>", expect);
        check("<my:prop rdf:resource='v' my:q='q'/>", expect);
        check("<my:prop my:q='q'>v</my:prop>", expect);
    }

    #[test]
    fn node_ids_are_followed() {
        let rdf = "<rdf:Description rdf:nodeID='a' my:x='1'/><rdf:Bag rdf:nodeID='b'><rdf:li>k</rdf:li></rdf:Bag>\
            <rdf:Description rdf:nodeID='c' xmp:Rating='5'/><rdf:Description>\
            <my:one rdf:nodeID='a'/><dc:subject rdf:nodeID='b'/><my:two rdf:nodeID='none'/></rdf:Description>";
        let expect = ["xmp:Rating 5", "my:One {X=1}", "dc:Subject bag(k)", "my:Two "];
        assert_eq!(read(rdf).expect("tags"), expect);
        let cycle = "<rdf:Description rdf:nodeID='a'><my:x rdf:nodeID='a'/></rdf:Description>";
        let fault = read(&format!("{cycle}<rdf:Description><my:y rdf:nodeID='a'/></rdf:Description>"));
        assert!(matches!(fault, Err(Fault::Limit { .. })));
        let fan = "<my:x rdf:nodeID='a'/>".repeat(10);
        let fan = format!("<rdf:Description rdf:nodeID='a'>{fan}</rdf:Description><my:y rdf:nodeID='a'/>");
        assert!(matches!(read(&fan), Err(Fault::Limit { .. })));
    }

    #[test]
    fn keys_and_values_are_limited() {
        let properties = |count: usize| {
            let properties: String = (0..count).map(|n| format!("<my:p{n}>v</my:p{n}>")).collect();
            read(&format!("<rdf:Description>{properties}</rdf:Description>"))
        };
        let languages = |count: usize| {
            let items: String = (0..count).map(|n| format!("<rdf:li xml:lang='l{n}'>v</rdf:li>")).collect();
            read(&format!("<rdf:Description><dc:title><rdf:Alt>{items}</rdf:Alt></dc:title></rdf:Description>"))
        };
        for keys in [&properties as &dyn Fn(usize) -> Result<Vec<String>, Fault>, &languages] {
            assert_eq!(keys(KEYS_MAX).expect("tags").len(), KEYS_MAX);
            let fault = keys(KEYS_MAX + 1).expect_err("one key too many").to_string();
            assert_eq!(fault, "XMP has more properties than allowed (limit: 512 keys)");
        }
        let longest = "x".repeat(VALUE_BYTES_MAX);
        check(&format!("<dc:source>{longest}</dc:source>"), &[&format!("dc:Source {longest}")]);
        check(&format!("<dc:source>{longest}x</dc:source><dc:format>f</dc:format>"), &["dc:Format f"]);
    }

    #[test]
    fn values_that_are_read_by_reference_are_limited() {
        // A chain of nodes, each the value of a property of the one before.
        let chain = |nodes: usize| {
            let node = |n: usize, value: &str| format!("<rdf:Description rdf:nodeID='n{n}'>{value}</rdf:Description>");
            let inner: String = (1..nodes).map(|n| node(n, &format!("<my:xx rdf:nodeID='n{}'/>", n + 1))).collect();
            let last = node(nodes, "<my:xx>v</my:xx>");
            read(&format!("{inner}{last}<rdf:Description><my:yy rdf:nodeID='n1'/></rdf:Description>"))
        };
        assert!(chain(XML_DEPTH_MAX - 1).is_ok());
        let fault = chain(XML_DEPTH_MAX).expect_err("one node too many").to_string();
        assert_eq!(fault, "XMP nests deeper than allowed (limit: 32 values)");
        // A node of 1,000 values, with the name of the node and the property that refers to it, and one value more.
        let attributes: String = (0..998).map(|n| format!(" my:p{n}='1'")).collect();
        let values = |more: &str| {
            let references = "<my:yy rdf:nodeID='a'/>".repeat(2 * XML_NODES_MAX / 1_000);
            let node = format!("<rdf:Description rdf:nodeID='a'{attributes}/>");
            read(&format!("{node}<rdf:Description>{references}{more}</rdf:Description>"))
        };
        assert!(values("").is_ok());
        let fault = values("<my:zz>v</my:zz>").expect_err("one value too many").to_string();
        assert_eq!(fault, "XMP has more values than allowed (limit: 100000 values)");
    }
}
