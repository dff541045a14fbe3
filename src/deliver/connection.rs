//! One HTTP/1.1 connection. It carries one request at a time and closes when it is dropped.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::classify;
use super::wire::{Progress, Wire};
use crate::model::attempt::{Phase, Reply};

/// Most bytes that a connection buffers: an answer's header section, and what was read of its body at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    progress: Arc<Progress>,
    task: JoinHandle<()>,
}

/// An exchange without a status line.
pub(super) struct Failure {
    /// What is known of it.
    pub(super) reply: Reply,
    /// The connection broke, and not one byte had come back: if it was reused, the server had closed it before.
    pub(super) unheard: bool,
}

impl Connection {
    /// Starts HTTP on an open stream.
    ///
    /// # Errors
    /// The reply of an attempt whose connection broke at once.
    pub(super) async fn start<S>(stream: S) -> Result<Self, Reply>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (wire, progress) = Wire::new(stream);
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(BUFFER_BYTES)
            .handshake(TokioIo::new(wire))
            .await
            .map_err(|error| classify::exchange(&error, Phase::Send))?;
        // The error that ends the driver is also told to the request under way, which is where it matters.
        let task = tokio::spawn(async { drop(driver.await) });
        Ok(Self { sender, progress, task })
    }

    /// Sends a request and waits for the status line.
    ///
    /// # Errors
    /// Why there is none. The connection is of no more use then.
    pub(super) async fn send(
        &mut self,
        message: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        let before = self.progress.received();
        self.progress.begin_request();
        match timeout_at(deadline, self.sender.send_request(message)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Failure {
                reply: classify::exchange(&error, self.phase()),
                unheard: self.progress.received() == before,
            }),
            Err(_) => Err(Failure { reply: Reply::TimedOut { phase: self.phase() }, unheard: false }),
        }
    }

    /// Where a request without a status line is.
    fn phase(&self) -> Phase {
        if self.progress.is_sent() { Phase::Headers } else { Phase::Send }
    }

    /// Waits until the connection is done with its request; `true` when it can carry another one.
    pub(super) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Whether it is known to be closed.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Without this an answer that never ends would keep the connection open.
        self.task.abort();
    }
}
