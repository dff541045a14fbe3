//! User names of uids. Keeps them for a minute, since the user database may be a directory server.

use std::collections::HashMap;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a name is believed.
const KEEP: Duration = Duration::from_secs(60);
/// How many names are kept; one more and all are asked for again.
const KEPT_MAX: usize = 1024;
/// The most that one entry of the user database may take, in bytes.
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
    let mut buffer = vec![0; 1024];
    loop {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut found = std::ptr::null_mut();
        // SAFETY: all four pointers are to memory of ours that outlives the call, and the length is the buffer's.
        let code =
            unsafe { libc::getpwuid_r(uid, entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &raw mut found) };
        match code {
            libc::EINTR => {}
            libc::ERANGE if buffer.len() < ENTRY_MAX => buffer.resize(buffer.len() * 4, 0),
            0 if !found.is_null() => {
                // SAFETY: the call succeeded and found an entry, so it is filled in and its name is a C string that
                // lies in `buffer`, which is still there.
                let name = unsafe { CStr::from_ptr((*found).pw_name) };
                return Some(name.to_string_lossy().into_owned());
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Owners;

    #[test]
    fn a_uid_has_a_name_or_its_digits() {
        let owners = Owners::default();
        for _ in 0..2 {
            assert_eq!(owners.name(0), "root");
            assert_eq!(owners.name(3_999_999_999), "3999999999");
        }
    }
}
