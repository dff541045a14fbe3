//! The values of a tag, without structures: each field of a structure is a name of its own.
//!
//! A list of structures gives one list per field, in the order of the file; a structure without the field adds nothing
//! to it. This is what ExifTool does without its option `-struct`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::metadata::limits::{KEYS_MAX, VALUE_BYTES_MAX, XML_DEPTH_MAX};
use crate::metadata::tag::{Tag, TagValue};
use crate::model::keys::structures::field_name;

/// The values of one name.
#[derive(Debug, PartialEq, Eq)]
pub struct Leaf<'l> {
    /// ExifTool's name: the tag's, or the flattened name of a field.
    pub name: Cow<'l, str>,
    /// The language of a language alternative other than `x-default`.
    pub language: Option<&'l str>,
    /// The values, at least one. A value that is longer than allowed is not among them.
    pub values: Vec<String>,
    /// Whether their order means something.
    pub is_ordered: bool,
}

/// Calls the function with each name of the tag that has values.
pub fn leaves<'t>(tag: &'t Tag, each: &mut dyn FnMut(Leaf<'_>)) {
    let language = tag.language.as_deref();
    if let TagValue::Text(text) = &tag.value {
        if text.len() <= VALUE_BYTES_MAX {
            let name = Cow::Borrowed(&*tag.name);
            each(Leaf { name, language, values: vec![text.clone()], is_ordered: false });
        }
        return;
    }
    let mut flat: Flat<'t> = BTreeMap::new();
    add(&mut flat, &tag.group, Cow::Borrowed(&*tag.name), language, &tag.value, false, 0);
    for ((name, language), (values, is_ordered)) in flat {
        each(Leaf { name, language, values, is_ordered });
    }
}

/// Values and whether they are ordered, by name and language.
type Flat<'t> = BTreeMap<(Cow<'t, str>, Option<&'t str>), (Vec<String>, bool)>;

fn add<'t>(
    flat: &mut Flat<'t>,
    group: &str,
    name: Cow<'t, str>,
    language: Option<&'t str>,
    value: &'t TagValue,
    is_ordered: bool,
    depth: usize,
) {
    if depth > XML_DEPTH_MAX {
        return;
    }
    match value {
        TagValue::Text(text) => {
            if text.len() <= VALUE_BYTES_MAX {
                // One more than allowed is enough to show that there are too many.
                if flat.len() > KEYS_MAX && !flat.contains_key(&(name.clone(), language)) {
                    return;
                }
                let (values, has_order) = flat.entry((name, language)).or_default();
                values.push(text.clone());
                *has_order |= is_ordered;
            }
        }
        TagValue::Bag(items) | TagValue::Seq(items) => {
            let is_ordered = is_ordered || matches!(value, TagValue::Seq(_));
            for item in items {
                add(flat, group, name.clone(), language, item, is_ordered, depth + 1);
            }
        }
        TagValue::Struct(fields) => {
            for (field, value) in fields {
                // ExifTool puts the group before a field that is of another namespace than its structure.
                let field = field.rsplit_once(':').map_or(&**field, |(_, field)| field);
                let (field, field_language) = match language_of(field) {
                    Some((field, language)) => (field, Some(language)),
                    None => (field, None),
                };
                let name = Cow::Owned(field_name(group, &name, field).into_owned());
                add(flat, group, name, field_language.or(language), value, is_ordered, depth + 1);
            }
        }
    }
}

/// A field with its language: `AOTitle-de` is `AOTitle` and `de` (BCP 47: the first subtag has two or three letters, or
/// is an `x` with more behind).
#[must_use]
pub fn language_of(field: &str) -> Option<(&str, &str)> {
    let (name, language) = field.split_once('-')?;
    let first = language.split('-').next()?;
    let is_language = matches!(first.len(), 2 | 3) || matches!(first, "x" | "i") && language.len() > 2;
    (is_language && first.bytes().all(|byte| byte.is_ascii_alphabetic()) && !name.is_empty())
        .then_some((name, language))
}

#[cfg(test)]
mod tests {
    use super::{Leaf, leaves};
    use crate::metadata::limits::{VALUE_BYTES_MAX, XML_DEPTH_MAX};
    use crate::metadata::tag::{Family, Tag, TagValue};

    fn flat(name: &'static str, value: TagValue) -> Vec<(String, Vec<String>, bool)> {
        let tag = Tag { family: Family::Xmp, group: "XMP-iptcExt".into(), name: name.into(), language: None, value };
        let mut out = Vec::new();
        leaves(&tag, &mut |Leaf { name, language, values, is_ordered }| {
            let language = language.map(|language| format!("[{language}]")).unwrap_or_default();
            out.push((format!("{name}{language}"), values, is_ordered));
        });
        out
    }

    fn text(text: &str) -> TagValue {
        TagValue::Text(text.to_owned())
    }

    #[test]
    fn a_list_of_structures_gives_a_list_for_each_field() {
        let one = TagValue::Struct(vec![
            ("City".into(), text("SFO")),
            ("LocationId".into(), TagValue::Bag(vec![text("a"), text("b")])),
        ]);
        let two = TagValue::Struct(vec![("City".into(), text("LAX")), ("LocationName-de".into(), text("Flughafen"))]);
        let expect = [
            ("LocationShownCity", vec!["SFO", "LAX"], false),
            ("LocationShownLocationId", vec!["a", "b"], false),
            ("LocationShownLocationName[de]", vec!["Flughafen"], false),
        ];
        let expect: Vec<_> = expect
            .into_iter()
            .map(|(name, values, is_ordered)| {
                (name.to_owned(), values.into_iter().map(str::to_owned).collect::<Vec<_>>(), is_ordered)
            })
            .collect();
        assert_eq!(flat("LocationShown", TagValue::Bag(vec![one.clone(), two.clone()])), expect);
        assert!(flat("LocationShown", TagValue::Seq(vec![one, two])).iter().all(|(_, _, is_ordered)| *is_ordered));
    }

    #[test]
    fn structures_nest() {
        let term = TagValue::Struct(vec![("CvTermName".into(), text("tall"))]);
        let person = TagValue::Struct(vec![
            ("XMP-own:PersonName".into(), text("Jane")),
            ("PersonCharacteristic".into(), TagValue::Bag(vec![term])),
        ]);
        assert_eq!(
            flat("PersonInImageWDetails", TagValue::Bag(vec![person])),
            [
                ("PersonInImageCvTermName".to_owned(), vec!["tall".to_owned()], false),
                ("PersonInImageName".to_owned(), vec!["Jane".to_owned()], false),
            ]
        );
    }

    #[test]
    fn what_is_empty_too_long_or_too_deep_gives_nothing() {
        assert!(flat("Keywords", TagValue::Bag(Vec::new())).is_empty());
        assert_eq!(flat("Headline", text("")), [("Headline".to_owned(), vec![String::new()], false)]);
        assert_eq!(flat("Headline", text(&"x".repeat(VALUE_BYTES_MAX))).len(), 1);
        assert!(flat("Headline", text(&"x".repeat(VALUE_BYTES_MAX + 1))).is_empty());
        let long = TagValue::Bag(vec![text(&"x".repeat(VALUE_BYTES_MAX + 1)), text("a")]);
        assert_eq!(flat("Keywords", long), [("Keywords".to_owned(), vec!["a".to_owned()], false)]);
        let deep = |levels| (0..levels).fold(text("x"), |value, _| TagValue::Bag(vec![value]));
        assert_eq!(flat("Headline", deep(XML_DEPTH_MAX)).len(), 1);
        assert!(flat("Headline", deep(XML_DEPTH_MAX + 1)).is_empty());
    }
}
