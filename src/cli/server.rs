//! Which server a command talks to, and by what it knows it: an address, and with TLS a certificate.

use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use super::UsageError;

/// A server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its address.
    pub address: SocketAddr,
    /// How it is known; `None`: it speaks plain HTTP.
    pub tls: Option<Tls>,
}

/// How a server that speaks TLS is known.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The name that is asked for.
    pub name: ServerName<'static>,
    /// SHA-256 of its certificate; `None`: one for that name, from an authority that the platform trusts.
    pub certificate_sha256: Option<[u8; 32]>,
}

impl Server {
    /// The server of a URL, such as `http://127.0.0.1:8873`; without a scheme it is plain HTTP.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_url(url: &str) -> Result<Self, UsageError> {
        let wrong = |why: &str| UsageError(format!("{url}: {why}; write one such as http://127.0.0.1:8873"));
        let (is_tls, rest) = match url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err(wrong("it is not an http or https URL")),
            None => (false, url),
        };
        let authority = rest.trim_end_matches('/');
        if authority.contains('/') {
            return Err(wrong("it has a path"));
        }
        let mut found = authority.to_socket_addrs().map_err(|error| wrong(&error.to_string()))?;
        let address = found.next().ok_or_else(|| wrong("there is no such name"))?;
        if !is_tls {
            return Ok(Self { address, tls: None });
        }
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { address, tls: Some(Tls { name, certificate_sha256: None }) })
    }

    /// The server that the `address` file of a state directory names; `None` where there is none for this user.
    ///
    /// # Errors
    /// It cannot be read, or is not such a file.
    pub fn of_state_dir(state: &Path) -> anyhow::Result<Option<Self>> {
        let path = state.join("address");
        let text = match std::fs::read_to_string(&path) {
            // Only the daemon's own user can read it; others bring a token, and the URL.
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | PermissionDenied) => return Ok(None),
            text => text.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        let mut lines = text.lines();
        let mut server = Self::of_url(lines.next().unwrap_or_default())?;
        if let Some(tls) = &mut server.tls {
            let pin = lines.next().and_then(digest);
            let Some(pin) = pin else { bail!("{} does not say which certificate the daemon has", path.display()) };
            tls.certificate_sha256 = Some(pin);
        }
        Ok(Some(server))
    }
}

impl Tls {
    /// What a connection is made with.
    ///
    /// # Errors
    /// The platform's certificates cannot be used.
    pub fn client_config(&self) -> anyhow::Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let mut config = match self.certificate_sha256 {
            Some(sha256) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pinned { sha256, provider }))
                .with_no_client_auth(),
            None => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// 32 bytes from 64 hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits = (text.len() == 64 && text.is_ascii()).then_some(text)?;
    let mut out = [0; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(out)
}

/// Believes one certificate, whatever it names, however old it is and whoever has signed it. That the server has its
/// key is checked as ever.
#[derive(Debug)]
struct Pinned {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        match <[u8; 32]>::from(Sha256::digest(end_entity)) == self.sha256 {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Server, Tls};

    #[test]
    fn a_server_may_be_written_as_a_url() {
        for (text, expect, name) in [
            ("http://127.0.0.1:1/", "127.0.0.1:1", None),
            ("127.0.0.1:2", "127.0.0.1:2", None),
            ("http://[::1]:3", "[::1]:3", None),
            ("https://127.0.0.1:4", "127.0.0.1:4", Some("127.0.0.1")),
            ("https://[::1]:5/", "[::1]:5", Some("::1")),
        ] {
            let server = Server::of_url(text).expect(text);
            assert_eq!(server.address.to_string(), expect);
            assert_eq!(server.tls.map(|tls| tls.name.to_str().into_owned()).as_deref(), name, "{text}");
        }
        for (text, why) in [
            ("ftp://127.0.0.1:1", "not an http or https URL"),
            ("http://127.0.0.1:1/v1", "a path"),
            ("127.0.0.1", "invalid socket address"),
        ] {
            let error = Server::of_url(text).expect_err(text).to_string();
            assert!(error.contains(why) && error.contains("such as http://"), "{error}");
        }
    }

    #[test]
    fn the_state_directory_names_the_server_and_its_certificate() {
        let dir = tempfile::tempdir().expect("a directory");
        let found = || Server::of_state_dir(dir.path());
        assert!(found().expect("no fault").is_none());
        let digest = "0f".repeat(32);
        for (text, expect) in [
            ("http://127.0.0.1:1\n".to_owned(), Some(None)),
            (format!("https://127.0.0.1:1\n{digest}\n"), Some(Some([0x0f; 32]))),
            ("https://127.0.0.1:1\n".to_owned(), None),
            (format!("https://127.0.0.1:1\n{}\n", digest.replace('0', "g")), None),
            (String::new(), None),
        ] {
            fs::write(dir.path().join("address"), &text).expect("a file");
            let pin = found()
                .ok()
                .flatten()
                .map(|server| server.tls.and_then(|Tls { certificate_sha256, .. }| certificate_sha256));
            assert_eq!(pin, expect, "{text}");
        }
    }
}
