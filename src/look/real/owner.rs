//! User names of uids. Keeps them for a minute, since the user database may be a directory server.

use std::collections::HashMap;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a name is believed.
const KEEP: Duration = Duration::from_secs(60);
/// Names that are kept; one more, and all are asked for again. More users than that rarely own the files of one store.
const KEPT_MAX: usize = 1024;
/// Bytes that one entry of the user database may take: a directory server may put anything into it. A uid whose entry
/// is longer is shown by its digits.
const ENTRY_MAX: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Owners(Mutex<HashMap<u32, (String, Instant)>>);

impl Owners {
    /// The user name of a uid, or its digits when it has none or the database does not answer.
    pub(super) fn name(&self, uid: u32) -> String {
        let now = Instant::now();
        if let Some((name, asked)) = self.kept().get(&uid)
            && now.duration_since(*asked) < KEEP
        {
            return name.clone();
        }
        // Not under the lock: the answer may take long, and concerns nobody who asks for another uid.
        let name = user_name(uid).unwrap_or_else(|| uid.to_string());
        let mut kept = self.kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(uid, (name.clone(), now));
        name
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<u32, (String, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// getpwuid_r(3).
fn user_name(uid: u32) -> Option<String> {
    with_room(|buffer| {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut found = std::ptr::null_mut();
        // SAFETY: all four pointers are to memory of ours that outlives the call, and the length is the buffer's.
        let code =
            unsafe { libc::getpwuid_r(uid, entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &raw mut found) };
        if code != 0 || found.is_null() {
            return Err(code);
        }
        // SAFETY: the call succeeded and found an entry, so it is filled in and its name is a C string that lies in
        // `buffer`, which is still there.
        let name = unsafe { CStr::from_ptr((*found).pw_name) };
        Ok(name.to_string_lossy().into_owned())
    })
}

/// What `ask` finds with room enough for it; `None` where it finds nothing, or needs more than [`ENTRY_MAX`] bytes.
fn with_room<T>(mut ask: impl FnMut(&mut [libc::c_char]) -> Result<T, libc::c_int>) -> Option<T> {
    let mut buffer = vec![0; 1024];
    loop {
        match ask(&mut buffer) {
            Ok(found) => return Some(found),
            Err(libc::EINTR) => {}
            Err(libc::ERANGE) if buffer.len() < ENTRY_MAX => buffer.resize(ENTRY_MAX.min(buffer.len() * 4), 0),
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRY_MAX, KEPT_MAX, Owners, with_room};

    #[test]
    fn a_uid_has_a_name_or_its_digits() {
        let owners = Owners::default();
        for _ in 0..2 {
            assert_eq!(owners.name(0), "root");
            assert_eq!(owners.name(3_999_999_999), "3999999999");
        }
    }

    #[test]
    fn names_beyond_the_limit_are_asked_for_again_and_are_the_same() {
        const FIRST: u32 = 3_000_000_000;

        let owners = Owners::default();
        let last = FIRST + KEPT_MAX as u32;
        for uid in FIRST..last {
            assert_eq!(owners.name(uid), uid.to_string());
        }
        assert_eq!(owners.kept().len(), KEPT_MAX, "at the limit");
        assert_eq!(owners.name(last), last.to_string());
        assert_eq!(owners.kept().len(), 1, "past it only the newest is kept");
        assert_eq!(owners.name(FIRST), FIRST.to_string());
    }

    #[test]
    fn an_entry_beyond_the_limit_is_not_read() {
        let entry_of = |bytes: usize| {
            let mut calls = 0;
            with_room(|buffer| {
                calls += 1;
                if calls == 1 {
                    return Err(libc::EINTR);
                }
                if buffer.len() < bytes { Err(libc::ERANGE) } else { Ok("a name") }
            })
        };
        assert_eq!([entry_of(1), entry_of(ENTRY_MAX), entry_of(ENTRY_MAX + 1)], [Some("a name"), Some("a name"), None]);
        assert_eq!(with_room(|_| Err::<(), _>(0)), None, "there is no such user");
    }
}
