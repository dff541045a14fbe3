//! The look-ups of names: one at a time per name, bounded in all, remembered for a moment.
//!
//! The system's look-up blocks and cannot be cancelled, so each runs on a thread of the resolver's own, and not on
//! those that the rest of the daemon works with. An attempt waits for its answer no longer than it may take to connect;
//! the look-up goes on, and its answer is there for the next attempt. Which of the names that wait is looked up next is
//! for [`turns`] to say.

mod turns;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use self::turns::{Standing, Turns};
use super::limits::Limits;
use super::names::NameService;

/// Names that are known, at most; past it, what is not being looked up is forgotten. A forgotten name is new again,
/// and costs a look-up.
const NAMES_MAX: usize = 4_096;

/// The addresses of a name, their port 0; or why there is none.
pub(super) type Answer = Result<Arc<[SocketAddr]>, Arc<str>>;

/// Looks names up.
#[derive(Debug)]
pub(super) struct Resolver {
    shared: Arc<Shared>,
}

struct Shared {
    service: Box<dyn NameService>,
    remembered: Duration,
    slow: Duration,
    names: Mutex<Names>,
}

#[derive(Default)]
struct Names {
    known: HashMap<Arc<str>, Name>,
    turns: Turns,
}

/// What is known of a name.
struct Name {
    standing: Standing,
    state: State,
}

enum State {
    /// Its turn is to come. The attempts that need it wait at the other end.
    Waiting(watch::Sender<Option<Answer>>),
    /// A thread looks it up. The attempts that need it, if any still do, wait at the other end.
    Running(watch::Sender<Option<Answer>>),
    /// It was looked up, and is believed until then.
    Answered(Answer, Instant),
    /// Its turn came when no attempt needed it any more.
    Idle,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("remembered", &self.remembered).finish_non_exhaustive()
    }
}

impl Resolver {
    /// A resolver that asks `service`.
    pub(super) fn new(service: Box<dyn NameService>, limits: &Limits) -> Self {
        let ms = Duration::from_millis;
        let (remembered, slow) = (ms(limits.name_remembered_ms), ms(limits.name_slow_ms));
        Self { shared: Arc::new(Shared { service, remembered, slow, names: Mutex::default() }) }
    }

    /// The addresses of a name. Whoever stops waiting loses nothing: the answer is remembered when it comes.
    pub(super) async fn look_up(&self, name: &str) -> Answer {
        let mut coming = match self.shared.ask(name) {
            Ok(remembered) => return remembered,
            Err(coming) => coming,
        };
        let answer = coming.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        // A sender that has a receiver is kept until it has answered.
        answer.unwrap_or_else(|| Err("the look-up ended without an answer".into()))
    }
}

impl Shared {
    /// A remembered answer, or where the answer will come.
    fn ask(self: &Arc<Self>, name: &str) -> Result<Answer, watch::Receiver<Option<Answer>>> {
        let mut names = self.lock();
        match names.known.get(name).map(|known| &known.state) {
            Some(State::Answered(answer, until)) if Instant::now() < *until => return Ok(answer.clone()),
            Some(State::Waiting(answer) | State::Running(answer)) => return Err(answer.subscribe()),
            Some(State::Answered(..) | State::Idle) => {}
            None => names.make_room(),
        }
        let (sender, coming) = watch::channel(None);
        let name: Arc<str> = name.into();
        let known =
            names.known.entry(Arc::clone(&name)).or_insert(Name { standing: Standing::New, state: State::Idle });
        known.state = State::Waiting(sender);
        let standing = known.standing;
        names.turns.wait(name, standing);
        self.start(&mut names);
        Err(coming)
    }

    /// Starts what may be looked up now, each on a thread that goes on with what waits.
    fn start(self: &Arc<Self>, names: &mut Names) {
        while let Some((name, standing)) = names.next() {
            let (shared, first) = (Arc::clone(self), Arc::clone(&name));
            let thread = thread::Builder::new().name("look-up".to_owned());
            if let Err(error) = thread.spawn(move || shared.work(first, standing)) {
                let answer = Err(format!("no thread could be started to look {name} up: {error}").into());
                names.finish(&name, standing, answer, Standing::Suspect, Instant::now());
            }
        }
    }

    /// One thread: looks up one name after the other until none may be.
    fn work(&self, name: Arc<str>, standing: Standing) {
        let mut turn = Some((name, standing));
        while let Some((name, standing)) = turn {
            let began = Instant::now();
            // A panic would keep the place of this look-up for ever.
            let answer = match catch_unwind(AssertUnwindSafe(|| self.service.look_up(&name))) {
                Ok(Ok(found)) if found.is_empty() => Err(format!("{name} has no address").into()),
                Ok(Ok(found)) => Ok(found.into()),
                Ok(Err(error)) => Err(format!("{name}: {error}").into()),
                Err(_) => Err(format!("{name}: the look-up panicked").into()),
            };
            let now = Instant::now();
            let is_good = answer.is_ok() && now.duration_since(began) < self.slow;
            let next = if is_good { Standing::Good } else { Standing::Suspect };
            let mut names = self.lock();
            names.finish(&name, standing, answer, next, now + self.remembered);
            turn = names.next();
        }
    }

    /// A panic elsewhere leaves the names whole, so their lock is taken all the same.
    fn lock(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Names {
    /// The name whose turn it is, with the standing that it is looked up under. Those that no attempt needs any more
    /// are passed over.
    fn next(&mut self) -> Option<(Arc<str>, Standing)> {
        while let Some((name, standing)) = self.turns.take() {
            if self.known.get_mut(&name).is_some_and(Name::begin) {
                return Some((name, standing));
            }
            self.turns.end(standing);
        }
        None
    }

    /// Remembers an answer and hands it to all who wait for it.
    fn finish(&mut self, name: &Arc<str>, was: Standing, answer: Answer, standing: Standing, until: Instant) {
        self.turns.end(was);
        let new = Name { standing, state: State::Answered(answer.clone(), until) };
        if let Some(Name { state: State::Running(sender), .. }) = self.known.insert(Arc::clone(name), new) {
            sender.send_replace(Some(answer));
        }
    }

    /// Forgets what no attempt waits for and no thread looks up, where there are too many names.
    fn make_room(&mut self) {
        if self.known.len() < NAMES_MAX {
            return;
        }
        self.known.retain(|_, name| match &name.state {
            State::Waiting(answer) => answer.receiver_count() > 0,
            State::Running(_) => true,
            State::Answered(..) | State::Idle => false,
        });
        self.turns.retain(|name| self.known.contains_key(name));
    }
}

impl Name {
    /// Its turn has come: returns whether it is to be looked up.
    fn begin(&mut self) -> bool {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Waiting(answer) if answer.receiver_count() > 0 => {
                self.state = State::Running(answer);
                true
            }
            State::Waiting(_) => false,
            // It was forgotten while it waited, and asked for again: its other turn has come before.
            other => {
                self.state = other;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
