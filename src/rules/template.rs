//! Payload templates: texts in which `{...}` is replaced. `{{` and `}}` are braces.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::diagnostic::{Code, Severity, TextFault};
use crate::model::ids::AssetId;
use crate::model::metadata::{Key, Metadata, nfc};
use crate::model::nearest::nearest;
use crate::model::path::LogicalPath;
use crate::model::time::Wall;

/// A template, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// What a `{...}` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placeholder {
    /// `{asset.id}`: the asset's number.
    AssetId,
    /// `{asset.path}`: its logical path.
    AssetPath,
    /// `{asset.name}`: the path's last component.
    AssetName,
    /// `{asset.owner}`
    AssetOwner,
    /// `{action}`: the change's; empty for an event that no change caused.
    Action,
    /// `{time}`: RFC 3339, UTC, milliseconds.
    Time,
    /// `{event}`: the event's name.
    Event,
    /// `{tenant}`; empty where there is none.
    Tenant,
    /// `{metadata.KEY}`: the key's values, separated by `, `; empty when it has none.
    Metadata(Key),
}

/// All placeholders but those of metadata, by what is written between the braces.
const PLACEHOLDERS: [(&str, Placeholder); 8] = [
    ("asset.id", Placeholder::AssetId),
    ("asset.path", Placeholder::AssetPath),
    ("asset.name", Placeholder::AssetName),
    ("asset.owner", Placeholder::AssetOwner),
    ("action", Placeholder::Action),
    ("time", Placeholder::Time),
    ("event", Placeholder::Event),
    ("tenant", Placeholder::Tenant),
];

/// What placeholders are replaced by.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// The asset and its path; `None` for an event about none.
    pub asset: Option<(AssetId, &'a LogicalPath)>,
    /// The asset's owner.
    pub owner: &'a str,
    /// The change's action, as in payloads.
    pub action: &'a str,
    /// When it happened.
    pub time: Wall,
    /// The event's name.
    pub event: &'a str,
    /// The tenant.
    pub tenant: &'a str,
    /// The asset's metadata as it then stood.
    pub metadata: &'a Metadata,
}

impl Template {
    /// Reads a template. Faults are added to `faults`; there is a template when there is none.
    pub fn parse(text: &str, faults: &mut Vec<TextFault>) -> Option<Self> {
        let errors = |faults: &[TextFault]| faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        let before = errors(faults);
        let mut parts: Vec<Part> = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(brace) = text[at..].find(['{', '}']).map(|found| at + found) {
            literal.push_str(&text[at..brace]);
            let rest = &text[brace..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                faults.extend(doubled(rest, brace));
                literal.push_str(&rest[..1]);
                at = brace + 2;
                continue;
            }
            let end = rest.find('}').map(|found| brace + found);
            match end {
                Some(end) if end > brace => {
                    let written = &text[brace + 1..end];
                    match placeholder(written) {
                        Some(placeholder) => {
                            if !literal.is_empty() {
                                parts.push(Part::Text(std::mem::take(&mut literal)));
                            }
                            parts.push(Part::Value(placeholder));
                        }
                        None => faults.push(unknown(written, brace..end + 1)),
                    }
                    at = end + 1;
                }
                closed => {
                    let (message, help) = match closed {
                        None => ("this `{` is not closed", "close it with `}`, or write `{{` for a brace"),
                        Some(_) => ("this `}` closes nothing", "write `}}` for a brace"),
                    };
                    faults.push(TextFault::error(Code::BadTemplate, brace..brace + 1, message, "", help));
                    at = brace + 1;
                }
            }
        }
        literal.push_str(&text[at..]);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        (errors(faults) == before).then_some(Self { parts })
    }

    /// The text with everything replaced.
    #[must_use]
    pub fn render(&self, values: &Values<'_>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(placeholder) => values.write(placeholder, &mut out),
            }
        }
        out
    }

    /// What is replaced in it, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(placeholder) => Some(placeholder),
            Part::Text(_) => None,
        })
    }
}

impl Values<'_> {
    fn write(&self, placeholder: &Placeholder, out: &mut String) {
        let path = self.asset.map(|(_, path)| path);
        let text: Cow<'_, str> = match placeholder {
            Placeholder::AssetId => self.asset.map(|(id, _)| id.to_string()).unwrap_or_default().into(),
            Placeholder::AssetPath => path.map(LogicalPath::display).unwrap_or_default(),
            Placeholder::AssetName => {
                path.and_then(|path| path.names().last()).map(String::from_utf8_lossy).unwrap_or_default()
            }
            Placeholder::AssetOwner => self.owner.into(),
            Placeholder::Action => self.action.into(),
            Placeholder::Event => self.event.into(),
            Placeholder::Tenant => self.tenant.into(),
            Placeholder::Metadata(key) => {
                self.metadata.get(key).map(|values| values.join(", ")).unwrap_or_default().into()
            }
            Placeholder::Time => {
                write!(out, "{}", self.time).expect("writing to memory does not fail");
                return;
            }
        };
        out.push_str(&text);
    }
}

fn placeholder(written: &str) -> Option<Placeholder> {
    if let Some(key) = written.strip_prefix("metadata.") {
        return (!key.is_empty()).then(|| Placeholder::Metadata(nfc(key)));
    }
    PLACEHOLDERS.iter().find(|(name, _)| *name == written).map(|(_, placeholder)| placeholder.clone())
}

/// The warning of a placeholder between doubled braces, as other languages have it. `at` is where `text` begins.
fn doubled(text: &str, at: usize) -> Option<TextFault> {
    let written = text.strip_prefix("{{")?.split_once("}}")?.0;
    placeholder(written.trim())?;
    let message = "`{{` is a brace: this is told as it stands";
    let help = format!("write {{{}}}", written.trim());
    let range = at..at + written.len() + 4;
    Some(TextFault::error(Code::TakenLiterally, range, message, "nothing is replaced", help).as_warning())
}

fn unknown(written: &str, range: std::ops::Range<usize>) -> TextFault {
    let mut known: Vec<_> = PLACEHOLDERS.iter().map(|(name, _)| *name).collect();
    let bare = written.trim();
    let of_asset = known.iter().find(|name| name.strip_prefix("asset.") == Some(bare)).copied();
    if let Some((_, key)) = bare.split_once(['.', ':']).filter(|(word, _)| word.eq_ignore_ascii_case("metadata")) {
        let help = format!("write `{{metadata.{}}}`", if key.is_empty() { "KEY" } else { key });
        return TextFault::error(
            Code::BadTemplate,
            range,
            "there is nothing of this name to put here",
            "unknown",
            help,
        );
    }
    let help = match of_asset.or_else(|| nearest(written, &known)) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None => {
            known.push("metadata.KEY");
            format!("known here: {{{}}}; write `{{{{` for a brace", known.join("} {"))
        }
    };
    TextFault::error(Code::BadTemplate, range, "there is nothing of this name to put here", "unknown", help)
}

#[cfg(test)]
mod tests {
    use super::{Template, Values};
    use crate::diagnostic::Code;
    use crate::model::ids::AssetId;
    use crate::model::metadata::Metadata;
    use crate::model::path::LogicalPath;
    use crate::model::time::Wall;

    #[test]
    fn placeholders_are_replaced_and_doubled_braces_are_braces() {
        let path = LogicalPath::parse("/acme/caf\u{e9}.mov".as_bytes()).expect("a path");
        let metadata = Metadata::from([("Keywords".to_owned(), vec!["a".to_owned(), "b".to_owned()])]);
        let values = Values {
            asset: Some((AssetId(7), &path)),
            owner: "ana",
            action: "added",
            time: Wall(0),
            event: "scan",
            tenant: "acme",
            metadata: &metadata,
        };
        for (text, expect) in [
            ("", ""),
            ("plain", "plain"),
            ("{asset.id}", "7"),
            ("{asset.path} {asset.name}", "/acme/caf\u{e9}.mov caf\u{e9}.mov"),
            ("{asset.owner}:{action}:{event}:{tenant}", "ana:added:scan:acme"),
            ("at {time}", "at 1970-01-01T00:00:00.000Z"),
            ("{metadata.Keywords}{metadata.a b{c}", "a, b"),
            ("{{{asset.id}}} {{x}}", "{7} {x}"),
        ] {
            let template = Template::parse(text, &mut Vec::new()).expect(text);
            assert_eq!(template.render(&values), expect, "{text}");
        }
        let about_nothing = Values { asset: None, ..values };
        let template = Template::parse("<{asset.id}{asset.path}{asset.name}>", &mut Vec::new()).expect("a template");
        assert_eq!(template.render(&about_nothing), "<>");
        assert_eq!(template.placeholders().count(), 3);
    }

    #[test]
    fn what_is_no_template_is_refused_at_its_place() {
        for (text, range) in [
            ("a {asset.di}", 2..12),
            ("{}", 0..2),
            ("{metadata.}", 0..11),
            ("\u{e9}{asset.id", 2..3),
            ("a}", 1..2),
            ("{asset.id}}", 10..11),
        ] {
            let mut faults = Vec::new();
            assert!(Template::parse(text, &mut faults).is_none(), "{text}");
            let found: Vec<_> = faults.iter().map(|fault| (fault.code, fault.range.clone())).collect();
            assert_eq!(found, [(Code::BadTemplate, range)], "{text}");
        }
        let mut faults = Vec::new();
        Template::parse("{asset.di}", &mut faults);
        assert_eq!(faults[0].help.as_deref(), Some("did you mean `{asset.id}`?"));
    }
}
