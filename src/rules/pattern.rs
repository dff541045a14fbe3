//! Patterns: texts with runs of any characters (`*`), regular expressions, and globs over whole paths.

use regex_syntax::hir::{Hir, HirKind};

/// A pattern over keys or values. Compared by exact characters; whoever makes one has normalised its text (NFC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPattern {
    /// Exactly this text.
    Exact(Box<str>),
    /// Any text.
    Any,
    /// These pieces in this order with any run of characters between them: at least two; the first and the last stand
    /// at the ends and may be empty.
    Pieces(Box<[Box<str>]>),
}

impl TextPattern {
    /// Pieces between stars: one piece is an exact text, nothing but empty ones is any text.
    #[must_use]
    pub fn from_pieces(mut pieces: Vec<String>) -> Self {
        match pieces.len() {
            0 => Self::Exact(Box::default()),
            1 => Self::Exact(pieces.swap_remove(0).into()),
            _ if pieces.iter().all(String::is_empty) => Self::Any,
            _ => Self::Pieces(pieces.into_iter().map(String::into_boxed_str).collect()),
        }
    }

    /// As it is written outside of quotes: a star stands for a run of characters, and a literal star or backslash has a
    /// backslash before it.
    #[must_use]
    pub fn written(&self) -> String {
        let escaped = |piece: &str| piece.replace('\\', r"\\").replace('*', r"\*");
        match self {
            Self::Exact(text) => escaped(text),
            Self::Any => "*".to_owned(),
            Self::Pieces(pieces) => pieces.iter().map(|piece| escaped(piece)).collect::<Vec<_>>().join("*"),
        }
    }

    /// Whether the whole text is like this.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *text,
            Self::Any => true,
            Self::Pieces(pieces) => match &**pieces {
                [first, middle @ .., last] => {
                    // The last piece is taken off first, so that it cannot overlap the others.
                    let rest = text.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last));
                    // For the pieces between, the leftmost place is as good as any other.
                    let placed = middle.iter().try_fold(rest, |rest, piece| {
                        let rest = rest?;
                        rest.find(&**piece).map(|at| Some(&rest[at + piece.len()..]))
                    });
                    matches!(placed, Some(Some(_)))
                }
                _ => false,
            },
        }
    }
}

/// A regular expression over a value, unanchored; without look-around and back references, so that its time is linear
/// in the value's length.
#[derive(Debug, Clone)]
pub struct TextRegex {
    regex: regex::Regex,
    /// Whatever it matches has this in it.
    literal: Option<Box<[u8]>>,
}

impl TextRegex {
    /// The longest expression, in bytes: far longer than people write, and read in no time.
    pub const LENGTH_MAX: usize = 4096;
    /// The most memory that a compiled expression may take, in bytes: what is built to explode does not get far.
    pub const SIZE_MAX: usize = 1 << 20;

    /// Compiles.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > Self::LENGTH_MAX {
            return Err(format!("it is longer than {} bytes", Self::LENGTH_MAX));
        }
        let built = regex::RegexBuilder::new(text).size_limit(Self::SIZE_MAX).dfa_size_limit(Self::SIZE_MAX).build();
        let literal = || regex_syntax::parse(text).ok().and_then(|hir| required(&hir)).map(Vec::into_boxed_slice);
        built.map(|regex| Self { regex, literal: literal() }).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large once compiled; repeat less, or less often".to_owned(),
            // The last line says what is wrong, the others draw it.
            other => {
                let text = other.to_string();
                text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        })
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// A text that whatever it matches has in it; none where it is not easy to tell.
    #[must_use]
    pub fn literal(&self) -> Option<&[u8]> {
        self.literal.as_deref()
    }

    /// Whether it matches somewhere in the text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// The longest literal that an expression cannot match without.
fn required(hir: &Hir) -> Option<Vec<u8>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(literal.0.to_vec()),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(required).max_by_key(Vec::len),
        _ => None,
    }
}

impl PartialEq for TextRegex {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for TextRegex {}

/// A glob over a whole text, most often a logical path. `*` and `?` stop at `/`; `**` as a whole component does not;
/// `[...]` and `{a,b}` as in a shell; a backslash makes the next character literal. `?` and `[...]` take a character,
/// not a byte.
#[derive(Debug, Clone)]
pub struct PathGlob {
    text: String,
    /// What every path that is covered begins with: most paths are told apart by it alone.
    prefix: Vec<u8>,
    regex: regex::bytes::Regex,
}

impl PathGlob {
    /// The longest glob, in bytes: Linux's `PATH_MAX`.
    pub const LENGTH_MAX: usize = 4096;
    /// How deep `{...}` may be nested, in levels: the parser of globs is recursive, and its stack is not endless.
    pub const NESTING_MAX: usize = 16;

    /// Compiles. `prefix` is the literal text before the first special character. Both are in NFC.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn new(text: &str, prefix: Vec<u8>) -> Result<Self, String> {
        if text.len() > Self::LENGTH_MAX {
            return Err(format!("it is longer than {} bytes", Self::LENGTH_MAX));
        }
        if nesting(text) > Self::NESTING_MAX {
            return Err(format!("its braces are nested deeper than {}", Self::NESTING_MAX));
        }
        let glob = globset::GlobBuilder::new(text)
            .literal_separator(true)
            .backslash_escape(true)
            .empty_alternates(true)
            .build()
            .map_err(|error| error.kind().to_string())?;
        let regex = regex::bytes::RegexBuilder::new(&by_character(glob.regex()))
            .dot_matches_new_line(true)
            .build()
            .map_err(|_| "it is too complex".to_owned())?;
        Ok(Self { text: text.to_owned(), prefix, regex })
    }

    /// As written, but in NFC and with single slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole path, which is given in NFC, is like this.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        path.starts_with(&self.prefix) && self.regex.is_match(path)
    }

    /// The literal text that everything it matches begins with.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// A literal text that everything it matches ends with: what stands behind its last special character.
    #[must_use]
    pub fn suffix(&self) -> &str {
        let special = self.text.rfind(['*', '?', '[', ']', '{', '}', ',', '\\']);
        let (before, suffix) = special.map_or(("", self.text.as_str()), |at| self.text.split_at(at + 1));
        match suffix.strip_prefix('/') {
            // `**/a` is also `a` alone.
            Some(suffix) if before.split('/').all(|component| component == "**") => suffix,
            _ => suffix,
        }
    }
}

impl PartialEq for PathGlob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PathGlob {}

/// How deep the braces of a glob are nested.
fn nesting(glob: &str) -> usize {
    let (mut depth, mut deepest, mut escaped) = (0_usize, 0, false);
    for byte in glob.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// globset's expressions work on bytes. This makes what stands for one character (`?`, `[a]`, `[!a]`) take one whole
/// character; runs (`*`, `**`) stay as they are, so that names which are not UTF-8 are covered.
fn by_character(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len() + 16);
    let mut rest = regex;
    while let Some(at) = rest.find(['\\', '[']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('[') { class_length(rest) } else { rest.len().min(2) };
        let (token, after) = rest.split_at(taken);
        if token.starts_with("[^") && !after.starts_with('*') {
            out.push_str("(?u:");
            out.push_str(token);
            out.push(')');
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    out + rest
}

/// The length of the `[...]` that an expression begins with. Special characters in it are escaped.
fn class_length(regex: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in regex.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b']' => return at + 1,
            _ => {}
        }
    }
    regex.len()
}

#[cfg(test)]
mod tests {
    use super::{PathGlob, TextPattern, TextRegex};
    use crate::model::path::LogicalPath;

    #[test]
    fn stars_stand_for_runs_of_any_characters() {
        let pattern = |text: &str| TextPattern::from_pieces(text.split('*').map(str::to_owned).collect());
        for (text, like, unlike) in [
            ("a", &["a"][..], &["", "aa", "A"][..]),
            ("*", &["", "a"], &[]),
            ("**", &["", "a"], &[]),
            ("a*", &["a", "ab"], &["", "ba"]),
            ("*a", &["a", "ba"], &["ab"]),
            ("ab*ba", &["abba", "ab-ba"], &["aba"]),
            ("a*b*c", &["abc", "a-b-bc"], &["acb", "ab"]),
            ("*\u{e9}*", &["caf\u{e9}s"], &["cafes"]),
        ] {
            for sample in like {
                assert!(pattern(text).matches(sample), "{text} is like {sample}");
            }
            for sample in unlike {
                assert!(!pattern(text).matches(sample), "{text} is unlike {sample}");
            }
        }
    }

    #[test]
    fn globs_take_characters_and_any_name() {
        let covers = |glob: &str, path: &[u8]| {
            let path = LogicalPath::parse(path).expect("the path is one");
            PathGlob::new(glob, Vec::new()).expect("the glob is one").matches(path.as_bytes())
        };
        assert!(covers("/?.jpg", "/\u{e9}.jpg".as_bytes()));
        assert!(!covers("/??.jpg", "/\u{e9}.jpg".as_bytes()));
        assert!(covers("/[!a].jpg", "/\u{e9}.jpg".as_bytes()));
        assert!(!covers("/[!a].jpg", b"/a.jpg"));
        assert!(covers("/*.jpg", b"/caf\xe9.jpg"));
        assert!(covers("/**/b", b"/x\ny/z/b"));
        assert!(covers("/a{,.bak}", b"/a"));
        assert!(covers(r"/\[a\]\*", b"/[a]*"));
        assert!(PathGlob::new(&format!("/{}{}", "{".repeat(2000), "}".repeat(2000)), Vec::new()).is_err());
    }

    #[test]
    fn expressions_and_globs_have_up_to_the_limit_of_bytes_and_levels() {
        let regex = |length: usize| TextRegex::new(&"a".repeat(length)).map(|_| ());
        assert_eq!(regex(TextRegex::LENGTH_MAX), Ok(()));
        assert_eq!(regex(TextRegex::LENGTH_MAX + 1), Err("it is longer than 4096 bytes".to_owned()));
        let glob = |text: String| PathGlob::new(&text, Vec::new()).map(|_| ());
        let long = |length: usize| format!("/{}*", "a".repeat(length - 2));
        assert_eq!(glob(long(PathGlob::LENGTH_MAX)), Ok(()));
        assert_eq!(glob(long(PathGlob::LENGTH_MAX + 1)), Err("it is longer than 4096 bytes".to_owned()));
        let deep = |levels: usize| format!("/{}a{}", "{".repeat(levels), "}".repeat(levels));
        assert_eq!(glob(deep(PathGlob::NESTING_MAX)), Ok(()));
        assert_eq!(glob(deep(PathGlob::NESTING_MAX + 1)), Err("its braces are nested deeper than 16".to_owned()));
    }

    #[test]
    fn an_expression_takes_up_to_the_limit_of_memory() {
        let within = |times: usize, limit: usize| {
            regex::RegexBuilder::new(&format!(r"\w{{{times}}}")).size_limit(limit).build().is_ok()
        };
        // The most repetitions that fit: a tenth less memory is not enough for them, a tenth more takes one more.
        let most = (1..1_000).take_while(|&times| within(times, TextRegex::SIZE_MAX)).last().expect("one fits");
        assert!(!within(most, TextRegex::SIZE_MAX / 10 * 9) && within(most + 1, TextRegex::SIZE_MAX / 10 * 11));
        let compiled = |times: usize| TextRegex::new(&format!(r"\w{{{times}}}")).map(|_| ());
        assert_eq!(compiled(most), Ok(()));
        let error = "it is too large once compiled; repeat less, or less often";
        assert_eq!(compiled(most + 1), Err(error.to_owned()));
    }

    #[test]
    fn whatever_a_glob_matches_ends_with_its_suffix() {
        for (glob, suffix, matched) in [
            ("/**/*.mov", ".mov", "/a/b.mov"),
            ("/**/b", "/b", "/b"),
            ("**/b", "b", "b"),
            ("**/**/b/c", "b/c", "b/c"),
            ("**//b", "/b", "/b"),
            ("a/**/b", "/b", "a/b"),
            ("a**/b", "/b", "ac/b"),
            ("**", "", "a"),
            ("{a,**/b}", "", "b"),
            ("**/b{,c}/d", "/d", "b/d"),
            ("b", "b", "b"),
        ] {
            let made = PathGlob::new(glob, Vec::new()).expect("the glob is one");
            assert_eq!(made.suffix(), suffix, "{glob}");
            assert!(made.matches(matched.as_bytes()) && matched.ends_with(suffix), "{glob} matches {matched}");
        }
    }
}
