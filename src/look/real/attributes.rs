//! Extended attributes `user.*`, through llistxattr(2), lgetxattr(2) and their likes for open files.

use std::ffi::CString;
use std::io;

use super::At;

/// Bytes of a value, and of the list of a file's names. The kernel has the same limits (linux/limits.h: XATTR_SIZE_MAX,
/// XATTR_LIST_MAX), so what is longer cannot be read in any way.
const BYTES_MAX: usize = 64 << 10;
/// `user.*` attributes of one file: one with more is reported as unreadable, so that a file made to hurt takes 32 MiB
/// at most.
const KEYS_MAX: usize = 512;

/// How much is read of one file's attributes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of a value, and of the list of names.
    pub(super) bytes: usize,
    /// Attributes.
    pub(super) keys: usize,
}

/// The `user.*` attributes of a file, in no order. None where the filesystem has none.
pub(super) fn user(at: At<'_>) -> io::Result<Vec<(String, Vec<u8>)>> {
    user_within(at, Limits { bytes: BYTES_MAX, keys: KEYS_MAX })
}

/// The attributes of a file that has no more than the limits allow; of one that has more, an error.
pub(super) fn user_within(at: At<'_>, limits: Limits) -> io::Result<Vec<(String, Vec<u8>)>> {
    // Most files have no attribute, or one or two: those cost one call and no allocation.
    let mut few = [0; 256];
    match list(at, &mut few) {
        Ok(0) => Ok(Vec::new()),
        Ok(length) => values(at, &few[..length], limits),
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOTSUP | libc::ENOSYS) => Ok(Vec::new()),
            Some(libc::ERANGE) => {
                let mut many = vec![0; limits.bytes];
                let length = list(at, &mut many)?;
                values(at, &many[..length], limits)
            }
            _ => Err(error),
        },
    }
}

fn list(at: At<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: a path is a C string, a descriptor open; all pointers outlive the call, and the length is the buffer's.
    let length = unsafe {
        match at {
            At::Path(path) => libc::llistxattr(path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()),
            At::Open(fd) => libc::flistxattr(fd, buffer.as_mut_ptr().cast(), buffer.len()),
        }
    };
    usize::try_from(length).map_err(|_| io::Error::last_os_error())
}

fn values(at: At<'_>, names: &[u8], limits: Limits) -> io::Result<Vec<(String, Vec<u8>)>> {
    let names = names.split(|&b| b == 0).filter(|name| name.len() > b"user.".len() && name.starts_with(b"user."));
    let mut out = Vec::new();
    let mut buffer = Vec::new();
    for name in names {
        if out.len() == limits.keys {
            return Err(io::Error::other(format!("the file has more than {} attributes", limits.keys)));
        }
        buffer.resize(limits.bytes, 0);
        let c_name = CString::new(name).map_err(io::Error::other)?;
        let (value, size) = (buffer.as_mut_ptr().cast(), buffer.len());
        // SAFETY: a path is a C string, a descriptor open; all pointers outlive the call, and the length is the
        // buffer's.
        let length = unsafe {
            match at {
                At::Path(path) => libc::lgetxattr(path.as_ptr(), c_name.as_ptr(), value, size),
                At::Open(fd) => libc::fgetxattr(fd, c_name.as_ptr(), value, size),
            }
        };
        match usize::try_from(length) {
            Ok(length) => out.push((String::from_utf8_lossy(name).into_owned(), buffer[..length].to_vec())),
            Err(_) => match io::Error::last_os_error() {
                // Removed since it was listed.
                error if error.raw_os_error() == Some(libc::ENODATA) => {}
                error if error.raw_os_error() == Some(libc::ERANGE) => {
                    let name = String::from_utf8_lossy(name);
                    let most = limits.bytes;
                    return Err(io::Error::other(format!("the attribute {name} is longer than {most} bytes")));
                }
                error => return Err(error),
            },
        }
    }
    Ok(out)
}
