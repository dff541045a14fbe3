//! `ringback.toml` as written: what it says, and where. It has no defaults and compares nothing.

mod dialects;
mod principals;
mod tenants;

use std::ops::Range;

pub use dialects::DialectOptions;
pub use tenants::TenantOptions;

use crate::diagnostic::document::{Faults, Table, Text, walk};
use crate::diagnostic::{Code, Diagnostic, SourceFile};
use crate::model::duration::DURATION_MAX_MS;
use crate::model::metadata::SourceOrder;
use crate::model::mount::{FirstScan, MaxDeletions, Sidecars};
use crate::model::network::Network;
use crate::model::path::LogicalPath;
use crate::model::principal::Principal;
use crate::model::tenant::Tenant;
use crate::model::watching::SourceKind;

/// The shortest `poll_interval`, milliseconds.
const POLL_INTERVAL_MIN_MS: u64 = 100;

/// The shortest age in `[retention]`, milliseconds.
const AGE_MIN_MS: u64 = 3_600_000;
/// The smallest number in `[retention]` and of `[delivery] owed`: what a single batch or request holds must fit.
const AMOUNT_MIN: u64 = 1_000;
/// The largest such number, in rows or entries: far more than a disk holds, and far less than a number of the ledger.
const AMOUNT_MAX: u64 = 1_000_000_000_000;

/// The largest `per_target` and `in_flight`: each attempt has an open file, and systems give a process some thousands.
const ATTEMPTS_MAX: u64 = 4_096;

/// A value and its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Range<usize>,
}

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `state`: the state directory.
    pub state: Option<Written<String>>,
    /// `rules`: the directory of rule files.
    pub rules: Option<Written<String>>,
    /// `listen`: an address and a port.
    pub listen: Option<Written<std::net::SocketAddr>>,
    /// `[[mount]]`, in order.
    pub mounts: Vec<MountOptions>,
    /// `[[tenant]]`, in order.
    pub tenants: Vec<TenantOptions>,
    /// `[[principal]]`, in order.
    pub principals: Vec<Written<Principal>>,
    /// `[tls] cert`: a file of certificates. It is there where [`Self::tls_key`] is.
    pub tls_cert: Option<Written<String>>,
    /// `[tls] key`: a file with the private key of the first of them.
    pub tls_key: Option<Written<String>>,
    /// `[settle] quiet`, milliseconds.
    pub settle_quiet_ms: Option<u64>,
    /// `[settle] max`, milliseconds, and its place.
    pub settle_max_ms: Option<Written<u64>>,
    /// `[metadata] order`.
    pub metadata_order: Option<SourceOrder>,
    /// `[metadata] exiftool`: `auto`, or a program.
    pub exiftool: Option<Written<String>>,
    /// `[delivery] connect_timeout`, milliseconds, at least 1.
    pub connect_timeout_ms: Option<u64>,
    /// `[delivery] timeout`, milliseconds, at least 1.
    pub attempt_timeout_ms: Option<u64>,
    /// `[delivery] allow`, in order.
    pub allow: Vec<Network>,
    /// `[delivery] ca_file`: a file of certificates.
    pub ca_file: Option<Written<String>>,
    /// `[delivery] per_target`: attempts, at least 1.
    pub per_target: Option<usize>,
    /// `[delivery] in_flight`: attempts, at least 1, and its place.
    pub in_flight: Option<Written<usize>>,
    /// `[delivery] owed`: entries, at least 1,000.
    pub owed: Option<u64>,
    /// `[retention] journal`, milliseconds, at least an hour.
    pub journal_ms: Option<u64>,
    /// `[retention] journal_rows`, at least 1,000.
    pub journal_rows: Option<u64>,
    /// `[retention] dead`, milliseconds, at least an hour.
    pub dead_ms: Option<u64>,
    /// `[retention] deliveries`, milliseconds.
    pub deliveries_ms: Option<u64>,
    /// `[retention] deliveries_rows`, at least 1,000.
    pub deliveries_rows: Option<u64>,
    /// `[retention] dead_rows`, at least 1,000.
    pub dead_rows: Option<u64>,
    /// `[retention] gone`, milliseconds, at least an hour.
    pub gone_ms: Option<u64>,
    /// `[dialect.NAME]`.
    pub dialects: DialectOptions,
}

/// One `[[mount]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountOptions {
    /// `path`: where its content shows.
    pub path: Written<LogicalPath>,
    /// `dir`: the directory on disk.
    pub dir: Written<String>,
    /// `ignore`: patterns, checked.
    pub ignore: Option<Vec<String>>,
    /// `first_scan`.
    pub first_scan: Option<FirstScan>,
    /// `cross_filesystems`.
    pub cross_filesystems: Option<bool>,
    /// `watch`; `Some(None)` is `auto`.
    pub watch: Option<Option<SourceKind>>,
    /// `poll_interval`, milliseconds, at least 100.
    pub poll_interval_ms: Option<u64>,
    /// `verify`, milliseconds; 0 is never.
    pub verify_ms: Option<u64>,
    /// `max_deletions`.
    pub max_deletions: Option<MaxDeletions>,
    /// `sidecars`.
    pub sidecars: Option<Sidecars>,
    /// `tenant`.
    pub tenant: Option<Written<Tenant>>,
}

/// Reads the file. With an error among the diagnostics the options are incomplete.
#[must_use]
pub fn read(file: &SourceFile) -> (Options, Vec<Diagnostic>) {
    let mut options = Options::default();
    let diagnostics = walk(file, |top, faults| options = of_file(top, faults));
    (options, diagnostics)
}

fn of_file(top: &Table<'_, '_>, faults: &mut Faults<'_>) -> Options {
    let known = [
        "state",
        "rules",
        "listen",
        "mount",
        "tenant",
        "principal",
        "tls",
        "settle",
        "metadata",
        "delivery",
        "retention",
        "dialect",
    ];
    top.only(&known, faults);
    let mut options = Options {
        state: top.string("state", faults).and_then(|text| directory(&text, faults)),
        rules: top.string("rules", faults).and_then(|text| directory(&text, faults)),
        listen: top.string("listen", faults).and_then(|text| address(&text, faults)),
        ..Options::default()
    };
    for table in top.tables("mount", "[[mount]]", faults) {
        options.mounts.extend(mount(&table, faults));
    }
    for table in top.tables("tenant", "[[tenant]]", faults) {
        options.tenants.extend(tenants::tenant(&table, faults));
    }
    for table in top.tables("principal", "[[principal]]", faults) {
        options.principals.extend(principals::principal(&table, faults));
    }
    if let Some(table) = top.table("tls", "[tls]", faults) {
        let meant = table.only(&["cert", "key"], faults);
        table.missing("cert", "cert = \"/etc/ringback/cert.pem\"", &meant, faults);
        table.missing("key", "key = \"/etc/ringback/key.pem\"", &meant, faults);
        options.tls_cert = table.string("cert", faults).and_then(|text| file(&text, faults));
        options.tls_key = table.string("key", faults).and_then(|text| file(&text, faults));
    }
    if let Some(table) = top.table("settle", "[settle]", faults) {
        table.only(&["quiet", "max"], faults);
        options.settle_quiet_ms = table.duration_ms("quiet", faults);
        let max = table.duration_ms("max", faults);
        options.settle_max_ms = max.map(|value| Written { value, span: table.key_span("max") });
    }
    if let Some(table) = top.table("metadata", "[metadata]", faults) {
        table.only(&["order", "exiftool"], faults);
        options.exiftool = table.string("exiftool", faults).and_then(|text| file(&text, faults));
        let sources = SourceOrder::ORDERED.map(|source| (source.name(), source));
        let first = table.words("order", &sources, faults);
        options.metadata_order = first.map(|first| SourceOrder::beginning_with(&first));
    }
    if let Some(table) = top.table("delivery", "[delivery]", faults) {
        table.only(&["connect_timeout", "timeout", "allow", "ca_file", "per_target", "in_flight", "owed"], faults);
        options.allow = allow(&table, faults);
        options.ca_file = table.string("ca_file", faults).and_then(|text| file(&text, faults));
        options.per_target = attempts(&table, "per_target", faults);
        let in_flight = attempts(&table, "in_flight", faults);
        options.in_flight = in_flight.map(|value| Written { value, span: table.key_span("in_flight") });
        options.owed = amount(&table, "owed", faults);
        options.connect_timeout_ms = timeout(&table, "connect_timeout", faults);
        options.attempt_timeout_ms = timeout(&table, "timeout", faults);
    }
    if let Some(table) = top.table("retention", "[retention]", faults) {
        let keys = ["journal", "journal_rows", "deliveries", "deliveries_rows", "dead", "dead_rows", "gone"];
        table.only(&keys, faults);
        options.journal_ms = age(&table, "journal", faults);
        options.journal_rows = amount(&table, "journal_rows", faults);
        options.deliveries_ms = age(&table, "deliveries", faults);
        options.deliveries_rows = amount(&table, "deliveries_rows", faults);
        options.dead_ms = age(&table, "dead", faults);
        options.dead_rows = amount(&table, "dead_rows", faults);
        options.gone_ms = age(&table, "gone", faults);
    }
    if let Some(table) = top.table("dialect", "[dialect.NAME]", faults) {
        options.dialects = dialects::dialects(&table, faults);
    }
    options
}

/// How long something is kept. Shorter than [`AGE_MIN_MS`] is refused: it is forgotten once an hour.
fn age(table: &Table<'_, '_>, key: &str, faults: &mut Faults<'_>) -> Option<u64> {
    let ms = table.duration_ms(key, faults)?;
    if ms < AGE_MIN_MS {
        let message = format!("`{key}` takes 1h or more");
        let help = format!("what is old is forgotten once an hour; such as {key} = \"7d\"");
        faults.error(Code::OutOfRange, table.key_span(key), message, "").help(&help);
    }
    (ms >= AGE_MIN_MS).then_some(ms)
}

/// Networks in CIDR notation. Those that cannot be read are noted and left out.
fn allow(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Vec<Network> {
    let texts = table.strings("allow", faults).unwrap_or_default();
    let help = "such as allow = [\"10.8.0.0/16\", \"192.168.1.7\"]; names are not looked up here";
    let networks = texts.iter().map(|text| or_noted(text.value.parse(), Code::BadAddress, text, help, faults));
    networks.flatten().map(|network| network.value).collect()
}

/// How many attempts may be under way.
fn attempts(table: &Table<'_, '_>, key: &str, faults: &mut Faults<'_>) -> Option<usize> {
    let count = table.integer(key, 1..=ATTEMPTS_MAX, faults)?;
    usize::try_from(count).ok()
}

/// How many of something are kept.
fn amount(table: &Table<'_, '_>, key: &str, faults: &mut Faults<'_>) -> Option<u64> {
    table.integer(key, AMOUNT_MIN..=AMOUNT_MAX, faults)
}

fn mount(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<MountOptions> {
    let meant = table.only(
        &[
            "path",
            "dir",
            "ignore",
            "first_scan",
            "cross_filesystems",
            "watch",
            "poll_interval",
            "verify",
            "tenant",
            "max_deletions",
            "sidecars",
        ],
        faults,
    );
    table.missing("path", "path = \"/acme\"", &meant, faults);
    table.missing("dir", "dir = \"/srv/media/acme\"", &meant, faults);
    let path = table.string("path", faults).and_then(|text| {
        let parsed = LogicalPath::parse(text.value.as_bytes());
        let help = "this is where the mount shows in rules and payloads, such as \"/acme\"; the directory is `dir`";
        or_noted(parsed, Code::BadPath, &text, help, faults)
    });
    let dir = table.string("dir", faults).and_then(|text| directory(&text, faults));
    let ignore = table.strings("ignore", faults).map(|patterns| {
        patterns.iter().for_each(|pattern| ignore_pattern(pattern, faults));
        patterns.iter().map(|pattern| pattern.value.to_owned()).collect()
    });
    let first_scans = [("silent", FirstScan::Silent), ("report", FirstScan::Report)];
    let first_scan = table.word("first_scan", &first_scans, faults);
    let cross_filesystems = table.boolean("cross_filesystems", faults);
    let mut sources = vec![("auto", None)];
    sources.extend(SourceKind::ALL.map(|kind| (kind.as_str(), Some(kind))));
    let watch = table.word("watch", &sources, faults);
    let poll_interval_ms = poll_interval(table, faults);
    let verify_ms = table.duration_ms("verify", faults);
    let max_deletions = max_deletions(table, faults);
    let kinds = [("metadata", Sidecars::Metadata), ("assets", Sidecars::Assets)];
    let sidecars = table.word("sidecars", &kinds, faults);
    let tenant = table.string("tenant", faults).and_then(|text| {
        let help = "such as tenant = \"acme\"; rules with the same `tenant` hear of this mount alone";
        or_noted(Tenant::parse(text.value), Code::BadName, &text, help, faults)
    });
    let (path, dir) = (path?, dir?);
    Some(MountOptions {
        path,
        dir,
        ignore,
        first_scan,
        cross_filesystems,
        watch,
        poll_interval_ms,
        verify_ms,
        max_deletions,
        sidecars,
        tenant,
    })
}

/// A number of deletions, or a share of the assets: `1000`, `"50%"`.
fn max_deletions(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<MaxDeletions> {
    const KEY: &str = "max_deletions";
    if !table.is_string(KEY) {
        return table.integer(KEY, 0..=u64::MAX, faults).map(MaxDeletions::Count);
    }
    let text = table.string(KEY, faults)?;
    let percent = text.value.trim().strip_suffix('%').and_then(|digits| digits.trim().parse::<u8>().ok());
    let parsed = match percent.filter(|percent| *percent <= 100) {
        Some(percent) => Ok(MaxDeletions::Percent(percent)),
        None => Err("`max_deletions` takes a number of deletions, or a share of the assets in percent"),
    };
    or_noted(parsed, Code::OutOfRange, &text, "such as max_deletions = \"50%\", or max_deletions = 1000", faults)
        .map(|written| written.value)
}

fn poll_interval(table: &Table<'_, '_>, faults: &mut Faults<'_>) -> Option<u64> {
    let ms = table.duration_ms("poll_interval", faults)?;
    if ms < POLL_INTERVAL_MIN_MS {
        let message = format!("`poll_interval` takes {POLL_INTERVAL_MIN_MS}ms or more");
        let help = "a scan of everything takes its time; such as poll_interval = \"10s\"";
        faults.error(Code::OutOfRange, table.key_span("poll_interval"), message, "").help(help);
        return None;
    }
    Some(ms)
}

fn ignore_pattern(pattern: &Text<'_>, faults: &mut Faults<'_>) {
    let why = match globset::GlobBuilder::new(pattern.value).literal_separator(true).backslash_escape(true).build() {
        _ if pattern.value.is_empty() => "it is empty".to_owned(),
        Err(error) => error.kind().to_string(),
        Ok(_) if pattern.value.contains('/') && !pattern.value.starts_with(['/', '*', '?', '[', '{', '\\']) => {
            "it has a slash, so it is tried on the whole logical path, which begins with /; it never matches".to_owned()
        }
        Ok(_) => return,
    };
    let message = format!("the pattern cannot be read as a glob: {why}");
    faults
        .error(Code::BadGlob, pattern.span.clone(), message, "this pattern")
        .help("such as \"*.part\"; one without `/` is tried on each name of the path, such as \"/acme/cache/**\" on the whole");
}

fn directory(text: &Text<'_>, faults: &mut Faults<'_>) -> Option<Written<String>> {
    disk_path(text, "directory", "write a directory, such as \"/srv/media/acme\"", faults)
}

fn file(text: &Text<'_>, faults: &mut Faults<'_>) -> Option<Written<String>> {
    disk_path(text, "file", "write a file, such as \"/etc/ringback/ca.pem\"", faults)
}

fn disk_path(text: &Text<'_>, what: &str, help: &str, faults: &mut Faults<'_>) -> Option<Written<String>> {
    let why = match text.value {
        "" => format!("the {what} is empty"),
        path if path.contains('\0') => format!("the {what} has a NUL character"),
        path => return Some(Written { value: path.to_owned(), span: text.span.clone() }),
    };
    faults.error(Code::BadPath, text.span.clone(), why, "").help(help);
    None
}

fn address(text: &Text<'_>, faults: &mut Faults<'_>) -> Option<Written<std::net::SocketAddr>> {
    let parsed = text.value.parse().map_err(|_| "`listen` takes an IP address and a port");
    or_noted(parsed, Code::BadAddress, text, "such as \"127.0.0.1:8873\", or \"[::]:8873\" for all interfaces", faults)
}

fn timeout(table: &Table<'_, '_>, key: &str, faults: &mut Faults<'_>) -> Option<u64> {
    let ms = table.duration_ms(key, faults)?;
    if ms == 0 {
        let message = format!("`{key}` takes 1ms to {}d", DURATION_MAX_MS / 86_400_000);
        faults.error(Code::OutOfRange, table.key_span(key), message, "").help("no attempt can end in no time");
    }
    (ms > 0).then_some(ms)
}

fn or_noted<T, E: ToString>(
    result: Result<T, E>,
    code: Code,
    text: &Text<'_>,
    help: &str,
    faults: &mut Faults<'_>,
) -> Option<Written<T>> {
    match result {
        Ok(value) => Some(Written { value, span: text.span.clone() }),
        Err(error) => {
            faults.error(code, text.span.clone(), error.to_string(), "").help(help);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AMOUNT_MAX, AMOUNT_MIN, read};
    use crate::diagnostic::{Code, SourceFile};

    #[test]
    fn amounts_are_taken_within_their_limits() {
        for (amount, is_taken) in
            [(AMOUNT_MIN - 1, false), (AMOUNT_MIN, true), (AMOUNT_MAX, true), (AMOUNT_MAX + 1, false)]
        {
            let text =
                format!("[delivery]\nowed = {amount}\n[retention]\njournal_rows = {amount}\ndead_rows = {amount}");
            let (options, diagnostics) = read(&SourceFile { name: "a.toml".into(), text: text.into_bytes().into() });
            let taken = is_taken.then_some(amount);
            assert_eq!([options.owed, options.journal_rows, options.dead_rows], [taken; 3], "{amount}");
            let codes: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
            assert_eq!(codes, vec![Code::OutOfRange; if is_taken { 0 } else { 3 }], "{amount}");
        }
    }
}
