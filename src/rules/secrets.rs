//! Secrets that rules refer to. They are read by whoever may read files and the environment, and handed over here; a
//! rule set never says more of them than the rule files do.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::Loaded;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::model::secret::{SecretRef, SigningSecret};

/// A reference to a secret, and where it stands.
#[derive(Debug)]
pub(super) struct Referred {
    /// The rule's index in the set, if there is a set.
    pub rule: usize,
    pub reference: SecretRef,
    pub file_name: Arc<str>,
    pub span: Range<usize>,
}

impl Loaded {
    /// The files that hold secrets, each once.
    #[must_use]
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let files = self.referred.iter().filter_map(|referred| match &referred.reference {
            SecretRef::File(path) => Some(path.clone()),
            SecretRef::Env(_) | SecretRef::InClear => None,
        });
        files.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Reads all secrets that rules refer to, each once. One that cannot be read is an error: then there is no set.
    /// `read` says why in a sentence that quotes nothing of a secret.
    #[must_use]
    pub fn with_secrets(mut self, read: impl FnMut(&SecretRef) -> Result<SigningSecret, String>) -> Self {
        if self.read_secrets(read) > 0 {
            self.set = None;
        }
        self
    }

    /// The same, for a set that was good before: it stays, and what cannot be signed is held
    /// ([`Subscription::is_held`]).
    ///
    /// [`Subscription::is_held`]: crate::model::subscription::Subscription::is_held
    #[must_use]
    pub fn with_secrets_or_held(mut self, read: impl FnMut(&SecretRef) -> Result<SigningSecret, String>) -> Self {
        self.read_secrets(read);
        self
    }

    /// Gives the number of references that could not be read.
    fn read_secrets(&mut self, mut read: impl FnMut(&SecretRef) -> Result<SigningSecret, String>) -> usize {
        let mut known: HashMap<&SecretRef, Result<SigningSecret, String>> = HashMap::new();
        let mut faults = 0;
        for Referred { rule, reference, file_name, span } in &self.referred {
            match known.entry(reference).or_insert_with(|| read(reference)) {
                Ok(secret) => {
                    if let Some(set) = &mut self.set {
                        Arc::make_mut(&mut set.rules[*rule].subscription).signing = Some(Box::new(secret.clone()));
                    }
                }
                Err(why) => {
                    faults += 1;
                    let help = match reference {
                        SecretRef::Env(name) if name.starts_with('$') => "write the variable's name without the $",
                        SecretRef::File(path) if path.to_string_lossy().contains("/ ") || path.starts_with(" ") => {
                            "remove the space behind `file:`"
                        }
                        SecretRef::Env(_) => {
                            "set the variable where ringback is started, or write secret = \"file:...\""
                        }
                        _ => {
                            "put the secret there, where ringback's user can read it; \
                             to make one: echo whsec_$(openssl rand -base64 32)"
                        }
                    };
                    self.diagnostics.push(Diagnostic {
                        code: Code::BadSecret,
                        severity: Severity::Error,
                        file: file_name.to_string(),
                        span: span.clone(),
                        message: why.clone(),
                        label: String::new(),
                        help: Some(help.into()),
                    });
                }
            }
        }
        faults
    }
}
