//! The certificate that the API shows to new connections, and what commands on this machine are told of it.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;

use super::address_file::AddressFile;
use crate::api::TlsInForce;
use crate::config::tls_files::ServerTls;

/// The certificate and the key in force.
pub(super) struct Certificate {
    in_force: watch::Sender<Arc<ServerConfig>>,
    address_file: Arc<AddressFile>,
}

impl Certificate {
    /// The one that the listener begins with. `address_file` names it already.
    pub(super) fn new(tls: ServerTls, address_file: Arc<AddressFile>) -> Self {
        Self { in_force: watch::Sender::new(tls.config), address_file }
    }

    /// For the listener.
    pub(super) fn in_force(&self) -> TlsInForce {
        self.in_force.subscribe()
    }

    /// Has new connections see another certificate. The file goes first: commands believe the one that it names, and
    /// none of them believes a certificate of which it could not be written.
    ///
    /// # Errors
    /// The file cannot be written; the certificate is what it was.
    pub(super) fn replace(&self, tls: ServerTls) -> io::Result<()> {
        self.address_file.write(Some(&tls))?;
        tracing::info!(
            certificate_sha256 = tls.certificate_hex(),
            "the certificate and the key of [tls] were read again, and count for new connections"
        );
        self.in_force.send_replace(tls.config);
        Ok(())
    }
}
