//! The stream under a connection. It notes how far a request is, and does not let a failed write hide an answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose reading side decides. A server may refuse a request (413, say) and close before it has read it all;
/// its answer is then there to be read, though writing fails. So what can no longer be written counts as written, and
/// the failure comes out when there is nothing left to read.
pub(super) struct Wire<S> {
    stream: S,
    progress: Arc<Progress>,
    unwritable: bool,
    fault: Option<io::Error>,
}

impl<S> Wire<S> {
    /// The stream, and how far its requests are.
    pub(super) fn new(stream: S) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        (Self { stream, progress: Arc::clone(&progress), unwritable: false, fault: None }, progress)
    }
}

/// How far the requests of a connection are.
#[derive(Debug, Default)]
pub(super) struct Progress {
    received: AtomicU64,
    is_sent: AtomicBool,
}

impl Progress {
    /// How many bytes came back so far.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Acquire)
    }

    /// A request begins.
    pub(super) fn begin_request(&self) {
        self.is_sent.store(false, Ordering::Release);
    }

    /// Returns whether the request was handed to the system whole. The stream is flushed once nothing of the request is
    /// left to write, and not before.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent.load(Ordering::Acquire)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    fn write_with(
        &mut self,
        whole: usize,
        write: impl FnOnce(Pin<&mut S>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.unwritable {
            return Poll::Ready(Ok(whole));
        }
        match ready!(write(Pin::new(&mut self.stream))) {
            Err(error) if is_closed(&error) => {
                self.unwritable = true;
                self.fault = Some(error);
                Poll::Ready(Ok(whole))
            }
            done => Poll::Ready(done),
        }
    }
}

/// Whether the other side closed or reset the connection.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let count = buf.filled().len() - before;
        this.progress.received.fetch_add(count as u64, Ordering::Release);
        match this.fault.take_if(|_| count == 0) {
            Some(fault) => Poll::Ready(Err(fault)),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().write_with(buf.len(), |stream| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let whole = bufs.iter().map(|buf| buf.len()).sum();
        self.get_mut().write_with(whole, |stream| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.write_with(0, |stream| stream.poll_flush(cx).map_ok(|()| 0)))?;
        this.progress.is_sent.fetch_or(!this.unwritable, Ordering::AcqRel);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
