//! The wiring: threads, channels, clocks, signals, reload. Nothing is decided here; what the engine wants done is
//! carried out, and what came of it is carried back.
//!
//! ```text
//! sources' threads -signals--+                     +--looks, listings--> 2 looking threads --results--+
//! API tasks --------calls----+--> inbox --> engine-+--attempts---------> delivering tasks --outcomes--+--> inbox
//! rules thread --rule sets---+     thread          +--answers----------> API tasks
//! keeper thread: syncs the ledger's log every 200 ms
//! ```
//!
//! Each arrow is bounded: signals collapse into scans, calls hold permits, results answer requests that were sent by
//! credit. So no two threads can wait for each other.

mod address_file;
mod attempts;
mod beat;
pub mod beginning;
mod carrier;
mod certificate;
pub(crate) mod clock;
mod engine_thread;
mod exiftool;
pub mod explaining;
#[cfg(test)]
mod hung_disk;
mod inbox;
mod keeper_thread;
pub mod log;
mod looker;
mod places;
mod registry;
mod reload;
mod rule_list;
mod rules_thread;
mod stop;
mod surveys;
pub(crate) mod verdicts;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::api::{self, ApiState, Principals, token};
use crate::config::ca_file::CaFileError;
use crate::config::exiftool::ExiftoolError;
use crate::config::settings::Settings;
use crate::config::tls_files::{self, TlsFilesError};
use crate::engine::{Engine, Tuning};
use crate::intake::Setup;
use crate::look::disk::Disk;
use crate::look::real::RealDisk;
use crate::model::ask::{Answer, Ask};
use crate::model::error_chain::ErrorChain;
use crate::model::mount::Mount;
use crate::model::principal::Principal;
use crate::model::status::Status;
use crate::outbox::formats::Payload;
use crate::rules::syntax::watch_path::path_alone;
use crate::store::{DiskFault, Ledger, OpenError, Reader, StateDirError, StoreError};
use crate::watch::WatchSource;
use crate::watch::mounts::{MountError, Mounts};
use crate::watch::sources::Sources;

use address_file::AddressFile;
use certificate::Certificate;
pub use clock::wall;
use engine_thread::{EngineThread, MeasuresSlot, StatusSlot};
use inbox::Inbox;
pub use places::PlaceError;
use registry::RegistrySlot;
use reload::Settable;
pub use rules_thread::RulesError;
use rules_thread::RulesThread;
use stop::Stop;

/// Calls of the API on their way to the engine; beyond, callers get 503.
const CALLS_MAX: usize = 64;
/// Calls that the engine has not answered; beyond, they wait in the queue before it, so that what callers send does not
/// fill the memory.
const CALLS_OPEN_MAX: usize = 256;

/// A mount that does not answer (a network server that is gone) delays the message that ringback is ready for this
/// long. A supervisor waits for that message, and most answers take milliseconds.
pub const SERVES_MAX: Duration = Duration::from_secs(3);
/// How often the mounts are asked for meanwhile.
const SERVES_STEP: Duration = Duration::from_millis(2);

/// How often it is asked whether the start scan is done: a scan takes seconds to hours.
const READY_STEP: Duration = Duration::from_millis(100);

/// A running daemon.
pub struct Daemon {
    address: SocketAddr,
    address_file: Arc<AddressFile>,
    admin_token: token::AdminToken,
    status: Arc<StatusSlot>,
    inbox: Arc<Inbox>,
    calls: mpsc::Sender<api::Call>,
    stop: Arc<Stop>,
    rules: Option<RulesThread>,
    settable: Settable,
    keeper: JoinHandle<()>,
    engine: JoinHandle<()>,
    engine_ended: oneshot::Receiver<()>,
    api: tokio::task::JoinHandle<std::io::Result<()>>,
    api_stop: oneshot::Sender<()>,
}

/// Why a daemon did not start. Each names the thing and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory.
    #[error(transparent)]
    State(#[from] OpenError),
    /// A mount's directory.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A mount's patterns.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The rule files, at the very first start.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The certificates that the configuration names.
    #[error(transparent)]
    CaFile(#[from] CaFileError),
    /// What the API is to speak TLS with.
    #[error(transparent)]
    TlsFiles(#[from] TlsFilesError),
    /// The file that says where the API is.
    #[error("where the API listens cannot be written down in {}", dir.display())]
    AddressFile {
        /// The state directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The `exiftool` that the configuration names.
    #[error(transparent)]
    Exiftool(#[from] ExiftoolError),
    /// The ledger.
    #[error(
        "the ledger cannot be read; if it is damaged, restore it from a backup, or move it away to start anew with a silent \
         first scan"
    )]
    Ledger(#[from] StoreError),
    /// The administrator's token.
    #[error("the administrator's token cannot be kept in {}", dir.display())]
    Token {
        /// The state directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address.
    #[error("cannot listen on {address}; choose another with --listen, or stop what listens there")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The operating system.
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
    /// The operating system.
    #[error("the system gave no random numbers")]
    Random(#[source] std::io::Error),
}

impl StartError {
    /// Whether another start, with everything as it is, fails in the same way: a supervisor need not try.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::State(OpenError::StateDir(error)) => !matches!(error, StateDirError::Unwritable { .. }),
            Self::State(OpenError::Ledger { .. }) | Self::Mount(_) => true,
            Self::CaFile(_) | Self::TlsFiles(_) | Self::Exiftool(_) => true,
            Self::Ledger(error) | Self::Rules(RulesError::Ledger(error)) => error.disk() == Some(DiskFault::Damaged),
            Self::State(_) | Self::Listen { .. } | Self::AddressFile { .. } => false,
            Self::Thread(_) | Self::Random(_) => false,
            Self::Place(error) => !matches!(error, PlaceError::Unreadable { .. }),
            Self::Rules(_) => true,
            Self::Token { source, .. } => source.kind() == std::io::ErrorKind::InvalidData,
        }
    }
}

impl Daemon {
    /// Starts everything. Returns once the API listens; the first scan goes on behind.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let as_resolved = settings.clone();
        let (client, attempt_max) = reload::client(&settings)?;
        let tls = settings.tls.as_ref().map(tls_files::read).transpose()?;
        let mounts = places::settle(settings.mounts)?;
        let mounts_shown: Arc<[Mount]> = mounts.clone().into();
        let (ledger, keeper) = Ledger::open(&settings.state, random()?)?;
        ledger.set_source_order(settings.metadata_order)?;
        let reader = Reader::open(&settings.state)?;
        let node = reader.node();
        let state_dir = places::canonical(&settings.state)?;
        let (principals, admin_token) = principals(settings.principals, &state_dir)?;
        let (principals, administrator) = (Arc::new(principals), local_administrator(&admin_token));
        let listen_error = |source| StartError::Listen { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let no_file = |source| StartError::AddressFile { dir: state_dir.clone(), source };
        let address_file = Arc::new(AddressFile::new(&state_dir, address));
        address_file.write(tls.as_ref()).map_err(no_file)?;
        let certificate = tls.map(|tls| Certificate::new(tls, Arc::clone(&address_file)));

        let clock = clock::SystemClock::start();
        let inbox = Arc::new(Inbox::default());
        let exiftool = exiftool::begin(settings.exiftool.as_ref(), &ledger, &inbox)?;
        let stop = Arc::new(Stop::default());
        let places = Arc::new(Mounts::new(mounts.clone(), Some(&state_dir))?);
        let source: Arc<dyn WatchSource> = Arc::new(sources(&places, &state_dir, &inbox));
        let Tuning { patience, retention, slots } = reload::tuning(&as_resolved);
        let setup = Setup { mounts: mounts.clone(), patience };
        ledger.sessions(clock.now().wall)?.into_iter().for_each(|session| principals.let_in(session));
        let mut engine = Engine::new(ledger, setup, retention, clock.now())?;
        engine.limit_attempts(slots);
        let rule_list = Arc::new(rule_list::RuleListSlot::default());
        let (first, rules) = rules_thread::first(settings.rules, mounts, &engine, Arc::clone(&rule_list))?;
        for input in first {
            inbox.input(input);
        }

        let disk = Arc::new(RealDisk::new().with_exiftool(exiftool.asked.clone()));
        let surveys = surveys::Surveys::new(Arc::clone(&disk) as Arc<dyn Disk>, Arc::clone(&places));
        let lookers = looker::Lookers::new(looker::Tools {
            disk,
            mounts: Arc::clone(&places),
            source,
            inbox: Arc::clone(&inbox),
        });
        lookers.start().map_err(StartError::Thread)?;
        let keeper = keeper_thread::start(keeper, Arc::clone(&stop), Arc::clone(&inbox)).map_err(StartError::Thread)?;
        let attempts = attempts::Attempts::new(Arc::clone(&inbox), attempt_max);
        let (client, age) = (Arc::new(carrier::ClientSlot::new(client)), attempts.age());
        let trying = Arc::clone(&client);
        let carrier = carrier::Carrier::new(lookers, Arc::clone(&client), attempts);
        let status = Arc::new(exiftool.show_in(StatusSlot::new(engine.status(clock.now()))));
        let measures = Arc::new(MeasuresSlot::default());
        let registry = Arc::new(RegistrySlot::default());
        let (ended, engine_ended) = oneshot::channel();
        let engine = EngineThread {
            engine,
            inbox: Arc::clone(&inbox),
            carrier,
            clock,
            status: Arc::clone(&status),
            measures: Arc::clone(&measures),
            registry: Arc::clone(&registry),
            state: state_dir,
            was_ill: false,
        };
        let engine = engine.start(ended).map_err(StartError::Thread)?;
        let rules = match rules {
            Some(files) => Some(RulesThread::start(files, Arc::clone(&inbox)).map_err(StartError::Thread)?),
            None => None,
        };

        let (calls, queue) = mpsc::channel(CALLS_MAX);
        tokio::spawn(forward_calls(queue, Arc::clone(&inbox)));
        let snapshot = Arc::clone(&status);
        let dialects = Arc::new(api::DialectSlot::default());
        dialects.set(settings.dialects);
        let (shown, events) = (Arc::clone(&registry), Arc::clone(&registry));
        let located = Arc::clone(&places);
        let to_disk = Arc::clone(&places);
        let explainer = explaining::Explainer { registry: Arc::clone(&registry), mounts: places };
        let state = ApiState {
            calls: calls.clone(),
            status: Arc::new(move || snapshot.get()),
            measures: Arc::new(move || measures.get()),
            reader: Arc::new(reader),
            registry: Arc::new(move || shown.get(wall())),
            mounts: mounts_shown,
            cover: Arc::new(cover),
            attempt: Arc::new(move |request| {
                let client = trying.get();
                Box::pin(async move { client.attempt(&request).await })
            }),
            locate: Arc::new(move |path| located.locate(path).map(|(_, path)| path)),
            on_disk: Arc::new(move |path| Some(to_disk.to_disk(to_disk.mount_of(path)?, path))),
            survey: Arc::new(move |path| surveys.begin(path)),
            verdicts: Arc::new(move |mount, change, state, scope| {
                let (rules, registered) = registry.all_rules();
                verdicts::of_change(&rules, &registered, mount, change, state, scope)
            }),
            explain: Arc::new(move |ask, known| explainer.explain(ask, known)),
            rules: Arc::new(move |asked| rule_list.page(asked)),
            dialects: Arc::clone(&dialects),
            knows_event: Arc::new(move |name| {
                name.is_known() || events.rules().set.events().iter().any(|event| event.name == *name)
            }),
            written: Arc::new(move |subscription, entry| {
                let mut payload = Payload::new(subscription, node, usize::MAX);
                // The first entry of a body always fits.
                let _ = payload.push(entry, None);
                payload.finish()
            }),
            principals: Arc::clone(&principals),
        };
        let tls = certificate.as_ref().map(Certificate::in_force);
        let settable = reload::Settable {
            settings: as_resolved.into(),
            certificate,
            administrator,
            principals,
            dialects,
            client,
            age,
            inbox: Arc::clone(&inbox),
            status: Arc::clone(&status),
        };
        let (api_stop, stopped) = oneshot::channel::<()>();
        // A dropped sender means stop as well.
        let api = tokio::spawn(api::serve(listener, tls, state, async move { drop(stopped.await) }));
        Ok(Self {
            address,
            address_file,
            admin_token,
            status,
            inbox,
            calls,
            stop,
            rules,
            settable,
            keeper,
            engine,
            engine_ended,
            api,
            api_stop,
        })
    }

    /// Where the API listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The administrator's token, which the state directory keeps.
    #[must_use]
    pub fn admin_token(&self) -> &token::AdminToken {
        &self.admin_token
    }

    /// What the daemon says of itself, not older than a second.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.get()
    }

    /// Waits until each mount's root has been looked at, so that each reachable mount is watched; no longer than
    /// [`SERVES_MAX`]. Returns the mounts that have not answered by then: their scans find what changes meanwhile.
    pub fn mounts_seen(&self) -> impl Future<Output = Vec<String>> + use<> {
        mounts_unseen_after(Arc::clone(&self.status), SERVES_MAX)
    }

    /// Waits until the start scan of each reachable mount is done, and says how things stand then.
    pub fn ready(&self) -> impl Future<Output = Status> + use<> {
        let status = Arc::clone(&self.status);
        async move {
            loop {
                let status = status.get();
                if status.ready {
                    return status;
                }
                tokio::time::sleep(READY_STEP).await;
            }
        }
    }

    /// Takes up settings that were read again, as far as they may change while ringback runs; of the others that differ
    /// the log says that they need a restart.
    pub fn take_settings(&self, settings: Settings) {
        self.settable.take(settings);
    }

    /// Says in the log and in the status that the configuration was read again and is faulty: the one before it stays
    /// in force.
    pub fn refuse_settings(&self, why: &str) {
        self.settable.refuse(why);
    }

    /// Asks the engine as the API does, for whoever has the daemon in a process of its own. `None`: it has ended.
    pub async fn ask(&self, ask: Ask) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        self.calls.send(api::Call { ask, reply }).await.ok()?;
        answer.await.ok()
    }

    /// Reads the rule files again now.
    pub fn reload(&self) {
        if let Some(rules) = &self.rules {
            rules.reload();
        }
    }

    /// Waits until the daemon ends by itself: something in it has failed.
    pub async fn failed(&mut self) {
        // Ended or dropped: either way the engine is gone.
        drop((&mut self.engine_ended).await);
    }

    /// Ends: no new attempts; those under way are waited for, at most 10 s.
    pub async fn stop(self) {
        drop(self.api_stop);
        self.inbox.close();
        let rest = move || {
            join(self.engine);
            self.stop.now();
            drop(self.rules);
            join(self.keeper);
        };
        let (rest, api) = tokio::join!(tokio::task::spawn_blocking(rest), self.api);
        if rest.is_err() {
            tracing::error!("a thread ended badly");
        }
        if let Ok(Err(error)) = api {
            tracing::error!(error = %ErrorChain(&error), "the API ended badly");
        }
        self.address_file.remove();
    }
}

/// Waits until each mount's root has been looked at, no longer than `max`; returns the mounts that have not answered.
async fn mounts_unseen_after(status: Arc<StatusSlot>, max: Duration) -> Vec<String> {
    let until = tokio::time::Instant::now() + max;
    while !status.are_mounts_seen() && tokio::time::Instant::now() < until {
        tokio::time::sleep(SERVES_STEP).await;
    }
    let unseen = status.get().mounts.into_iter().filter(|mount| !mount.is_root_seen());
    unseen.map(|mount| mount.path).collect()
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread ended badly");
    }
}

fn random() -> Result<u64, StartError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| StartError::Random(std::io::Error::other(error)))?;
    Ok(u64::from_le_bytes(bytes))
}

/// The configured principals, and the administrator whose token is kept in the state directory, whoever else there is.
fn principals(
    configured: Vec<Principal>,
    state_dir: &std::path::Path,
) -> Result<(Principals, token::AdminToken), StartError> {
    let admin =
        token::admin_token(state_dir).map_err(|source| StartError::Token { dir: state_dir.to_owned(), source })?;
    Ok((Principals::new(configured.into_iter().chain([local_administrator(&admin)]).collect()), admin))
}

fn local_administrator(admin: &token::AdminToken) -> Principal {
    Principal::local_administrator(admin.token.sha256())
}

fn sources(places: &Arc<Mounts>, state_dir: &std::path::Path, inbox: &Arc<Inbox>) -> Sources {
    let sink = {
        let (inbox, places) = (Arc::clone(inbox), Arc::clone(places));
        move |signals| inbox.signals(signals, |path| places.mount_of(path))
    };
    Sources::new(Arc::clone(places), state_dir, Arc::new(sink))
}

/// Hands calls to the engine, each with a permit that lives as long as the engine owes its answer.
async fn forward_calls(mut queue: mpsc::Receiver<api::Call>, inbox: Arc<Inbox>) {
    let permits = Arc::new(tokio::sync::Semaphore::new(CALLS_OPEN_MAX));
    while let Some(call) = queue.recv().await {
        // Never closed, so there is always a permit sooner or later.
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        inbox.call(inbox::OpenCall { call, permit });
    }
}

/// Which paths a caller asks for.
fn cover(path: &str) -> Result<api::Cover, String> {
    let cover = path_alone(path)?;
    Ok(Arc::new(move |path: &[u8]| cover.covers(path)))
}

#[cfg(test)]
mod tests;
