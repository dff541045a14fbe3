//! The kinds of diagnostics, each with a number for life.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// A kind of diagnostic. Numbers are stable: one that is retired is never given to another kind.
        /// Below 100: any file (13 is retired). From 100: warnings. From 200: the configuration alone.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name = $number,)+
        }

        impl Code {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The sentence that explains it.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

codes! {
    /// The file is not UTF-8.
    NotUtf8 = 1,
    /// The file is not TOML.
    Syntax = 2,
    /// A key that this version does not know.
    UnknownKey = 3,
    /// A value of another type than the key takes.
    WrongType = 4,
    /// A required key is missing.
    MissingKey = 5,
    /// A number or a list outside of its limits.
    OutOfRange = 6,
    /// A word that is none of those that the key takes.
    UnknownWord = 7,
    /// A name with characters that names cannot have.
    BadName = 8,
    /// A name, or another value that must be unique, given twice.
    Duplicate = 9,
    /// A path that is empty, relative, or has a `.` or `..` component.
    BadPath = 10,
    /// A glob that cannot be read.
    BadGlob = 11,
    /// A metadata clause that is not `Key OPERATOR value`.
    BadClause = 12,
    /// A callback that is no usable http or https URL.
    BadUrl = 14,
    /// A header that is not `Name: value`, or has characters that headers cannot have.
    BadHeader = 15,
    /// A header that ringback sets itself.
    ReservedHeader = 16,
    /// A query parameter that is not `key=value`.
    BadQueryParameter = 17,
    /// A duration that is not a number and a unit.
    BadDuration = 18,
    /// A rule that watches nothing.
    NothingToWatch = 19,
    /// A comparison with what is neither a number nor a date.
    NotComparable = 20,
    /// A regular expression that cannot be read, or is too large.
    BadRegex = 21,
    /// A `when` expression that cannot be read.
    BadWhen = 22,
    /// An event that is neither built in nor declared by an `[[event]]`.
    UnknownEvent = 30,
    /// A payload template that cannot be read.
    BadTemplate = 31,
    /// A secret that is no reference and no secret, or that is not there to be read.
    BadSecret = 32,
    /// Keys that exclude each other.
    KeysExclude = 33,
    /// Rule files that are gone, or that cannot be read.
    RulesGone = 34,
    /// A clause that can never be true.
    NeverTrue = 100,
    /// A space that is probably not meant, or a character that nobody sees.
    StraySpace = 101,
    /// What looks like an operator or another clause, and is a part of a key or a value.
    OperatorInValue = 102,
    /// A `**` that is not a whole component of the path, and so stops at `/` like `*`.
    PartialDoubleStar = 103,
    /// No rules: nobody will be called.
    NoRules = 104,
    /// A metadata key that looks like a mistyped fact.
    KeyLikeFact = 105,
    /// A secret that stands in the file itself.
    SecretInClear = 107,
    /// A rule whose changes another one tells the same target anyway.
    Covered = 108,
    /// Two subscriptions that call the same target.
    DuplicateTarget = 109,
    /// A callback by plain http that leaves the private network.
    PlainHttp = 110,
    /// A callback to an address that is refused at delivery, such as a link-local or cloud metadata one.
    LinkLocal = 111,
    /// A path or a tenant that no mount has.
    OutsideMounts = 112,
    /// A rule that matches everything.
    MatchesEverything = 113,
    /// Quotes, stars, braces or backslashes that are taken otherwise than they were probably meant.
    TakenLiterally = 114,
    /// A comment that accepts a warning which is not there.
    AcceptsNothing = 115,
    /// A file of the rules directory that is not read, because of its name.
    PassedOver = 116,
    /// An event about no asset that the subscription's format does not send.
    EventNotSent = 117,
    /// A metadata key that looks like one of a file's and that no file has.
    UnknownMetadataKey = 118,
    /// Two mounts that overlap, in logical paths or on disk.
    MountsOverlap = 200,
    /// Nothing is mounted.
    NoMount = 201,
    /// A mount lies in the state directory, which is never watched.
    MountInState = 202,
    /// An address to listen on that is not an IP address and a port, or a network that is not in CIDR notation.
    BadAddress = 203,
    /// A digest that is not 64 hexadecimal digits.
    BadDigest = 204,
    /// A mount whose directory does not exist.
    MissingDirectory = 205,
    /// A file of certificates that cannot be read or used.
    BadCaFile = 206,
    /// A principal that sees nothing, because it has no tenants, or one that nothing has.
    NoTenant = 207,
    /// A certificate or a key to serve with that cannot be read or used.
    BadTlsFile = 208,
    /// A digest of a token that everybody knows.
    PublicToken = 209,
    /// No principal may read the status.
    NobodyReadsStatus = 210,
    /// An `exiftool` that cannot be run.
    BadExiftool = 211,
}

impl Code {
    /// Returns whether it is always a warning about rules.
    #[must_use]
    pub fn is_warning(self) -> bool {
        (100..200).contains(&(self as u16))
    }
}

impl fmt::Display for Code {
    /// `RB0012`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RB{:04}", *self as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_rise_and_each_has_a_sentence() {
        assert!(Code::ALL.is_sorted_by(|a, b| (*a as u16) < (*b as u16)));
        assert!(Code::ALL.iter().all(|code| code.meaning().ends_with('.')));
        assert_eq!(Code::BadClause.to_string(), "RB0012");
    }
}
