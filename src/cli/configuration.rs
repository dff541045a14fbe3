//! Reading the configuration as a command was told to: the file, if any, and where relative directories are taken from.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::default_state::{StateDir, Surroundings};
use crate::config::settings::{Overrides, Places, Resolved, resolve};
use crate::config::sources;
use crate::diagnostic::{Diagnostic, SourceFile};
use crate::model::mount::Mount;

/// A configuration as read, and what it comes to.
pub struct Configuration {
    /// The file; none when the command line says everything.
    pub file: Option<SourceFile>,
    /// What is in force, or what is wrong.
    pub resolved: Result<Resolved, Vec<Diagnostic>>,
    /// The state directory is where an earlier version kept it, and it belongs here.
    pub state_belongs_at: Option<PathBuf>,
}

/// Reads the file, and joins it with what the command line says over it.
///
/// # Errors
/// The file, or the working directory, cannot be read.
pub fn read(config: Option<&Path>, overrides: Overrides) -> anyhow::Result<Configuration> {
    let surroundings = Surroundings::of_process().context("the working directory is gone")?;
    let working = &surroundings.working;
    let file = config.map(sources::read_config).transpose()?;
    let beside = config.and_then(|config| working.join(config).parent().map(Path::to_path_buf));
    let beside = beside.as_deref().unwrap_or(working);
    let by_default = match &overrides.dir {
        Some(watched) => surroundings.state_of(watched),
        None => StateDir { dir: beside.join("ringback-state"), belongs_at: None },
    };
    let places = Places { config: beside, working, state: &by_default.dir };
    let resolved = resolve(file.as_ref(), places, overrides);
    let is_taken = resolved.as_ref().is_ok_and(|resolved| resolved.settings.state == by_default.dir);
    Ok(Configuration { file, resolved, state_belongs_at: by_default.belongs_at.filter(|_| is_taken) })
}

/// A directory with links resolved; as it is written where it is not there.
pub fn real_dir(dir: &Path) -> PathBuf {
    dir.canonicalize().unwrap_or_else(|_| dir.to_owned())
}

/// Mounts at their [`real_dir`]s.
pub fn at_real_dirs(mounts: &[Mount]) -> Vec<Mount> {
    mounts.iter().map(|mount| Mount { dir: real_dir(&mount.dir), ..mount.clone() }).collect()
}
