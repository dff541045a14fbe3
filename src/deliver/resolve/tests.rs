//! The resolver against names that hang until the test lets them go.

use std::collections::HashMap;
use std::sync::Condvar;

use tokio::task::JoinSet;

use super::*;

/// What a name does when it is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Answers,
    Fails,
    Hangs,
    Panics,
}

/// A name service whose names do what a test says. One that is not named answers.
#[derive(Clone, Default)]
struct Simulated(Arc<(Mutex<Seen>, Condvar)>);

#[derive(Default)]
struct Seen {
    does: HashMap<String, Does>,
    /// How often each name was looked up.
    asked: HashMap<String, usize>,
    /// Look-ups under way, now and at most.
    running: usize,
    most: usize,
}

impl Simulated {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.0.lock().expect("unpoisoned")
    }

    fn set(&self, names: &[String], does: Does) {
        let mut seen = self.seen();
        seen.does.extend(names.iter().map(|name| (name.clone(), does)));
        drop(seen);
        self.0.1.notify_all();
    }

    fn asked(&self, name: &str) -> usize {
        self.seen().asked.get(name).copied().unwrap_or(0)
    }

    /// Waits until so many look-ups are under way.
    async fn running(&self, count: usize) {
        let this = self.clone();
        let wait = move || {
            let limit = Duration::from_secs(20);
            let (seen, timeout) =
                this.0.1.wait_timeout_while(this.seen(), limit, |seen| seen.running != count).expect("unpoisoned");
            assert!(!timeout.timed_out(), "{} look-ups are under way, not {count}", seen.running);
        };
        tokio::task::spawn_blocking(wait).await.expect("so many");
    }
}

impl NameService for Simulated {
    fn look_up(&self, name: &str) -> std::io::Result<Vec<SocketAddr>> {
        let mut seen = self.seen();
        *seen.asked.entry(name.to_owned()).or_default() += 1;
        seen.running += 1;
        seen.most = seen.most.max(seen.running);
        self.0.1.notify_all();
        let hangs = |seen: &mut Seen| seen.does.get(name) == Some(&Does::Hangs);
        let mut seen = self.0.1.wait_while(seen, hangs).expect("unpoisoned");
        seen.running -= 1;
        self.0.1.notify_all();
        match seen.does.get(name) {
            Some(Does::Fails) => Err(std::io::Error::other("no such name")),
            Some(Does::Panics) => {
                drop(seen);
                panic!("{name} panics, as the test wants")
            }
            _ => Ok(vec![SocketAddr::from(([192, 0, 2, 1], 0))]),
        }
    }
}

const EACH_TIME: Limits = Limits { name_remembered_ms: 0, name_slow_ms: 60_000, ..LIMITS };
const LIMITS: Limits = Limits {
    connect_ms: 0,
    name_remembered_ms: 3_600_000,
    name_slow_ms: 60_000,
    attempt_ms: 0,
    answer_ms: 0,
    answer_read_bytes: 0,
    answer_kept_bytes: 0,
    idle_ms: 0,
    idle_per_target: 0,
    idle_total: 0,
};

fn resolver(limits: &Limits) -> (Arc<Resolver>, Simulated) {
    let names = Simulated::default();
    (Arc::new(Resolver::new(Box::new(names.clone()), limits)), names)
}

fn numbered(what: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{what}-{n}.example")).collect()
}

/// Looks all of them up at once, in the background.
fn all_at_once(resolver: &Arc<Resolver>, names: &[String]) -> JoinSet<Answer> {
    let mut tasks = JoinSet::new();
    for name in names {
        let (resolver, name) = (Arc::clone(resolver), name.clone());
        tasks.spawn(async move { resolver.look_up(&name).await });
    }
    tasks
}

/// An answer that comes while others hang; they hang until the test ends, so waiting for them would be for ever.
async fn at_once(resolver: &Resolver, name: &str) -> Answer {
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, resolver.look_up(name)).await.unwrap_or_else(|_| panic!("{name} waits for the others"))
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_all_who_ask() {
    let (resolver, names) = resolver(&LIMITS);
    let name = ["a.example".to_owned()];
    names.set(&name, Does::Hangs);
    let asking = all_at_once(&resolver, &vec![name[0].clone(); 50]);
    names.running(1).await;
    // Whoever comes later joins, too.
    let mut later = all_at_once(&resolver, &name);
    assert!(later.try_join_next().is_none());
    names.set(&name, Does::Answers);
    let answers = [asking.join_all().await, later.join_all().await].concat();
    assert!(answers.len() == 51 && answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(names.asked("a.example"), 1);
}

#[tokio::test]
async fn answers_and_failures_are_remembered() {
    let (resolver, names) = resolver(&LIMITS);
    names.set(&["bad.example".to_owned()], Does::Fails);
    for _ in 0..3 {
        assert!(at_once(&resolver, "good.example").await.is_ok());
        assert_eq!(at_once(&resolver, "bad.example").await, Err("bad.example: no such name".into()));
    }
    assert_eq!((names.asked("good.example"), names.asked("bad.example")), (1, 1));
}

#[tokio::test]
async fn what_is_no_longer_remembered_is_looked_up_again() {
    let (resolver, names) = resolver(&EACH_TIME);
    for _ in 0..3 {
        assert!(at_once(&resolver, "good.example").await.is_ok());
    }
    assert_eq!(names.asked("good.example"), 3);
}

#[tokio::test]
async fn a_good_name_is_answered_while_two_hundred_hang() {
    let (resolver, names) = resolver(&EACH_TIME);
    assert!(at_once(&resolver, "good.example").await.is_ok());
    let hanging = numbered("hanging", 200);
    names.set(&hanging, Does::Hangs);
    let asking = all_at_once(&resolver, &hanging);
    names.running(24).await;
    for _ in 0..15 {
        assert!(at_once(&resolver, "good.example").await.is_ok());
    }
    names.set(&hanging, Does::Fails);
    assert!(asking.join_all().await.iter().all(Result::is_err));
    assert!(names.seen().most <= 32);
}

#[tokio::test]
async fn a_new_name_is_answered_while_two_hundred_hang_that_failed_before() {
    let (resolver, names) = resolver(&EACH_TIME);
    let hanging = numbered("hanging", 200);
    names.set(&hanging, Does::Fails);
    assert!(all_at_once(&resolver, &hanging).join_all().await.iter().all(Result::is_err));
    names.set(&hanging, Does::Hangs);
    let asking = all_at_once(&resolver, &hanging);
    names.running(16).await;
    for name in numbered("new", 15) {
        assert!(at_once(&resolver, &name).await.is_ok());
    }
    names.set(&hanging, Does::Answers);
    // Each gets its turn in the end, and by then is good again.
    assert!(asking.join_all().await.iter().all(Result::is_ok));
    assert_eq!(hanging.iter().map(|name| names.asked(name)).collect::<Vec<_>>(), [2; 200]);
}

#[tokio::test]
async fn a_new_name_among_new_ones_that_hang_gets_its_turn() {
    let (resolver, names) = resolver(&EACH_TIME);
    let hanging = numbered("hanging", 200);
    names.set(&hanging, Does::Hangs);
    let asking = all_at_once(&resolver, &hanging);
    names.running(24).await;
    let mut new = all_at_once(&resolver, &["new.example".to_owned()]);
    // One after the other is given up by the system, as it happens within seconds.
    names.set(&hanging, Does::Fails);
    assert!(new.join_next().await.expect("one").expect("it ends").is_ok());
    drop(asking);
}

#[tokio::test]
async fn a_look_up_that_panics_is_a_failure_and_keeps_no_place() {
    let (resolver, names) = resolver(&EACH_TIME);
    let panicking = numbered("panicking", 40);
    names.set(&panicking, Does::Panics);
    for answer in all_at_once(&resolver, &panicking).join_all().await {
        assert!(answer.as_ref().is_err_and(|why| why.ends_with(": the look-up panicked")), "{answer:?}");
    }
    assert!(at_once(&resolver, "good.example").await.is_ok());
}

#[tokio::test]
async fn a_slow_name_is_no_good_one() {
    let (resolver, names) = resolver(&Limits { name_slow_ms: 0, ..EACH_TIME });
    let slow = numbered("slow", 200);
    assert!(all_at_once(&resolver, &slow).join_all().await.iter().all(Result::is_ok));
    names.set(&slow, Does::Hangs);
    let asking = all_at_once(&resolver, &slow);
    names.running(16).await;
    assert!(at_once(&resolver, "new.example").await.is_ok());
    names.set(&slow, Does::Fails);
    drop(asking);
}

#[tokio::test]
async fn a_look_up_that_no_attempt_waits_for_is_not_begun() {
    let (resolver, names) = resolver(&EACH_TIME);
    let hanging = numbered("hanging", 24);
    names.set(&hanging, Does::Hangs);
    let asking = all_at_once(&resolver, &hanging);
    names.running(24).await;
    let given_up = numbered("given-up", 100);
    let mut waiting = all_at_once(&resolver, &given_up);
    while names_waiting(&resolver) < 100 {
        tokio::task::yield_now().await;
    }
    waiting.shutdown().await;
    let last = all_at_once(&resolver, &["last.example".to_owned(), given_up[0].clone()]);
    names.set(&hanging, Does::Fails);
    assert!(last.join_all().await.iter().all(Result::is_ok));
    drop(asking);
    let asked: usize = given_up.iter().map(|name| names.asked(name)).sum();
    assert_eq!(asked, 1, "only the one that was asked for again");
}

fn names_waiting(resolver: &Resolver) -> usize {
    resolver.shared.lock().known.values().filter(|name| matches!(name.state, State::Waiting(_))).count()
}

#[tokio::test]
async fn names_beyond_the_limit_are_forgotten_unless_they_are_being_looked_up() {
    let (resolver, names) = resolver(&LIMITS);
    let hanging = ["hanging.example".to_owned()];
    names.set(&hanging, Does::Hangs);
    let asking = all_at_once(&resolver, &hanging);
    names.running(1).await;
    let many = numbered("many", NAMES_MAX);
    for name in &many {
        assert!(resolver.look_up(name).await.is_ok());
    }
    assert!(resolver.shared.lock().known.len() <= NAMES_MAX);
    assert!(resolver.look_up(&many[0]).await.is_ok());
    assert_eq!(names.asked(&many[0]), 2, "it was forgotten");
    assert!(resolver.look_up(&many[NAMES_MAX - 1]).await.is_ok());
    assert_eq!(names.asked(&many[NAMES_MAX - 1]), 1, "it is remembered");
    names.set(&hanging, Does::Answers);
    assert!(asking.join_all().await.iter().all(Result::is_ok));
    assert_eq!(names.asked(&hanging[0]), 1);
}
