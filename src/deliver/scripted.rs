//! A receiver that does exactly what it is told, byte by byte. Blocking and threaded, so that what it does never
//! depends on the runtime under test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A self-signed certificate for 127.0.0.1 and localhost.
pub(super) const CERTIFICATE: &[u8] = include_bytes!("testdata/certificate.der");
/// The same, in 2001.
pub(super) const EXPIRED: &[u8] = include_bytes!("testdata/expired.der");
/// The same, from 2125.
pub(super) const EARLY: &[u8] = include_bytes!("testdata/early.der");
/// A certificate for another host.
pub(super) const ELSEWHERE: &[u8] = include_bytes!("testdata/elsewhere.der");
/// The key of all of them. `testdata/make.sh` makes them anew.
const KEY: &[u8] = include_bytes!("testdata/key.der");

/// What the receiver does next on a connection. After the last step it closes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Reads a whole request.
    Request,
    /// Reads a request up to its body. Closing then resets the connection, since the body is left unread.
    Head,
    /// Sends these bytes.
    Say(&'static str),
    /// Sends bytes until the client closes.
    Flood,
    /// Waits until the client closes.
    Hang,
}

/// The receiver. Takes one connection for each script, and then refuses.
pub(super) struct Scripted {
    pub(super) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    opened: Arc<Mutex<usize>>,
    ended: Receiver<()>,
    scripts: usize,
}

impl Scripted {
    pub(super) fn plain(scripts: &[&'static [Step]]) -> Self {
        Self::start(scripts, |tcp| Box::new(tcp))
    }

    /// The same over TLS.
    pub(super) fn tls(scripts: &[&'static [Step]]) -> Self {
        Self::tls_with(CERTIFICATE, scripts)
    }

    /// The same with another certificate.
    pub(super) fn tls_with(certificate: &'static [u8], scripts: &[&'static [Step]]) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(certificate)], PrivatePkcs8KeyDer::from(KEY).into())
            .expect("a certificate and its key");
        let config = Arc::new(config);
        Self::start(scripts, move |tcp| {
            let server = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            Box::new(StreamOwned::new(server, tcp))
        })
    }

    fn start(scripts: &[&'static [Step]], wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (requests, opened) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (end, ended) = mpsc::channel();
        let (seen, count, scripts) = (Arc::clone(&requests), Arc::clone(&opened), scripts.to_vec());
        let expected = scripts.len();
        thread::spawn(move || {
            for script in scripts {
                let (tcp, _) = listener.accept().expect("a connection");
                *count.lock().expect("unpoisoned") += 1;
                let (stream, seen, end) = (wrap(tcp), Arc::clone(&seen), end.clone());
                thread::spawn(move || play(script, stream, &seen, &end));
            }
        });
        Self { address, requests, opened, ended, scripts: expected }
    }

    /// The requests that were read so far, as sent.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("unpoisoned").clone()
    }

    /// How many connections were opened so far.
    pub(super) fn connections(&self) -> usize {
        *self.opened.lock().expect("unpoisoned")
    }

    /// Waits until every script has been played to its end.
    pub(super) fn wait(&self) {
        for _ in 0..self.scripts {
            self.ended.recv().expect("a script that ends");
        }
    }
}

trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

fn play(script: &[Step], mut stream: Box<dyn Stream>, seen: &Mutex<Vec<String>>, end: &Sender<()>) {
    for step in script {
        let done = match step {
            Step::Request => request(&mut stream, true, seen),
            Step::Head => request(&mut stream, false, seen),
            Step::Say(text) => stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok(),
            Step::Flood => {
                while stream.write_all(&[b'x'; 65_536]).is_ok() {}
                true
            }
            Step::Hang => {
                while stream.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
                true
            }
        };
        if !done {
            break;
        }
    }
    drop(stream);
    // The test may be over.
    let _ = end.send(());
}

fn request(stream: &mut impl Read, whole: bool, seen: &Mutex<Vec<String>>) -> bool {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => text.push(byte[0]),
            _ => return false,
        }
    }
    let head = String::from_utf8_lossy(&text).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; if whole { length.unwrap_or(0) } else { 0 }];
    let read = stream.read_exact(&mut body).is_ok();
    text.extend(body);
    seen.lock().expect("unpoisoned").push(String::from_utf8_lossy(&text).into_owned());
    read
}
