//! Where the reader stands among the tokens, how it goes on after a fault, and how it reports one.

use std::ops::Range;

use super::Parser;
use super::lexer::{Kind, Token};
use crate::diagnostic::{Code, TextFault};

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn take(&mut self, kind: &Kind) -> Option<Range<usize>> {
        let range = self.peek().filter(|token| token.kind == *kind)?.range.clone();
        self.at += 1;
        Some(range)
    }

    pub(super) fn is_word(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Word && self.text[token.range.clone()] == *word)
    }

    /// The same in any letter case.
    pub(super) fn is_word_like(&self, at: usize, word: &str) -> bool {
        let like = |token: &Token| self.text[token.range.clone()].eq_ignore_ascii_case(word);
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Word && like(token))
    }

    /// Whether a comparison goes on here after its left side.
    pub(super) fn is_operator(&self, at: usize) -> bool {
        let symbol = self.tokens.get(at).is_some_and(|token| matches!(token.kind, Kind::Operator(_)));
        let word = |at| self.is_word(at, "in") || self.is_word(at, "like");
        symbol || word(at) || (self.is_word(at, "not") && word(at + 1))
    }

    /// Takes `and` or `or`; in upper case it is a fault, but it is clear what is meant.
    pub(super) fn take_joint(&mut self, word: &str) -> bool {
        if !self.is_word_like(self.at, word) {
            return false;
        }
        self.take_keyword(word);
        true
    }

    pub(super) fn take_not(&mut self) -> bool {
        // A key of this name in upper case is followed by an operator.
        let is = self.is_word(self.at, "not") || (self.is_word_like(self.at, "not") && !self.is_operator(self.at + 1));
        if is {
            self.take_keyword("not");
        }
        is
    }

    pub(super) fn take_keyword(&mut self, word: &str) {
        if !self.is_word(self.at, word) {
            let range = self.tokens[self.at].range.clone();
            self.fault(range, "keywords are in lower case", "this", &format!("write `{word}`"));
        }
        self.at += 1;
    }

    /// Reports what stands where `and` or `or` should. Whether a comparison is to be read here; if not, at least one
    /// token has been left out.
    pub(super) fn unjoined(&mut self) -> bool {
        let Some(token) = self.peek().cloned() else { return false };
        let help = "write `and` or `or` between two comparisons; a value with spaces goes in double quotes";
        match token.kind {
            Kind::Bad => {}
            Kind::Comma => {
                let help = "write `in (a, b)` for several values, `and` or `or` between comparisons, and numbers without commas";
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
    pub(super) fn skip<T>(&mut self) -> Option<T> {
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
    pub(super) fn close(&mut self) {
        while self.peek().is_some_and(|token| token.kind != Kind::Close) {
            self.at += 1;
        }
        self.take(&Kind::Close);
    }

    /// The text from `start` to the token that was read last.
    pub(super) fn slice(&self, start: usize) -> Box<str> {
        self.text[start..self.tokens[self.at - 1].range.end].into()
    }
}

impl Parser<'_> {
    pub(super) fn push(&mut self, fault: TextFault) {
        if !self.stopped {
            self.faults.push(fault);
        }
    }

    pub(super) fn fault(&mut self, range: Range<usize>, message: &str, label: &str, help: &str) {
        self.push(TextFault::error(Code::BadWhen, range, message, label, help));
    }

    /// Reports a limit and reads nothing more.
    pub(super) fn stop(&mut self, range: Range<usize>, message: &str, help: &str) {
        self.fault(range, message, "one too many", help);
        self.stopped = true;
        self.at = self.tokens.len();
    }

    pub(super) fn sound<T>(&mut self, result: Result<T, Box<TextFault>>) -> Option<T> {
        result.map_err(|fault| self.push(*fault)).ok()
    }
}

/// Whether a word is `and` or `or`, in any letter case.
pub(super) fn is_joint(word: &str) -> bool {
    word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
}
