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
//! A fact is one of the unquoted words that `facts` knows; any other word and every text in double quotes is a metadata
//! key. A comparison on a key looks at the asset as it stands after the change; only `touched(key)` asks what the
//! change did. `*` in an unquoted key or value stands for any run of characters and `\*` for a star; `K == *` asks for
//! presence and `K != *` for absence, of a key as of a fact. Keys and values are normalised (NFC); globs over `path`
//! and `dir` are not, because they see the bytes of names, as those of `watchPath` do.
//!
//! Nothing here stops at the first fault: what cannot be read is left out up to the next `and`, `or` or parenthesis.

mod cursor;
mod facts;
mod lexer;
mod parts;
pub(super) mod size;

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Code, Severity, TextFault};
use crate::model::metadata::nfc;
use crate::model::nearest::nearest;
use crate::rules::condition::{Expr, Keys, MetadataClause, Predicate, Test, ValueTest};
use crate::rules::pattern::TextPattern;
use crate::rules::syntax::hints::turned;
use crate::rules::syntax::watch_metadata::{comparison, unquoted};
use cursor::is_joint;
use facts::Fact;
use lexer::{Kind, Operator, Token};
use parts::{Asked, How, one_of};

/// The longest expression, in bytes.
pub const LENGTH_MAX: usize = 16 << 10;
/// How deep `not` and parentheses may be nested. The reader and whoever walks an [`Expr`] are recursive.
pub const NESTING_MAX: usize = 64;
/// The most comparisons in one expression.
pub const COMPARISONS_MAX: usize = 1_000;
/// The most regular expressions in one expression: each may take
/// [`TextRegex::SIZE_MAX`](crate::rules::pattern::TextRegex::SIZE_MAX) bytes.
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
                    self.on_key(Keys::from(unquoted(&left)), &asked, range.start)
                }
            },
            Kind::Quoted(key) => {
                let asked = self.asked(&range, KEY_FORMS)?;
                if key.is_empty() {
                    self.fault(range, "the key is empty", "this key", KEY_FORMS);
                    return self.skip();
                }
                self.on_key(Keys::One(nfc(&key).into()), &asked, range.start)
            }
            _ => unreachable!("all others have returned"),
        }
    }

    /// `touched(key)`; its word has been read.
    fn touched(&mut self, word: &str, range: Range<usize>) -> Option<Expr> {
        if word != "touched" {
            let meant = nearest(word, &["touched"]).is_some();
            let help = match word.to_ascii_lowercase().as_str() {
                _ if meant => "write touched(Key), in lower case",
                "exists" | "has" | "present" | "defined" | "isset" => {
                    "write Key == * (has a value) or Key != * (has none)"
                }
                "lower" | "lowercase" | "upper" | "uppercase" => {
                    "write Key =~ \"(?i)^value$\" to compare in any letter case"
                }
                _ => "write a comparison; values stand in parentheses behind `in`",
            };
            let message = "this word does not take parentheses; only `touched` does";
            self.fault(range, message, "this", help);
            return self.skip();
        }
        let start = range.start;
        self.at += 1;
        let keys = match self.peek().map(|token| token.kind.clone()) {
            Some(Kind::Word) => {
                let word = self.text[self.tokens[self.at].range.clone()].to_owned();
                self.at += 1;
                Some(Keys::from(unquoted(&word)))
            }
            Some(Kind::Quoted(key)) => {
                self.at += 1;
                Some(Keys::One(nfc(&key).into()))
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
            How::Operator(operator @ (Operator::Equal | Operator::Unequal)) => {
                let value = self.value(asked)?;
                self.null(&value);
                match (operator, value.pattern()) {
                    (Operator::Unequal, TextPattern::Any) => Test::Removed,
                    (Operator::Unequal, pattern) => Test::Without(ValueTest::Like(pattern)),
                    (_, pattern) => Test::Given(ValueTest::Like(pattern)),
                }
            }
            How::Operator(Operator::Order(relation)) => {
                let value = self.value(asked)?;
                let (left, operator) = (self.text[start..asked.range.start].trim(), &self.text[asked.range.clone()]);
                let turned = turned(left, operator, &value.text);
                let bound = comparison(relation, &value.text, value.range).map_err(|mut fault| {
                    if let Some(turned) = turned {
                        fault.help = Some(format!("the key stands on the left: write {turned}"));
                    }
                    fault
                });
                Test::Given(ValueTest::Compare(self.sound(bound)?))
            }
            How::Operator(Operator::Matches) => Test::Given(ValueTest::Matches(self.regex(asked)?.into())),
            How::Operator(Operator::MatchesNot) => Test::Without(ValueTest::Matches(self.regex(asked)?.into())),
            How::In | How::Like => {
                let test = if asked.how == How::In {
                    let values = self.exact_values(asked)?.iter().map(|value| nfc(&value.text)).collect();
                    one_of(values)
                } else {
                    let value = self.value(asked)?;
                    self.percent(&value);
                    ValueTest::Glob(self.text_glob(&value)?.into())
                };
                if asked.negated { Test::Without(test) } else { Test::Given(test) }
            }
        };
        let clause = MetadataClause { keys, test, text: self.slice(start) };
        Some(Expr::Is(Predicate::Holds(Arc::new(clause))))
    }
}

/// What the whole of a comparison may look like.
const FORMS: &str = "write a comparison, such as action == added, City == SFO, Rating >= 4 or touched(Rating)";

/// What a key takes.
const KEY_FORMS: &str = "write Key == value, Key != value, Key >= 4, Key =~ \"regex\", Key in (a, b), Key like \"glob\", Key == * (has a \
                         value), Key != * (has none) or touched(Key); a key or value with spaces goes in double quotes";

#[cfg(test)]
mod tests;
