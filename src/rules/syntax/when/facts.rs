//! Comparisons on facts: what an asset is, beside its metadata.

use std::ops::Range;

use super::cursor::is_joint;
use super::lexer::{Kind, Operator};
use super::parts::{Asked, How, Value, one_of};
use super::{Parser, size};
use crate::diagnostic::{Code, TextFault, meant};
use crate::model::change::Action;
use crate::model::duration::parse_duration_ms;
use crate::model::metadata::nfc;
use crate::model::nearest::nearest;
use crate::model::path::{LogicalPath, PathError};
use crate::rules::condition::{Actions, Expr, FactTest, MtimeTest, Predicate, Relation, SizeTest, TextFact, ValueTest};
use crate::rules::pattern::{PathGlob, TextPattern};
use crate::rules::syntax::glob::{Scanned, bad_glob, over_paths};
use crate::rules::syntax::watch_metadata::unquoted;
use crate::rules::value::date;

/// What a comparison asks about when its left side is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    Action,
    Text(TextFact),
    Size,
    Mtime,
}

impl Fact {
    /// All words that are facts when they are not quoted.
    pub(super) const NAMES: [&str; 10] =
        ["action", "path", "name", "ext", "dir", "size", "mtime", "owner", "mount", "tenant"];

    /// The fact of a word.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "action" => Self::Action,
            "path" => Self::Text(TextFact::Path),
            "name" => Self::Text(TextFact::Name),
            "ext" => Self::Text(TextFact::Ext),
            "dir" => Self::Text(TextFact::Dir),
            "size" => Self::Size,
            "mtime" => Self::Mtime,
            "owner" => Self::Text(TextFact::Owner),
            "mount" => Self::Text(TextFact::Mount),
            "tenant" => Self::Text(TextFact::Tenant),
            _ => return None,
        })
    }

    /// What it takes.
    pub(super) fn forms(self) -> &'static str {
        match self {
            Self::Action => "write action == added, action != deleted or action in (added, modified)",
            Self::Text(TextFact::Path) => {
                "write path == /acme/a.mov, path in (/a, /b), path like \"/acme/**/*.mov\" or path =~ \"regex\""
            }
            Self::Text(TextFact::Name) => {
                "write name == a.mov, name == *.mov, name in (a.mov, b.mov), name like \"day?.*\" or name =~ \"regex\""
            }
            Self::Text(TextFact::Ext) => {
                "write ext == mov, ext in (mov, mxf), ext like \"m?v\", ext =~ \"regex\" or ext == * (has one)"
            }
            Self::Text(TextFact::Dir) => {
                "write dir == /acme/dailies, dir in (/a, /b), dir like \"/acme/**\" or dir =~ \"regex\""
            }
            Self::Text(TextFact::Owner) => {
                "write owner == ana, owner in (ana, ben), owner like \"a*\" or owner =~ \"regex\""
            }
            Self::Text(TextFact::Mount) => "write mount == /acme, mount in (/acme, /zen) or mount like \"/acme/*\"",
            Self::Text(TextFact::Tenant) => {
                "write tenant == acme, tenant in (acme, zen), tenant like \"a*\" or tenant == * (has one)"
            }
            Self::Size => "write size > 2GB, size <= 500KiB or size == 0",
            Self::Mtime => "write mtime < 7d ago (older than a week), mtime > 1h ago or mtime >= 2026-11-22",
        }
    }
}

impl Parser<'_> {
    /// What follows a fact that begins at `start`.
    pub(super) fn fact(&mut self, fact: Fact, asked: &Asked, start: usize) -> Option<Expr> {
        match fact {
            Fact::Action => self.action(asked),
            Fact::Text(text) => self.text_fact(text, asked, start),
            Fact::Size => self.size(asked, start),
            Fact::Mtime => self.mtime(asked, start),
        }
    }

    fn action(&mut self, asked: &Asked) -> Option<Expr> {
        let values = match asked.how {
            How::Operator(Operator::Equal | Operator::Unequal) => vec![self.value(asked)?],
            How::In => self.values(asked)?,
            _ => return self.not_taken(Fact::Action, asked),
        };
        let read: Vec<Option<Action>> = values.iter().map(|value| self.action_named(value)).collect();
        let mut actions: Vec<Action> = read.into_iter().collect::<Option<_>>()?;
        if asked.negated || asked.how == How::Operator(Operator::Unequal) {
            actions = Action::ALL.into_iter().filter(|action| !actions.contains(action)).collect();
        }
        Some(Expr::Is(Predicate::Action(Actions::of(&actions))))
    }

    fn action_named(&mut self, value: &Value) -> Option<Action> {
        let found = Action::parse(&value.text);
        if found.is_none() {
            let words = Action::ALL.map(Action::as_str);
            let rest = "an action is added, modified, deleted or none (metadata alone)";
            let help = match meant::action(&value.text).or_else(|| nearest(&value.text, &words)) {
                Some(word) => format!("did you mean `{word}`? {rest}"),
                None => rest.to_owned(),
            };
            let message = "there is no such action";
            self.push(TextFault::error(Code::UnknownWord, value.range.clone(), message, "this word", help));
        }
        found
    }

    fn text_fact(&mut self, fact: TextFact, asked: &Asked, start: usize) -> Option<Expr> {
        let (test, negated) = match asked.how {
            How::Operator(Operator::Order(_)) => return self.not_taken(Fact::Text(fact), asked),
            How::Operator(operator @ (Operator::Equal | Operator::Unequal)) => {
                let value = self.value(asked)?;
                let negated = operator == Operator::Unequal;
                self.quoted_star(fact, &value);
                match self.pattern(fact, &value)? {
                    // A fact that is not there is the empty text: anything but that.
                    TextPattern::Any => (ValueTest::Like(TextPattern::Exact(Box::default())), !negated),
                    pattern => (ValueTest::Like(pattern), negated),
                }
            }
            How::Operator(operator @ (Operator::Matches | Operator::MatchesNot)) => {
                (ValueTest::Matches(self.regex(asked)?.into()), operator == Operator::MatchesNot)
            }
            How::In => {
                let values = self.exact_values(asked)?;
                let read: Vec<_> = values.iter().map(|value| self.exact(fact, value)).collect();
                (one_of(read.into_iter().collect::<Option<_>>()?), asked.negated)
            }
            How::Like => {
                let value = self.value(asked)?;
                self.percent(&value);
                let glob = if is_path(fact) { self.path_glob(&value)? } else { self.text_glob(&value)? };
                if !value.text.contains(['{', '[', '\\']) {
                    self.impossible(fact, &[&value.text], value.range);
                }
                (ValueTest::Glob(glob.into()), asked.negated)
            }
        };
        let expr = self.question(FactTest::Text(fact, test), start);
        Some(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    /// Points out a star that double quotes make a star: names seldom have one.
    fn quoted_star(&mut self, fact: TextFact, value: &Value) {
        let is_of_name = matches!(fact, TextFact::Path | TextFact::Dir | TextFact::Name | TextFact::Ext);
        if value.quoted && is_of_name && value.text.contains('*') {
            let message = "in double quotes `*` stands for itself";
            let help = format!("write like \"{}\", or \\* without quotes if the star is meant", value.text);
            self.literally(value.range.clone(), message, "this text", &help);
        }
    }

    fn size(&mut self, asked: &Asked, start: usize) -> Option<Expr> {
        let How::Operator(operator @ (Operator::Equal | Operator::Unequal | Operator::Order(_))) = asked.how else {
            return self.not_taken(Fact::Size, asked);
        };
        let value = self.spread_value(asked)?;
        let bytes = match size::parse(&value.text) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.fault(value.range, &why.to_string(), "not a size", Fact::Size.forms());
                return None;
            }
        };
        let test = match operator {
            Operator::Order(relation) => SizeTest::Compares(relation, bytes),
            _ => SizeTest::Is(bytes),
        };
        if bytes == 0 && operator == Operator::Order(Relation::Less) {
            let help = "write size == 0 for empty files";
            self.never(asked.range.start..value.range.end, "no size is below 0", help.to_owned());
        }
        let expr = self.question(FactTest::Size(test), start);
        Some(if operator == Operator::Unequal { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn mtime(&mut self, asked: &Asked, start: usize) -> Option<Expr> {
        let How::Operator(Operator::Order(relation)) = asked.how else {
            return self.not_taken(Fact::Mtime, asked);
        };
        let value = self.spread_value(asked)?;
        let duration = if value.quoted && self.is_word(self.at, "ago") {
            self.at += 1;
            Some(value.text.as_str())
        } else {
            let before = value.text.strip_suffix("ago").filter(|_| !value.quoted);
            before.filter(|before| before.ends_with(char::is_whitespace)).map(str::trim_end)
        };
        let test = if let Some(duration) = duration {
            match parse_duration_ms(duration) {
                Ok(ms) => MtimeTest::Ago(relation, ms),
                Err(why) => {
                    let range = value.range.start..value.range.start + duration.len();
                    let range = if value.quoted { value.range.clone() } else { range };
                    let help = meant::duration(duration).filter(|meant| parse_duration_ms(meant).is_ok()).map_or_else(
                        || "write mtime < 7d ago; for longer spans write a date".to_owned(),
                        |meant| format!("write {meant} ago"),
                    );
                    self.push(TextFault::error(Code::BadDuration, range, why.to_string(), "this duration", help));
                    return None;
                }
            }
        } else if let Some(date) = date(&value.text) {
            MtimeTest::Date(relation, date)
        } else if parse_duration_ms(&value.text).is_ok() {
            let help = format!("write {} ago", value.text);
            self.fault(value.range, "`mtime` is a point in time, not a duration", "a duration", &help);
            return None;
        } else {
            let message = "this is neither a date nor a duration followed by `ago`";
            let forms = "write an ISO 8601 date, such as 2026-11-22 or 2026-11-22T10:00:00Z, or a duration: 7d ago";
            let ago =
                value.text.strip_suffix("ago").and_then(meant::duration).map(|duration| format!("{duration} ago"));
            let date =
                || meant::number_or_date(&value.text).filter(|guess| guess.contains('-') && date(guess).is_some());
            let help = ago.or_else(date).map_or_else(|| forms.to_owned(), |guess| format!("write {guess}"));
            self.push(TextFault::error(Code::NotComparable, value.range, message, "not comparable", help));
            return None;
        };
        Some(self.question(FactTest::Mtime(test), start))
    }

    fn question(&self, test: FactTest, start: usize) -> Expr {
        Expr::Is(Predicate::Fact { test: Box::new(test), text: self.slice(start) })
    }

    /// Reports an operator that a fact does not take.
    fn not_taken(&mut self, fact: Fact, asked: &Asked) -> Option<Expr> {
        let what = match fact {
            Fact::Action => "`action` is one of four words",
            Fact::Text(_) => "this fact is a text, which has no order",
            Fact::Size => "`size` is a number of bytes",
            Fact::Mtime => "`mtime` is a point in time, to be compared by < <= > >=",
        };
        let message = format!("{what}: it does not take `{}`", &self.text[asked.range.clone()]);
        self.fault(asked.range.clone(), &message, "not here", fact.forms());
        self.skip()
    }

    /// A value that may be written in several words: `2 GB`, `7d ago`, a date and a time.
    fn spread_value(&mut self, asked: &Asked) -> Option<Value> {
        let mut value = self.value_or_missing(asked)?;
        while !value.quoted && self.continues() {
            value.range.end = self.tokens[self.at].range.end;
            self.at += 1;
        }
        if !value.quoted {
            value.text = self.text[value.range.clone()].to_owned();
        }
        Some(value)
    }

    /// Whether the next token is a word that belongs to the value before it.
    fn continues(&self) -> bool {
        let Some(token) = self.peek().filter(|token| token.kind == Kind::Word) else { return false };
        let word = &self.text[token.range.clone()];
        let keyword = is_joint(word) || matches!(word, "in" | "like" | "touched") || word.eq_ignore_ascii_case("not");
        !keyword && !self.is_operator(self.at + 1)
    }

    /// What a text fact is compared with by `==`.
    fn pattern(&mut self, fact: TextFact, value: &Value) -> Option<TextPattern> {
        let exact = match unquoted(&value.text) {
            _ if value.quoted => Some(value.text.clone()),
            TextPattern::Exact(text) => Some(text.into()),
            TextPattern::Any | TextPattern::Pieces(_) => None,
        };
        if let Some(text) = exact {
            let value = Value { text, quoted: value.quoted, range: value.range.clone() };
            return Some(TextPattern::Exact(self.exact(fact, &value)?.into()));
        }
        if !is_path(fact) {
            let pattern = unquoted(&value.text);
            if let TextPattern::Pieces(pieces) = &pattern {
                let pieces: Vec<&str> = pieces.iter().map(|piece| &**piece).collect();
                self.impossible(fact, &pieces, value.range.clone());
            }
            return Some(pattern);
        }
        // A star at the beginning may stand for the slash there.
        let rooted = value.text.starts_with('*');
        let text = if rooted { format!("/{}", value.text) } else { value.text.clone() };
        let path = self.path(fact, &text, value.range.clone())?;
        let path = path.strip_prefix('/').filter(|_| rooted).unwrap_or(&path);
        Some(unquoted(path))
    }

    /// One whole value of a text fact, in its normal form.
    fn exact(&mut self, fact: TextFact, value: &Value) -> Option<String> {
        if is_path(fact) {
            return self.path(fact, &value.text, value.range.clone()).map(|path| nfc(&path));
        }
        let text = nfc(&value.text);
        self.impossible(fact, &[&text], value.range.clone());
        Some(text)
    }

    fn path(&mut self, fact: TextFact, text: &str, range: Range<usize>) -> Option<String> {
        match LogicalPath::parse(text.as_bytes()) {
            Ok(path) => {
                if fact == TextFact::Path && text.ends_with('/') {
                    let help = format!(
                        "for everything under a directory write path like \"{}/**\"",
                        text.trim_end_matches('/')
                    );
                    self.never(range, "no asset's path ends with a slash; it is compared without", help);
                }
                Some(path.display().into_owned())
            }
            Err(error) => {
                self.bad_path(error, range);
                None
            }
        }
    }

    fn bad_path(&mut self, error: PathError, range: Range<usize>) {
        let help = "write a whole logical path, such as /acme/dailies; `**` in a glob stands for any number of directories: \
                    like \"/**/*.mov\"";
        self.push(TextFault::error(Code::BadPath, range, error.to_string(), "this path", help));
    }

    /// A glob over paths. It is held to the same form as a path, and sees names that are not UTF-8 as they are.
    fn path_glob(&mut self, value: &Value) -> Option<PathGlob> {
        let scanned = match Scanned::new(&value.text) {
            Ok(scanned) => scanned,
            Err(why) => {
                self.push(bad_glob(&why, value.range.clone()));
                return None;
            }
        };
        if let Err(error) = LogicalPath::parse(&scanned.unescaped) {
            self.bad_path(error, value.range.clone());
            return None;
        }
        // Places in the glob are places in the text unless something in it is escaped.
        let from = value.range.start + usize::from(value.quoted);
        let escaped = from + value.text.len() + usize::from(value.quoted) != value.range.end;
        let star = |at: usize| if escaped { value.range.clone() } else { from + at..from + at + 2 };
        let mut found = Vec::new();
        let glob = over_paths(&value.text, scanned.prefix(), value.range.clone(), star, &mut found);
        for fault in found {
            self.push(fault);
        }
        glob
    }

    /// Points out literal parts of a value that the fact never has.
    fn impossible(&mut self, fact: TextFact, parts: &[&str], range: Range<usize>) {
        let has = |c: char| parts.iter().any(|part| part.contains(c));
        match fact {
            TextFact::Ext if has('/') => {
                let help = "write path like \"/acme/**/*.mov\" to ask for directories too".to_owned();
                self.never(range, "`ext` never has a slash: it is what stands behind the name's last dot", help);
            }
            TextFact::Ext if has('.') => {
                let last = parts.last().and_then(|part| part.rsplit('.').next()).unwrap_or_default();
                let dotted = parts.len() == 1 && parts[0].trim_start_matches('.').contains('.');
                let help = match last {
                    "" => "write the extension without the dot, such as ext == mov".to_owned(),
                    last if dotted => format!("write {last}, or name == *.{}", parts[0].trim_start_matches('.')),
                    last => format!("write it without the dot: {last}"),
                };
                self.never(range, "`ext` never has a dot: it is what stands behind the name's last one", help);
            }
            TextFact::Name if has('/') => {
                let help =
                    "write path or dir to ask for directories: path like \"/acme/**/*.mov\", dir == /acme".to_owned();
                self.never(range, "`name` never has a slash: it is the last part of the path", help);
            }
            TextFact::Name if parts == [""] => {
                self.never(range, "every asset has a name", "write the name, such as a.mov".to_owned());
            }
            _ => {}
        }
    }

    fn never(&mut self, range: Range<usize>, message: &str, help: String) {
        self.push(TextFault::error(Code::NeverTrue, range, message, "never so", help).as_warning());
    }
}

/// Whether a fact is a logical path.
fn is_path(fact: TextFact) -> bool {
    matches!(fact, TextFact::Path | TextFact::Dir | TextFact::Mount)
}
