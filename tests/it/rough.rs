//! A subscriber that breaks the protocol: what it does to a connection is up to a closure. The first `times` requests
//! are treated so, all later ones are answered 200.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::daemon::until;

/// A request that it read.
#[derive(Debug, Clone)]
pub struct Heard {
    pub line: String,
    pub id: String,
    pub body: Vec<u8>,
}

/// A running rough subscriber. Its thread ends with the process.
pub struct Rough {
    pub addr: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Rough {
    pub fn start(times: usize, treat: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("bound");
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (theirs, treat) = (Arc::clone(&heard), Arc::new(treat));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (heard, treat) = (Arc::clone(&theirs), Arc::clone(&treat));
                std::thread::spawn(move || {
                    let Ok(one) = read(&stream) else { return };
                    let count = {
                        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                        heard.push(one);
                        heard.len()
                    };
                    if count <= times {
                        treat(stream);
                    } else {
                        // Whoever has gone meanwhile comes again.
                        drop(answer(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
                    }
                });
            }
        });
        Self { addr, heard }
    }

    /// The requests so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for so many requests.
    #[track_caller]
    pub fn wait(&self, count: usize) -> Vec<Heard> {
        until(&format!("{count} requests"), || Some(self.heard()).filter(|heard| heard.len() >= count))
    }

    /// A rule over everything that calls it.
    pub fn rule(&self, name: &str) -> String {
        format!(
            "[[subscription]]\nname = '{name}'\ncallback = 'http://{}/hook'\nwatchPath = ['* /']\nretry = ['100ms']\nretryCount = 100\n",
            self.addr
        )
    }
}

/// Writes and closes.
pub fn answer(mut stream: TcpStream, bytes: &[u8]) -> io::Result<()> {
    io::Write::write_all(&mut stream, bytes)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Until the other side closes: a reset would take back what it has not read yet.
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

fn read(stream: &TcpStream) -> io::Result<Heard> {
    let mut reader = BufReader::new(stream);
    let mut heard = Heard { line: String::new(), id: String::new(), body: Vec::new() };
    reader.read_line(&mut heard.line)?;
    let mut length = 0;
    loop {
        let mut field = String::new();
        if reader.read_line(&mut field)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = field.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
            "webhook-id" => heard.id = value.trim().to_owned(),
            _ => {}
        }
    }
    heard.body.resize(length, 0);
    reader.read_exact(&mut heard.body)?;
    Ok(heard)
}
