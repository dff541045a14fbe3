//! Who knows the addresses of names: the operating system, and in tests whoever the test likes.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

/// Looks names up. A look-up blocks, may take as long as it likes, and cannot be cancelled: so is `getaddrinfo`.
pub(super) trait NameService: Send + Sync {
    /// The addresses of a name; their port is 0.
    ///
    /// # Errors
    /// Why there is none.
    fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The operating system's own: its hosts file, its DNS servers, whatever it is configured to ask.
#[derive(Debug)]
pub(super) struct SystemNames;

impl NameService for SystemNames {
    fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok((name, 0).to_socket_addrs()?.collect())
    }
}
