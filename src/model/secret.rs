//! Secrets that sign deliveries: what a rule says of one, and the secret itself once it has been read.
//!
//! Nothing here reads a file or the environment, and nothing shows a secret: what holds one prints as asterisks.

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Where a subscription's secret is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// In a file: its whole content.
    File(PathBuf),
    /// In an environment variable of the process.
    Env(String),
    /// In the rule file itself.
    InClear,
}

impl fmt::Display for SecretRef {
    /// As it may be shown to anybody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::InClear => f.write_str("****"),
        }
    }
}

/// What a secret is written with before its base64 (Standard Webhooks, "Signature scheme").
const PREFIX: &str = "whsec_";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The secrets that sign a subscription's deliveries: one, or several while a secret rotates.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret {
    keys: Vec<Vec<u8>>,
    first_text: String,
}

impl SigningSecret {
    /// The most secrets at once: a rotation needs two, and each adds a signature to every delivery's headers.
    pub const KEYS_MAX: usize = 16;

    /// Reads `whsec_` secrets, separated by white space.
    ///
    /// # Errors
    /// What is wrong. It quotes nothing of the text.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let mut keys = Vec::new();
        let mut first_text = None;
        for (index, one) in text.split_whitespace().enumerate() {
            if index == Self::KEYS_MAX {
                return Err(SecretError::TooMany);
            }
            let encoded = one.strip_prefix(PREFIX).ok_or(SecretError::NoPrefix)?;
            let key = BASE64.decode(encoded).map_err(|_| SecretError::NotBase64)?;
            if key.is_empty() {
                return Err(SecretError::Empty);
            }
            keys.push(key);
            first_text.get_or_insert(one);
        }
        let first_text = first_text.ok_or(SecretError::Empty)?.to_owned();
        Ok(Self { keys, first_text })
    }

    /// The keys, in the order in which they are written.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(Vec::as_slice)
    }

    /// The first secret as written, `whsec_` included: what keys `X-Hub-Signature-256`.
    #[must_use]
    pub fn first_text(&self) -> &str {
        &self.first_text
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(****)")
    }
}

/// Not a secret. It says nothing of what was there instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing is there.
    #[error("the secret is empty")]
    Empty,
    /// The prefix is missing.
    #[error("the secret does not begin with whsec_")]
    NoPrefix,
    /// What follows the prefix.
    #[error("what follows whsec_ is not base64")]
    NotBase64,
    /// More than [`SigningSecret::KEYS_MAX`].
    #[error("there are more than {} secrets", SigningSecret::KEYS_MAX)]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::{SecretError, SigningSecret};

    #[test]
    fn one_or_several_secrets_read_and_none_is_ever_shown() {
        let secret = SigningSecret::parse("whsec_aGk=\n\twhsec_eW8\n").expect("two secrets");
        assert_eq!(secret.keys().collect::<Vec<_>>(), [b"hi", b"yo"]);
        assert_eq!(secret.first_text(), "whsec_aGk=");
        assert_eq!(format!("{secret:?}"), "SigningSecret(****)");
        let most = SigningSecret::parse(&"whsec_aGk= ".repeat(SigningSecret::KEYS_MAX)).expect("the most secrets");
        assert_eq!(most.keys().count(), SigningSecret::KEYS_MAX);
        for (text, error) in [
            ("", SecretError::Empty),
            (" \n", SecretError::Empty),
            ("whsec_", SecretError::Empty),
            ("aGk=", SecretError::NoPrefix),
            ("whsec_aGk= hi", SecretError::NoPrefix),
            ("whsec_a", SecretError::NotBase64),
            ("whsec_a-_=", SecretError::NotBase64),
            (&"whsec_aGk= ".repeat(SigningSecret::KEYS_MAX + 1), SecretError::TooMany),
        ] {
            assert_eq!(SigningSecret::parse(text), Err(error), "{text}");
        }
    }
}
