//! Accepts connections and serves each until it ends. What is served is [`super::native`]'s business.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower_service::Service as _;

use super::body::{Ending, Peer};
use super::limits::{ACCEPT_REST, CONNECTIONS_MAX, DRAIN_MAX, HEAD_BYTES_MAX, HEAD_MAX};
use super::{ApiState, router};
use crate::model::error_chain::ErrorChain;

/// What a listener speaks TLS with: each new connection takes the newest.
pub type TlsInForce = watch::Receiver<Arc<ServerConfig>>;

/// Serves until `shutdown` resolves, then lets requests under way end, for at most [`DRAIN_MAX`]. With `tls` it speaks
/// TLS and nothing else. Dropping the future drops every connection.
///
/// # Errors
/// The listener is not usable (any more). What befalls a single connection is logged.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsInForce>,
    state: ApiState,
    shutdown: impl Future,
) -> io::Result<()> {
    serve_at_most(CONNECTIONS_MAX, listener, tls, state, shutdown).await
}

/// [`serve`] with another limit of connections: a test does not open [`CONNECTIONS_MAX`].
pub(super) async fn serve_at_most(
    connections_max: usize,
    listener: TcpListener,
    tls: Option<TlsInForce>,
    state: ApiState,
    shutdown: impl Future,
) -> io::Result<()> {
    let router = router::router(state);
    let acceptor = || tls.as_ref().map(|tls| TlsAcceptor::from(Arc::clone(&tls.borrow())));
    let (ending, ended) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            _ = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < connections_max => match accepted {
                Ok((stream, from)) => {
                    let _ = stream.set_nodelay(true);
                    connections.spawn(accepted_connection(stream, from, acceptor(), router.clone(), ended.clone()));
                }
                Err(error) if is_fatal(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }
    drop(listener);
    ending.send_replace(());
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_MAX, drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests under way are cut off");
    }
    Ok(())
}

/// Shakes hands where that is to be done, within the time of a request's head; then serves.
pub(super) async fn accepted_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    from: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    mut ended: watch::Receiver<()>,
) {
    let Some(tls) = tls else { return connection(stream, from, router, ended).await };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HEAD_MAX, tls.accept(stream)) => shaken,
        // Nothing has been asked.
        _ = ended.changed() => return,
    };
    match shaken {
        Ok(Ok(stream)) => connection(stream, from, router, ended).await,
        Ok(Err(error)) => tracing::debug!(%from, error = %ErrorChain(&error), "no TLS came about"),
        Err(_) => tracing::debug!(%from, "no TLS came about in time"),
    }
}

pub(super) async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    from: SocketAddr,
    router: Router,
    mut ended: watch::Receiver<()>,
) {
    let ending = Ending(ended.clone());
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut router = router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(from));
        request.extensions_mut().insert(ending.clone());
        async move { Ok::<_, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        // The one change there ever is: the end.
        _ = ended.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%from, error = %ErrorChain(&error), "a connection ended badly");
    }
}

/// Whether accept(2) can never succeed again. Everything else is the one connection's trouble, or passes.
fn is_fatal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EBADF | libc::EINVAL | libc::ENOTSOCK | libc::EOPNOTSUPP))
}
