//! What is known of one path in memory: whether its mount is there, and what the path waits for. Reads nothing else and
//! changes nothing.

use super::Intake;
use super::mounts::Presence;
use crate::model::path::LogicalPath;
use crate::model::time::{Mono, Now, Wall};
use crate::model::why::{Until, Wait, Watched};
use crate::store::IntakeTables;

impl Intake {
    /// What is known of a path; `None` where it lies in no mount.
    #[must_use]
    pub fn watched(&self, now: Now, path: &LogicalPath, ledger: IntakeTables<'_>) -> Option<Watched> {
        let mount = self.mounts.of(path)?;
        let state = self.mounts.state(mount);
        let wall = |mono: Mono| wall(now, mono);
        let offline = match &state.presence {
            Presence::Offline(why) => Some((why.clone(), state.offline_since.map_or(now.wall, wall))),
            Presence::Unknown | Presence::Online(..) => None,
        };
        let above = || {
            std::iter::successors(path.parent(), LogicalPath::parent).take_while(|it| it.is_at_or_below(&state.path))
        };
        let fault = self.mounts.fault(path).cloned().or_else(|| above().find_map(|it| self.mounts.fault(&it).cloned()));
        let unwatched = above().find_map(|it| Some((it.clone(), state.unwatched.get(&it)?.clone())));
        // Where the ledger cannot say, the path is taken as it is given.
        let known_as = self.known_as(path, ledger).ok().filter(|known| known != path);
        Some(Watched {
            known_as,
            is_unknown: state.presence == Presence::Unknown,
            offline,
            closed: state.inside.closed_above(path).map(|(place, is_known)| (place.clone(), is_known)),
            holds_deletions: state.row.holds_deletions,
            source: state.watching.as_ref().map(|watching| watching.source),
            scanning: self.mounts.scanning_since(mount).map(wall),
            unwatched,
            fault,
            waits: self.wait_of(now, path).or_else(|| {
                let since = self.mounts.scanning_since(mount).map_or(now.wall, wall);
                let will_be_listed = above().any(|it| self.scans.will_list(&it));
                will_be_listed.then_some(Wait { since, until: Until::Listing, due: None })
            }),
        })
    }

    fn wait_of(&self, now: Now, path: &LogicalPath) -> Option<Wait> {
        if let Some((is_under_way, cause)) = self.looks.cause_of(path) {
            let until = if is_under_way { Until::Look } else { Until::Turn };
            return Some(Wait { since: wall(now, cause.since), until, due: None });
        }
        let (until, cause, due) = self.settle.waiting(now.mono, path)?;
        Some(Wait { since: wall(now, cause.since), until, due: Some(wall(now, due)) })
    }
}

/// A point of the monotonic clock by the wall clock, as far as that did not jump in between.
fn wall(now: Now, mono: Mono) -> Wall {
    let ahead = i64::try_from(mono.since_ms(now.mono)).unwrap_or(i64::MAX);
    let behind = i64::try_from(now.mono.since_ms(mono)).unwrap_or(i64::MAX);
    Wall(now.wall.0.saturating_add(ahead).saturating_sub(behind))
}
