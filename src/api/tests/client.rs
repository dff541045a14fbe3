//! A caller that writes its requests by hand, one connection each.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends a request (its line and fields, without `Host` and length) and reads the answer.
pub(super) async fn exchange(to: SocketAddr, head: &str, body: &[u8]) -> Answer {
    send(to, &format!("{head}Content-Length: {}\r\n", body.len()), body).await
}

/// The same, with the length of the body already told.
pub(super) async fn send(to: SocketAddr, head: &str, body: &[u8]) -> Answer {
    let mut request = format!("{head}Host: {to}\r\nConnection: close\r\n\r\n").into_bytes();
    request.extend_from_slice(body);
    let talk = tokio::task::spawn_blocking(move || -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(to)?;
        // A server that never answers fails the test rather than hang it.
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(&request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    });
    let answer = talk.await.expect("no panic").expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("UTF-8");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head, body: answer[end + 4..].to_vec() }
}
