//! The number by which a dialect knows a principal. The words around it are the dialect's.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// `MAG` and nine digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MageId(u32);

/// One more than the largest number.
const END: u32 = 1_000_000_000;

impl MageId {
    /// The one of a principal's name: the first eight bytes of the SHA-256 of `mage:NAME`, modulo 10^9.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let hash = Sha256::digest(format!("mage:{name}"));
        let number = u64::from_be_bytes(std::array::from_fn(|at| hash[at])) % u64::from(END);
        Self(u32::try_from(number).unwrap_or_default())
    }

    /// Reads one as it is written.
    ///
    /// # Errors
    /// A sentence that says what is allowed.
    pub fn parse(text: &str) -> Result<Self, MageIdError> {
        let digits =
            text.strip_prefix("MAG").filter(|rest| rest.len() == 9 && rest.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse().ok()).map(Self).ok_or(MageIdError)
    }
}

impl fmt::Display for MageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MAG{:09}", self.0)
    }
}

/// Not such a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a `mage_id` is `MAG` and nine digits")]
pub struct MageIdError;

#[cfg(test)]
mod tests {
    use super::MageId;

    #[test]
    fn one_is_written_as_it_is_read() {
        for text in ["MAG000000000", "MAG000000007", "MAG999999999"] {
            assert_eq!(MageId::parse(text).expect("one").to_string(), text);
        }
        for text in ["", "MAG", "MAG12345678", "MAG1234567890", "mag123456789", "MAG+12345678"] {
            assert!(MageId::parse(text).is_err(), "{text}");
        }
        let of_ana = MageId::of("ana");
        assert_eq!(MageId::parse(&of_ana.to_string()), Ok(of_ana));
        assert_ne!(of_ana, MageId::of("bo"));
    }
}
