//! `address` in the state directory: where the running daemon's API is, for commands on this machine.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::tls_files::ServerTls;

/// The file. It goes with a clean end; after any other it names a daemon that is gone.
#[derive(Debug)]
pub(super) struct AddressFile(PathBuf);

impl AddressFile {
    /// Writes it: the URL in the first line, and with TLS the SHA-256 of the certificate in the second. It is there as
    /// a whole, or the one before it is.
    pub(super) fn write(state_dir: &Path, address: SocketAddr, tls: Option<&ServerTls>) -> io::Result<Self> {
        let path = state_dir.join("address");
        let aside = state_dir.join("address.new");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut text = format!("{scheme}://{}\n", reachable(address));
        if let Some(tls) = tls {
            text.extend(tls.certificate_sha256.iter().map(|byte| format!("{byte:02x}")));
            text.push('\n');
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&aside, &path)?;
        Ok(Self(path))
    }

    /// Removes it.
    pub(super) fn remove(self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(file = %self.0.display(), %error, "the file that says where the API was cannot be removed");
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
            let written = AddressFile::write(dir.path(), address.parse().expect("an address"), None).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("there"), expect);
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
            written.remove();
            assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 0);
        }
    }
}
