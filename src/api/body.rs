//! Reading request bodies, within limits of bytes and time. What is in them is not known here.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use tokio::time::timeout;

use super::error::{ApiError, WriteError};
use super::gate::Caller;
use super::limits::{BODY_MAX, DISCARD_MAX, DISCARDED_BYTES_MAX};
use super::native::problem;

/// A request on its way to an answer.
pub(super) struct Asked {
    /// Its head.
    pub parts: Parts,
    body: Body,
    /// Reading on is pointless: the body has ended, broke off, or came too slowly.
    done: bool,
}

/// Where a request came from; the server puts it on each request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub SocketAddr);

/// Changes when ringback goes down; the server puts it on each request.
#[derive(Debug, Clone)]
pub(super) struct Ending(pub watch::Receiver<()>);

/// How errors are written; a surface that is not the native one puts it on each of its requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writes(pub WriteError);

impl Default for Writes {
    fn default() -> Self {
        Self(problem::write)
    }
}

impl Asked {
    pub(super) fn new(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        Self { parts, body, done: false }
    }

    /// Who asks.
    pub(super) fn caller(&self) -> &Caller {
        self.parts.extensions.get::<Caller>().expect("the gate puts it on each request that it lets pass")
    }

    /// Reads the whole body.
    pub(super) async fn read(&mut self, max: usize) -> Result<Bytes, ApiError> {
        self.read_within(max, BODY_MAX).await
    }

    async fn read_within(&mut self, max: usize, patience: Duration) -> Result<Bytes, ApiError> {
        if self.length().is_some_and(|length| length > max as u64) {
            return Err(too_large(max));
        }
        let mut read = BytesMut::new();
        let all = async {
            while let Some(frame) = self.body.frame().await {
                let data = frame.map_err(|_| Refusal::BrokeOff)?.into_data().unwrap_or_default();
                if read.len() + data.len() > max {
                    return Err(Refusal::TooLarge);
                }
                read.extend_from_slice(&data);
            }
            Ok(())
        };
        let ended = timeout(patience, all).await.unwrap_or(Err(Refusal::TooSlow));
        self.done = !matches!(ended, Err(Refusal::TooLarge));
        match ended {
            Ok(()) => Ok(read.freeze()),
            Err(Refusal::TooLarge) => Err(too_large(max)),
            Err(Refusal::BrokeOff) => Err(ApiError::new(StatusCode::BAD_REQUEST, "the body broke off")),
            Err(Refusal::TooSlow) => {
                let detail = format!("the body took more than {} s", patience.as_secs());
                Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, detail).with_header(header::CONNECTION, "close"))
            }
        }
    }

    /// The answer. Before a refusal the rest of the body is read and thrown away, so that the caller gets to read it.
    pub(super) async fn answer(mut self, answer: Result<Response, ApiError>) -> Response {
        match answer {
            Ok(response) => response,
            Err(error) => {
                self.discard().await;
                let Writes(write) = self.parts.extensions.get().copied().unwrap_or_default();
                write(&self.parts, error)
            }
        }
    }

    async fn discard(&mut self) {
        // Whoever asks first (`Expect: 100-continue`) has not sent the body, and now need not.
        if self.done || self.parts.headers.contains_key(header::EXPECT) {
            return;
        }
        let mut left = DISCARDED_BYTES_MAX;
        let all = async {
            while let Some(Ok(frame)) = self.body.frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                let Some(rest) = left.checked_sub(length) else { return };
                left = rest;
            }
        };
        // Out of time or past the limit, the connection is closed under the caller.
        let _ = timeout(DISCARD_MAX, all).await;
    }

    fn length(&self) -> Option<u64> {
        self.parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }
}

enum Refusal {
    TooLarge,
    BrokeOff,
    TooSlow,
}

fn too_large(max: usize) -> ApiError {
    let detail = format!("the body is over the limit of {max} bytes; send it in parts");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, ready};
    use std::time::Duration;

    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::http::header;
    use bytes::Bytes;
    use hyper::body::Frame;
    use tokio::time::{Instant, Sleep, sleep};

    use super::{ApiError, Asked, BODY_MAX, DISCARD_MAX, DISCARDED_BYTES_MAX};

    const MOMENT: Duration = Duration::from_millis(1);

    /// A sender that ends its body, which is empty, after a while.
    struct Slow(Pin<Box<Sleep>>);

    impl hyper::body::Body for Slow {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            ready!(self.0.as_mut().poll(cx));
            Poll::Ready(None)
        }
    }

    fn ending_after(wait: Duration) -> Asked {
        Asked::new(Request::new(Body::new(Slow(Box::pin(sleep(wait))))))
    }

    /// A sender that never ends; it counts what was taken from it.
    struct Endless(Arc<AtomicUsize>);

    impl hyper::body::Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            const FRAME: &[u8] = &[0; 1 << 16];
            self.0.fetch_add(FRAME.len(), Ordering::Relaxed);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(FRAME)))))
        }
    }

    /// A sender that stalls.
    struct Stalled;

    impl hyper::body::Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_stalls_is_given_up_and_not_waited_for_again() {
        let mut asked = Asked::new(Request::new(Body::new(Stalled)));
        let problem: ApiError = asked.read_within(10, Duration::from_millis(1)).await.expect_err("it never ends");
        // Were the rest of the body still read, this would take as long as discarding may.
        let answered = tokio::time::timeout(Duration::from_secs(5), asked.answer(Err(problem))).await;
        let response = answered.expect("at once");
        assert_eq!(response.status(), 408);
        assert_eq!(response.headers()[header::CONNECTION], "close");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_as_long_as_the_limit_and_no_longer() {
        assert!(ending_after(BODY_MAX - MOMENT).read(10).await.is_ok_and(|body| body.is_empty()));
        let problem = ending_after(BODY_MAX + MOMENT).read(10).await.expect_err("it takes too long");
        let detail = format!("the body took more than {} s", BODY_MAX.as_secs());
        let expect = ApiError::new(StatusCode::REQUEST_TIMEOUT, detail).with_header(header::CONNECTION, "close");
        assert_eq!(problem, expect);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_a_refused_body_is_waited_for_up_to_the_limit() {
        for (ends_after, answered_after) in
            [(DISCARD_MAX - MOMENT, DISCARD_MAX - MOMENT), (DISCARD_MAX + Duration::from_secs(9), DISCARD_MAX)]
        {
            let began = Instant::now();
            let refusal = ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this path");
            let response = ending_after(ends_after).answer(Err(refusal)).await;
            assert_eq!(response.status(), 404);
            let took = began.elapsed();
            assert!((answered_after..=answered_after + MOMENT).contains(&took), "{ends_after:?}: {took:?}");
        }
    }

    #[tokio::test]
    async fn the_rest_of_a_refused_body_is_read_up_to_the_limit() {
        let taken = Arc::new(AtomicUsize::new(0));
        let asked = Asked::new(Request::new(Body::new(Endless(Arc::clone(&taken)))));
        let response = asked.answer(Err(ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this path"))).await;
        assert_eq!(response.status(), 404);
        // The frame that goes past the limit is the last one.
        assert_eq!(taken.load(Ordering::Relaxed), DISCARDED_BYTES_MAX + (1 << 16));
    }
}
