//! The limit: a raw inotify event and a bare POST by the HTTP library that ringback uses, on a warm connection, with
//! nothing between them. On a thread of this process.

use std::ffi::CString;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::watcher::raw;

/// Watches one directory and posts each closed file's name to `url`. Its thread ends when the directory is removed.
pub fn start(dir: &Path, url: &str) {
    let url: Uri = url.parse().expect("a URL");
    let mut inotify = raw::open().expect("inotify");
    let dir = CString::new(dir.as_os_str().as_bytes()).expect("no NUL");
    raw::add(&inotify, &dir, libc::IN_CLOSE_WRITE).expect("watched");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut sender = runtime.block_on(connect(&url));
        let mut buffer = [0; 4096];
        loop {
            let count = inotify.read(&mut buffer).expect("events");
            for (_, mask, name) in raw::events(&buffer[..count]) {
                if mask & libc::IN_IGNORED != 0 {
                    return;
                }
                runtime.block_on(post(&mut sender, &url, Bytes::copy_from_slice(name)));
            }
        }
    });
}

async fn connect(url: &Uri) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(url.authority().expect("an address").as_str()).await.expect("connected");
    stream.set_nodelay(true).expect("no delay");
    let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    sender
}

async fn post(sender: &mut SendRequest<Full<Bytes>>, url: &Uri, body: Bytes) {
    let request = Request::post(url.path()).header("host", url.authority().expect("an address").as_str());
    let request = request.body(Full::new(body)).expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.expect("its body");
}
