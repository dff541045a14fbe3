//! Finds the `exiftool` that the configuration means.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::settings::ExiftoolSetting;

/// A program that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ExiftoolError {
    /// Nothing is known of it.
    #[error("{} (`exiftool` of [metadata]) cannot be looked at", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no program.
    #[error("{} (`exiftool` of [metadata]) is not a file that can be run", path.display())]
    NotAProgram {
        /// Which file.
        path: PathBuf,
    },
}

impl ExiftoolError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. } | Self::NotAProgram { path } => path,
        }
    }
}

/// The program that is meant. `None`: the first in PATH is, and there is none.
///
/// # Errors
/// A program that is named cannot be run.
pub fn find(setting: &ExiftoolSetting) -> Result<Option<PathBuf>, ExiftoolError> {
    match setting {
        ExiftoolSetting::Auto => Ok(first_of(&std::env::var_os("PATH").unwrap_or_default())),
        ExiftoolSetting::Program(path) => match is_program(path) {
            Ok(true) => Ok(Some(path.clone())),
            Ok(false) => Err(ExiftoolError::NotAProgram { path: path.clone() }),
            Err(source) => Err(ExiftoolError::Read { path: path.clone(), source }),
        },
    }
}

/// The first in these directories. Relative ones are passed over: they mean something else elsewhere.
fn first_of(directories: &std::ffi::OsStr) -> Option<PathBuf> {
    let programs = std::env::split_paths(directories).filter(|dir| dir.is_absolute()).map(|dir| dir.join("exiftool"));
    programs.into_iter().find(|program| is_program(program).unwrap_or(false))
}

fn is_program(path: &Path) -> io::Result<bool> {
    let file = std::fs::metadata(path)?;
    Ok(file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{ExiftoolSetting, find, first_of};
    use crate::model::error_chain::ErrorChain;

    #[test]
    fn a_program_is_found_or_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let (program, other) = (dir.path().join("exiftool"), dir.path().join("other"));
        let named = |path: &std::path::Path| find(&ExiftoolSetting::Program(path.to_owned()));
        let error = named(&program).expect_err("it is not there");
        assert_eq!(error.path(), program);
        let text = ErrorChain(&error).to_string();
        assert!(text.contains("`exiftool` of [metadata]") && text.contains("No such file"), "{text}");
        fs::write(&program, "#!/bin/sh\n").expect("written");
        assert!(named(&program).expect_err("nobody may run it").to_string().contains("can be run"));
        assert!(named(dir.path()).expect_err("a directory").to_string().contains("can be run"));
        let path = std::env::join_paths([dir.path(), std::path::Path::new(".")]).expect("a path");
        assert_eq!(first_of(&path), None, "nobody may run it");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
        assert_eq!(first_of(&path), Some(program.clone()));
        assert_eq!(named(&program).expect("a program"), Some(program));
        assert_eq!(first_of(other.as_os_str()), None);
    }
}
