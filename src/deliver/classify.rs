//! From an error to a reply. Which phase an error belongs to is known where it happens; what is told apart here, by
//! type and never by text, is TLS from the rest.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{self, CertificateError};

use crate::model::attempt::{Phase, Reply};
use crate::model::error_chain::ErrorChain;

/// A TLS handshake that failed, whatever broke it.
pub(super) fn handshake(error: &io::Error) -> Reply {
    tls_failed(ErrorChain(error))
}

/// An exchange that broke before the status line, in a phase.
pub(super) fn exchange(error: &hyper::Error, phase: Phase) -> Reply {
    let chain = ErrorChain(error);
    // TLS 1.3 lets a server refuse the client after the handshake.
    if chain.errors().any(|error| tls_error(error).is_some()) {
        tls_failed(chain)
    } else {
        unreachable(phase, chain.to_string())
    }
}

/// No connection.
pub(super) fn unreachable(phase: Phase, why: String) -> Reply {
    Reply::Unreachable { phase, why }
}

fn tls_failed(chain: ErrorChain<'_>) -> Reply {
    let fault = chain.errors().find_map(tls_error).and_then(certificate_fault);
    let why = match fault {
        Some(fault) => format!("{fault} ({chain})"),
        None => chain.to_string(),
    };
    Reply::TlsFailed { why }
}

fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    // An `io::Error` is not the source of what it wraps, so its content is looked at here.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.downcast_ref().or_else(|| inner.and_then(|inner| inner.downcast_ref()))
}

/// What is wrong with a certificate, in the words of whoever has to mend it.
fn certificate_fault(error: &rustls::Error) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(fault) = error else { return None };
    Some(match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet, or this machine's clock is wrong"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another host"
        }
        CertificateError::UnknownIssuer => {
            "the certificate comes from nobody whom this machine trusts; `ca_file` of [delivery] in ringback.toml adds \
             further authorities, or a self-signed certificate itself"
        }
        CertificateError::Revoked => "the certificate has been revoked",
        _ => "the certificate cannot be used",
    })
}
