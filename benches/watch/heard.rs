//! What has come from a watcher, as it came and when; it is read only after the measurement.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ringback::cli::receiver::Receiver;
use tokio::runtime::Runtime;

/// A request, or some whole lines.
#[derive(Debug, Clone)]
pub struct Piece {
    /// When its headers had arrived, or when read(2) returned it.
    pub at: Instant,
    /// The body, or the lines.
    pub bytes: Bytes,
}

/// Pieces in the order in which they came. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    pieces: Mutex<Vec<Piece>>,
    came: Condvar,
}

impl Heard {
    /// Puts one at the end.
    pub fn push(&self, at: Instant, bytes: Bytes) {
        let mut pieces = self.0.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.push(Piece { at, bytes });
        drop(pieces);
        self.0.came.notify_all();
    }

    /// All of them so far.
    pub fn pieces(&self) -> Vec<Piece> {
        self.0.pieces.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a piece is as wanted; false when nothing at all came for `silence`. Each is asked about once.
    pub fn until(&self, silence: Duration, mut wanted: impl FnMut(&Piece) -> bool) -> bool {
        let mut seen = 0;
        let mut pieces = self.0.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            // Not under the lock: whoever brings the next one must not wait for it.
            let new = pieces[seen..].to_vec();
            seen += new.len();
            drop(pieces);
            if new.iter().any(&mut wanted) {
                return true;
            }
            pieces = self.0.pieces.lock().unwrap_or_else(PoisonError::into_inner);
            let end = Instant::now() + silence;
            while pieces.len() == seen {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return false;
                }
                pieces = self.0.came.wait_timeout(pieces, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

/// An HTTP receiver that accepts everything and reads nothing.
pub struct Ear {
    /// What has come.
    pub heard: Heard,
    address: SocketAddr,
    // Its threads end with it, whatever is under way.
    running: Option<(Runtime, Receiver)>,
}

impl Ear {
    /// Listens on a port of its own.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let heard = Heard::default();
        let theirs = heard.clone();
        let receiver = runtime.block_on(Receiver::start(SocketAddr::from(([127, 0, 0, 1], 0)), move |request| {
            theirs.push(request.at, request.body);
            200
        }));
        let receiver = receiver.expect("a free port");
        Self { heard, address: receiver.addr, running: Some((runtime, receiver)) }
    }

    /// The URL of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        if let Some((runtime, receiver)) = self.running.take() {
            drop(receiver);
            runtime.shutdown_background();
        }
    }
}
