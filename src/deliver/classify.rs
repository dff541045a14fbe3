//! From an error to an outcome. Which phase an error belongs to is known where it happens; what is told apart here, by
//! type and never by text, is TLS from the rest.

use std::error::Error;
use std::io;

use tokio_rustls::rustls;

use crate::model::delivery::{Outcome, Phase};

/// The outcome of a TLS handshake that failed, whatever broke it.
pub(super) fn handshake(error: &io::Error) -> Outcome {
    Outcome::TlsError { why: why(error) }
}

/// The outcome of an exchange that broke before the status line.
pub(super) fn exchange(error: &hyper::Error) -> Outcome {
    let why = why(error);
    // TLS 1.3 lets a server refuse the client after the handshake.
    if chain(error).any(is_tls) { Outcome::TlsError { why } } else { unreachable(Phase::Exchange, why) }
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

/// The error and what caused it, in one line.
fn why(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for error in chain(error) {
        let text = error.to_string();
        // Some errors print their source themselves.
        if said.last().is_none_or(|last| !last.contains(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
