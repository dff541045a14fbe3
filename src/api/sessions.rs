//! The sessions that callers may show the tokens of, as the ledger has them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::SystemTime;

use crate::model::session::Session;
use crate::model::time::Wall;

/// All that have begun and not ended. A token is looked up by its hash, which tells nothing of other tokens.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_token: HashMap<[u8; 32], Session>,
    /// Those of each principal, in the order of their beginnings.
    of_principal: BTreeMap<String, VecDeque<[u8; 32]>>,
}

impl Sessions {
    pub(super) fn insert(&mut self, session: Session) {
        let tokens = self.of_principal.entry(session.principal.clone()).or_default();
        let now = now();
        // What has ended makes room first.
        tokens.retain(|token| {
            let lasts = self.by_token.get(token).is_some_and(|session| session.expires > now);
            if !lasts {
                self.by_token.remove(token);
            }
            lasts
        });
        while tokens.len() >= Session::MAX {
            if let Some(oldest) = tokens.pop_front() {
                self.by_token.remove(&oldest);
            }
        }
        tokens.push_back(session.token_sha256);
        self.by_token.insert(session.token_sha256, session);
    }

    /// The session that a token is of, while it lasts.
    pub(super) fn get(&self, token_sha256: &[u8; 32]) -> Option<Session> {
        self.by_token.get(token_sha256).filter(|session| session.expires > now()).cloned()
    }
}

/// The time by which sessions end.
pub(super) fn now() -> Wall {
    Wall::of(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::{Session, Sessions, now};
    use crate::model::time::Wall;

    fn session(number: u8, ends_in_ms: i64) -> Session {
        let (token_sha256, principal, expires) = ([number; 32], "jo".to_owned(), Wall(now().0 + ends_in_ms));
        Session { token_sha256, principal, credential_sha256: [0; 32], expires }
    }

    #[test]
    fn a_session_is_known_until_it_ends_and_the_oldest_makes_room() {
        let mut sessions = Sessions::default();
        sessions.insert(session(200, -1));
        assert_eq!(sessions.get(&[200; 32]), None);
        let last = u8::try_from(Session::MAX).expect("a small limit");
        for number in 0..=last {
            sessions.insert(session(number, 60_000));
        }
        assert_eq!(sessions.get(&[0; 32]), None);
        assert!(sessions.get(&[1; 32]).is_some());
        assert!(sessions.get(&[last; 32]).is_some());
        assert_eq!(sessions.by_token.len(), Session::MAX);
    }
}
