//! The sample store, inside the binary, so that `ringback try` works wherever it is installed.
//! The files are made by `fixtures/store/make.py`.

use std::path::Path;
use std::{fs, io};

macro_rules! files {
    ($($path:literal),* $(,)?) => { [$(($path, include_bytes!(concat!("../../fixtures/store/", $path)))),*] };
}

/// Path in the store, and content; in the order of their paths.
pub const FILES: [(&str, &[u8]); 5] = files![
    "audio/slate.wav",
    "dailies/A001_C001.mov",
    "dailies/A001_C001.mov.xmp",
    "dailies/IMG_0001.jpg",
    "stills/logo.png",
];

/// Writes the store into a directory, which is made when it is not there.
///
/// # Errors
/// A file could not be written; its path is in the message.
pub fn write_to(dir: &Path) -> io::Result<()> {
    for (path, content) in FILES {
        let path = dir.join(path);
        let directory = path.parent().expect("a file of the store is in a directory");
        let written = fs::create_dir_all(directory).and_then(|()| fs::write(&path, content));
        written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FILES, write_to};

    /// Every file below `dir` but those that make the store, by its path in it, in order.
    fn below(dir: &Path) -> Vec<String> {
        let files = walkdir::WalkDir::new(dir).min_depth(2).sort_by_file_name();
        let files = files.into_iter().map(|entry| entry.expect("readable")).filter(|entry| entry.file_type().is_file());
        files.map(|file| file.path().strip_prefix(dir).expect("below").display().to_string()).collect()
    }

    #[test]
    fn the_binary_has_every_file_of_the_store_and_no_other() {
        let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store");
        let embedded = FILES.map(|(path, _)| path.to_owned());
        assert_eq!(below(&made), embedded);
        let scratch = tempfile::tempdir().expect("a directory");
        write_to(scratch.path()).expect("written");
        assert_eq!(below(scratch.path()), embedded);
        for (path, content) in FILES {
            assert!(content.len() < 4096, "{path} is small");
        }
    }

    #[test]
    fn a_store_that_cannot_be_written_says_where() {
        let scratch = tempfile::NamedTempFile::new().expect("a file");
        let error = write_to(scratch.path()).expect_err("a file is no directory");
        assert!(error.to_string().contains("audio/slate.wav"), "{error}");
    }
}
