//! Reading the configuration as a command was told to: the file, if any, and where relative directories are taken from.

use std::path::Path;

use anyhow::Context as _;

use crate::config::settings::{Overrides, Places, Resolved, resolve};
use crate::config::sources;
use crate::diagnostic::{Diagnostic, SourceFile};

/// A configuration as read, and what it comes to.
pub struct Configuration {
    /// The file; none when the command line says everything.
    pub file: Option<SourceFile>,
    /// What is in force, or what is wrong.
    pub resolved: Result<Resolved, Vec<Diagnostic>>,
}

/// Reads the file, and joins it with what the command line says over it.
///
/// # Errors
/// The file, or the working directory, cannot be read.
pub fn read(config: Option<&Path>, overrides: Overrides) -> anyhow::Result<Configuration> {
    let working = std::env::current_dir().context("the working directory is gone")?;
    let file = config.map(sources::read_config).transpose()?;
    let beside = config.and_then(|config| working.join(config).parent().map(Path::to_path_buf));
    let places = Places { config: beside.as_deref().unwrap_or(&working), working: &working };
    let resolved = resolve(file.as_ref(), places, overrides);
    Ok(Configuration { file, resolved })
}
