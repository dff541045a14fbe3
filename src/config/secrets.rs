//! Reads secrets that rule files refer to, from files and from the environment. What it says of a fault quotes nothing
//! of a secret.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use super::sources::{read_regular, stat};
use crate::model::secret::{SecretRef, SigningSecret};

/// The largest secret file, in bytes: far more than the most secrets of a usual length. A wrong path may lead to a disk
/// image.
const FILE_MAX: u64 = 64 << 10;

/// Reads a secret.
///
/// # Errors
/// What is wrong, in one sentence without a full stop.
pub fn read(reference: &SecretRef) -> Result<SigningSecret, String> {
    match reference {
        SecretRef::File(path) => {
            let text =
                read_file(path).map_err(|why| format!("the secret file {} cannot be read: {why}", path.display()))?;
            SigningSecret::parse(&text).map_err(|error| format!("in the secret file {}: {error}", path.display()))
        }
        SecretRef::Env(name) => {
            let Some(text) = std::env::var_os(name) else {
                return Err(format!("the environment variable {name} of the secret is not set"));
            };
            let text = text.into_string().map_err(|_| format!("the environment variable {name} is not UTF-8"))?;
            SigningSecret::parse(&text).map_err(|error| format!("in the environment variable {name}: {error}"))
        }
        SecretRef::InClear => Err("the secret stands in the rule file".to_owned()),
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let bytes = read_regular(path, FILE_MAX).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// A number that differs, as good as certainly, when any of these files came, went or was written; as
/// [`super::sources::fingerprint`] of rule files.
#[must_use]
pub fn fingerprint(files: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in files {
        (path, stat(path)).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FILE_MAX, fingerprint, read};
    use crate::model::secret::SecretRef;

    #[test]
    fn a_secret_file_is_read_up_to_the_limit() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("sfo");
        let secret = "whsec_aGk=";
        let most = format!("{secret}{}", " ".repeat(usize::try_from(FILE_MAX).expect("it fits") - secret.len()));
        fs::write(&path, &most).expect("a file");
        assert_eq!(read(&SecretRef::File(path.clone())).expect("a secret").first_text(), secret);
        fs::write(&path, format!("{most}\n")).expect("a file");
        let why = read(&SecretRef::File(path)).expect_err("it is too large");
        assert!(why.ends_with("it is larger than 64 KiB"), "{why}");
    }

    #[test]
    fn secrets_are_read_and_faults_quote_nothing_of_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("sfo");
        let reference = SecretRef::File(path.clone());
        let files = [path.clone()];
        let missing = fingerprint(&files);
        assert!(read(&reference).expect_err("it is missing").contains("No such file"));
        fs::write(&path, "whsec_aGk=\n").expect("a file");
        assert_ne!(fingerprint(&files), missing);
        assert_eq!(read(&reference).expect("a secret").first_text(), "whsec_aGk=");
        for text in ["", "geheim", "whsec_geheim!", "\0geheim"] {
            fs::write(&path, text).expect("a file");
            let why = read(&reference).expect_err(text);
            assert!(!why.contains("geheim") && why.contains("sfo"), "{why}");
        }
        assert!(read(&SecretRef::File(dir.path().to_owned())).expect_err("a directory").contains("no regular file"));
        assert!(
            read(&SecretRef::Env("RINGBACK_NO_SUCH_VARIABLE".into())).expect_err("it is unset").contains("not set")
        );
        assert!(read(&SecretRef::Env("PATH".into())).expect_err("it is no secret").contains("whsec_"));
    }
}
