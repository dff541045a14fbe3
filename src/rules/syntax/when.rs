//! `when`: one boolean expression instead of clauses.
//!
//! ```text
//! or         = and { "or" and }
//! and        = not { "and" not }
//! not        = { "not" } ( "(" or ")" | comparison )
//! comparison = "touched" "(" key ")"
//!            | ( fact | key ) ( OPERATOR value | [ "not" ] "in" "(" value { "," value } ")" | [ "not" ] "like" value )
//! ```
//!
//! A fact is one of the unquoted words in [`facts`]; any other word and every text in double quotes is a metadata key. A
//! comparison on a key looks at the asset as it stands after the change; only `touched(key)` asks what the change did.
//! `*` in an unquoted key or value stands for any run of characters and `\*` for a star; `K == *` asks for presence and
//! `K != *` for absence, of a key as of a fact. Keys and values are normalised (NFC); globs over `path` and `dir` are not,
//! because they see the bytes of names, as those of `watchPath` do.
//!
//! Nothing here stops at the first fault: what cannot be read is left out up to the next `and`, `or` or parenthesis.

mod facts;
mod lexer;
mod size;

use std::ops::Range;

use crate::diagnostic::{Code, Severity, TextFault};
use crate::model::metadata::nfc;
use crate::model::nearest::nearest;
use crate::rules::condition::{Expr, Keys, MetadataClause, Predicate, Test, ValueTest};
use crate::rules::pattern::{PathGlob, TextPattern, TextRegex};
use crate::rules::syntax::glob::{Scanned, bad_glob};
use crate::rules::syntax::watch_metadata::{comparison, expression, unquoted};
use facts::Fact;
use lexer::{Kind, Operator, Token};

/// The longest expression, in bytes.
pub const LENGTH_MAX: usize = 16 << 10;
/// How deep `not` and parentheses may be nested. The reader and whoever walks an [`Expr`] are recursive.
pub const NESTING_MAX: usize = 64;
/// The most comparisons in one expression.
pub const COMPARISONS_MAX: usize = 1_000;
/// The most regular expressions in one expression: each may take [`TextRegex::SIZE_MAX`] bytes.
pub const REGEXES_MAX: usize = 64;
/// The most faults that are reported of one expression; further ones are hardly read.
const FAULTS_MAX: usize = 20;

/// Reads an expression. Faults and warnings are added to `faults`; there is an expression when none of them blocks.
pub fn parse(text: &str, faults: &mut Vec<TextFault>) -> Option<Expr> {
    if text.len() > LENGTH_MAX {
        let from = text.floor_char_boundary(LENGTH_MAX);
        let message = format!("a `when` has at most {LENGTH_MAX} bytes; this one has {}", text.len());
        let help = "make several subscriptions of it, or use patterns instead of long lists";
        faults.push(TextFault::error(Code::BadWhen, from..text.len(), message, "too long", help));
        return None;
    }
    let mut found = Vec::new();
    let tokens = lexer::tokens(text, &mut found);
    let mut parser = Parser { text, tokens, at: 0, comparisons: 0, regexes: 0, stopped: false, faults: found };
    let expr = parser.whole();
    let mut found = parser.faults;
    let sound = found.iter().all(|fault| fault.severity == Severity::Warning);
    debug_assert!(expr.is_some() || !sound, "what is left out has a fault: {text:?}");
    if found.len() > FAULTS_MAX {
        found.sort_by_key(|fault| (fault.severity, fault.range.start));
        found.truncate(FAULTS_MAX);
    }
    found.sort_by_key(|fault| fault.range.start);
    faults.append(&mut found);
    expr.filter(|_| sound)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    /// The token to be read next.
    at: usize,
    comparisons: usize,
    regexes: usize,
    /// A limit was passed: nothing more is read or reported.
    stopped: bool,
    faults: Vec<TextFault>,
}

/// What a comparison asks, before its values are read.
struct Asked {
    how: How,
    /// `not in`, `not like`.
    negated: bool,
    /// The place of the operator.
    range: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Operator(Operator),
    In,
    Like,
}

/// A value and its place.
struct Value {
    /// Without quotes and escapes.
    text: String,
    quoted: bool,
    range: Range<usize>,
}

impl Value {
    /// As a pattern, in which an unquoted star is wild.
    fn pattern(&self) -> TextPattern {
        if self.quoted { TextPattern::Exact(nfc(&self.text)) } else { unquoted(&self.text) }
    }
}

// The grammar.
impl Parser<'_> {
    fn whole(&mut self) -> Option<Expr> {
        if self.tokens.is_empty() {
            let help = "write a condition, such as action == added and path like \"/acme/**/*.mov\"";
            self.fault(0..self.text.len(), "the expression is empty", "nothing here", help);
            return None;
        }
        let mut expr = self.any(0);
        // Only a closing parenthesis is left over.
        while let Some(token) = self.peek() {
            let range = token.range.clone();
            let help = "remove it, or add the `(` that it closes";
            self.fault(range, "this parenthesis closes none", "no `(` before it", help);
            self.at += 1;
            if !(self.take_joint("and") || self.take_joint("or")) && self.peek().is_none() {
                return None;
            }
            self.any(0);
            expr = None;
        }
        expr
    }

    fn any(&mut self, depth: usize) -> Option<Expr> {
        let mut parts = vec![self.all(depth)];
        while self.take_joint("or") {
            parts.push(self.all(depth));
        }
        parts.into_iter().collect::<Option<_>>().map(Expr::any)
    }

    fn all(&mut self, depth: usize) -> Option<Expr> {
        let mut parts = vec![self.operand(depth)];
        while self.peek().is_some_and(|token| token.kind != Kind::Close) && !self.is_word_like(self.at, "or") {
            if !self.take_joint("and") {
                parts.push(None);
                if !self.unjoined() {
                    continue;
                }
            }
            parts.push(self.operand(depth));
        }
        parts.into_iter().collect::<Option<_>>().map(Expr::all)
    }

    fn operand(&mut self, mut depth: usize) -> Option<Expr> {
        let mut negated = false;
        while self.take_not() {
            depth += 1;
            self.check_depth(depth)?;
            negated = !negated;
        }
        let expr = match self.peek() {
            Some(Token { kind: Kind::Open, range }) => {
                let open = range.clone();
                self.at += 1;
                self.check_depth(depth + 1)?;
                let inner = self.any(depth + 1);
                if self.take(&Kind::Close).is_none() {
                    self.fault(open, "this parenthesis is not closed", "opened here", "add the `)` that closes it");
                    return None;
                }
                inner?
            }
            _ => self.comparison()?,
        };
        Some(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    /// Stops when the token just read is nested too deep.
    fn check_depth(&mut self, depth: usize) -> Option<()> {
        if depth <= NESTING_MAX {
            return Some(());
        }
        let range = self.tokens[self.at - 1].range.clone();
        let message = format!("`not` and parentheses are nested deeper than {NESTING_MAX}");
        self.stop(range, &message, "leave out parentheses that change nothing: `and` binds closer than `or`");
        None
    }

    fn comparison(&mut self) -> Option<Expr> {
        let Some(token) = self.peek() else {
            let range = self.tokens.last().map_or(0..0, |token| token.range.clone());
            self.fault(range, "a comparison is missing at the end", "after this", FORMS);
            return None;
        };
        let (kind, range) = (token.kind.clone(), token.range.clone());
        let left = self.text[range.clone()].to_owned();
        match kind {
            Kind::Close => {
                self.fault(range, "a comparison is missing", "before this", FORMS);
                return None;
            }
            Kind::Word if is_joint(&left) && !self.is_operator(self.at + 1) => {
                self.fault(range, "a comparison is missing", "before this", FORMS);
                return None;
            }
            Kind::Operator(_) => {
                self.fault(range, "a key or a fact is missing", "before this", FORMS);
                return self.skip();
            }
            Kind::Comma => {
                self.fault(range, "commas stand only between the values of `in (…)`", "this comma", FORMS);
                return self.skip();
            }
            Kind::Bad => return self.skip(),
            Kind::Word if matches!(left.as_str(), "in" | "like" | "ago" | "not" | "and" | "or") => {
                let help = format!("{FORMS}; a key of this name goes in double quotes");
                self.fault(range, "a key or a fact is missing", "before this", &help);
                return self.skip();
            }
            Kind::Word | Kind::Quoted(_) | Kind::Open => {}
        }
        self.comparisons += 1;
        if self.comparisons > COMPARISONS_MAX {
            let message = format!("a `when` has at most {COMPARISONS_MAX} comparisons");
            self.stop(range, &message, "compare one key with several values by `in (…)`");
            return None;
        }
        self.at += 1;
        match kind {
            Kind::Word if self.peek().is_some_and(|token| token.kind == Kind::Open) => self.touched(&left, range),
            Kind::Word if left == "touched" => {
                let help = "write touched(Key); a key of this name goes in double quotes";
                self.fault(range, "`touched` takes a key in parentheses", "this", help);
                self.skip()
            }
            Kind::Word => match Fact::named(&left) {
                Some(fact) => {
                    let asked = self.asked(&range, fact.forms())?;
                    self.fact(fact, &asked, range.start)
                }
                None => {
                    let asked = self.asked(&range, KEY_FORMS)?;
                    self.like_a_fact(&left, range.clone());
                    self.on_key(keys(unquoted(&left)), &asked, range.start)
                }
            },
            Kind::Quoted(key) => {
                let asked = self.asked(&range, KEY_FORMS)?;
                if key.is_empty() {
                    self.fault(range, "the key is empty", "this key", KEY_FORMS);
                    return self.skip();
                }
                self.on_key(Keys::One(nfc(&key)), &asked, range.start)
            }
            _ => unreachable!("all others have returned"),
        }
    }

    /// `touched(key)`; its word has been read.
    fn touched(&mut self, word: &str, range: Range<usize>) -> Option<Expr> {
        if word != "touched" {
            let meant = nearest(word, &["touched"]).is_some();
            let help =
                if meant { "write touched(Key), in lower case" } else { "values stand in parentheses behind `in`" };
            let message = format!("`{word}` does not take parentheses; only `touched` does");
            self.fault(range, &message, "this", help);
            return self.skip();
        }
        let start = range.start;
        self.at += 1;
        let keys = match self.peek().map(|token| token.kind.clone()) {
            Some(Kind::Word) => {
                let word = self.text[self.tokens[self.at].range.clone()].to_owned();
                self.at += 1;
                Some(keys(unquoted(&word)))
            }
            Some(Kind::Quoted(key)) => {
                self.at += 1;
                Some(Keys::One(nfc(&key)))
            }
            Some(Kind::Bad) => {
                self.at += 1;
                None
            }
            _ => {
                self.fault(
                    range.clone(),
                    "`touched` needs a key",
                    "this",
                    "write touched(Rating), or touched(*) for any key",
                );
                self.close();
                return None;
            }
        };
        if self.take(&Kind::Close).is_none() {
            let next = self.peek().map_or(range, |token| token.range.clone());
            let help = "write touched(Rating); for several keys touched(Rating) or touched(City)";
            self.fault(next, "`touched` takes one key and a `)`", "expected `)`", help);
            self.close();
            return None;
        }
        let text = self.slice(start);
        keys.map(|keys| Expr::Is(Predicate::Touched { keys, text }))
    }

    /// What follows a key: on the asset as it stands.
    fn on_key(&mut self, keys: Keys, asked: &Asked, start: usize) -> Option<Expr> {
        let test = match asked.how {
            How::Operator(Operator::Equal) => Test::Given(ValueTest::Like(self.value(asked)?.pattern())),
            How::Operator(Operator::Unequal) => match self.value(asked)?.pattern() {
                TextPattern::Any => Test::Removed,
                pattern => Test::Without(ValueTest::Like(pattern)),
            },
            How::Operator(Operator::Order(relation)) => {
                let value = self.value(asked)?;
                let bound = comparison(relation, &value.text, value.range);
                Test::Given(ValueTest::Compare(self.sound(bound)?))
            }
            How::Operator(Operator::Matches) => Test::Given(ValueTest::Matches(self.regex(asked)?)),
            How::Operator(Operator::MatchesNot) => Test::Without(ValueTest::Matches(self.regex(asked)?)),
            How::In | How::Like => {
                let test = if asked.how == How::In {
                    let values = self.exact_values(asked)?.iter().map(|value| nfc(&value.text)).collect();
                    one_of(values)
                } else {
                    let value = self.value(asked)?;
                    ValueTest::Glob(Box::new(self.text_glob(&value)?))
                };
                if asked.negated { Test::Without(test) } else { Test::Given(test) }
            }
        };
        let clause = MetadataClause { keys, test, text: self.slice(start) };
        Some(Expr::Is(Predicate::Holds(clause)))
    }
}

// The parts of a comparison.
impl Parser<'_> {
    /// The operator behind a key or a fact at `left`, which takes `forms`.
    fn asked(&mut self, left: &Range<usize>, forms: &str) -> Option<Asked> {
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
                let message = format!("there is no operator behind `{}`", &self.text[left.clone()]);
                self.fault(left.clone(), &message, "expected an operator after this", forms);
                // Words behind it belong to it as far as anybody can tell.
                return if matches!(other, Some(Kind::Word | Kind::Quoted(_))) { self.skip() } else { None };
            }
        };
        let range = self.tokens[first].range.start..self.tokens[self.at].range.end;
        self.at += 1;
        Some(Asked { how, negated, range })
    }

    /// The one value behind an operator.
    fn value(&mut self, asked: &Asked) -> Option<Value> {
        let value = self.value_or_missing(asked)?;
        if self.is_word(self.at, "ago") {
            let range = self.tokens[self.at].range.clone();
            self.fault(range, "only `mtime` is compared with a time ago", "this", "write a value, or mtime < 7d ago");
            return self.skip();
        }
        Some(value)
    }

    fn value_or_missing(&mut self, asked: &Asked) -> Option<Value> {
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
    fn values(&mut self, asked: &Asked) -> Option<Vec<Value>> {
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
    fn exact_values(&mut self, asked: &Asked) -> Option<Vec<Value>> {
        let mut values = self.values(asked)?;
        let mut whole = true;
        for value in values.iter_mut().filter(|value| !value.quoted) {
            match unquoted(&value.text) {
                TextPattern::Exact(_) => value.text = value.text.replace("\\*", "*"),
                _ => {
                    let help = "write `== S*` and join by `or`; put the value in double quotes if the star is meant";
                    self.fault(value.range.clone(), "`*` is no wildcard in a list", "this value", help);
                    whole = false;
                }
            }
        }
        whole.then_some(values)
    }

    fn regex(&mut self, asked: &Asked) -> Option<TextRegex> {
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
    fn text_glob(&mut self, value: &Value) -> Option<PathGlob> {
        let text = nfc(&value.text);
        let glob = Scanned::new(&text).and_then(|scanned| PathGlob::new(&text, scanned.prefix()));
        glob.map_err(|why| {
            let mut fault = bad_glob(&why, value.range.clone());
            fault.message = format!("this cannot be read as a glob: {why}");
            self.push(fault);
        })
        .ok()
    }

    /// Points out an unquoted key that is probably a mistyped fact.
    fn like_a_fact(&mut self, key: &str, range: Range<usize>) {
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

// Tokens.
impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, kind: &Kind) -> Option<Range<usize>> {
        let range = self.peek().filter(|token| token.kind == *kind)?.range.clone();
        self.at += 1;
        Some(range)
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Word && self.text[token.range.clone()] == *word)
    }

    /// The same in any letter case.
    fn is_word_like(&self, at: usize, word: &str) -> bool {
        let like = |token: &Token| self.text[token.range.clone()].eq_ignore_ascii_case(word);
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Word && like(token))
    }

    /// Whether a comparison goes on here after its left side.
    fn is_operator(&self, at: usize) -> bool {
        let symbol = self.tokens.get(at).is_some_and(|token| matches!(token.kind, Kind::Operator(_)));
        let word = |at| self.is_word(at, "in") || self.is_word(at, "like");
        symbol || word(at) || (self.is_word(at, "not") && word(at + 1))
    }

    /// Takes `and` or `or`; in upper case it is a fault, but it is clear what is meant.
    fn take_joint(&mut self, word: &str) -> bool {
        if !self.is_word_like(self.at, word) {
            return false;
        }
        self.take_keyword(word);
        true
    }

    fn take_not(&mut self) -> bool {
        // A key of this name in upper case is followed by an operator.
        let is = self.is_word(self.at, "not") || (self.is_word_like(self.at, "not") && !self.is_operator(self.at + 1));
        if is {
            self.take_keyword("not");
        }
        is
    }

    fn take_keyword(&mut self, word: &str) {
        if !self.is_word(self.at, word) {
            let range = self.tokens[self.at].range.clone();
            self.fault(range, "keywords are in lower case", "this", &format!("write `{word}`"));
        }
        self.at += 1;
    }

    /// Reports what stands where `and` or `or` should. Whether a comparison is to be read here; if not, at least one token
    /// has been left out.
    fn unjoined(&mut self) -> bool {
        let Some(token) = self.peek().cloned() else { return false };
        let help = "write `and` or `or` between two comparisons; a value with spaces goes in double quotes";
        match token.kind {
            Kind::Bad => {}
            Kind::Comma => {
                self.fault(token.range, "commas stand only between the values of `in (…)`", "this comma", help);
                self.at += 1;
                if self.peek().is_some() && self.is_operator(self.at + 1) {
                    return true;
                }
            }
            Kind::Operator(_) => self.fault(token.range, "a comparison has one operator", "a second one", help),
            _ => {
                self.fault(token.range.clone(), "`and` or `or` is missing", "before this", help);
                let begins =
                    token.kind == Kind::Open || self.is_word(self.at, "touched") || self.is_word(self.at, "not");
                if begins || self.is_operator(self.at + 1) {
                    return true;
                }
            }
        }
        self.skip::<()>();
        false
    }

    /// Leaves out what is left of something that cannot be read: up to `and`, `or`, or the parenthesis around it.
    fn skip<T>(&mut self) -> Option<T> {
        let mut open = 0_usize;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Open => open += 1,
                Kind::Close if open == 0 => break,
                Kind::Close => open -= 1,
                Kind::Word if open == 0 && is_joint(&self.text[token.range.clone()]) => break,
                _ => {}
            }
            self.at += 1;
        }
        None
    }

    /// Leaves out what is left of a list, its closing parenthesis included.
    fn close(&mut self) {
        while self.peek().is_some_and(|token| token.kind != Kind::Close) {
            self.at += 1;
        }
        self.take(&Kind::Close);
    }

    /// The text from `start` to the token that was read last.
    fn slice(&self, start: usize) -> Box<str> {
        self.text[start..self.tokens[self.at - 1].range.end].into()
    }
}

// Faults.
impl Parser<'_> {
    fn push(&mut self, fault: TextFault) {
        if !self.stopped {
            self.faults.push(fault);
        }
    }

    fn fault(&mut self, range: Range<usize>, message: &str, label: &str, help: &str) {
        self.push(TextFault::error(Code::BadWhen, range, message, label, help));
    }

    /// Reports a limit and reads nothing more.
    fn stop(&mut self, range: Range<usize>, message: &str, help: &str) {
        self.fault(range, message, "one too many", help);
        self.stopped = true;
        self.at = self.tokens.len();
    }

    fn sound<T>(&mut self, result: Result<T, Box<TextFault>>) -> Option<T> {
        result.map_err(|fault| self.push(*fault)).ok()
    }
}

/// What the whole of a comparison may look like.
const FORMS: &str = "write a comparison, such as action == added, City == SFO, Rating >= 4 or touched(Rating)";

/// What a key takes.
const KEY_FORMS: &str = "write Key == value, Key != value, Key >= 4, Key =~ \"regex\", Key in (a, b), Key like \"glob\", Key == * (has a \
                         value), Key != * (has none) or touched(Key); a key or value with spaces goes in double quotes";

fn is_joint(word: &str) -> bool {
    word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
}

fn keys(pattern: TextPattern) -> Keys {
    match pattern {
        TextPattern::Exact(key) => Keys::One(key),
        pattern => Keys::Like(pattern),
    }
}

/// A test for one of these.
fn one_of(mut values: Vec<String>) -> ValueTest {
    values.sort_unstable();
    values.dedup();
    ValueTest::OneOf(values)
}

#[cfg(test)]
mod tests;
