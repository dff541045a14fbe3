//! A configuration that was read again while ringback runs: what may change is applied, and of everything else that
//! differs it is said that it needs a restart.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_rustls::rustls::RootCertStore;

use super::attempts::AttemptAge;
use super::carrier::ClientSlot;
use super::certificate::Certificate;
use super::engine_thread::StatusSlot;
use super::inbox::Inbox;
use super::wall;
use crate::api::{DialectSlot, Principals};
use crate::config::ca_file::{self, CaFileError};
use crate::config::settings::Settings;
use crate::config::tls_files::{self, TlsFilesError};
use crate::deliver;
use crate::engine::{Input, Tuning};
use crate::model::error_chain::ErrorChain;
use crate::model::mount::Mount;
use crate::model::principal::Principal;
use crate::model::status::{Trouble, TroubleKind};
use crate::settle::Patience;

/// The parts of a running daemon that take new settings.
pub(super) struct Settable {
    /// Those in force.
    pub settings: Mutex<Settings>,
    /// Where the API speaks TLS.
    pub certificate: Option<Certificate>,
    /// Whom the state directory lets in, whatever the settings say.
    pub administrator: Principal,
    pub principals: Arc<Principals>,
    pub dialects: Arc<DialectSlot>,
    pub client: Arc<ClientSlot>,
    pub age: Arc<AttemptAge>,
    pub inbox: Arc<Inbox>,
    pub status: Arc<StatusSlot>,
}

impl Settable {
    /// Applies what may change while ringback runs.
    pub(super) fn take(&self, new: Settings) {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let Differing { live, restart } = differing(&settings, &new);
        if let Err(error) = self.take_files(&live, &new) {
            return self.refuse(&ErrorChain(&error).to_string());
        }
        self.status.set_configuration(None);
        for key in &restart {
            tracing::warn!(
                key,
                "the configuration has another value for this key, which needs a restart; the old one counts"
            );
        }
        if live.is_empty() {
            let why = if restart.is_empty() { "nothing in it has changed" } else { "nothing else in it has changed" };
            tracing::info!("the configuration was read again; {why}");
            return;
        }
        self.inbox.input(Input::Tuned(tuning(&new)));
        if live.contains(&"[[principal]]") {
            let everybody = new.principals.iter().cloned().chain([self.administrator.clone()]).collect();
            self.principals.replace(everybody);
        }
        self.dialects.set(new.dialects.clone());
        tracing::info!(keys = live.join(", "), "the configuration was read again, and counts from now on");
        // What needs a restart is still what it was, and is said again at the next reading.
        let Settings { state, rules, listen, mounts, tls, metadata_order, exiftool, .. } = settings.clone();
        let tls = tls.is_some().then(|| new.tls.clone()).flatten().or(tls);
        *settings = Settings { state, rules, listen, mounts, tls, metadata_order, exiftool, ..new };
    }

    /// Says why a configuration is not taken up.
    pub(super) fn refuse(&self, why: &str) {
        tracing::error!("the configuration is not taken up, the old one stays in force: {why}");
        let text = format!("the configuration on the disk is faulty, and the one before it is in force: {why}");
        self.status.set_configuration(Some(Trouble::new(
            TroubleKind::Rules,
            wall(),
            text,
            Some("ringback.toml".to_owned()),
        )));
    }

    /// Takes up the files that a configuration names, which may be others also where their keys are as they were.
    /// Nothing is taken up before all of them were read.
    fn take_files(&self, live: &[&str], new: &Settings) -> Result<(), FilesError> {
        let is_other_client = live.iter().any(|key| key.starts_with("[delivery]")) || new.ca_file.is_some();
        let client = is_other_client.then(|| client(new)).transpose()?;
        if let (Some(certificate), Some(files)) = (&self.certificate, &new.tls) {
            certificate.replace(tls_files::read(files)?).map_err(FilesError::Address)?;
        }
        if let Some((client, attempt_max)) = client {
            self.client.set(client);
            self.age.raise(attempt_max);
        }
        Ok(())
    }
}

/// A file that a configuration names, or that follows from it, and that cannot be used.
#[derive(Debug, thiserror::Error)]
enum FilesError {
    #[error(transparent)]
    CaFile(#[from] CaFileError),
    #[error(transparent)]
    Tls(#[from] TlsFilesError),
    #[error("the certificate that commands on this machine are to believe cannot be written to `address`")]
    Address(#[source] io::Error),
}

/// What the engine is told.
pub(super) fn tuning(settings: &Settings) -> Tuning {
    let patience = Patience { quiet_ms: settings.settle_quiet_ms, max_ms: settings.settle_max_ms };
    Tuning { patience, retention: settings.retention.clone(), slots: settings.slots }
}

/// What makes attempts, and how long one may take by its own limits.
pub(super) fn client(settings: &Settings) -> Result<(deliver::Client, Duration), CaFileError> {
    let roots = settings.ca_file.as_deref().map(ca_file::read).transpose()?.unwrap_or_else(RootCertStore::empty);
    let reach = deliver::Reach { allow: settings.allow.clone(), roots };
    let limits = deliver::Limits {
        connect_ms: settings.connect_timeout_ms,
        attempt_ms: settings.attempt_timeout_ms,
        idle_per_target: settings.slots.per_target,
        ..deliver::Limits::default()
    };
    // An attempt's own limit covers its connection too; both are counted, for a slow machine's sake.
    let attempt_max = Duration::from_millis(limits.connect_ms + limits.attempt_ms + limits.answer_ms);
    Ok((deliver::Client::new(limits, reach), attempt_max))
}

/// The keys that differ from one configuration to another.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differing {
    /// Those that may change while ringback runs.
    live: Vec<&'static str>,
    /// Those that need a restart; mounts one by one.
    restart: Vec<String>,
}

fn differing(old: &Settings, new: &Settings) -> Differing {
    // Taken apart whole, so that a new setting cannot be forgotten here.
    let Settings {
        state,
        rules,
        listen,
        mounts,
        tenants,
        principals,
        tls,
        settle_quiet_ms,
        settle_max_ms,
        metadata_order,
        exiftool,
        connect_timeout_ms,
        attempt_timeout_ms,
        allow,
        dialects,
        ca_file,
        slots,
        retention,
    } = old;
    let owed = retention.owed != new.retention.owed;
    let kept = crate::model::retention::Retention { owed: retention.owed, ..new.retention.clone() };
    // A listener that speaks TLS goes on with other files, and does not begin to, or end.
    let has_tls = tls.is_some() && new.tls.is_some();
    let live = [
        ("[[tenant]]", *tenants != new.tenants),
        ("[[principal]]", *principals != new.principals),
        ("[tls]", has_tls && *tls != new.tls),
        ("[settle] quiet", *settle_quiet_ms != new.settle_quiet_ms),
        ("[settle] max", *settle_max_ms != new.settle_max_ms),
        ("[delivery] connect_timeout", *connect_timeout_ms != new.connect_timeout_ms),
        ("[delivery] timeout", *attempt_timeout_ms != new.attempt_timeout_ms),
        ("[delivery] allow", *allow != new.allow),
        ("[dialect]", dialects.is_set_otherwise(&new.dialects)),
        ("[delivery] ca_file", *ca_file != new.ca_file),
        ("[delivery] per_target", slots.per_target != new.slots.per_target),
        ("[delivery] in_flight", slots.in_flight != new.slots.in_flight),
        ("[delivery] owed", owed),
        ("[retention]", *retention != kept),
    ];
    let restart = [
        ("state", *state != new.state),
        ("rules", *rules != new.rules),
        ("listen", *listen != new.listen),
        ("[tls]", !has_tls && *tls != new.tls),
        ("[metadata]", (metadata_order, exiftool) != (&new.metadata_order, &new.exiftool)),
    ];
    let mut restart: Vec<String> =
        restart.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key.to_owned()).collect();
    restart.extend(mounts_differing(mounts, &new.mounts));
    Differing { live: live.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect(), restart }
}

/// Each mount that is new, gone, or another.
fn mounts_differing(old: &[Mount], new: &[Mount]) -> Vec<String> {
    let by_path = |mounts: &[Mount]| -> BTreeMap<String, Mount> {
        mounts.iter().map(|mount| (mount.path.to_string(), mount.clone())).collect()
    };
    let (old, new) = (by_path(old), by_path(new));
    let paths = old.keys().chain(new.keys().filter(|path| !old.contains_key(*path)));
    paths.filter(|path| old.get(*path) != new.get(*path)).map(|path| format!("[[mount]] {path}")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Differing, differing};
    use crate::config::settings::{Overrides, Places, Settings, resolve};
    use crate::diagnostic::SourceFile;

    fn settings(text: &str) -> Settings {
        let file = SourceFile { name: "ringback.toml".into(), text: text.as_bytes().into() };
        let places = Places { config: Path::new("/etc"), working: Path::new("/"), state: Path::new("/state") };
        resolve(Some(&file), places, Overrides::default()).expect("no fault").settings
    }

    #[test]
    fn each_key_is_applied_or_named_as_one_that_needs_a_restart() {
        const MOUNT: &str = "[[mount]]\npath = '/a'\ndir = '/srv/a'\n";
        let before = settings(MOUNT);
        assert_eq!(differing(&before, &before), Differing::default());
        let principal = format!(
            "{MOUNT}[[principal]]\nname = 'jo'\nrole = 'super-administrator'\ntoken_sha256 = '{}'\n",
            "ab".repeat(32)
        );
        for (text, live, restart) in [
            (format!("state = '/x'\n{MOUNT}"), None, Some("state")),
            (format!("rules = '/x'\n{MOUNT}"), None, Some("rules")),
            (format!("listen = '127.0.0.1:1'\n{MOUNT}"), None, Some("listen")),
            (format!("{MOUNT}[tls]\ncert = 'c'\nkey = 'k'\n"), None, Some("[tls]")),
            (format!("{MOUNT}watch = 'poll'\n"), None, Some("[[mount]] /a")),
            (format!("{MOUNT}[[mount]]\npath = '/b'\ndir = '/srv/b'\n"), None, Some("[[mount]] /b")),
            (format!("{MOUNT}[[tenant]]\nname = 'acme'\n"), Some("[[tenant]]"), None),
            (principal, Some("[[principal]]"), None),
            (format!("{MOUNT}[settle]\nquiet = '3s'\n"), Some("[settle] quiet"), None),
            (format!("{MOUNT}[settle]\nmax = '3m'\n"), Some("[settle] max"), None),
            (format!("{MOUNT}[delivery]\nconnect_timeout = '3s'\n"), Some("[delivery] connect_timeout"), None),
            (format!("{MOUNT}[delivery]\ntimeout = '3s'\n"), Some("[delivery] timeout"), None),
            (format!("{MOUNT}[delivery]\nallow = ['10.0.0.0/8']\n"), Some("[delivery] allow"), None),
            (format!("{MOUNT}[delivery]\nca_file = 'ca.pem'\n"), Some("[delivery] ca_file"), None),
            (format!("{MOUNT}[delivery]\nper_target = 3\n"), Some("[delivery] per_target"), None),
            (format!("{MOUNT}[delivery]\nin_flight = 300\n"), Some("[delivery] in_flight"), None),
            (format!("{MOUNT}[delivery]\nowed = 3000\n"), Some("[delivery] owed"), None),
            (format!("{MOUNT}[retention]\njournal = '8d'\n"), Some("[retention]"), None),
            (format!("{MOUNT}[dialect.zoom]\nretry = ['2m']\n"), Some("[dialect]"), None),
            (format!("{MOUNT}[dialect.reactor]\nunknown_types = 'accept'\n"), Some("[dialect]"), None),
            (format!("{MOUNT}[dialect.hal]\ncollections = {{a = ['/a/b']}}\n"), Some("[dialect]"), None),
        ] {
            let after = settings(&text);
            let expect = Differing {
                live: live.into_iter().collect(),
                restart: restart.into_iter().map(str::to_owned).collect(),
            };
            assert_eq!(differing(&before, &after), expect, "{text}");
        }
        let tls = |cert: &str| settings(&format!("{MOUNT}[tls]\ncert = '{cert}'\nkey = 'k'\n"));
        let named = |differing: Differing| (differing.live, differing.restart.concat());
        assert_eq!(named(differing(&tls("c"), &tls("d"))), (vec!["[tls]"], String::new()));
        assert_eq!(named(differing(&tls("c"), &before)), (vec![], "[tls]".to_owned()), "it would speak plain HTTP");
    }
}
