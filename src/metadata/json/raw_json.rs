//! JSON as it is written (RFC 8259): numbers keep their digits, so that `4.0` and `12345678901234567890` stay what they
//! are. Of two members with one name the last counts.

use std::collections::BTreeMap;

use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;

/// The format's name in faults.
pub const FORMAT: &str = "JSON";
/// How deep objects and lists nest.
const DEPTH_MAX: usize = 32;
/// Values of one document.
const NODES_MAX: usize = 50_000;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'j> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(&'j str),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value<'j>>),
    /// An object.
    Object(BTreeMap<String, Value<'j>>),
}

impl Value<'_> {
    /// The text of a text or number.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(digits) => Some(digits),
            _ => None,
        }
    }

    /// A member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }
}

/// Reads a document.
///
/// # Errors
/// When it is not JSON in UTF-8, or is larger than allowed.
pub fn parse<'j>(bytes: &'j [u8], budget: &Budget) -> Result<Value<'j>, Fault> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::damaged(FORMAT, "it is not UTF-8"))?;
    let mut parser = Parser { text, at: 0, nodes: 0, budget };
    let value = parser.value(0)?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.wrong("more follows the document")),
    }
}

struct Parser<'j, 'b> {
    text: &'j str,
    at: usize,
    nodes: usize,
    budget: &'b Budget,
}

impl<'j> Parser<'j, '_> {
    fn wrong(&self, what: &str) -> Fault {
        Fault::damaged(FORMAT, format!("{what} at byte {}", self.at))
    }

    /// The next byte that is not white space, which it stays at.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += blanks;
        rest.get(blanks).copied()
    }

    /// Passes the byte if it is next.
    fn pass(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<Value<'j>, Fault> {
        self.budget.step()?;
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Fault::limit("JSON has more values than allowed", format!("{NODES_MAX} values")));
        }
        if depth > DEPTH_MAX {
            return Err(Fault::limit("JSON nests deeper than allowed", format!("{DEPTH_MAX} levels")));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => {
                let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
                let rest = self.text.get(self.at..).unwrap_or_default();
                for (word, value) in words {
                    if rest.starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.wrong("there is no value"))
            }
            None => Err(self.wrong("the document ends")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'j>, Fault> {
        let mut members = BTreeMap::new();
        self.pass(b'{');
        if self.pass(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.wrong("there is no name"));
            }
            let name = self.string()?;
            if !self.pass(b':') {
                return Err(self.wrong("there is no colon"));
            }
            let value = self.value(depth + 1)?;
            members.insert(name, value);
            if self.pass(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.pass(b',') {
                return Err(self.wrong("an object does not go on"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value<'j>, Fault> {
        let mut items = Vec::new();
        self.pass(b'[');
        if self.pass(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.pass(b']') {
                return Ok(Value::List(items));
            }
            if !self.pass(b',') {
                return Err(self.wrong("a list does not go on"));
            }
        }
    }

    /// A string, which begins here.
    fn string(&mut self) -> Result<String, Fault> {
        let begin = self.at;
        let rest = self.text.as_bytes().get(begin + 1..).unwrap_or_default();
        let (mut length, mut has_escapes) = (0, false);
        loop {
            match rest.get(length) {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    length += 2;
                }
                Some(0x20..) => length += 1,
                Some(_) => return Err(self.wrong("a text has a control character")),
                None => return Err(self.wrong("a text does not end")),
            }
        }
        self.at = begin + length + 2;
        if has_escapes {
            let whole = self.text.get(begin..self.at).unwrap_or_default();
            return serde_json::from_str(whole).map_err(|_| self.wrong("a text has a wrong escape"));
        }
        Ok(self.text.get(begin + 1..begin + 1 + length).unwrap_or_default().to_owned())
    }

    fn number(&mut self) -> Result<Value<'j>, Fault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().take_while(|byte| is_part(byte)).count();
        let digits = rest.get(..length).unwrap_or_default();
        if !is_number(digits.as_bytes()) {
            return Err(self.wrong("there is no number"));
        }
        self.at += length;
        Ok(Value::Number(digits))
    }
}

/// Whether this is a number (RFC 8259, section 6), but for zeros in front, which some writers have.
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &mut &[u8]| {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        *text = text.get(count..).unwrap_or_default();
        count > 0
    };
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    if !digits(&mut rest) {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = fraction;
        if !digits(&mut rest) {
            return false;
        }
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        rest = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        if !digits(&mut rest) {
            return false;
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{DEPTH_MAX, NODES_MAX, Value, parse};
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;

    fn read(text: &str) -> Result<Value<'_>, Fault> {
        parse(text.as_bytes(), &Budget::endless())
    }

    #[test]
    fn values_are_as_written() {
        for (text, expect) in [
            ("4.0", Value::Number("4.0")),
            ("-12345678901234567890.50e+07", Value::Number("-12345678901234567890.50e+07")),
            ("007", Value::Number("007")),
            (" true ", Value::Bool(true)),
            ("\u{feff}null", Value::Null),
            (r#""a\u00e9\ud83d\ude00\n\"""#, Value::Text("a\u{e9}\u{1f600}\n\"".into())),
            ("\"caf\u{e9}\"", Value::Text("caf\u{e9}".into())),
            ("[]", Value::List(Vec::new())),
            ("[1 , [2]]", Value::List(vec![Value::Number("1"), Value::List(vec![Value::Number("2")])])),
            ("{}", Value::Object([].into())),
            (r#"{"a":1,"a":2}"#, Value::Object([("a".to_owned(), Value::Number("2"))].into())),
        ] {
            assert_eq!(read(text).expect("JSON"), expect, "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_damaged() {
        for text in [
            "",
            " ",
            "{",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "\"a",
            "\"a\\",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\u{1}\"",
            "-",
            "1.",
            "1e",
            "--1",
            "1-1",
            "nul",
            "1 2",
            "{} x",
            "\"\\\"",
        ] {
            assert!(matches!(read(text), Err(Fault::Damaged { .. })), "{text}");
        }
        assert!(matches!(parse(b"\"\xff\"", &Budget::endless()), Err(Fault::Damaged { .. })));
    }

    #[test]
    fn a_document_is_limited_in_depth_and_size() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = |levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
            assert!(read(&deep(DEPTH_MAX)).is_ok());
            let fault = read(&deep(DEPTH_MAX + 1)).expect_err("one level too many").to_string();
            assert_eq!(fault, "JSON nests deeper than allowed (limit: 32 levels)");
        }
        assert!(matches!(read(&"[".repeat(1_000_000)), Err(Fault::Limit { .. })));
        // The list is a value, and so is its last item.
        let wide = |values: usize| format!("[{}1]", "1,".repeat(values - 2));
        assert!(read(&wide(NODES_MAX)).is_ok());
        let fault = read(&wide(NODES_MAX + 1)).expect_err("one value too many").to_string();
        assert_eq!(fault, "JSON has more values than allowed (limit: 50000 values)");
    }
}
