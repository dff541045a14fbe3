//! The ids that ringback gives to registrations: random, so that nobody guesses another's.

use axum::http::StatusCode;

use super::super::error::ApiError;
use crate::model::uuid;

/// 32 hexadecimal digits, of 128 random bits.
pub(super) fn digits() -> Result<String, ApiError> {
    Ok(random()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A UUID of version 4.
pub(super) fn uuid() -> Result<String, ApiError> {
    random().map(uuid::of_random)
}

fn random() -> Result<[u8; 16], ApiError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes for an id");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "ringback has met a fault of its own; its log says which")
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{digits, uuid};

    #[test]
    fn a_uuid_is_of_version_4_and_no_two_are_the_same() {
        let (one, other) = (uuid().expect("a UUID"), uuid().expect("a UUID"));
        assert!(crate::model::uuid::is_one(&one), "{one}");
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]), "{one}");
        assert_ne!(one, other);
        assert_eq!(digits().expect("digits").len(), 32);
    }
}
