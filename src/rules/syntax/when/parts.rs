//! The parts of a comparison: its operator and its values, whatever its left side is.

use std::ops::Range;

use super::facts::Fact;
use super::lexer::{Kind, Operator, Token};
use super::{Parser, REGEXES_MAX};
use crate::diagnostic::{Code, TextFault};
use crate::model::metadata::nfc;
use crate::model::nearest::nearest;
use crate::rules::condition::ValueTest;
use crate::rules::pattern::{PathGlob, TextPattern, TextRegex};
use crate::rules::syntax::glob::{Scanned, bad_glob, normal};
use crate::rules::syntax::literal::{NULLS, is_word, of_template};
use crate::rules::syntax::watch_metadata::{expression, unquoted};

/// What a comparison asks, before its values are read.
pub(super) struct Asked {
    pub how: How,
    /// `not in`, `not like`.
    pub negated: bool,
    /// The place of the operator.
    pub range: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Operator(Operator),
    In,
    Like,
}

/// A value and its place.
pub(super) struct Value {
    /// Without quotes and escapes.
    pub text: String,
    pub quoted: bool,
    pub range: Range<usize>,
}

impl Value {
    /// As a pattern, in which an unquoted star is wild.
    pub(super) fn pattern(&self) -> TextPattern {
        if self.quoted { TextPattern::Exact(nfc(&self.text).into()) } else { unquoted(&self.text) }
    }
}

impl Parser<'_> {
    /// The operator behind a key or a fact at `left`, which takes `forms`.
    pub(super) fn asked(&mut self, left: &Range<usize>, forms: &str) -> Option<Asked> {
        let first = self.at;
        let negated = self.is_word(first, "not") && (self.is_word(first + 1, "in") || self.is_word(first + 1, "like"));
        self.at += usize::from(negated);
        let how = match self.peek().map(|token| token.kind.clone()) {
            Some(Kind::Operator(operator)) => How::Operator(operator),
            // Its fault has been reported.
            Some(Kind::Bad) => return self.skip(),
            Some(Kind::Word) if self.is_word(self.at, "in") => How::In,
            Some(Kind::Word) if self.is_word(self.at, "like") => How::Like,
            Some(Kind::Word) if self.is_word_like(self.at, "in") || self.is_word_like(self.at, "like") => {
                let range = self.tokens[self.at].range.clone();
                let help = format!("write `{}`", self.text[range.clone()].to_lowercase());
                self.fault(range, "keywords are in lower case", "this", &help);
                return self.skip();
            }
            other => {
                let help = self.meant_by(left, forms);
                self.fault(left.clone(), "there is no operator", "expected one after this", &help);
                // Words behind it belong to it as far as anybody can tell.
                return if matches!(other, Some(Kind::Word | Kind::Quoted(_))) { self.skip() } else { None };
            }
        };
        let range = self.tokens[first].range.start..self.tokens[self.at].range.end;
        self.at += 1;
        Some(Asked { how, negated, range })
    }

    /// What is most likely meant by something at `left` that has no operator behind it, before what it takes.
    fn meant_by(&self, left: &Range<usize>, forms: &str) -> String {
        let left_text = &self.text[left.clone()];
        if self.at >= 2
            && self.is_word(self.at - 2, "or")
            && self.tokens.get(self.at).is_none_or(|t| t.kind == Kind::Close)
        {
            return format!("for one of several values write Key in (a, b); {forms}");
        }
        let value = match self.tokens.get(self.at + 1) {
            Some(Token { kind: Kind::Quoted(text), .. }) => text.as_str(),
            Some(Token { kind: Kind::Word, range }) => &self.text[range.clone()],
            _ => return forms.to_owned(),
        };
        let regex = regex_syntax::escape(value);
        let word = self.tokens.get(self.at).map_or("", |token| &self.text[token.range.clone()]);
        let meant = match word.to_ascii_lowercase().replace('_', "").as_str() {
            "contains" | "has" | "includes" => format!("=~ \"{regex}\""),
            "startswith" | "beginswith" => format!("=~ \"^{regex}\""),
            "endswith" => format!("=~ \"{regex}$\""),
            "matches" | "regex" => format!("=~ \"{value}\""),
            "is" | "eq" | "equals" if is_word(value) => format!("== {value}"),
            "ne" if is_word(value) => format!("!= {value}"),
            "gt" => format!("> {value}"),
            "ge" | "gte" => format!(">= {value}"),
            "lt" => format!("< {value}"),
            "le" | "lte" => format!("<= {value}"),
            _ => return forms.to_owned(),
        };
        format!("write {left_text} {meant}; {}", forms.replacen("write", "there are", 1))
    }

    /// Points out a word that says in other languages that there is no value.
    pub(super) fn null(&mut self, value: &Value) {
        if !value.quoted && NULLS.contains(&value.text.as_str()) {
            let message = format!("`{}` is a text like any other", value.text);
            let help =
                "write Key != * (has none) or Key == * (has a value), or put the word in double quotes if it is meant";
            self.literally(value.range.clone(), &message, "this word", help);
        }
    }

    /// Points out what stands for any characters in SQL and for itself in a glob.
    pub(super) fn percent(&mut self, value: &Value) {
        if value.text.len() > 1 && (value.text.starts_with('%') || value.text.ends_with('%')) {
            let message = "in a glob `%` stands for itself, and `*` for any characters";
            let help = format!("write like \"{}\"", value.text.replace('%', "*"));
            self.literally(value.range.clone(), message, "this glob", &help);
        }
    }

    pub(super) fn literally(&mut self, range: Range<usize>, message: &str, label: &str, help: &str) {
        self.push(TextFault::error(Code::TakenLiterally, range, message, label, help).as_warning());
    }

    /// The one value behind an operator.
    pub(super) fn value(&mut self, asked: &Asked) -> Option<Value> {
        let value = self.value_or_missing(asked)?;
        if self.is_word(self.at, "ago") {
            let range = self.tokens[self.at].range.clone();
            self.fault(range, "only `mtime` is compared with a time ago", "this", "write a value, or mtime < 7d ago");
            return self.skip();
        }
        Some(value)
    }

    pub(super) fn value_or_missing(&mut self, asked: &Asked) -> Option<Value> {
        let token = self.peek().cloned();
        let word = token.as_ref().map_or("", |token| &self.text[token.range.clone()]);
        let operator = self.text[asked.range.clone()].to_owned();
        match token {
            Some(Token { kind: Kind::Word, range }) if !matches!(word, "and" | "or" | "not" | "in" | "like") => {
                let value = Value { text: word.to_owned(), quoted: false, range };
                self.at += 1;
                Some(value)
            }
            Some(Token { kind: Kind::Quoted(text), range }) => {
                self.at += 1;
                Some(Value { text, quoted: true, range })
            }
            Some(Token { kind: Kind::Bad, .. }) => {
                self.at += 1;
                None
            }
            Some(Token { kind: Kind::Open, range }) => {
                let message = format!("`{operator}` takes one value");
                self.fault(range, &message, "not a list", "write `in (a, b)` for several");
                self.skip()
            }
            Some(Token { kind: Kind::Operator(_), range }) => {
                let help = "leave one of them out; a value that begins so goes in double quotes";
                self.fault(asked.range.start..range.end, "there are two operators in a row", "these", help);
                self.skip()
            }
            _ => {
                let message = format!("the value behind `{operator}` is missing");
                let help = "write a value; the empty one is \"\", and a word such as `and` goes in double quotes";
                self.fault(asked.range.clone(), &message, "expected a value after this", help);
                None
            }
        }
    }

    /// The values of `in (…)`.
    pub(super) fn values(&mut self, asked: &Asked) -> Option<Vec<Value>> {
        let Some(open) = self.take(&Kind::Open) else {
            self.fault(asked.range.clone(), "`in` takes a list in parentheses", "this", "write in (a, b)");
            return self.skip();
        };
        let (mut values, mut whole) = (Vec::new(), true);
        // Whether a value may stand here: at the beginning, and after a comma.
        let mut expected = true;
        loop {
            let Some(token) = self.peek().cloned() else {
                self.fault(open, "this list is not closed", "opened here", "add the `)` that closes it");
                return None;
            };
            match token.kind {
                Kind::Close => break,
                Kind::Comma if !expected => expected = true,
                Kind::Word | Kind::Quoted(_) => {
                    if !expected {
                        let help = "write a comma; a value with spaces goes in double quotes";
                        self.fault(token.range.clone(), "a comma is missing between two values", "before this", help);
                        whole = false;
                    }
                    expected = false;
                    let (text, quoted) = match token.kind {
                        Kind::Quoted(text) => (text, true),
                        _ => (self.text[token.range.clone()].to_owned(), false),
                    };
                    values.push(Value { text, quoted, range: token.range });
                }
                Kind::Bad => (expected, whole) = (false, false),
                Kind::Comma | Kind::Operator(_) | Kind::Open => {
                    let help =
                        "write in (a, b); the empty value is \"\", and one with other characters goes in double quotes";
                    self.fault(token.range, "a list has values and single commas between them", "not this", help);
                    self.close();
                    return None;
                }
            }
            self.at += 1;
        }
        self.at += 1;
        if values.is_empty() && whole {
            let range = open.start..self.tokens[self.at - 1].range.end;
            self.fault(range, "the list is empty", "no values", "write in (a, b)");
            return None;
        }
        whole.then_some(values)
    }

    /// The values of `in (…)`, in which no star is wild.
    pub(super) fn exact_values(&mut self, asked: &Asked) -> Option<Vec<Value>> {
        let mut values = self.values(asked)?;
        let mut whole = true;
        for value in values.iter_mut().filter(|value| !value.quoted) {
            match unquoted(&value.text) {
                TextPattern::Exact(text) => value.text = text.into(),
                _ => {
                    let help = "write `== S*` and join by `or`; put the value in double quotes if the star is meant";
                    self.fault(value.range.clone(), "`*` is no wildcard in a list", "this value", help);
                    whole = false;
                }
            }
        }
        whole.then_some(values)
    }

    pub(super) fn regex(&mut self, asked: &Asked) -> Option<TextRegex> {
        let value = self.value(asked)?;
        self.regexes += 1;
        if self.regexes > REGEXES_MAX {
            let message = format!("a `when` has at most {REGEXES_MAX} regular expressions");
            self.stop(value.range, &message, "join several by `|` inside one expression");
            return None;
        }
        let regex = expression(&nfc(&value.text), value.range);
        self.sound(regex)
    }

    /// A glob over anything but paths.
    pub(super) fn text_glob(&mut self, value: &Value) -> Option<PathGlob> {
        let text = normal(&value.text);
        let glob = Scanned::new(&text).and_then(|scanned| PathGlob::new(&text, scanned.prefix()));
        glob.map_err(|why| {
            let mut fault = bad_glob(&why, value.range.clone());
            fault.message = format!("this cannot be read as a glob: {why}");
            self.push(fault);
        })
        .ok()
    }

    /// Points out an unquoted key that is probably a mistyped fact.
    pub(super) fn like_a_fact(&mut self, key: &str, range: Range<usize>) {
        if let Some(fault) = of_template(key, range.clone()) {
            self.push(fault);
            return;
        }
        if !key.bytes().all(|b| b.is_ascii_lowercase()) {
            return;
        }
        // Many short words are two letters away from a fact (`date`, `make`); those that begin alike are suspicious.
        let alike = |fact: &&str| fact.as_bytes()[0] == key.as_bytes()[0] || fact.ends_with(key);
        let facts: Vec<&str> = Fact::NAMES.into_iter().filter(alike).collect();
        if let Some(fact) = nearest(key, &facts) {
            let message = format!("`{key}` is read as a metadata key; did you mean the fact `{fact}`?");
            let help = format!("write {fact}, or put the key in double quotes if it is meant: \"{key}\"");
            self.push(TextFault::error(Code::KeyLikeFact, range, message, "a key", help).as_warning());
        }
    }
}

/// A test for one of these.
pub(super) fn one_of(mut values: Vec<String>) -> ValueTest {
    values.sort_unstable();
    values.dedup();
    ValueTest::OneOf(values.into_iter().map(String::into_boxed_str).collect())
}
