//! What is mounted where: proc_pid_mountinfo(5).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::disk::MountPoint;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    /// `st_dev`, major and minor.
    pub(super) device: (u32, u32),
    /// Which directory of its filesystem it shows.
    pub(super) root: PathBuf,
    pub(super) at: PathBuf,
    /// The filesystem's type and its source (`nfs4`, `server:/export`), as they stand there.
    pub(super) what: Vec<u8>,
}

/// What is mounted where, as it was at most [`KEEP`] ago: each mount asks for it every second.
#[derive(Debug, Default)]
pub(super) struct Table(Mutex<Option<(Instant, Arc<[Mounted]>)>>);

/// How long the table is believed.
const KEEP: Duration = Duration::from_millis(200);

impl Table {
    pub(super) fn get(&self) -> io::Result<Arc<[Mounted]>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, table)) = &*kept
            && asked.elapsed() < KEEP
        {
            return Ok(Arc::clone(table));
        }
        let table: Arc<[Mounted]> = mounted()?.into();
        *kept = Some((Instant::now(), Arc::clone(&table)));
        Ok(table)
    }
}

/// Everything that this process sees mounted.
pub(super) fn mounted() -> io::Result<Vec<Mounted>> {
    let text = fs::read("/proc/self/mountinfo")?;
    Ok(text.split(|&byte| byte == b'\n').filter_map(line).collect())
}

/// Where something is mounted below a directory, in the order of paths: the topmost where several are on top of each
/// other.
pub(super) fn below(all: &[Mounted], dir: &Path) -> Vec<MountPoint> {
    // The last line of a place is what shows there.
    let place = |at: &Path| all.iter().rfind(|mounted| mounted.at == at);
    let holder = dir.ancestors().find_map(place);
    let shown = |mounted: &Mounted, dir: &Path| {
        let inside = dir.strip_prefix(&mounted.at).unwrap_or(Path::new(""));
        (mounted.device, if inside.as_os_str().is_empty() { mounted.root.clone() } else { mounted.root.join(inside) })
    };
    let mut ways: Vec<_> = holder.map(|holder| shown(holder, dir)).into_iter().collect();
    let places: BTreeSet<&Path> = all.iter().map(|mounted| &*mounted.at).filter(|at| is_below(at, dir)).collect();
    let mut found = Vec::with_capacity(places.len());
    for at in places {
        let Some(mounted) = place(at) else { continue };
        let way = (mounted.device, mounted.root.clone());
        let meets = |(device, root): &((u32, u32), PathBuf)| {
            *device == way.0 && (root.starts_with(&way.1) || way.1.starts_with(root))
        };
        let is_second_way = ways.iter().any(meets);
        if !is_second_way {
            ways.push(way);
        }
        found.push(MountPoint { at: at.to_owned(), is_second_way });
    }
    found
}

fn is_below(at: &Path, dir: &Path) -> bool {
    at != dir && at.starts_with(dir)
}

/// ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS [TAGS ...] - TYPE SOURCE SUPER-OPTIONS
fn line(line: &[u8]) -> Option<Mounted> {
    let mut fields = line.split(|&byte| byte == b' ').skip(2);
    let (major, minor) = str::from_utf8(fields.next()?).ok()?.split_once(':')?;
    let (root, at) = (unescaped(fields.next()?), unescaped(fields.next()?));
    let mut about = fields.skip_while(|field| *field != b"-").skip(1);
    let (kind, source) = (about.next()?, about.next()?);
    let device = (major.parse().ok()?, minor.parse().ok()?);
    Some(Mounted { device, root, at, what: [kind, b" ", source].concat() })
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Mounted, below, line, mounted};

    #[test]
    fn a_line_says_what_is_mounted_where() {
        let nfs =
            b"36 35 0:44 /sub /mnt/two\\040words\\134 rw,noatime master:1 propagate_from:2 - nfs4 server:/export rw";
        let (root, at) = ("/sub".into(), "/mnt/two words\\".into());
        let expect = Mounted { device: (0, 44), root, at, what: b"nfs4 server:/export".to_vec() };
        assert_eq!(line(nfs), Some(expect));
        assert_eq!(line(b""), None);
        assert_eq!(line(b"36 35 0:44 / /mnt rw"), None);
        let all = mounted().expect("Linux has it");
        assert!(
            all.iter().any(|mounted| mounted.at == Path::new("/proc") && mounted.what.starts_with(b"proc ")),
            "{all:?}"
        );
    }

    #[test]
    fn a_second_way_to_what_is_shown_already_is_known() {
        let line = |device, root: &str, at: &str| Mounted {
            device: (8, device),
            root: root.into(),
            at: at.into(),
            what: Vec::new(),
        };
        let all = [
            line(1, "/", "/"),
            line(1, "/srv/store/a", "/srv/store/b"),
            line(1, "/home", "/srv/store/c"),
            line(2, "/", "/srv/store/d"),
            line(2, "/x", "/srv/store/e"),
            line(1, "/srv", "/srv/store/f"),
            line(3, "/", "/srv/storehouse"),
            line(4, "/", "/srv/store/c"),
        ];
        let found: Vec<_> = below(&all, Path::new("/srv/store"))
            .into_iter()
            .map(|point| (point.at.display().to_string(), point.is_second_way))
            .collect();
        let expect = [("b", true), ("c", false), ("d", false), ("e", true), ("f", true)]
            .map(|(at, second)| (format!("/srv/store/{at}"), second));
        assert_eq!(found, expect);
        assert_eq!(below(&all, Path::new("/srv/store/c")), []);
    }
}
