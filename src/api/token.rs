//! Tokens: making one, and the administrator's, which the state directory keeps. Who has which is not known here.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

/// A bearer token: visible ASCII, no spaces. Its `Debug` keeps it secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// How a made token begins, so that people and secret scanners know one when they see it.
const PREFIX: &str = "rb_";

/// The longest token that is read, in bytes: one that ringback makes has 46.
const BYTES_MAX: usize = 255;

impl Token {
    /// A new one: 256 random bits from the system.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(format!("{PREFIX}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Checks one that was written down; white space around it goes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let fits = (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The secret itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is kept of it: [`crate::model::principal::Principal::token_sha256`].
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// [`Self::sha256`] as the configuration writes it: 64 lower-case hex digits.
    #[must_use]
    pub fn sha256_hex(&self) -> String {
        use std::fmt::Write as _;
        self.sha256().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The administrator's token of a state directory.
#[derive(Debug)]
pub struct AdminToken {
    /// The secret.
    pub token: Token,
    /// The file that keeps it.
    pub path: PathBuf,
    /// It was made just now.
    pub created: bool,
}

/// Where a state directory keeps its administrator's token.
#[must_use]
pub fn admin_token_path(state_dir: &Path) -> PathBuf {
    state_dir.join("token")
}

/// Reads the administrator's token, which only its owner may be able to read.
///
/// # Errors
/// It is not there ([`io::ErrorKind::NotFound`]), others can read it, or it is no token.
pub fn read_admin_token(state_dir: &Path) -> io::Result<Token> {
    let path = admin_token_path(state_dir);
    // A link in its place would have another file's content sent as a token, or taken for one.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path)?;
    let metadata = file.metadata()?;
    let refuse = |kind, why: &str| Err(io::Error::new(kind, format!("{}: {why}", path.display())));
    if !metadata.is_file() {
        return refuse(io::ErrorKind::InvalidData, "the token is not a regular file");
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        let why = "others may read or change the token; make a new one (remove the file), or chmod 600 it";
        return refuse(io::ErrorKind::PermissionDenied, why);
    }
    let mut text = String::new();
    file.take(BYTES_MAX as u64 + 2).read_to_string(&mut text)?;
    match Token::parse(&text) {
        Some(token) => Ok(token),
        None => refuse(io::ErrorKind::InvalidData, "there is no token in it; remove it to have one made"),
    }
}

/// Reads the administrator's token, or makes it. A token that is there is whole and durable: it is written aside and
/// linked into place, so that a crash leaves none or all of it, and of two makers one wins and both read its token.
///
/// # Errors
/// See [`read_admin_token`]; or the state directory cannot be written.
pub fn admin_token(state_dir: &Path) -> io::Result<AdminToken> {
    let path = admin_token_path(state_dir);
    match read_admin_token(state_dir) {
        Ok(token) => return Ok(AdminToken { token, path, created: false }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let token = Token::random()?;
    let aside = state_dir.join(format!(".token-{:016x}", getrandom::u64().map_err(io::Error::other)?));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    // The umask may have taken bits away that the owner needs.
    file.set_permissions(Permissions::from_mode(0o600))?;
    let written = file.write_all(format!("{}\n", token.as_str()).as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&aside, &path));
    fs::remove_file(&aside)?;
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Ok(AdminToken { token: read_admin_token(state_dir)?, path, created: false });
        }
        Err(error) => return Err(error),
    }
    File::open(state_dir)?.sync_all()?;
    Ok(AdminToken { token, path, created: true })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs::{self, Permissions};
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{BYTES_MAX, Token, admin_token, read_admin_token};

    #[test]
    fn a_token_is_made_once_and_kept() {
        let state = tempfile::tempdir().expect("a directory");
        let first = admin_token(state.path()).expect("made");
        assert!(first.created);
        assert_eq!(fs::metadata(&first.path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(first.token.as_str().starts_with("rb_") && first.token.as_str().len() == 46);
        let again = admin_token(state.path()).expect("read");
        assert!(!again.created);
        assert_eq!(again.token, first.token);
        assert_eq!(fs::read_dir(state.path()).expect("there").count(), 1, "nothing is left aside");
        assert!(!format!("{first:?}").contains(first.token.as_str()), "Debug keeps the secret");
    }

    #[test]
    fn makers_at_the_same_time_agree() {
        let state = tempfile::tempdir().expect("a directory");
        let made: BTreeSet<String> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| admin_token(state.path()))).collect();
            let made = makers.into_iter().map(|maker| maker.join().expect("no panic").expect("made or read"));
            made.map(|made| made.token.as_str().to_owned()).collect()
        });
        let kept = read_admin_token(state.path()).expect("one of them won");
        assert_eq!(made.into_iter().collect::<Vec<_>>(), [kept.as_str()]);
    }

    #[test]
    fn a_token_that_others_read_or_that_is_none_is_refused() {
        let cases = [
            (0o640, "rb_x\n", ErrorKind::PermissionDenied),
            (0o602, "rb_x\n", ErrorKind::PermissionDenied),
            (0o600, "", ErrorKind::InvalidData),
            (0o600, "two words\n", ErrorKind::InvalidData),
        ];
        for (mode, text, kind) in cases {
            let state = tempfile::tempdir().expect("a directory");
            let path = state.path().join("token");
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
            let error = admin_token(state.path()).expect_err("refused");
            assert_eq!(error.kind(), kind, "{mode:o} {text:?}: {error}");
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }

    #[test]
    fn a_token_has_up_to_the_limit_of_bytes() {
        let state = tempfile::tempdir().expect("a directory");
        let path = state.path().join("token");
        for (length, is_token) in [(BYTES_MAX, true), (BYTES_MAX + 1, false), (2 * BYTES_MAX, false)] {
            let text = "t".repeat(length);
            assert_eq!(Token::parse(&format!(" {text}\n")).is_some(), is_token, "{length}");
            fs::write(&path, format!("{text}\n")).expect("written");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
            match read_admin_token(state.path()) {
                Ok(token) => assert_eq!((token.as_str(), is_token), (text.as_str(), true)),
                Err(error) => assert_eq!((error.kind(), is_token), (ErrorKind::InvalidData, false), "{error}"),
            }
        }
    }

    #[test]
    fn the_hash_is_sha_256_in_hex() {
        let token = Token::parse(" abc\n").expect("a token");
        assert_eq!(token.sha256_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
