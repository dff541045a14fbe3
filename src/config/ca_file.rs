//! Reads the file of certificates that callbacks are verified with, beside the platform's own.

use std::io;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::{Error as TlsError, RootCertStore};

use super::sources::{FILE_MAX, read_regular};

/// A file of certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaFileError {
    /// The file.
    #[error("the file of certificates {} (`ca_file` of [delivery]) cannot be read", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its form.
    #[error("the file of certificates {} (`ca_file` of [delivery]) is no PEM file: {fault}", path.display())]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        fault: PemError,
    },
    /// One of its certificates.
    #[error("certificate {number} in {} (`ca_file` of [delivery]) cannot be used", path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// Which of its certificates, from 1.
        number: usize,
        /// Why.
        source: TlsError,
    },
    /// A file with something else in it.
    #[error(
        "there is no certificate in {} (`ca_file` of [delivery]): write one or more between the lines \
         -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----",
        path.display()
    )]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

impl CaFileError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. }
            | Self::Pem { path, .. }
            | Self::Certificate { path, .. }
            | Self::Empty { path } => path,
        }
    }
}

/// Reads all certificates of a PEM file. Other sections, such as keys, are passed over.
///
/// # Errors
/// The first thing that is wrong. No certificate is left out silently.
pub fn read(path: &Path) -> Result<RootCertStore, CaFileError> {
    let at = || path.to_owned();
    let text = read_regular(path, FILE_MAX).map_err(|source| CaFileError::Read { path: at(), source })?;
    let mut roots = RootCertStore::empty();
    for (number, certificate) in (1..).zip(CertificateDer::pem_slice_iter(&text)) {
        let certificate = certificate.map_err(|fault| CaFileError::Pem { path: at(), fault })?;
        roots.add(certificate).map_err(|source| CaFileError::Certificate { path: at(), number, source })?;
    }
    if roots.is_empty() { Err(CaFileError::Empty { path: at() }) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::read;
    use crate::model::error_chain::ErrorChain;

    const CERTIFICATE: &[u8] = include_bytes!("../deliver/testdata/certificate.der");

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    #[test]
    fn certificates_are_read_and_faults_name_the_file_and_what_is_wrong() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ca.pem");
        let at = path.display();
        let good = pem("CERTIFICATE", CERTIFICATE);
        let missing = read(&path).expect_err("it is missing");
        assert_eq!(
            ErrorChain(&missing).to_string(),
            format!(
                "the file of certificates {at} (`ca_file` of [delivery]) cannot be read: No such file or directory (os \
                 error 2)"
            )
        );
        for (text, expect) in [
            (good.clone(), Ok(1)),
            (format!("a comment\n{good}{}{good}", pem("PRIVATE KEY", b"a key")), Ok(2)),
            (String::new(), Err(format!("there is no certificate in {at} "))),
            ("CERTIFICATE".to_owned(), Err(format!("there is no certificate in {at} "))),
            (pem("PRIVATE KEY", b"a key"), Err(format!("there is no certificate in {at} "))),
            (
                format!("{good}{}", pem("CERTIFICATE", b"not a certificate")),
                Err(format!("certificate 2 in {at} (`ca_file` of [delivery]) cannot be used: ")),
            ),
            (
                good.replace("-----END CERTIFICATE-----", ""),
                Err(format!("the file of certificates {at} (`ca_file` of [delivery]) is no PEM file: ")),
            ),
        ] {
            fs::write(&path, &text).expect("a file");
            let found = read(&path).map(|roots| roots.len()).map_err(|error| ErrorChain(&error).to_string());
            match (&found, &expect) {
                (Err(found), Err(expect)) if found.starts_with(expect) => {}
                _ => assert_eq!(found, expect, "{text}"),
            }
        }
    }

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let error = read(dir.path()).expect_err("a directory");
        assert!(ErrorChain(&error).to_string().ends_with("it is no regular file"), "{error}");
    }
}
