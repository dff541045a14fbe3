//! Reads the certificate and the key that the API speaks TLS with.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error as TlsError, ServerConfig};

use super::settings::TlsFiles;
use super::sources::{FILE_MAX, read_regular};

/// What a listener speaks TLS with.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// For the listener.
    pub config: Arc<ServerConfig>,
    /// SHA-256 of the server's certificate (DER): what commands on this machine know it by.
    pub certificate_sha256: [u8; 32],
}

impl ServerTls {
    /// [`Self::certificate_sha256`] in hexadecimal digits.
    #[must_use]
    pub fn certificate_hex(&self) -> String {
        self.certificate_sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A file of `[tls]` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFilesError {
    /// The file.
    #[error("the file {} (`{key}` of [tls]) cannot be read", path.display())]
    Read {
        /// `cert` or `key`.
        key: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its form. What is in it is not repeated: it may be a key.
    #[error("the file {} (`{key}` of [tls]) has no {wanted} in PEM form: {fault}", path.display())]
    Pem {
        /// `cert` or `key`.
        key: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is looked for.
        wanted: &'static str,
        /// What is wrong.
        fault: PemError,
    },
    /// The two together.
    #[error("the certificate {} and the key {} of [tls] cannot be used", cert.display(), key.display())]
    Unusable {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why: the key is another certificate's, say.
        source: TlsError,
    },
}

impl TlsFilesError {
    /// The file that is at fault, or the first of the two.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. } | Self::Pem { path, .. } => path,
            Self::Unusable { cert, .. } => cert,
        }
    }
}

/// Reads both files, and sees that they belong together.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(files: &TlsFiles) -> Result<ServerTls, TlsFilesError> {
    let text = |key, path: &Path| {
        read_regular(path, FILE_MAX).map_err(|source| TlsFilesError::Read { key, path: path.to_owned(), source })
    };
    let pem = |key, path: &Path, wanted, fault| TlsFilesError::Pem { key, path: path.to_owned(), wanted, fault };
    let cert = text("cert", &files.cert)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&cert).collect();
    let chain = chain.and_then(|chain| if chain.is_empty() { Err(PemError::NoItemsFound) } else { Ok(chain) });
    let chain = chain.map_err(|fault| pem("cert", &files.cert, "certificate", fault))?;
    let certificate_sha256 = Sha256::digest(chain.first().map(AsRef::as_ref).unwrap_or_default()).into();
    let key = text("key", &files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|fault| pem("key", &files.key, "private key", fault))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|source| TlsFilesError::Unusable {
        cert: files.cert.clone(),
        key: files.key.clone(),
        source,
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(ServerTls { config: Arc::new(config), certificate_sha256 })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{TlsFiles, read};
    use crate::model::error_chain::ErrorChain;

    const CERTIFICATE: &[u8] = include_bytes!("../deliver/testdata/certificate.der");
    const KEY: &[u8] = include_bytes!("../deliver/testdata/key.der");
    const OTHER_KEY: &[u8] = include_bytes!("../deliver/testdata/other-key.der");

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    #[test]
    fn both_are_read_and_faults_name_the_file_and_its_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = TlsFiles { cert: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
        let (certificate, key) = (pem("CERTIFICATE", CERTIFICATE), pem("PRIVATE KEY", KEY));
        let missing = read(&files).expect_err("they are missing");
        let text = ErrorChain(&missing).to_string();
        assert!(text.contains("cert.pem (`cert` of [tls]) cannot be read: No such file"), "{text}");
        for (cert, secret, expect) in [
            (certificate.clone(), key.clone(), None),
            (certificate.repeat(2), format!("a comment\n{key}"), None),
            (String::new(), key.clone(), Some("cert.pem (`cert` of [tls]) has no certificate in PEM form")),
            (key.clone(), key.clone(), Some("cert.pem (`cert` of [tls]) has no certificate in PEM form")),
            (certificate.clone(), certificate.clone(), Some("key.pem (`key` of [tls]) has no private key in PEM form")),
            (certificate.clone(), pem("PRIVATE KEY", b"no key"), Some("of [tls] cannot be used: ")),
            (certificate.clone(), pem("PRIVATE KEY", OTHER_KEY), Some("of [tls] cannot be used: ")),
            (pem("CERTIFICATE", b"none"), key.clone(), Some("of [tls] cannot be used: ")),
        ] {
            fs::write(&files.cert, &cert).expect("a file");
            fs::write(&files.key, &secret).expect("a file");
            match (read(&files).map_err(|error| ErrorChain(&error).to_string()), expect) {
                (Ok(_), None) => {}
                (Err(text), Some(expect)) if text.contains(expect) && !text.contains("BEGIN") => {}
                (found, _) => panic!("{found:?} is not {expect:?}"),
            }
        }
    }
}
