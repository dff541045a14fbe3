//! Attempts whose tasks fail, or do not end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use url::Url;

use super::{Attempts, SECOND_LOOK};
use crate::daemon::inbox::{Inbox, Waiting};
use crate::engine::Input;
use crate::model::attempt::{Attempted, Reply};
use crate::model::delivery::{Body, SendRequest};
use crate::model::ids::{DeliveryNo, NodeId};
use crate::model::part::{DeliveryId, DeliveryKey};
use crate::model::retry::Accepts;
use crate::model::subscription::{Method, Name, Subscription, Target};
use crate::model::time::Wall;

const SOON: Duration = Duration::from_secs(60);

fn request(number: i64, attempt: u32) -> SendRequest {
    let url = Url::parse("http://127.0.0.1:1/hook").expect("a URL");
    let target =
        Target { method: Method::Post, url: url.into(), headers: Box::default(), accepts: Accepts::AnySuccess };
    let key = DeliveryKey::whole(DeliveryNo(number));
    SendRequest {
        mark: None,
        subscription: Arc::new(Subscription::new(Name::parse("watch").expect("a name"), target)),
        id: DeliveryId { node: NodeId(1), key },
        attempt,
        at: Wall(0),
        body: Body::json(Bytes::new()),
    }
}

fn accepted(number: i64, attempt: u32) -> Attempted {
    let reply = Reply::status_alone(200);
    Attempted { key: DeliveryKey::whole(DeliveryNo(number)), attempt, duration_ms: 1, reply }
}

struct Rig {
    inbox: Arc<Inbox>,
    attempts: Attempts,
}

impl Rig {
    fn new(attempt_max: Duration) -> Self {
        let inbox = Arc::new(Inbox::default());
        Self { attempts: Attempts::new(Arc::clone(&inbox), attempt_max), inbox }
    }

    /// What has come, at least one: `NUMBER/ATTEMPT OUTCOME`.
    async fn outcomes(&self) -> Vec<String> {
        let inbox = Arc::clone(&self.inbox);
        let taken = tokio::task::spawn_blocking(move || inbox.take(Some(Instant::now() + SOON)));
        let shown = |input: Input| match input {
            Input::Attempted(Attempted { key, attempt, reply, .. }) => {
                let outcome = if reply.status() == Some(200) { "succeeded" } else { reply.failure() };
                format!("{}/{attempt} {outcome}: {}", key, reply.detail())
            }
            other => format!("{other:?}"),
        };
        let Waiting { inputs, failed, .. } = taken.await.expect("no panic");
        inputs.into_iter().chain(failed.into_iter().map(Input::Attempted)).map(shown).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_whose_task_panics_is_internal_and_the_next_goes_on() {
    let rig = Rig::new(SOON);
    rig.attempts.begin(request(1, 1), async { panic!("on purpose") });
    assert_eq!(rig.outcomes().await, ["1/1 internal: the task that made the attempt panicked; the log says where"]);
    assert_eq!(rig.attempts.len(), 0);
    rig.attempts.begin(request(1, 2), async { accepted(1, 2) });
    assert_eq!(rig.outcomes().await, ["1/2 succeeded: "]);
}

#[test]
fn an_attempt_whose_task_is_cancelled_is_internal_unless_the_daemon_ends() {
    for ends in [false, true] {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let rig = runtime.block_on(async { Rig::new(SOON) });
        rig.attempts.begin(request(1, 1), std::future::pending());
        let Rig { inbox, attempts } = rig;
        let kept = if ends {
            drop(attempts);
            None
        } else {
            Some(attempts)
        };
        runtime.shutdown_timeout(SOON);
        let came = inbox.take(Some(Instant::now())).failed.len();
        assert_eq!(came, usize::from(!ends));
        assert!(kept.is_none_or(|attempts| attempts.len() == 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_far_past_its_limits_is_shown_and_ended_and_what_it_says_later_is_not_taken() {
    let rig = Rig::new(Duration::ZERO);
    let (late, later) = std::sync::mpsc::channel::<()>();
    rig.attempts.begin(request(1, 1), async move {
        // Stuck where it cannot be aborted.
        later.recv().expect_err("nothing is sent");
        accepted(1, 1)
    });
    rig.attempts.begin(request(2, 1), std::future::pending());
    assert_eq!(rig.attempts.overdue(), 0);
    let due = rig.attempts.deadline().expect("attempts are under way");
    rig.attempts.end_overdue(due - Duration::from_secs(1));
    assert_eq!(rig.attempts.overdue(), 0);
    // Also what began a moment later is overdue then.
    let due = due + Duration::from_secs(1);
    rig.attempts.end_overdue(due);
    assert_eq!((rig.attempts.overdue(), rig.attempts.len()), (2, 2), "shown, and not ended yet");
    assert_eq!(rig.attempts.deadline(), Some(due + SECOND_LOOK));
    rig.attempts.end_overdue(due + SECOND_LOOK);
    assert_eq!((rig.attempts.overdue(), rig.attempts.len()), (0, 0));
    let outcomes = rig.outcomes().await;
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    for (number, outcome) in (1..).zip(&outcomes) {
        assert!(outcome.starts_with(&format!("{number}/1 internal: no outcome after 3")), "{outcome}");
    }
    // The stuck one says at last what came of it, while the next attempt is under way.
    rig.attempts.begin(request(1, 2), std::future::pending());
    drop(late);
    rig.attempts.begin(request(3, 1), async { accepted(3, 1) });
    assert_eq!(rig.outcomes().await, ["3/1 succeeded: "]);
    assert_eq!(rig.attempts.len(), 1);
}
