//! Which namespace a prefix means at one place of a document (W3C, Namespaces in XML 1.0), and which group the tags of
//! a namespace have. A namespace that is not known has the group of the document's own prefix.

use std::borrow::Cow;

use super::namespaces::{self, RDF, Schema};
use super::properties::{self, Property};
use crate::metadata::fault::Fault;
use crate::metadata::tag::Text;

/// The namespace that `xml:` always means.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Declarations that hold at one place, and namespaces of one document that are not known. A search looks at each.
const NAMESPACES_MAX: usize = 256;

/// The namespace of a name.
#[derive(Debug, Clone, Copy)]
pub enum Namespace {
    /// No namespace.
    None,
    /// `xml:`.
    Xml,
    /// `rdf:`.
    Rdf,
    /// One that is known.
    Known(&'static Schema),
    /// One that is not known, by its number in the document.
    Other(usize),
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Xml, Self::Xml) | (Self::Rdf, Self::Rdf) => true,
            (Self::Known(a), Self::Known(b)) => std::ptr::eq(*a, *b),
            (Self::Other(a), Self::Other(b)) => a == b,
            _ => false,
        }
    }
}

impl Namespace {
    /// What is known of a property of this namespace.
    #[must_use]
    pub fn property(self, id: &str) -> Option<&'static Property> {
        match self {
            Self::Known(schema) => properties::find(schema.properties, id),
            _ => None,
        }
    }
}

/// A namespace that is not known.
#[derive(Debug)]
struct Other<'a> {
    uri: Cow<'a, str>,
    group: String,
}

/// The namespaces of a document, and what its prefixes mean at the place where its reading is.
#[derive(Debug, Default)]
pub struct Scope<'a> {
    bindings: Vec<(&'a str, Namespace)>,
    others: Vec<Other<'a>>,
    declarations: usize,
    /// The prefix that was resolved last: neighbours mostly have the same.
    last: Option<(&'a str, Namespace)>,
}

impl<'a> Scope<'a> {
    /// Enters an element. Gives what [`Scope::leave`] takes at its end.
    #[must_use]
    pub fn enter(&self) -> usize {
        self.bindings.len()
    }

    /// Leaves an element: the declarations in it no longer hold.
    pub fn leave(&mut self, bindings: usize) {
        if self.bindings.len() > bindings {
            self.bindings.truncate(bindings);
            self.last = None;
        }
    }

    /// Declarations so far, whether they hold or not.
    #[must_use]
    pub fn declarations(&self) -> usize {
        self.declarations
    }

    /// Binds a prefix to a URI.
    ///
    /// # Errors
    /// When there are too many.
    pub fn declare(&mut self, prefix: &'a str, uri: Cow<'a, str>) -> Result<(), Fault> {
        self.declarations += 1;
        let namespace = match &*uri {
            "" => Namespace::None,
            RDF => Namespace::Rdf,
            XML => Namespace::Xml,
            known => match namespaces::find(known) {
                Some(schema) => Namespace::Known(schema),
                None => self.other(prefix, uri)?,
            },
        };
        if self.bindings.len() >= NAMESPACES_MAX {
            return Err(too_many());
        }
        self.bindings.push((prefix, namespace));
        self.last = None;
        Ok(())
    }

    /// What a prefix means here. One that is not declared means a namespace of its own: some writers forget it.
    ///
    /// # Errors
    /// When there are too many.
    pub fn resolve(&mut self, prefix: &'a str) -> Result<Namespace, Fault> {
        if let Some((last, namespace)) = self.last
            && last == prefix
        {
            return Ok(namespace);
        }
        let bound = self.bindings.iter().rev().find(|(bound, _)| *bound == prefix);
        let namespace = match (bound, prefix) {
            (Some((_, namespace)), _) => *namespace,
            (None, "") => Namespace::None,
            (None, "xml") => Namespace::Xml,
            (None, _) => self.other(prefix, Cow::Borrowed(""))?,
        };
        self.last = Some((prefix, namespace));
        Ok(namespace)
    }

    /// ExifTool's family 1 group of a namespace.
    #[must_use]
    pub fn group(&self, namespace: Namespace) -> Text {
        match namespace {
            Namespace::None => Cow::Borrowed("XMP"),
            Namespace::Xml => Cow::Borrowed("XMP-xml"),
            Namespace::Rdf => Cow::Borrowed("XMP-rdf"),
            Namespace::Known(schema) => Cow::Borrowed(schema.group),
            Namespace::Other(at) => Cow::Owned(self.others.get(at).map_or("XMP", |other| &*other.group).to_owned()),
        }
    }

    /// A namespace that is not known; it keeps the prefix that it was met with first. An empty URI is that of a prefix
    /// without a declaration. A prefix that means another namespace already, or usually does, would mix up the groups:
    /// such a namespace gets `tmp` and a number, as in ExifTool.
    fn other(&mut self, prefix: &str, uri: Cow<'a, str>) -> Result<Namespace, Fault> {
        let wanted = match prefix {
            "" => "XMP".to_owned(),
            prefix => format!("XMP-{prefix}"),
        };
        let is_undeclared = uri.is_empty();
        let is_same = |other: &Other<'_>| other.uri == uri && (!is_undeclared || other.group == wanted);
        if let Some(at) = self.others.iter().position(is_same) {
            return Ok(Namespace::Other(at));
        }
        if self.others.len() >= NAMESPACES_MAX {
            return Err(too_many());
        }
        let is_taken = !prefix.is_empty() && self.others.iter().any(|other| other.group == wanted);
        let group = if !is_undeclared && (is_taken || namespaces::has_prefix(prefix)) {
            let temporary = self.others.iter().filter(|other| other.group.starts_with("XMP-tmp")).count();
            format!("XMP-tmp{temporary}")
        } else {
            wanted
        };
        self.others.push(Other { uri, group });
        Ok(Namespace::Other(self.others.len() - 1))
    }
}

fn too_many() -> Fault {
    Fault::limit("XML has more namespaces than allowed", format!("{NAMESPACES_MAX} namespaces"))
}

#[cfg(test)]
mod tests {
    use super::{NAMESPACES_MAX, Namespace, Scope};

    #[test]
    fn a_prefix_means_what_was_declared_last() {
        let mut scope = Scope::default();
        let outer = scope.enter();
        scope.declare("a", "http://purl.org/dc/elements/1.1/".into()).expect("room");
        let inner = scope.enter();
        scope.declare("a", "http://one/".into()).expect("room");
        let namespace = scope.resolve("a").expect("room");
        assert_eq!(scope.group(namespace), "XMP-a");
        scope.leave(inner);
        let namespace = scope.resolve("a").expect("room");
        assert_eq!(scope.group(namespace), "XMP-dc");
        scope.leave(outer);
        let namespace = scope.resolve("a").expect("room");
        assert!(matches!(namespace, Namespace::Other(_)));
        assert_eq!(scope.group(namespace), "XMP-a");
        assert!(scope.resolve("xml").expect("room") == Namespace::Xml);
    }

    #[test]
    fn two_namespaces_never_share_a_group() {
        let mut scope = Scope::default();
        let mut group = |prefix, uri: &'static str| {
            scope.declare(prefix, uri.into()).expect("room");
            let namespace = scope.resolve(prefix).expect("room");
            scope.group(namespace)
        };
        assert_eq!(group("x1", "http://one/"), "XMP-x1");
        assert_eq!(group("x1", "http://two/"), "XMP-tmp0");
        assert_eq!(group("dc", "http://three/"), "XMP-tmp1");
        assert_eq!(group("x2", "http://one/"), "XMP-x1");
        assert_eq!(group("xap", "http://ns.adobe.com/xap/1.0/"), "XMP-xmp");
    }

    #[test]
    fn namespaces_are_limited() {
        let expect = "XML has more namespaces than allowed (limit: 256 namespaces)";
        // Declarations that hold at one place, of one namespace.
        let mut scope = Scope::default();
        for _ in 0..NAMESPACES_MAX {
            scope.declare("a", "http://purl.org/dc/elements/1.1/".into()).expect("room");
        }
        let fault = scope.declare("a", "http://purl.org/dc/elements/1.1/".into()).expect_err("one too many");
        assert_eq!(fault.to_string(), expect);
        // Namespaces that are not known, each declared at a place of its own.
        let mut scope = Scope::default();
        let mut declare = |n: usize| {
            let outer = scope.enter();
            let declared = scope.declare("a", format!("http://{n}/").into());
            scope.leave(outer);
            declared
        };
        for n in 0..NAMESPACES_MAX {
            declare(n).expect("room");
        }
        declare(0).expect("one that is there already");
        assert_eq!(declare(NAMESPACES_MAX).expect_err("one too many").to_string(), expect);
    }
}
