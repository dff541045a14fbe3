//! From an error to a reply. Which phase an error belongs to is known where it happens; what is told apart here, by
//! type and never by text, is TLS from the rest.

use std::error::Error;
use std::io;

use tokio_rustls::rustls;

use crate::model::attempt::{Phase, Reply};
use crate::model::error_chain::ErrorChain;

/// A TLS handshake that failed, whatever broke it.
pub(super) fn handshake(error: &io::Error) -> Reply {
    Reply::TlsFailed { why: ErrorChain(error).to_string() }
}

/// An exchange that broke before the status line, in a phase.
pub(super) fn exchange(error: &hyper::Error, phase: Phase) -> Reply {
    let chain = ErrorChain(error);
    let why = chain.to_string();
    // TLS 1.3 lets a server refuse the client after the handshake.
    if chain.errors().any(is_tls) { Reply::TlsFailed { why } } else { unreachable(phase, why) }
}

/// No connection.
pub(super) fn unreachable(phase: Phase, why: String) -> Reply {
    Reply::Unreachable { phase, why }
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // An `io::Error` is not the source of what it wraps, so its content is looked at here.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
}
