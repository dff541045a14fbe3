//! What a caller's path means where the disk writes a name in another Unicode form: a Mac decomposes `é`, most keyboards
//! compose it. The catalog keeps the disk's bytes; here a path by another form of the same names is found in it.
//!
//! Only names outside of ASCII cost anything. A few characters have a canonical form in ASCII (the Kelvin sign); a name with
//! one is found by its own bytes alone.

use unicode_normalization::UnicodeNormalization as _;

use super::error::Operation as _;
use super::{DirId, Ledger, Result};
use crate::model::normal::{nfc, nfc_names};
use crate::model::path::LogicalPath;

/// Names that are compared one by one for one name of a path, where neither of the usual forms is there. A directory that
/// holds more names that begin alike, none of them in a usual form, is not searched to its end.
const COMPARED_MAX: usize = 10_000;
/// Directories that differ only in the form of their names, and are followed, at each level of a path.
const FOLLOWED_MAX: usize = 8;

/// Where names are kept.
#[derive(Clone, Copy)]
enum Kept {
    Dirs,
    Assets,
}

impl Ledger {
    /// The path under which the catalog knows what `path` names in a mount: the path itself where it is known byte by byte,
    /// else one whose names are the same in NFC. As far as nothing is known, the names are those of `path`.
    ///
    /// # Errors
    /// When the ledger refuses.
    pub fn known_as(&self, mount: &LogicalPath, path: &LogicalPath) -> Result<LogicalPath> {
        let names: Vec<&[u8]> = path.relative_to(mount).unwrap_or_default().split(|&b| b == b'/').collect();
        let Some(top) = self.dir(mount, mount)?.filter(|_| !path.as_bytes().is_ascii() && path != mount) else {
            return Ok(path.clone());
        };
        // What was found so far, the one whose bytes are those of `path` first.
        let mut found = vec![(mount.clone(), top)];
        for (level, name) in names.iter().enumerate() {
            let is_last = level + 1 == names.len();
            let mut next = Vec::new();
            for (at, dir) in &found {
                if is_last && let Some(name) = self.names_alike(Kept::Assets, *dir, name)?.into_iter().next() {
                    return Ok(at.join(&name));
                }
                for name in self.names_alike(Kept::Dirs, *dir, name)? {
                    let below = at.join(&name);
                    next.extend(self.dir(mount, &below)?.map(|dir| (below, dir)));
                }
            }
            next.truncate(FOLLOWED_MAX);
            if next.is_empty() {
                let known = found.swap_remove(0).0;
                return Ok(names[level..].iter().fold(known, |at, name| at.join(name)));
            }
            found = next;
        }
        Ok(found.swap_remove(0).0)
    }

    /// The names in a directory that are the same as a name in NFC: its own bytes first, then the usual forms.
    fn names_alike(&self, kept: Kept, dir: DirId, name: &[u8]) -> Result<Vec<Vec<u8>>> {
        let Some(text) = std::str::from_utf8(name).ok().filter(|text| !text.is_ascii()) else {
            return Ok(Vec::from_iter(self.has_name(kept, dir, name)?.then(|| name.to_vec())));
        };
        let (composed, decomposed) = (nfc(text), text.nfd().collect::<String>());
        let mut found = Vec::new();
        for form in [name, composed.as_bytes(), decomposed.as_bytes()] {
            if !found.iter().any(|one| one == form) && self.has_name(kept, dir, form)? {
                found.push(form.to_vec());
            }
        }
        if found.is_empty() && composed != decomposed {
            found = self.name_of_mixed_form(kept, dir, &composed, &decomposed)?;
        }
        Ok(found)
    }

    /// A name of which a part is composed and another is not: a Mac's file that was renamed elsewhere.
    fn name_of_mixed_form(&self, kept: Kept, dir: DirId, composed: &str, decomposed: &str) -> Result<Vec<Vec<u8>>> {
        let alike: usize =
            composed.chars().zip(decomposed.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        let letters = decomposed[alike..].bytes().take_while(u8::is_ascii).count();
        // Whatever its form, the name begins so, and goes on with a character that is not ASCII.
        for beginning in [&composed.as_bytes()[..alike], &decomposed.as_bytes()[..alike + letters]] {
            let from = [beginning, &[0x80]].concat();
            // No byte of UTF-8 is 0xFF.
            let to = [beginning, &[0xFF]].concat();
            let sql = match kept {
                Kept::Dirs => {
                    "SELECT name FROM dirs WHERE parent = ?1 AND name >= ?2 AND name < ?3 ORDER BY name LIMIT ?4"
                }
                Kept::Assets => {
                    "SELECT name FROM assets WHERE dir = ?1 AND name >= ?2 AND name < ?3 ORDER BY name LIMIT ?4"
                }
            };
            let mut sql = self.connection.prepare_cached(sql).to("read the names in a directory")?;
            let mut rows = sql.query((dir.0, from, to, COMPARED_MAX as i64)).to("read the names in a directory")?;
            while let Some(row) = rows.next().to("read the names in a directory")? {
                let name: Vec<u8> = row.get(0).to("read the names in a directory")?;
                if *nfc_names(&name) == *composed.as_bytes() {
                    return Ok(vec![name]);
                }
            }
        }
        Ok(Vec::new())
    }

    fn has_name(&self, kept: Kept, dir: DirId, name: &[u8]) -> Result<bool> {
        let sql = match kept {
            Kept::Dirs => "SELECT 1 FROM dirs WHERE parent = ?1 AND name = ?2",
            Kept::Assets => "SELECT 1 FROM assets WHERE dir = ?1 AND name = ?2",
        };
        self.connection
            .prepare_cached(sql)
            .and_then(|mut sql| sql.exists((dir.0, name)))
            .to("look for a name in a directory")
    }
}
