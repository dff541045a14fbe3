//! `address` in the state directory: where the running daemon's API is, for commands on this machine.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::tls_files::ServerTls;

/// The file. It goes with a clean end; after any other it names a daemon that is gone.
#[derive(Debug)]
pub(super) struct AddressFile {
    path: PathBuf,
    aside: PathBuf,
    address: SocketAddr,
}

impl AddressFile {
    /// Of a state directory, for an API that listens at `address`. It is not written yet.
    pub(super) fn new(state_dir: &Path, address: SocketAddr) -> Self {
        Self { path: state_dir.join("address"), aside: state_dir.join("address.new"), address }
    }

    /// Writes it: the URL in the first line, and with TLS the SHA-256 of the certificate in the second. It is there as
    /// a whole, or the one before it is.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn write(&self, tls: Option<&ServerTls>) -> io::Result<()> {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let certificate = tls.map(|tls| tls.certificate_hex() + "\n").unwrap_or_default();
        let text = format!("{scheme}://{}\n{certificate}", reachable(self.address));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.aside)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&self.aside, &self.path)
    }

    /// Removes it.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "the file that says where the API was cannot be removed");
        }
    }
}

/// Where this machine reaches what listens there: by loopback, where that is every address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::AddressFile;

    #[test]
    fn the_file_names_an_address_that_this_machine_reaches() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("address");
        for (address, expect) in [
            ("127.0.0.1:8873", "http://127.0.0.1:8873\n"),
            ("0.0.0.0:1", "http://127.0.0.1:1\n"),
            ("[::]:2", "http://[::1]:2\n"),
            ("192.0.2.7:3", "http://192.0.2.7:3\n"),
        ] {
            let file = AddressFile::new(dir.path(), address.parse().expect("an address"));
            file.write(None).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("there"), expect);
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
            file.remove();
            assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 0);
        }
    }
}
