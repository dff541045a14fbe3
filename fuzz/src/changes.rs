//! Changes of an asset: a few that are always the same, and any that bytes make.

use ringback::model::change::{Action, Change};
use ringback::model::ids::{AssetId, Rrn, Seq};
use ringback::model::metadata::{KeyDelta, Metadata, nfc};
use ringback::model::path::LogicalPath;
use ringback::model::time::Wall;
use ringback::rules::Facts;
use ringback::rules::eval::Subject;

use crate::bytes::Bytes;
use crate::clauses::{key, value};

/// Names of which rules name most, one that is not UTF-8, and one that no rule can name.
const NAMES: [&[u8]; 12] = [
    b"a",
    b"b",
    b"ab",
    b"abc",
    b"a.b",
    b"f.mov",
    b"f.jpg",
    b".mov",
    b"a*",
    "\u{e9}".as_bytes(),
    "e\u{301}".as_bytes(),
    b"\xff.mov",
];
const OWNERS: [&str; 4] = ["x", "1000", "", "xy"];
/// Whose a rule, or the asset's mount, is.
pub const TENANTS: [Option<&str>; 3] = [None, Some("x"), Some("y")];
const NS_A_DAY: i64 = 86_400_000_000_000;

/// A change, the asset beside it, and what it lies in.
#[derive(Debug)]
pub struct Given {
    change: Change,
    state: Metadata,
    size: u64,
    mtime_ns: i64,
    mount: LogicalPath,
    tenant: Option<&'static str>,
}

impl Given {
    /// As rules see it.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        Subject::new(&self.change, &self.state, self.facts())
    }

    /// The facts that a change does not carry.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        Facts { size: self.size, mtime_ns: self.mtime_ns, mount: &self.mount, tenant: self.tenant }
    }

    /// The change alone.
    #[must_use]
    pub fn change(&self) -> &Change {
        &self.change
    }

    /// The metadata after it.
    #[must_use]
    pub fn state(&self) -> &Metadata {
        &self.state
    }

    /// The tenant of the mount.
    #[must_use]
    pub fn tenant(&self) -> Option<&'static str> {
        self.tenant
    }

    fn new(path: &[u8], action: Action, before: &Metadata, state: Metadata) -> Self {
        let keys: std::collections::BTreeSet<_> = before.keys().chain(state.keys()).cloned().collect();
        let values = |of: &Metadata, key: &str| of.get(key).cloned().unwrap_or_default();
        let delta = |key: String| KeyDelta { old: values(before, &key), new: values(&state, &key), key, source: None };
        let change = Change {
            seq: Seq(1),
            rrn: Rrn(1),
            time: Wall(20_000 * NS_A_DAY / 1_000_000),
            asset: AssetId(1),
            path: LogicalPath::parse(path).expect("names without anything special, after slashes"),
            owner: "x".into(),
            action,
            delta: keys.into_iter().map(delta).filter(|delta| delta.old != delta.new).collect(),
            size: None,
            mtime_ns: None,
            previous_path: None,
            moved: None,
        };
        Self { change, state, size: 0, mtime_ns: 0, mount: LogicalPath::root(), tenant: None }
    }
}

/// A few changes that meet much of what rules ask.
#[must_use]
pub fn usual() -> Vec<Given> {
    let metadata = |pairs: &[(&str, &[&str])]| -> Metadata {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        pairs.iter().map(|(key, values)| ((*key).to_owned(), owned(values))).collect()
    };
    let none = Metadata::new();
    let some = metadata(&[("K", &["1", "xabcy"]), ("Rating", &["5"]), ("City", &["SFO"])]);
    let other = metadata(&[("K", &["1"]), ("Date", &["2026-01-01"]), ("IPTC_City", &["SFO", "San Francisco"])]);
    let mut all = vec![
        Given::new(b"/a", Action::Added, &none, some.clone()),
        Given::new(b"/acme/dailies/day1/a.mov", Action::Modified, &none, none.clone()),
        Given::new(b"/acme/dailies/\xff\n.mov", Action::None, &some, other.clone()),
        Given::new(b"/", Action::None, &other, some.clone()),
        Given::new("/a/b/e\u{301}".as_bytes(), Action::None, &some, none.clone()),
        Given::new(b"/a/b", Action::Deleted, &none, none.clone()),
    ];
    all[1].tenant = TENANTS[1];
    all[2].tenant = TENANTS[2];
    all[2].mtime_ns = i64::MAX;
    all[3].mtime_ns = i64::MIN;
    all[3].size = u64::MAX;
    all
}

/// A change by choices.
pub fn any(bytes: &mut Bytes<'_>) -> Given {
    let mut path = Vec::new();
    for _ in 0..=bytes.below(4) {
        path.push(b'/');
        path.extend_from_slice(bytes.one(&NAMES));
    }
    let action = bytes.one(&Action::ALL);
    let before = if bytes.once_in(2) { metadata(bytes) } else { Metadata::new() };
    let mut after = metadata(bytes);
    if bytes.once_in(2) {
        after.extend(before.clone());
    }
    let mut given = Given::new(&path, action, &before, after);
    given.change.owner = bytes.one(&OWNERS).into();
    given.tenant = bytes.one(&TENANTS);
    given.size = bytes.one(&[0, 1, 1_000, 1_024, 2_000_000_000, u64::MAX]);
    given.mtime_ns = bytes.one(&[0, -1, 19_993 * NS_A_DAY, 20_000 * NS_A_DAY, 20_500 * NS_A_DAY, i64::MIN, i64::MAX]);
    given.mount = LogicalPath::parse(bytes.one(&[&b"/"[..], b"/a", b"/a/b"])).expect("a path");
    given
}

/// Keys with their values, as metadata is kept: normalised.
fn metadata(bytes: &mut Bytes<'_>) -> Metadata {
    let mut all = Metadata::new();
    // Past 32 touched keys they are looked up in another way.
    let count = if bytes.once_in(16) { 40 } else { bytes.below(4) };
    for number in 0..count {
        let key = if number < 8 { nfc(key(bytes)) } else { format!("N{number}") };
        let values = (0..=bytes.below(3)).map(|_| nfc(&value(bytes))).collect();
        all.insert(key, values);
    }
    all
}
