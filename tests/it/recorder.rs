//! A subscriber, with or without TLS, that records whole requests in whichever format, and accepts everything.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Of 127.0.0.1 and localhost.
pub const CERTIFICATE: &[u8] = include_bytes!("../../src/deliver/testdata/certificate.der");
const KEY: &[u8] = include_bytes!("../../src/deliver/testdata/key.der");

/// One request.
#[derive(Debug, Clone)]
pub struct RecordedCall {
    /// Method and path.
    pub line: String,
    /// All headers.
    pub head: String,
    pub body: Vec<u8>,
}

/// See the module.
pub struct Recorder {
    address: SocketAddr,
    scheme: &'static str,
    calls: Arc<Mutex<Vec<RecordedCall>>>,
}

impl Recorder {
    /// One that speaks plain HTTP.
    pub fn plain() -> Self {
        Self::start(None)
    }

    /// One that speaks TLS, with a certificate of the key that all of them have.
    pub fn secure(certificate: &'static [u8]) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(certificate)], PrivatePkcs8KeyDer::from(KEY).into())
            .expect("a certificate and its key");
        Self::start(Some(Arc::new(config)))
    }

    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let (calls, scheme) = (Arc::new(Mutex::new(Vec::new())), if tls.is_some() { "https" } else { "http" });
        let recorded = Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tls, recorded) = (tls.clone(), Arc::clone(&recorded));
                // A client that breaks off has sent no whole request.
                std::thread::spawn(move || {
                    drop(match tls {
                        None => serve(stream, &recorded),
                        Some(config) => ServerConnection::new(config)
                            .map_err(io::Error::other)
                            .and_then(|server| serve(StreamOwned::new(server, stream), &recorded)),
                    });
                });
            }
        });
        Self { address, scheme, calls }
    }

    /// Where it is called.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// All that came, in order.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A certificate as a file of certificates has it.
    pub fn pem(certificate: &[u8]) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
    }
}

fn serve(mut stream: impl Read + Write, calls: &Mutex<Vec<RecordedCall>>) -> io::Result<()> {
    loop {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.extend(byte);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body)?;
        let line = text.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
        let call = RecordedCall { line, head: text, body };
        calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        stream.flush()?;
    }
}
