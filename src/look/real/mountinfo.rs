//! What is mounted where: proc_pid_mountinfo(5).

use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    /// `st_dev`, major and minor.
    pub(super) device: (u32, u32),
    pub(super) at: PathBuf,
    /// The filesystem's type and its source (`nfs4`, `server:/export`), as they stand there.
    pub(super) what: Vec<u8>,
}

/// Everything that this process sees mounted.
pub(super) fn mounted() -> io::Result<Vec<Mounted>> {
    let text = fs::read("/proc/self/mountinfo")?;
    Ok(text.split(|&byte| byte == b'\n').filter_map(line).collect())
}

/// Where something is mounted below a directory.
pub(super) fn below(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let all = mounted()?.into_iter().map(|mounted| mounted.at);
    Ok(all.filter(|at| at != dir && at.starts_with(dir)).collect())
}

/// ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS [TAGS ...] - TYPE SOURCE SUPER-OPTIONS
fn line(line: &[u8]) -> Option<Mounted> {
    let mut fields = line.split(|&byte| byte == b' ').skip(2);
    let (major, minor) = str::from_utf8(fields.next()?).ok()?.split_once(':')?;
    let at = unescaped(fields.nth(1)?);
    let mut about = fields.skip_while(|field| *field != b"-").skip(1);
    let (kind, source) = (about.next()?, about.next()?);
    let device = (major.parse().ok()?, minor.parse().ok()?);
    Some(Mounted { device, at, what: [kind, b" ", source].concat() })
}

/// Space, tab, newline and backslash are written as a backslash and three octal digits.
fn unescaped(text: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        match digits.filter(|_| byte == b'\\') {
            Some(escaped) => {
                out.push(escaped);
                rest = &after[3..];
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(out).into()
}

/// Fowler, Noll and Vo's hash, FNV-1a, 64 bits: a fixed function, since its results are stored and compared.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// A path as bytes to be hashed.
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Mounted, line, mounted};

    #[test]
    fn a_line_says_what_is_mounted_where() {
        let nfs =
            b"36 35 0:44 /sub /mnt/two\\040words\\134 rw,noatime master:1 propagate_from:2 - nfs4 server:/export rw";
        let expect = Mounted { device: (0, 44), at: "/mnt/two words\\".into(), what: b"nfs4 server:/export".to_vec() };
        assert_eq!(line(nfs), Some(expect));
        assert_eq!(line(b""), None);
        assert_eq!(line(b"36 35 0:44 / /mnt rw"), None);
        let all = mounted().expect("Linux has it");
        assert!(
            all.iter().any(|mounted| mounted.at == Path::new("/proc") && mounted.what.starts_with(b"proc ")),
            "{all:?}"
        );
    }
}
