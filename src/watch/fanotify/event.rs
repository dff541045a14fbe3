//! fanotify's events as bytes: `struct fanotify_event_metadata` and the information records behind it (fanotify(7),
//! linux/fanotify.h). Reads no more than is there.

use crate::model::hint::HintKind;

/// `struct fanotify_event_metadata`: event_len u32, vers u8, reserved u8, metadata_len u16, mask u64, fd i32, pid i32.
pub(super) const METADATA: usize = 24;
/// `struct fanotify_event_info_header`: info_type u8, pad u8, len u16.
const HEADER: usize = 4;
/// What comes before a handle's own bytes: fsid (8), handle_bytes u32, handle_type i32.
const HANDLE_HEAD: usize = 16;

/// One event.
pub(super) struct Event<'a> {
    pub mask: u64,
    infos: &'a [u8],
}

/// What an event says of where it happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Info<'a> {
    /// A name in a directory. `dir` is the directory's handle: fsid, handle_bytes, handle_type, and the handle.
    Entry { dir: &'a [u8], name: &'a [u8] },
    /// The handle of what has the name.
    Child(&'a [u8]),
    /// Something else.
    Other,
}

impl<'a> Event<'a> {
    /// The first event of a buffer, and what is after it.
    pub(super) fn next(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = u32_at(bytes, 0)? as usize;
        let metadata = usize::from(u16_at(bytes, 6)?);
        let mask = u64::from_ne_bytes(bytes.get(8..16)?.try_into().ok()?);
        let (event, rest) = bytes.split_at_checked(length)?;
        Some((Self { mask, infos: event.get(metadata..)? }, rest))
    }

    pub(super) fn infos(&self) -> impl Iterator<Item = Info<'a>> {
        let mut rest = self.infos;
        std::iter::from_fn(move || {
            let length = usize::from(u16_at(rest, 2)?);
            let (record, after) = rest.split_at_checked(length.max(HEADER))?;
            rest = after;
            Some(info(record[0], &record[HEADER..]))
        })
    }

    /// Whether it is about a directory.
    pub(super) fn is_directory(&self) -> bool {
        self.mask & libc::FAN_ONDIR != 0
    }

    /// Whether a file's bytes may have changed. (Of attributes a file's own handle is told whenever its links are
    /// counted.)
    pub(super) fn is_write(&self) -> bool {
        self.mask & (libc::FAN_MODIFY | libc::FAN_CLOSE_WRITE) != 0
    }

    /// The kernel merges events of one name that nobody has read yet, so several bits may be set, in no order.
    pub(super) fn kind(&self) -> HintKind {
        let is = |bits: u64| self.mask & bits != 0;
        if is(libc::FAN_CLOSE_WRITE) {
            HintKind::Closed
        } else if is(libc::FAN_CREATE | libc::FAN_MODIFY) && !is(libc::FAN_DELETE | libc::FAN_RENAME | libc::FAN_ONDIR)
        {
            HintKind::Written
        } else if self.mask & !(libc::FAN_ONDIR | libc::FAN_EVENT_ON_CHILD) == libc::FAN_ATTRIB {
            HintKind::Attributes
        } else {
            HintKind::Moved
        }
    }
}

fn info(kind: u8, bytes: &[u8]) -> Info<'_> {
    let Some(handle) = u32_at(bytes, 8).and_then(|length| bytes.get(..HANDLE_HEAD + length as usize)) else {
        return Info::Other;
    };
    match kind {
        libc::FAN_EVENT_INFO_TYPE_DFID_NAME
        | libc::FAN_EVENT_INFO_TYPE_OLD_DFID_NAME
        | libc::FAN_EVENT_INFO_TYPE_NEW_DFID_NAME => {
            // Ended by a NUL, and filled up with more of them.
            let name = bytes[handle.len()..].split(|&byte| byte == 0).next().unwrap_or_default();
            Info::Entry { dir: handle, name }
        }
        libc::FAN_EVENT_INFO_TYPE_DFID => Info::Entry { dir: handle, name: b"" },
        libc::FAN_EVENT_INFO_TYPE_FID => Info::Child(handle),
        _ => Info::Other,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Event, Info};
    use crate::model::hint::HintKind;

    fn record(kind: u8, handle: &[u8], name: &[u8]) -> Vec<u8> {
        let mut body = [7_u8; 8].to_vec();
        body.extend(u32::try_from(handle.len()).expect("short").to_ne_bytes());
        body.extend(1_i32.to_ne_bytes());
        body.extend(handle);
        body.extend(name);
        let mut out = vec![kind, 0];
        out.extend(u16::try_from(body.len() + 4).expect("short").to_ne_bytes());
        out.extend(body);
        out
    }

    fn event(mask: u64, records: &[Vec<u8>]) -> Vec<u8> {
        let infos = records.concat();
        let mut out = u32::try_from(24 + infos.len()).expect("short").to_ne_bytes().to_vec();
        out.extend([3, 0]);
        out.extend(24_u16.to_ne_bytes());
        out.extend(mask.to_ne_bytes());
        out.extend([0xFF; 8]);
        out.extend(infos);
        out
    }

    #[test]
    fn an_event_says_where() {
        let mut bytes = event(
            libc::FAN_RENAME,
            &[
                record(libc::FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, b"old!", b"a\0\0\0"),
                record(libc::FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, b"new!", b"b\xff\0\0"),
                record(libc::FAN_EVENT_INFO_TYPE_FID, b"file", b""),
            ],
        );
        bytes.extend(event(libc::FAN_Q_OVERFLOW, &[]));
        let (rename, rest) = Event::next(&bytes).expect("an event");
        let infos: Vec<_> = rename.infos().collect();
        assert!(matches!(infos[0], Info::Entry { dir, name: b"a" } if dir.ends_with(b"old!")), "{infos:?}");
        assert!(matches!(infos[1], Info::Entry { dir, name: b"b\xff" } if dir.ends_with(b"new!")), "{infos:?}");
        assert!(matches!(infos[2], Info::Child(file) if file.ends_with(b"file")), "{infos:?}");
        assert_eq!((infos.len(), rename.kind()), (3, HintKind::Moved));
        let (overflow, rest) = Event::next(rest).expect("an event");
        assert_eq!((overflow.mask, overflow.infos().count(), rest.len()), (libc::FAN_Q_OVERFLOW, 0, 0));
    }

    #[test]
    fn what_is_cut_short_is_no_event() {
        let whole = event(libc::FAN_CREATE, &[record(libc::FAN_EVENT_INFO_TYPE_DFID_NAME, b"dir!", b"a\0\0\0")]);
        for length in 0..whole.len() {
            assert!(Event::next(&whole[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn merged_bits_mean_the_one_that_decides() {
        for (mask, kind) in [
            (libc::FAN_CREATE | libc::FAN_MODIFY | libc::FAN_CLOSE_WRITE, HintKind::Closed),
            (libc::FAN_CREATE | libc::FAN_MODIFY, HintKind::Written),
            (libc::FAN_CREATE | libc::FAN_DELETE, HintKind::Moved),
            (libc::FAN_CREATE | libc::FAN_ONDIR, HintKind::Moved),
            (libc::FAN_ATTRIB, HintKind::Attributes),
            (libc::FAN_ATTRIB | libc::FAN_DELETE, HintKind::Moved),
            (libc::FAN_ATTRIB | libc::FAN_MODIFY, HintKind::Written),
        ] {
            let bytes = event(mask, &[]);
            assert_eq!(Event::next(&bytes).expect("an event").0.kind(), kind, "{mask:#x}");
        }
    }
}
