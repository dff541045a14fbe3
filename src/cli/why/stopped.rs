//! The answer while no daemon runs: what its ledger says, and what is on the disk where the configuration says where
//! that is. The ledger is only read, and its lock is not taken, so a daemon may start meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::api::shown_why;
use crate::cli::UsageError;
use crate::cli::client::NoAnswer;
use crate::cli::configuration::{self, Configuration};
use crate::cli::reach::ReachArgs;
use crate::config::settings::{Overrides, Resolved};
use crate::daemon::clock::wall;
use crate::daemon::verdicts::verdicts;
use crate::diagnostic::SourceFile;
use crate::look::real::RealDisk;
use crate::look::survey;
use crate::model::by_number::ByNumber;
use crate::model::ids::SubscriptionId;
use crate::model::listing::{Registry, Subscriptions};
use crate::model::metadata::{Metadata, merged};
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::scope::Scope;
use crate::model::subscription::Subscription;
use crate::model::why::{Engine, Evidence, Known, PathSeen, Sent, There, Verdicts, judge};
use crate::rules::{self, Rule, registration};
use crate::store::Reader;
use crate::watch::mounts::Mounts;

/// How long the disk may take to answer.
const LOOK_MAX: Duration = Duration::from_secs(3);

/// What the ledger of a stopped daemon says; `None` where there is no ledger.
pub(super) fn why(args: &ReachArgs, path: &[u8], no_answer: &NoAnswer) -> anyhow::Result<Option<Value>> {
    let silent = match no_answer {
        NoAnswer::Unreachable(_) => "ringback is not running: this is what its ledger says",
        NoAnswer::Late(_) => "ringback does not answer: this is what its ledger says",
    };
    let Some(state) = args.state_dir()?.filter(|state| state.join("ledger.db").exists()) else { return Ok(None) };
    let given = LogicalPath::parse(path).map_err(|error| UsageError(error.to_string()))?;
    let reader = Reader::open(&state).with_context(|| format!("the ledger in {} cannot be read", state.display()))?;
    let configured = args.config.as_deref().map(configured).transpose()?;
    let mounts = match configured {
        Some(mounts) => mounts,
        None => reader.mounts()?.into_iter().map(|path| Mount::new(path, PathBuf::new())).collect(),
    };
    let store = Store { mounts, state, has_dirs: args.config.is_some() };
    let path = store.meant(given, &reader)?;
    let mount = store.mount_of(&path);
    let registry = Registry { now: Some(wall()), ..Registry::default() };
    let mut known = Known::default();
    if let Some(mount) = mount {
        known = reader.known(&mount.path, &path)?;
    }
    let (rules, registry) = match mount.zip(known.changes.first()) {
        Some((mount, _)) => by_rules(&reader, mount, &known, registry)?,
        None => (Verdicts::default(), registry),
    };
    let changes: BTreeSet<_> = known.changes.iter().map(|change| change.seq).collect();
    let ids: Vec<_> = rules.shown.iter().filter_map(|rule| rule.id).collect();
    let sent = if mount.is_some() { reader.sent(&changes, &ids, &Scope::All, &registry)? } else { Sent::default() };
    let evidence = Evidence {
        dir: store.on_disk(&path),
        mount,
        mounts: store.mounts.iter().collect(),
        seen: store.look(&path)?,
        engine: Engine::Silent(silent.to_owned()),
        known,
        rules,
        sent,
        registry: &registry,
        node: reader.node(),
        now: registry.now.unwrap_or_else(wall),
        path,
    };
    Ok(Some(shown_why(&judge(evidence), reader.node(), &registry)))
}

/// The mounts of a configuration.
fn configured(config: &Path) -> anyhow::Result<Vec<Mount>> {
    let Configuration { resolved, .. } = configuration::read(Some(config), Overrides::default())?;
    let Resolved { settings, .. } =
        resolved.map_err(|_| UsageError(format!("{} has faults: see ringback check", config.display())))?;
    Ok(configuration::at_real_dirs(&settings.mounts))
}

/// Registrations that are read at once.
const PAGE: usize = 1_000;

/// The rules that programs have registered. One that cannot be read any more is left out, as the daemon leaves it out.
fn registered(reader: &Reader) -> anyhow::Result<ByNumber<Rule>> {
    let (mut rules, mut after) = (ByNumber::default(), Some(SubscriptionId(0)));
    while let Some(from) = after {
        let (page, next) = reader.all_registrations(from, PAGE)?;
        for kept in page {
            if let Ok(rule) = registration::read(&kept.registration) {
                rules.insert(kept.id.0.cast_unsigned(), rule);
            }
        }
        after = next;
    }
    Ok(rules)
}

/// What the rules of the last good set, and those that are registered, say of the newest change, and their
/// subscriptions.
fn by_rules(reader: &Reader, mount: &Mount, known: &Known, registry: Registry) -> anyhow::Result<(Verdicts, Registry)> {
    let files = reader.last_good_rules()?.into_iter().map(|(name, text)| SourceFile { name, text: text.into() });
    let set = rules::load(&files.collect::<Vec<_>>()).set.unwrap_or_default();
    let state = known.asset.as_ref().map_or_else(Metadata::new, |asset| merged(&asset.sources));
    let Some(newest) = known.changes.first() else { return Ok((Verdicts::default(), registry)) };
    let named = |place: usize| {
        let subscription = &set.rules()[place].subscription;
        reader.subscription_named(None, subscription.name.as_str()).ok().flatten()
    };
    let registered = registered(reader)?;
    let numbered = || registered.iter().map(|(number, rule)| (SubscriptionId(number.cast_signed()), rule));
    let verdicts = verdicts(&set, named, numbered(), mount, newest, &state, &Scope::All);
    let mut subscriptions: BTreeMap<SubscriptionId, Arc<Subscription>> = BTreeMap::new();
    for rule in set.rules() {
        let shown = verdicts.shown.iter().find(|shown| shown.subscription == rule.subscription.name.as_str());
        if let Some(id) = shown.and_then(|shown| shown.id) {
            // Its secret is not read here, and that is no reason why nothing was sent.
            let subscription = Subscription { secret: None, ..(*rule.subscription).clone() };
            subscriptions.insert(id, Arc::new(subscription));
        }
    }
    let mut shown = ByNumber::default();
    for (id, rule) in numbered() {
        if verdicts.shown.iter().any(|shown| shown.id == Some(id)) {
            shown.insert(id.0.cast_unsigned(), Arc::clone(&rule.subscription));
        }
    }
    let subscriptions = Subscriptions { of_files: Arc::new(subscriptions), registered: shown };
    Ok((verdicts, Registry { subscriptions, ..registry }))
}

/// The mounts, as far as they are known.
struct Store {
    mounts: Vec<Mount>,
    state: PathBuf,
    /// The configuration says where they are on disk.
    has_dirs: bool,
}

impl Store {
    fn mount_of(&self, path: &LogicalPath) -> Option<&Mount> {
        self.mounts.iter().find(|mount| path.is_at_or_below(&mount.path))
    }

    fn on_disk(&self, path: &LogicalPath) -> Option<PathBuf> {
        let mount = self.mount_of(path).filter(|_| self.has_dirs)?;
        let relative = path.relative_to(&mount.path).unwrap_or_default();
        Some(if relative.is_empty() { mount.dir.clone() } else { mount.dir.join(OsStr::from_bytes(relative)) })
    }

    /// As `GET /v1/why` takes a path: a path on disk is translated; one that could be both is a logical path where
    /// something is there, or is known.
    fn meant(&self, given: LogicalPath, reader: &Reader) -> anyhow::Result<LogicalPath> {
        let on_disk = Path::new(OsStr::from_bytes(given.as_bytes()));
        let located = self.mounts.iter().filter(|_| self.has_dirs).find_map(|mount| mount.located(on_disk));
        let Some(located) = located else { return Ok(given) };
        let Some(mount) = self.mount_of(&given) else { return Ok(located) };
        if self.look(&given)?.there.is_something() {
            return Ok(given);
        }
        Ok(if reader.known(&mount.path, &given)?.is_something() { given } else { located })
    }

    fn look(&self, path: &LogicalPath) -> anyhow::Result<PathSeen> {
        if !self.has_dirs {
            let why = "the ledger does not say where its mounts are on disk: say --config".to_owned();
            return Ok(PathSeen { ignored: None, there: There::NotLooked(why) });
        }
        let state = configuration::real_dir(&self.state);
        let mounts = Mounts::new(self.mounts.clone(), Some(&state))?;
        let (sender, seen) = mpsc::channel();
        let path = path.clone();
        // A filesystem that hangs keeps the thread, which ends with the command.
        std::thread::spawn(move || sender.send(survey(&RealDisk::new(), &mounts, &path)));
        Ok(seen.recv_timeout(LOOK_MAX).unwrap_or_else(|_| PathSeen {
            ignored: None,
            there: There::NotLooked("the filesystem does not answer".to_owned()),
        }))
    }
}
