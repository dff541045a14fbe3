//! The configuration as it is in force.
//!
//! Pure: the directories that relative ones are taken from are given, nothing is looked up on disk. So two mounts that
//! overlap only through a symbolic link are not found here.
//!
//! Relative directories in the file are taken from the file's own directory, those of the command line from the working
//! directory. The state directory is never watched, wherever it lies, so it may lie in a mount, and no mount in it.

mod callers;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::options::{self, MountOptions, Options, Written};
use crate::diagnostic::{Code, Diagnostic, Severity, SourceFile, has_errors};
use crate::model::dialects::DialectSettings;
use crate::model::metadata::SourceOrder;
use crate::model::mount::Mount;
use crate::model::network::Network;
use crate::model::path::LogicalPath;
use crate::model::principal::Principal;
use crate::model::retention::Retention;
use crate::model::slot_limits::SlotLimits;
use crate::model::tenant::Tenant;
use crate::model::tenant_ids::TenantIds;

/// [`Diagnostic::file`] of what no file says.
pub const COMMAND_LINE: &str = "command line";

/// What is in force. All directories are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the ledger lives.
    pub state: PathBuf,
    /// The directory of rule files; `None`: there are no rules.
    pub rules: Option<PathBuf>,
    /// Where the API listens. 127.0.0.1:8873 unless set.
    pub listen: SocketAddr,
    /// At least one. They do not overlap: neither logically nor, as written, on disk.
    pub mounts: Vec<Mount>,
    /// Every tenant that the file names, by name. Rules may name others; their ids are derived.
    pub tenants: Vec<TenantIds>,
    /// Callers; no two have the same name or token.
    pub principals: Vec<Principal>,
    /// What the API speaks TLS with. `None`: it speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// How long a file must be quiet before it is looked at, milliseconds. 1,000 unless set.
    pub settle_quiet_ms: u64,
    /// The longest that a file which is never quiet waits for its look, milliseconds; at least the quiet time. `None`:
    /// for ever.
    pub settle_max_ms: Option<u64>,
    /// Which source of metadata wins.
    pub metadata_order: SourceOrder,
    /// What reads what the built-in readers do not know. `None`: nothing does.
    pub exiftool: Option<ExiftoolSetting>,
    /// How long connecting to a target may take, milliseconds. 5,000 unless set.
    pub connect_timeout_ms: u64,
    /// How long a whole attempt may take, milliseconds. 30,000 unless set.
    pub attempt_timeout_ms: u64,
    /// Networks that every callback may reach, whatever is closed otherwise. None unless set.
    pub allow: Vec<Network>,
    /// What is set of the dialects.
    pub dialects: DialectSettings,
    /// A PEM file of certificates that are trusted beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// How many attempts may be under way. 8 to one target and 256 in all unless set.
    pub slots: SlotLimits,
    /// How long, and how much of, what the ledger holds is kept.
    pub retention: Retention,
}

/// Which `exiftool` is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExiftoolSetting {
    /// The first in PATH, if there is one.
    Auto,
    /// This program.
    Program(PathBuf),
}

/// A certificate, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// A PEM file: the server's certificate, and those of the authorities between it and one that callers trust.
    pub cert: PathBuf,
    /// A PEM file with the private key of the first.
    pub key: PathBuf,
}

/// What the command line says over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `DIR`: mounted at `/`, in place of the file's mounts.
    pub dir: Option<PathBuf>,
    /// `--rules`.
    pub rules: Option<PathBuf>,
    /// `--state`.
    pub state: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
}

/// Where relative directories are taken from, and where the state is. All are absolute.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The configuration file's directory; the working directory when there is no file.
    pub config: &'a Path,
    /// The working directory.
    pub working: &'a Path,
    /// The state directory where neither the file nor the command line says one.
    pub state: &'a Path,
}

/// Settings, and what is odd about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What is in force.
    pub settings: Settings,
    /// None of them blocks.
    pub warnings: Vec<Diagnostic>,
}

/// Joins the file, the command line and the defaults.
///
/// # Errors
/// Everything that is wrong, and warnings too, in the order of places.
pub fn resolve(
    file: Option<&SourceFile>,
    places: Places<'_>,
    overrides: Overrides,
) -> Result<Resolved, Vec<Diagnostic>> {
    let (options, diagnostics) = file.map(options::read).unwrap_or_default();
    let name = file.map_or(COMMAND_LINE, |file| file.name.as_str());
    let mut notes = Notes { file: name, found: diagnostics };
    let settings = settings(options, places, overrides, &mut notes);
    let mut found = notes.found;
    found.sort_by_key(|d| (d.span.start, d.code));
    if has_errors(&found) { Err(found) } else { Ok(Resolved { settings, warnings: found }) }
}

/// Collects what is wrong.
struct Notes<'a> {
    file: &'a str,
    found: Vec<Diagnostic>,
}

impl Notes<'_> {
    fn note(&mut self, code: Code, severity: Severity, span: Range<usize>, message: String, help: &str) {
        let (file, label, help) = (self.file.to_owned(), String::new(), Some(help.to_owned()));
        self.found.push(Diagnostic { code, severity, file, span, message, label, help });
    }

    fn error(&mut self, code: Code, span: Range<usize>, message: String, help: &str) {
        self.note(code, Severity::Error, span, message, help);
    }
}

fn settings(options: Options, places: Places<'_>, overrides: Overrides, notes: &mut Notes<'_>) -> Settings {
    let retention = retention(&options);
    let Options { state, rules, listen, mounts, tenants, principals, .. } = options;
    let (state_span, state) = match (overrides.state, state) {
        (Some(dir), _) => (0..0, joined(places.working, dir)),
        (None, Some(written)) => (written.span, joined(places.config, written.value)),
        (None, None) => (0..0, places.state.to_owned()),
    };
    let rules = match (overrides.rules, rules) {
        (Some(dir), _) => Some(joined(places.working, dir)),
        (None, written) => written.map(|written| joined(places.config, written.value)),
    };
    if rules.is_none() && !has_errors(&notes.found) {
        let help = "write rules = \"rules\" in ringback.toml, or give --rules DIR";
        notes.note(Code::NoRules, Severity::Warning, 0..0, "there are no rules: nobody will be called".into(), help);
    }
    let placed = match overrides.dir {
        Some(dir) => vec![at_root(joined(places.working, dir))],
        None => mounts.into_iter().map(|mount| placed(mount, places.config)).collect(),
    };
    check_mounts(&placed, notes);
    check_state(&placed, &state, &state_span, notes);
    callers::check_principals(&principals, notes);
    let of_mounts: Vec<Written<Tenant>> = placed.iter().filter_map(Placed::tenant).collect();
    let tenants = callers::tenants(tenants, &of_mounts, &principals, notes);
    let in_config = |written: Written<String>| joined(places.config, written.value);
    let tls = options.tls_cert.zip(options.tls_key);
    let tls = tls.map(|(cert, key)| TlsFiles { cert: in_config(cert), key: in_config(key) });
    let settle_quiet_ms = options.settle_quiet_ms.unwrap_or(1_000);
    if let Some(max) = options.settle_max_ms.as_ref().filter(|max| max.value < settle_quiet_ms) {
        let message = format!("`max` is shorter than `quiet`, which is {settle_quiet_ms}ms");
        notes.error(Code::OutOfRange, max.span.clone(), message, "`max` is the longest wait for a file to be quiet");
    }
    let slots = slots(options.per_target, options.in_flight.as_ref(), notes);
    Settings {
        state,
        rules,
        listen: overrides.listen.or(listen.map(|listen| listen.value)).unwrap_or(LISTEN_DEFAULT),
        mounts: placed.into_iter().map(|placed| placed.mount).collect(),
        principals: principals.into_iter().map(|principal| principal.value).collect(),
        tls,
        settle_quiet_ms,
        settle_max_ms: options.settle_max_ms.map(|max| max.value),
        metadata_order: options.metadata_order.unwrap_or_default(),
        exiftool: options.exiftool.map(|written| match written.value.as_str() {
            "auto" => ExiftoolSetting::Auto,
            _ => ExiftoolSetting::Program(in_config(written)),
        }),
        connect_timeout_ms: options.connect_timeout_ms.unwrap_or(5_000),
        attempt_timeout_ms: options.attempt_timeout_ms.unwrap_or(30_000),
        dialects: DialectSettings {
            tenants: tenants.clone(),
            allow: options.allow.clone(),
            retry_ms: options.dialects.retry_ms,
            takes_unknown_types: options.dialects.takes_unknown_types,
            collections: options.dialects.collections,
        },
        tenants,
        allow: options.allow,
        ca_file: options.ca_file.map(in_config),
        slots,
        retention,
    }
}

/// Where one of the two is written alone, the other's default gives way to it.
fn slots(per_target: Option<usize>, in_flight: Option<&options::Written<usize>>, notes: &mut Notes<'_>) -> SlotLimits {
    let by_default = SlotLimits::default();
    if let (Some(per_target), Some(in_flight)) = (per_target, in_flight)
        && in_flight.value < per_target
    {
        let message = format!("`in_flight` is less than `per_target`, which is {per_target}");
        notes.error(Code::OutOfRange, in_flight.span.clone(), message, "`in_flight` counts all targets together");
    }
    let in_flight = in_flight.map(|written| written.value);
    SlotLimits {
        per_target: per_target.unwrap_or(by_default.per_target.min(in_flight.unwrap_or(usize::MAX))),
        in_flight: in_flight.unwrap_or(by_default.in_flight.max(per_target.unwrap_or(0))),
    }
}

/// What is not written keeps its default.
fn retention(options: &Options) -> Retention {
    let by_default = Retention::default();
    // Durations are bounded far below this.
    let ms = |written: Option<u64>, default: i64| written.map_or(default, u64::cast_signed);
    Retention {
        journal_ms: ms(options.journal_ms, by_default.journal_ms),
        journal_rows: options.journal_rows.unwrap_or(by_default.journal_rows),
        deliveries_ms: ms(options.deliveries_ms, by_default.deliveries_ms),
        deliveries_rows: options.deliveries_rows.unwrap_or(by_default.deliveries_rows),
        dead_ms: ms(options.dead_ms, by_default.dead_ms),
        dead_rows: options.dead_rows.unwrap_or(by_default.dead_rows),
        gone_ms: ms(options.gone_ms, by_default.gone_ms),
        owed: options.owed.unwrap_or(by_default.owed),
        ..by_default
    }
}

/// Loopback: nobody else is let in unless an admin says so.
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8873);

/// A mount and where the file says so.
struct Placed {
    mount: Mount,
    path_span: Range<usize>,
    dir_span: Range<usize>,
}

impl Placed {
    fn tenant(&self) -> Option<Written<Tenant>> {
        self.mount.tenant.clone().map(|value| Written { value, span: self.path_span.clone() })
    }
}

fn at_root(dir: PathBuf) -> Placed {
    Placed { mount: Mount::new(LogicalPath::root(), dir), path_span: 0..0, dir_span: 0..0 }
}

fn placed(options: MountOptions, base: &Path) -> Placed {
    let MountOptions { path, dir, .. } = options;
    let by_default = Mount::new(path.value, joined(base, dir.value));
    let mount = Mount {
        ignore: options.ignore.unwrap_or(by_default.ignore),
        first_scan: options.first_scan.unwrap_or(by_default.first_scan),
        cross_filesystems: options.cross_filesystems.unwrap_or(by_default.cross_filesystems),
        watch: options.watch.unwrap_or(by_default.watch),
        poll_interval_ms: options.poll_interval_ms.unwrap_or(by_default.poll_interval_ms),
        verify_ms: options.verify_ms.unwrap_or(by_default.verify_ms),
        max_deletions: options.max_deletions,
        sidecars: options.sidecars.unwrap_or(by_default.sidecars),
        tenant: options.tenant.map(|written| written.value),
        ..by_default
    };
    Placed { mount, path_span: path.span, dir_span: dir.span }
}

/// Each mount is compared with those before it.
fn check_mounts(mounts: &[Placed], notes: &mut Notes<'_>) {
    if mounts.is_empty() && !has_errors(&notes.found) {
        let help = "name a directory (ringback serve DIR), or add to ringback.toml: \
                    [[mount]] with path = \"/acme\" and dir = \"/srv/media/acme\"";
        notes.error(Code::NoMount, 0..0, "nothing is mounted: there is nothing to watch".into(), help);
    }
    for (index, placed) in mounts.iter().enumerate() {
        let (path, dir) = (&placed.mount.path, lexical(&placed.mount.dir));
        for other in &mounts[..index] {
            let (other_path, other_dir) = (&other.mount.path, lexical(&other.mount.dir));
            if path.is_at_or_below(other_path) || other_path.is_below(path) {
                let message = format!("the mount `{}` overlaps the mount `{}`", path.display(), other_path.display());
                let help = "give each mount a path of its own that is not under another's";
                notes.error(Code::MountsOverlap, placed.path_span.clone(), message, help);
            }
            if dir.starts_with(&other_dir) || other_dir.starts_with(&dir) {
                let (this, that) = (placed.mount.dir.display(), other.mount.dir.display());
                let message =
                    format!("the directory `{this}` overlaps `{that}` of the mount `{}`", other_path.display());
                let help = "mount each directory once, and none that lies in another";
                notes.error(Code::MountsOverlap, placed.dir_span.clone(), message, help);
            }
        }
    }
}

fn check_state(mounts: &[Placed], state: &Path, span: &Range<usize>, notes: &mut Notes<'_>) {
    let lexical_state = lexical(state);
    for placed in mounts {
        let dir = lexical(&placed.mount.dir);
        if dir.starts_with(&lexical_state) {
            let (state, dir) = (state.display(), placed.mount.dir.display());
            let message =
                format!("the mounted directory `{dir}` lies in the state directory `{state}`, which is never watched");
            let help = "keep the state elsewhere, such as state = \"/var/lib/ringback\" or --state /var/lib/ringback";
            notes.error(Code::MountInState, span.clone(), message, help);
        }
    }
}

/// The directory, absolute and without `.`; `..` stays, because what it leads to depends on links.
fn joined(base: &Path, dir: impl AsRef<Path>) -> PathBuf {
    base.join(dir).components().collect()
}

/// The path without `.` and with `..` taken back, for comparing alone.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Dialect;
    use crate::model::mount::MaxDeletions;
    use crate::model::watching::SourceKind;

    fn resolved(text: &str, overrides: Overrides) -> Result<Resolved, Vec<Diagnostic>> {
        let file = SourceFile { name: "ringback.toml".into(), text: text.as_bytes().to_vec().into() };
        let places =
            Places { config: Path::new("/etc/rb"), working: Path::new("/home/ana"), state: Path::new("/var/lib/rb") };
        resolve(Some(&file), places, overrides)
    }

    #[track_caller]
    fn check_refused(text: &str, expect: &[Code]) {
        let found = resolved(text, Overrides::default()).expect_err(text);
        let codes: Vec<_> = found.iter().filter(|d| d.severity == Severity::Error).map(|d| d.code).collect();
        assert_eq!(codes, expect, "{text}: {found:#?}");
    }

    const MOUNT: &str = "[[mount]]\npath = '/acme'\ndir = 'media'\n";

    #[test]
    fn everything_but_a_mount_has_a_default() {
        let Resolved { settings, warnings } = resolved(MOUNT, Overrides::default()).expect("it is enough");
        assert_eq!(warnings.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::NoRules]);
        let mut mount = at_root("/etc/rb/media".into()).mount;
        mount.path = LogicalPath::parse(b"/acme").expect("a path");
        let expect = Settings {
            state: "/var/lib/rb".into(),
            rules: None,
            listen: "127.0.0.1:8873".parse().expect("an address"),
            mounts: vec![mount],
            tenants: Vec::new(),
            principals: Vec::new(),
            tls: None,
            settle_quiet_ms: 1_000,
            settle_max_ms: None,
            metadata_order: SourceOrder::default(),
            exiftool: None,
            connect_timeout_ms: 5_000,
            attempt_timeout_ms: 30_000,
            dialects: DialectSettings::default(),
            allow: Vec::new(),
            ca_file: None,
            slots: SlotLimits { in_flight: 256, per_target: 8 },
            retention: Retention::default(),
        };
        assert_eq!(settings, expect);
    }

    #[test]
    fn what_is_written_is_in_force_and_the_command_line_wins() {
        let digest = "0123456789abcdef".repeat(4);
        let text = format!(
            "state = '/var/rb'\nrules = 'rules'\nlisten = '[::]:1'\n\
             [settle]\nquiet = '2s'\nmax = '1m'\n[delivery]\nconnect_timeout = '1s'\ntimeout = '2s'\nowed = 5000\n\
             allow = ['10.8.0.0/16', '::1']\nca_file = 'ca.pem'\nper_target = 300\n\
             [retention]\njournal = '2d'\njournal_rows = 1000\ndeliveries = '3d'\ndeliveries_rows = 3000\ndead = '1h'\ndead_rows = 2000\ngone = '1d'\n\
             [[mount]]\npath = '/a'\ndir = '/srv/a'\nignore = []\nfirst_scan = 'report'\ncross_filesystems = true\n\
             watch = 'poll'\npoll_interval = '5s'\nverify = '0s'\ntenant = 'acme'\nmax_deletions = '50%'\n\
             [[mount]]\npath = '/b'\ndir = '/srv/ab'\nmax_deletions = 7\n\
             [[tenant]]\nname = 'b'\norganisation = 'b.example'\n[tls]\ncert = 'cert.pem'\nkey = '/etc/ssl/key.pem'\n\
             [[principal]]\nname = 'ana'\nrole = 'reader'\ntenants = ['acme', 'b']\ntoken_sha256 = '{digest}'\n\
             mage_id = 'MAG000000007'\n[dialect.eqp]\nretry = ['7s']\n[dialect.reactor]\nunknown_types = 'accept'\n\
             [dialect.hal]\ncollections = {{items = ['/a/items']}}\n"
        );
        let Resolved { settings, warnings } = resolved(&text, Overrides::default()).expect("it is right");
        assert_eq!(warnings, []);
        assert_eq!(settings.state, Path::new("/var/rb"));
        assert_eq!(settings.rules.as_deref(), Some(Path::new("/etc/rb/rules")));
        assert_eq!(settings.listen.to_string(), "[::]:1");
        assert_eq!((settings.settle_quiet_ms, settings.settle_max_ms), (2_000, Some(60_000)));
        assert_eq!((settings.connect_timeout_ms, settings.attempt_timeout_ms), (1_000, 2_000));
        let hour = 3_600_000;
        let retention = Retention {
            journal_ms: 48 * hour,
            journal_rows: 1_000,
            deliveries_ms: 72 * hour,
            deliveries_rows: 3_000,
            dead_ms: hour,
            dead_rows: 2_000,
            gone_ms: 24 * hour,
            owed: 5_000,
            ..Retention::default()
        };
        assert_eq!(settings.retention, retention);
        assert_eq!(settings.allow.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.8.0.0/16", "::1/128"]);
        assert_eq!(settings.ca_file.as_deref(), Some(Path::new("/etc/rb/ca.pem")));
        assert_eq!(settings.slots, SlotLimits { in_flight: 300, per_target: 300 });
        assert_eq!(settings.mounts.len(), 2);
        assert_eq!(settings.mounts[0].ignore, Vec::<String>::new());
        assert!(settings.mounts[0].cross_filesystems);
        let Mount { watch, poll_interval_ms, verify_ms, .. } = settings.mounts[0];
        assert_eq!((watch, poll_interval_ms, verify_ms), (Some(SourceKind::Poll), 5_000, 0));
        let brakes: Vec<_> = settings.mounts.iter().map(|mount| mount.max_deletions).collect();
        assert_eq!(brakes, [Some(MaxDeletions::Percent(50)), Some(MaxDeletions::Count(7))]);
        let tenants = settings.mounts.iter().map(|mount| mount.tenant.as_ref().map(ToString::to_string));
        assert_eq!(tenants.collect::<Vec<_>>(), [Some("acme".into()), None]);
        let ids: Vec<_> = settings.tenants.iter().map(|ids| (ids.tenant.as_str(), ids.organisation.as_str())).collect();
        assert_eq!(ids, [("acme", "acme@ringback"), ("b", "b.example")]);
        let DialectSettings { tenants, takes_unknown_types, collections, allow, .. } = &settings.dialects;
        assert_eq!((tenants, allow), (&settings.tenants, &settings.allow));
        assert_eq!((*takes_unknown_types, &collections["items"][..]), (true, &["/a/items".to_owned()][..]));
        assert_eq!(settings.dialects.retry_ms(Dialect::Eqp), [7_000]);
        let principal = &settings.principals[0];
        assert_eq!(principal.tenants.iter().map(Tenant::as_str).collect::<Vec<_>>(), ["acme", "b"]);
        assert_eq!(
            (principal.token_sha256[..3].to_vec(), principal.mage_id.to_string()),
            (vec![0x01, 0x23, 0x45], "MAG000000007".to_owned())
        );
        let tls = TlsFiles { cert: "/etc/rb/cert.pem".into(), key: "/etc/ssl/key.pem".into() };
        assert_eq!(settings.tls, Some(tls));

        let overrides = Overrides {
            dir: Some("media".into()),
            rules: Some("r".into()),
            state: Some("s".into()),
            listen: "127.0.0.1:2".parse().ok(),
        };
        let Resolved { settings, .. } = resolved(&text, overrides).expect("it is right");
        assert_eq!(settings.mounts, [at_root("/home/ana/media".into()).mount]);
        assert_eq!(settings.rules.as_deref(), Some(Path::new("/home/ana/r")));
        assert_eq!(settings.state, Path::new("/home/ana/s"));
        assert_eq!(settings.listen.port(), 2);
    }

    #[test]
    fn a_principal_that_sees_nothing_is_warned_of() {
        let digest = "ab".repeat(32);
        for (tenants, expect) in [
            ("", Some("the principal `a` has no tenants: a reader sees nothing without")),
            ("tenants = ['acme']", None),
            ("tenants = ['b']", None),
            ("tenants = ['acne']", Some("no mount and no [[tenant]] has the tenant `acne` of the principal `a`")),
        ] {
            let text = format!(
                "rules = 'r'\n{MOUNT}tenant = 'acme'\n[[tenant]]\nname = 'b'\n\
                 [[principal]]\nname = 'a'\nrole = 'reader'\ntoken_sha256 = '{digest}'\n{tenants}"
            );
            let Resolved { warnings, .. } = resolved(&text, Overrides::default()).expect("it is right");
            let said: Vec<_> = warnings.iter().map(|warning| (warning.code, warning.message.as_str())).collect();
            assert_eq!(said, expect.map(|text| (Code::NoTenant, text)).into_iter().collect::<Vec<_>>(), "{tenants}");
        }
    }

    #[test]
    fn of_slots_the_one_that_is_written_holds() {
        for (text, in_flight, per_target) in [
            ("per_target = 9", 256, 9),
            ("in_flight = 5", 5, 5),
            ("in_flight = 10\nper_target = 10", 10, 10),
            ("in_flight = 4096\nper_target = 1", 4096, 1),
        ] {
            let text = format!("{MOUNT}[delivery]\n{text}");
            let Resolved { settings, .. } = resolved(&text, Overrides::default()).expect("it is right");
            assert_eq!(settings.slots, SlotLimits { in_flight, per_target }, "{text}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        use Code::*;
        let digest = "ab".repeat(32);
        let principal = format!("[[principal]]\nname = 'a'\nrole = 'reader'\ntoken_sha256 = '{digest}'\n");
        let mount = |path: &str, dir: &str| format!("[[mount]]\npath = '{path}'\ndir = '{dir}'\n");
        for (text, expect) in [
            (String::new(), &[NoMount][..]),
            (mount("/a", "/srv/a") + &mount("/a", "/srv/b"), &[MountsOverlap]),
            (mount("/", "/srv/a") + &mount("/b", "/srv/b"), &[MountsOverlap]),
            (mount("/a", "/srv") + &mount("/b", "/srv/x/../b"), &[MountsOverlap]),
            (mount("/a", "/srv/a") + &mount("/a/b", "/srv/a"), &[MountsOverlap, MountsOverlap]),
            (mount("acme", "/srv"), &[BadPath]),
            (mount("/a/..", ""), &[BadPath, BadPath]),
            (mount("/a", "/var/lib/rb"), &[MountInState]),
            (format!("state = '/srv'\n{}", mount("/a", "/srv/a")), &[MountInState]),
            (format!("{MOUNT}ignore = ['[', '']\nfirst_scan = 'quiet'\n"), &[BadGlob, BadGlob, UnknownWord]),
            (format!("{MOUNT}watch = 'kqueue'\npoll_interval = '5ms'\n"), &[UnknownWord, OutOfRange]),
            (format!("{MOUNT}max_deletions = '101%'"), &[OutOfRange]),
            (format!("{MOUNT}max_deletions = 'half'"), &[OutOfRange]),
            (format!("{MOUNT}max_deletions = true"), &[WrongType]),
            (format!("{MOUNT}tennant = 'acme'\nchross_filesystems = true"), &[UnknownKey, UnknownKey]),
            (format!("{MOUNT}tenant = 'acme studios'"), &[BadName]),
            (format!("listen = 'localhost:1'\n{MOUNT}"), &[BadAddress]),
            (format!("{MOUNT}[settle]\nmax = '10ms'"), &[OutOfRange]),
            (format!("{MOUNT}[settle]\nquiet = 5"), &[WrongType]),
            (format!("{MOUNT}[delivery]\ntimeout = '0s'"), &[OutOfRange]),
            (format!("{MOUNT}[delivery]\nowed = 999"), &[OutOfRange]),
            (
                format!("{MOUNT}[delivery]\nallow = ['10.0.0.1/8', 'example.org', '::/129', '10.0.0.0/8']"),
                &[BadAddress, BadAddress, BadAddress],
            ),
            (format!("{MOUNT}[delivery]\nallow = '10.0.0.0/8'"), &[WrongType]),
            (format!("{MOUNT}[delivery]\nca_file = ''"), &[BadPath]),
            (format!("{MOUNT}[delivery]\nper_target = 0\nin_flight = 4097"), &[OutOfRange, OutOfRange]),
            (format!("{MOUNT}[delivery]\nper_target = 9\nin_flight = 8"), &[OutOfRange]),
            (
                format!("{MOUNT}[retention]\njournal = '59m'\ndead_rows = 0\ngone = 7"),
                &[OutOfRange, OutOfRange, WrongType],
            ),
            (format!("{MOUNT}[retention]\njournal_row = 5000"), &[UnknownKey]),
            (format!("{MOUNT}{principal}{principal}"), &[Duplicate]),
            (format!("{MOUNT}{principal}{}", principal.replace("'a'", "'b'")), &[Duplicate]),
            (format!("{MOUNT}{}", principal.replace("'a'", "'administrator'")), &[Duplicate]),
            (format!("{MOUNT}{}", principal.replace("'a'", "'a:b'")), &[BadName]),
            (format!("{MOUNT}{principal}mage_id = 'MAG1'"), &[BadName]),
            (
                format!(
                    "{MOUNT}{principal}mage_id = 'MAG000000001'\n{}mage_id = 'MAG000000001'",
                    principal.replace("'a'", "'b'").replace("ab", "cd")
                ),
                &[Duplicate],
            ),
            (format!("{MOUNT}{principal}tenants = 'acme'"), &[WrongType]),
            (format!("{MOUNT}{principal}tenants = ['a b']"), &[BadName]),
            (format!("{MOUNT}{}tenants = ['acme']", principal.replace("reader", "super-administrator")), &[OutOfRange]),
            (format!("{MOUNT}[[tenant]]\nname = 'a'\n[[tenant]]\nname = 'a'"), &[Duplicate]),
            (format!("{MOUNT}tenant = 'b'\n[[tenant]]\nname = 'a'\norganisation = 'b@ringback'"), &[Duplicate]),
            (
                format!("{MOUNT}[[tenant]]\nproperty = 'PR1'\nnetwork = 'x'\norganisation = ''"),
                &[MissingKey, BadName, BadName, BadName],
            ),
            (format!("{MOUNT}[tls]\ncert = 'cert.pem'"), &[MissingKey]),
            (format!("{MOUNT}[tls]\ncert = ''\nkey = 'a'\nca = 'b'"), &[BadPath, UnknownKey]),
            (
                format!("{MOUNT}[[principal]]\nname = 'a b'\nrole = 'admin'\ntoken_sha256 = 'x'"),
                &[BadName, UnknownWord, BadDigest],
            ),
            (format!("{MOUNT}[[principal]]"), &[MissingKey, MissingKey, MissingKey]),
            ("mount = 1\n[[settle]]".into(), &[WrongType, WrongType]),
        ] {
            check_refused(&text, expect);
        }
    }

    #[test]
    fn a_directory_alone_is_enough_also_when_the_state_lies_in_it() {
        let home = Path::new("/home/ana");
        let state = home.join("state");
        let places = Places { config: home, working: home, state: &state };
        let at = |dir: &str| resolve(None, places, Overrides { dir: Some(dir.into()), ..Overrides::default() });
        for dir in ["media", "."] {
            assert_eq!(at(dir).expect("it is enough").settings.state, state, "{dir}");
        }
    }
}
