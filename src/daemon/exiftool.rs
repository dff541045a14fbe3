//! The `exiftool` that the configuration asks for: found and tried at the start, and what the ledger makes of it.

use std::fs::File;
use std::sync::Arc;

use super::clock::wall;
use super::inbox::Inbox;
use super::{StartError, engine_thread::StatusSlot};
use crate::config::exiftool::find;
use crate::config::settings::ExiftoolSetting;
use crate::engine::Input;
use crate::intake;
use crate::metadata::exiftool::pool::{Exiftool, PoolLimits};
use crate::metadata::exiftool::process::Limits;
use crate::metadata::exiftool::session::Session;
use crate::model::path::LogicalPath;
use crate::model::status::{Trouble, TroubleKind};
use crate::store::Ledger;

/// What the start came to.
#[derive(Debug, Default)]
pub(super) struct ExiftoolStart {
    /// What looks ask; `None`: nothing.
    pub asked: Option<Arc<Exiftool>>,
    /// What the status says is unusable, while it is.
    shown: Option<Arc<Exiftool>>,
}

/// Finds the program and tries it. With another version than files were read by, they are read again.
///
/// One that cannot be used is a trouble and no more. What it said of files stays where it has ever been asked, and what
/// changes is not believed to say nothing: it is read once it can be.
pub(super) fn begin(
    setting: Option<&ExiftoolSetting>,
    ledger: &Ledger,
    inbox: &Arc<Inbox>,
) -> Result<ExiftoolStart, StartError> {
    let Some(setting) = setting else {
        ledger.set_exiftool(None)?;
        return Ok(ExiftoolStart::default());
    };
    let tried = match find(setting)? {
        None => Err("there is no exiftool in PATH, which [metadata] asks for: install Debian's \
                     libimage-exiftool-perl, or name the program, and start ringback again"
            .to_owned()),
        Some(program) => match File::open(&program) {
            Err(error) => Err(format!("{}, the exiftool of [metadata], cannot be opened: {error}", program.display())),
            Ok(file) => match Session::new(&program, Limits::default()).check(&file) {
                Ok(version) => Ok((program, version)),
                Err(unusable) => Err(format!("{unusable}; then start ringback again")),
            },
        },
    };
    let inbox = Arc::clone(inbox);
    let wake = move |path: &LogicalPath| inbox.input(Input::Intake(intake::Input::ContentRead(path.clone())));
    match tried {
        Ok((program, version)) => {
            tracing::info!(program = %program.display(), version, "exiftool reads what the built-in readers do not know");
            ledger.set_exiftool(Some(&version))?;
            let exiftool = Arc::new(Exiftool::new(program, PoolLimits::default(), Box::new(wake)));
            Ok(ExiftoolStart { asked: Some(Arc::clone(&exiftool)), shown: Some(exiftool) })
        }
        Err(why) => {
            tracing::warn!("{why}; what the built-in readers know is read as ever");
            let exiftool = Arc::new(Exiftool::unusable(why, wall()));
            let asked = ledger.exiftool()?.is_some().then(|| Arc::clone(&exiftool));
            Ok(ExiftoolStart { asked, shown: Some(exiftool) })
        }
    }
}

impl ExiftoolStart {
    /// Has the status say when it cannot be used.
    pub(super) fn show_in(self, status: StatusSlot) -> StatusSlot {
        let trouble = move || {
            let (why, since) = self.shown.as_ref()?.refusal()?;
            Some(Trouble::new(TroubleKind::Metadata, since, why, Some("exiftool".to_owned())))
        };
        status.with(Box::new(trouble))
    }
}
