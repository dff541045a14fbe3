//! From an error to an outcome. Which phase an error belongs to is known where it happens; what is told apart here, by
//! type and never by text, is TLS from the rest.

use std::error::Error;
use std::io;

use tokio_rustls::rustls;

use crate::model::delivery::{Outcome, Phase};
use crate::model::error_chain::ErrorChain;

/// The outcome of a TLS handshake that failed, whatever broke it.
pub(super) fn handshake(error: &io::Error) -> Outcome {
    Outcome::TlsError { why: ErrorChain(error).to_string() }
}

/// The outcome of an exchange that broke before the status line.
pub(super) fn exchange(error: &hyper::Error) -> Outcome {
    let chain = ErrorChain(error);
    let why = chain.to_string();
    // TLS 1.3 lets a server refuse the client after the handshake.
    if chain.errors().any(is_tls) { Outcome::TlsError { why } } else { unreachable(Phase::Exchange, why) }
}

/// No connection.
pub(super) fn unreachable(phase: Phase, why: String) -> Outcome {
    Outcome::Unreachable { phase, why }
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // An `io::Error` is not the source of what it wraps, so its content is looked at here.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
}
