//! Reads the configuration and rule files from disk. It does not interpret them.
//!
//! Rule files are the regular files `*.toml` below the rules directory, at any depth, in path order. Symbolic links
//! are followed, names beginning with a dot are skipped: that is how Kubernetes swaps a mounted ConfigMap (the files
//! are links into `..data`). What lies under `tests/` directly below the rules directory are test cases, not rules.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::diagnostic::{Code, Diagnostic, Severity, SourceFile};

/// The largest file that is read, in bytes. The largest real rule sets are a hundredth of it.
pub const FILE_MAX: u64 = 64 << 20;

/// A file or directory that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// The rules directory, or one below it.
    #[error("cannot list the rules in {}", path.display())]
    List {
        /// Which directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is larger than [`FILE_MAX`].
    #[error("{} is larger than {} MiB", path.display(), FILE_MAX >> 20)]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
}

/// Reads all rule files of a directory, in path order. A path that is a file itself is read whatever its name.
///
/// # Errors
/// The first file or directory that cannot be read. Nothing is left out silently: [`passed_over`].
pub fn read_rules(dir: &Path) -> Result<Vec<SourceFile>, SourcesError> {
    rule_files(dir)?.read.iter().map(|path| read(path)).collect()
}

/// Warns of each file of a directory that is not read and looks as if it should be: the name ends almost in `.toml`, or
/// as that of another format. Editors' copies, and files that were put aside by another ending, do not.
///
/// # Errors
/// A directory that cannot be read.
pub fn passed_over(dir: &Path) -> Result<Vec<Diagnostic>, SourcesError> {
    let warning = |path: &PathBuf| {
        let stem = Path::new(path.file_stem().unwrap_or_default());
        let right =
            if stem.extension() == Some("toml".as_ref()) { stem.to_owned() } else { stem.with_extension("toml") };
        Diagnostic {
            code: Code::PassedOver,
            severity: Severity::Warning,
            file: name(path),
            span: 0..0,
            message: "this file is not read: the names of rule files end in .toml".to_owned(),
            label: String::new(),
            help: Some(match is_toml_misspelt(path) {
                true => format!("rename it to {}", name(&right)),
                false => "write rules as TOML in a file whose name ends in .toml".to_owned(),
            }),
        }
    };
    Ok(rule_files(dir)?.passed_over.iter().map(warning).collect())
}

/// Whether a name ends in what is probably meant to be `.toml`.
fn is_toml_misspelt(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    // Editors of other systems append a second ending.
    let is_double =
        ending == "txt" && path.file_stem().is_some_and(|stem| Path::new(stem).extension() == Some("toml".as_ref()));
    is_double || ["tml", "tom", "tolm", "tmol", "toml"].iter().any(|misspelt| ending == *misspelt)
}

/// Whether a name ends as that of a format that other programs have their rules in.
fn is_other_format(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["yaml", "yml", "json"].iter().any(|other| ending == *other)
}

/// Reads the configuration file.
///
/// # Errors
/// Why it cannot be read.
pub fn read_config(path: &Path) -> Result<SourceFile, SourcesError> {
    read(path)
}

/// A number that differs, as good as certainly, when any rule file was added, removed, renamed or written. It looks at
/// names, sizes, times and inodes and reads no file, so it can be taken often. What cannot be read counts, too, so that
/// a directory which comes or goes is noticed. Only comparable within one process.
#[must_use]
pub fn fingerprint(dir: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    match rule_files(dir) {
        Ok(RuleFiles { read, .. }) => {
            for path in read {
                let stat = stat(&path);
                (path, stat).hash(&mut hasher);
            }
        }
        Err(error) => error.to_string().hash(&mut hasher),
    }
    hasher.finish()
}

/// What tells a file that was written, or replaced, from what it was before; why it cannot be seen counts too.
pub(super) fn stat(path: &Path) -> impl std::hash::Hash + use<> {
    let stat = std::fs::metadata(path)
        .map(|m| (m.dev(), m.ino(), m.size(), (m.mtime(), m.mtime_nsec()), (m.ctime(), m.ctime_nsec())));
    stat.map_err(|error| error.raw_os_error())
}

/// The files of a rules directory, each list in order.
#[derive(Default)]
struct RuleFiles {
    /// Those that are read.
    read: Vec<PathBuf>,
    /// Those that are not, and look as if they should be.
    passed_over: Vec<PathBuf>,
}

fn rule_files(dir: &Path) -> Result<RuleFiles, SourcesError> {
    let hidden = |entry: &walkdir::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let tests =
        |entry: &walkdir::DirEntry| entry.depth() == 1 && entry.file_name() == "tests" && entry.file_type().is_dir();
    let walk = WalkDir::new(dir)
        .follow_links(true)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !(hidden(entry) || tests(entry)));
    let mut files = RuleFiles::default();
    for entry in walk {
        match entry {
            Ok(entry) => {
                let named = entry.depth() == 0 || entry.path().extension().is_some_and(|extension| extension == "toml");
                // Anything but a regular file (a FIFO, say) could block the reader.
                if !entry.file_type().is_file() {
                    continue;
                }
                if named {
                    files.read.push(entry.into_path());
                } else if is_toml_misspelt(entry.path()) || is_other_format(entry.path()) {
                    files.passed_over.push(entry.into_path());
                }
            }
            // A link to a directory above itself adds nothing; what it leads to is walked already.
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => {
                let path = error.path().unwrap_or(dir).to_owned();
                let source = error.into_io_error().unwrap_or_else(|| io::Error::other("unknown"));
                return Err(SourcesError::List { path, source });
            }
        }
    }
    files.read.sort();
    files.passed_over.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<SourceFile, SourcesError> {
    let failed = |source| SourcesError::Read { path: path.to_owned(), source };
    let mut text = Vec::new();
    // The limit is on what is read and not on the size said before: the file may grow meanwhile.
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(FILE_MAX + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_MAX {
        return Err(SourcesError::TooLarge { path: path.to_owned() });
    }
    Ok(SourceFile { name: name(path), text: text.into() })
}

/// The bytes of a regular file of at most `max` bytes.
///
/// # Errors
/// Why it cannot be read; it is something else, or larger.
pub(super) fn read_regular(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    // A FIFO would keep the reader for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::other(format!("it is larger than {} KiB", max >> 10)));
    }
    Ok(bytes)
}

/// A path for people, no two of which are shown alike: readers and the ledger know a file by it.
fn name(path: &Path) -> String {
    let mut name = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        name.push_str(chunk.valid());
        name.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    name
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::{FILE_MAX, SourcesError, fingerprint, passed_over, read_config, read_rules};

    #[test]
    fn rule_files_are_read_in_path_order_and_nothing_else_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        for name in ["b", "tests", "b/tests", ".git", "..2026", "elsewhere"] {
            fs::create_dir(at(name)).expect("a directory");
        }
        let files = ["z.toml", "a.toml", "b/c.toml", "b/tests/d.toml", "readme.md"];
        let skipped = [".h.toml", "tests/case.toml", ".git/x.toml"];
        for name in files.iter().chain(&skipped).chain(&["..2026/linked.toml"]) {
            fs::write(at(name), name).expect("a file");
        }
        symlink("..2026", at("..data")).expect("a link");
        symlink("..data/linked.toml", at("linked.toml")).expect("a link");
        symlink("..", at("elsewhere/loop")).expect("a link");
        let read = read_rules(dir.path()).expect("it can be read");
        let names: Vec<_> = read.iter().map(|file| String::from_utf8_lossy(&file.text)).collect();
        assert_eq!(names, ["a.toml", "b/c.toml", "b/tests/d.toml", "..2026/linked.toml", "z.toml"]);
        assert!(read_rules(&at("missing")).is_err());
        assert_eq!(read_rules(&at("readme.md")).expect("it can be read").len(), 1);
    }

    #[test]
    fn a_file_of_a_wrong_ending_is_warned_of_by_its_name() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(dir.path().join("b/tests")).expect("directories");
        let wrong = ["a.tml", "b/c.YAML", "b/d.yml", "e.json", "f.TOML", "g.toml.txt"];
        let fine = ["a.toml", "a.toml~", "a.toml.off", ".h.tml", "readme.txt", "#a.toml#", "notes"];
        for name in wrong.iter().chain(&fine) {
            fs::write(dir.path().join(name), "").expect("a file");
        }
        let found = passed_over(dir.path()).expect("it can be read");
        let names: Vec<_> = found.iter().map(|one| one.file.rsplit_once("/").expect("a path").1).collect();
        assert_eq!(names, ["a.tml", "c.YAML", "d.yml", "e.json", "f.TOML", "g.toml.txt"]);
        assert_eq!(found[0].help.as_deref(), Some("rename it to a.toml"));
        assert_eq!(found[5].help.as_deref(), Some("rename it to g.toml"));
        assert_eq!(read_rules(dir.path()).expect("it can be read").len(), 1);
        assert!(passed_over(&dir.path().join("e.json")).expect("a file that is named is read").is_empty());
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.toml");
        let file = fs::File::create(&path).expect("a file");
        file.set_len(FILE_MAX).expect("a sparse file");
        assert_eq!(read_config(&path).expect("it is read").text.len() as u64, FILE_MAX);
        file.set_len(FILE_MAX + 1).expect("a sparse file");
        let error = read_config(&path).expect_err("it is too large");
        assert!(matches!(&error, SourcesError::TooLarge { path: named } if *named == path), "{error}");
        assert!(error.to_string().ends_with("a.toml is larger than 64 MiB"), "{error}");
        assert!(read_rules(dir.path()).is_err(), "it blocks the rules");
    }

    #[test]
    fn names_that_are_not_utf_8_are_told_apart() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in [&b"caf\xe8.toml"[..], b"caf\xe9.toml"] {
            fs::write(dir.path().join(OsStr::from_bytes(name)), "").expect("a file");
        }
        let read = read_rules(dir.path()).expect("it can be read");
        let names: Vec<_> = read.iter().map(|file| file.name.rsplit('/').next().unwrap_or_default()).collect();
        assert_eq!(names, [r"caf\xe8.toml", r"caf\xe9.toml"]);
    }

    #[test]
    fn the_fingerprint_tells_edits_and_swaps() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let mut seen = vec![fingerprint(&at("rules"))];
        let mut step = |what: &str| {
            let now = fingerprint(&at("rules"));
            assert_eq!(now, fingerprint(&at("rules")), "{what}: it is stable");
            assert!(!seen.contains(&now), "{what}: it is new");
            seen.push(now);
        };
        fs::create_dir(at("rules")).expect("a directory");
        step("created");
        fs::write(at("rules/a.toml"), "a").expect("a file");
        step("added");
        fs::write(at("rules/a.toml"), "ab").expect("a file");
        step("written");
        fs::rename(at("rules/a.toml"), at("rules/b.toml")).expect("a rename");
        step("renamed");
        for version in ["1", "2"] {
            fs::create_dir(at("rules").join(format!("..{version}"))).expect("a directory");
            fs::write(at("rules").join(format!("..{version}/c.toml")), "c").expect("a file");
        }
        symlink("..1", at("rules/..data")).expect("a link");
        symlink("..data/c.toml", at("rules/c.toml")).expect("a link");
        step("linked");
        symlink("..2", at("rules/..new")).expect("a link");
        fs::rename(at("rules/..new"), at("rules/..data")).expect("a rename");
        step("swapped");
        fs::remove_file(at("rules/b.toml")).expect("a removal");
        step("removed");
    }
}
