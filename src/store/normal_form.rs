//! What a caller's path means where the disk writes a name in another Unicode form: a Mac decomposes `é`, most
//! keyboards compose it. The catalog keeps the disk's bytes; here a path by another form of the same names is found in
//! it.
//!
//! Only names outside of ASCII cost anything. A few characters have a canonical form in ASCII (the Kelvin sign); a name
//! with one is found by its own bytes alone.

use unicode_normalization::UnicodeNormalization as _;

use super::error::Operation as _;
use super::{DirId, IntakeTables, Result};
use crate::model::normal::{nfc, nfc_names};
use crate::model::path::LogicalPath;

/// Names that are compared one by one for one name of a path, where neither of the usual forms is there, so that a
/// group stays short. A directory that holds more names that begin alike, none of them in a usual form, is not searched
/// to its end.
const COMPARED_MAX: usize = 10_000;
/// Directories that differ only in the form of their names, and are followed, at each level of a path: each level may
/// triple them.
const FOLLOWED_MAX: usize = 8;

/// Where names are kept.
#[derive(Clone, Copy)]
enum Kept {
    Dirs,
    Assets,
}

impl IntakeTables<'_> {
    /// The path under which the catalog knows what `path` names in a mount: the path itself where it is known byte by
    /// byte, else one whose names are the same in NFC. As far as nothing is known, the names are those of `path`.
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

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{COMPARED_MAX, FOLLOWED_MAX};
    use crate::model::path::LogicalPath;
    use crate::store::{DirId, Ledger};

    const COMPOSED: &str = "\u{e9}\u{e9}";
    const MIXED: &str = "\u{e9}e\u{301}";
    const DECOMPOSED: &str = "e\u{301}e\u{301}";

    fn path(text: &str) -> LogicalPath {
        LogicalPath::parse(text.as_bytes()).expect("a path")
    }

    /// A ledger with a mount `/m`, a group open.
    fn ledger() -> (Ledger, DirId) {
        let ledger = Ledger::in_memory(Connection::open_in_memory().expect("SQLite"), 1).expect("a ledger");
        ledger.begin().expect("a group");
        let root = ledger.intake().dir_or_new(&path("/m"), &path("/m")).expect("a row");
        (ledger, root)
    }

    #[test]
    fn a_name_of_mixed_form_is_found_among_as_many_names_as_are_compared() {
        for (others, found) in [(COMPARED_MAX - 1, true), (COMPARED_MAX, false)] {
            let (ledger, root) = ledger();
            let mixed = path(&format!("/m/a{MIXED}"));
            ledger.intake().dir_or_new(&path("/m"), &mixed).expect("a row");
            // They begin alike, and come before it.
            let sql = "WITH RECURSIVE names (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM names WHERE n < ?2)
                 INSERT INTO dirs (parent, name, scanned) SELECT ?1, CAST('a\u{a1}' || n AS BLOB), 0 FROM names";
            ledger.connection.execute(sql, (root.0, others as i64)).expect("rows");
            let asked = path(&format!("/m/a{COMPOSED}"));
            let known = ledger.intake().known_as(&path("/m"), &asked).expect("a path");
            assert_eq!(known, if found { mixed } else { asked }, "among {others} others");
        }
    }

    #[test]
    fn directories_that_differ_in_form_are_followed_up_to_the_limit() {
        // In the order in which they are followed.
        let forms = [MIXED, COMPOSED, DECOMPOSED];
        let dirs: Vec<String> = forms.iter().flat_map(|above| forms.map(|name| format!("/m/{above}/{name}"))).collect();
        let asked = path(&format!("/m/{MIXED}/{MIXED}/x"));
        for (holder, found) in [(FOLLOWED_MAX - 1, true), (FOLLOWED_MAX, false)] {
            let (ledger, _) = ledger();
            for dir in &dirs {
                ledger.intake().dir_or_new(&path("/m"), &path(dir)).expect("a row");
            }
            let there = path(&format!("{}/x", dirs[holder]));
            ledger.intake().dir_or_new(&path("/m"), &there).expect("a row");
            let known = ledger.intake().known_as(&path("/m"), &asked).expect("a path");
            assert_eq!(known, if found { there } else { asked.clone() }, "directory {holder}");
        }
    }
}
