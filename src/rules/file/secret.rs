//! The keys that hold secrets, or say where they are. Nothing is read here but the rule file itself.

use std::ops::Range;
use std::path::Path;

use crate::diagnostic::Code;
use crate::diagnostic::TextFault;
use crate::diagnostic::document::{Faults, Table};
use crate::model::mask::suggests_secret;
use crate::model::secret::{SecretRef, SigningSecret};

/// What `secret` says.
pub(super) struct Secret {
    pub reference: SecretRef,
    /// The secret itself, where it stands in the file.
    pub signing: Option<SigningSecret>,
    pub span: Range<usize>,
}

/// Reads `secret`. Relative files lie beside the rule file.
pub(super) fn read(table: &Table<'_, '_>, file_name: &str, faults: &mut Faults<'_>) -> Option<Secret> {
    let text = table.string("secret", faults)?;
    let span = text.span;
    let bad = |message: String, help: &str, faults: &mut Faults<'_>| {
        faults.error(Code::BadSecret, span.clone(), message, "").help(help);
        None
    };
    if let Some(path) = text.value.strip_prefix("file:") {
        if path.is_empty() || path.contains('\0') || path.ends_with('/') {
            return bad("`file:` is followed by no file".into(), "such as secret = \"file:/run/secrets/sfo\"", faults);
        }
        let beside = Path::new(file_name).parent().unwrap_or(Path::new(""));
        return Some(Secret { reference: SecretRef::File(beside.join(path)), signing: None, span });
    }
    if let Some(name) = text.value.strip_prefix("env:") {
        if name.is_empty() || name.contains(['=', '\0']) || name.contains(char::is_whitespace) {
            let message = "`env:` is followed by no environment variable".into();
            return bad(message, "such as secret = \"env:SFO_SECRET\"", faults);
        }
        return Some(Secret { reference: SecretRef::Env(name.to_owned()), signing: None, span });
    }
    match SigningSecret::parse(text.value) {
        Ok(secret) => {
            faults
                .warning(Code::SecretInClear, span.clone(), "the secret stands in the clear", "in the clear")
                .help("put it in a file that ringback alone may read, and write secret = \"file:/run/secrets/NAME\" or \"env:NAME\"");
            Some(Secret { reference: SecretRef::InClear, signing: Some(secret), span })
        }
        Err(error) => {
            let path = text.value.starts_with(['/', '.']);
            let other_case = ["file:", "env:"]
                .iter()
                .find(|word| text.value.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word)));
            let help = if let Some(word) = other_case {
                return bad(
                    format!("`{word}` is written in small letters"),
                    "such as \"file:/run/secrets/NAME\" or \"env:NAME\"",
                    faults,
                );
            } else if path {
                "a file is named with file: before it, such as secret = \"file:/run/secrets/NAME\""
            } else if text.value.starts_with('$') {
                "an environment variable is named with env: before it and without $, such as secret = \"env:NAME\""
            } else {
                "write where it is, secret = \"file:/run/secrets/NAME\" or \"env:NAME\"; \
                        a secret is whsec_ and base64: echo whsec_$(openssl rand -base64 32)"
            };
            bad(error.to_string(), help, faults)
        }
    }
}

/// Warns of a header or a query parameter whose name says that its value is a secret.
pub(super) fn in_clear(what: &str, name: &str, value: &str, of_text: &mut Vec<TextFault>) {
    if !value.is_empty() && suggests_secret(name) {
        let message = format!("the {what} `{name}` holds a secret in the clear");
        let help = "let nobody but ringback read this file (chmod 600), or have the receiver check signatures: \
                    secret = \"file:/run/secrets/NAME\"";
        of_text.push(TextFault::error(Code::SecretInClear, 0..name.len(), message, "in the clear", help).as_warning());
    }
}
