//! A small HTTP receiver: what `listen` and `try` are built on, and tests and benches. It verifies nothing and keeps
//! nothing; a handler sees each request and chooses the answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The largest request body that is taken, in bytes, 16 times that of the largest batch; a larger one is answered 413
/// and the handler does not see it.
pub const MAX_BODY_BYTES: usize = 16 << 20;

/// One request, whole.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path, and the query with its `?` if there is one.
    pub path_and_query: String,
    /// The headers, repeats included.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When its headers had arrived.
    pub at: Instant,
}

impl Received {
    /// A header's first value; empty when it is absent or no text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status, 200 to 599; anything else is sent as 500.
    pub status: u16,
    /// How long to wait before answering.
    pub delay: Duration,
}

impl From<u16> for Reply {
    fn from(status: u16) -> Self {
        Self { status, delay: Duration::ZERO }
    }
}

/// A running receiver. Dropping it stops it: it takes no more connections, and closes the ones it has as soon as their
/// requests are answered.
#[derive(Debug)]
pub struct Receiver {
    /// Where it listens; the port is the real one even where 0 was asked for.
    pub addr: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Receiver {
    /// Listens on `addr` and calls `handler` once for each request, from several threads at once. The handler answers
    /// with a status or a [`Reply`] and does not block.
    ///
    /// # Errors
    /// Why `addr` cannot be listened on.
    pub async fn start<R: Into<Reply>>(
        addr: SocketAddr,
        handler: impl Fn(Received) -> R + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "an accepted connection keeps its delay");
            }
        });
        let handler = Arc::new(move |received| handler(received).into());
        let router = Router::new().fallback(move |request| answer(request, Arc::clone(&handler)));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            // Dropping the sender stops the server as well.
            let _ = stopped.await;
        });
        let served = tokio::spawn(async {
            if let Err(error) = server.await {
                tracing::error!(%error, "the receiver stopped");
            }
        });
        Ok(Self { addr, stop, served })
    }

    /// The URL of a path here, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Stops, and waits until every connection is closed.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.served.await {
            tracing::error!(%error, "the receiver failed");
        }
    }
}

async fn answer(request: Request, handler: Arc<impl Fn(Received) -> Reply>) -> StatusCode {
    let at = Instant::now();
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let path_and_query = head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let Reply { status, delay } =
        handler(Received { method: head.method, path_and_query, headers: head.headers, body, at });
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    StatusCode::from_u16(status).ok().filter(|_| status >= 200).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests;
