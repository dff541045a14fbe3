//! Signatures of deliveries: Standard Webhooks v1 and `X-Hub-Signature-256`. What is signed is what goes out: with GET,
//! which has no body, an empty one.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::model::secret::SigningSecret;

/// `webhook-signature`: for each key `v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`, separated by
/// spaces (Standard Webhooks, "Signature scheme" and "Multiple signatures").
pub(super) fn standard(secret: &SigningSecret, id: &str, timestamp: i64, body: &[u8]) -> String {
    let head = format!("{id}.{timestamp}.");
    let one = |key: &[u8]| format!("v1,{}", STANDARD.encode(hmac(key, &[head.as_bytes(), body])));
    secret.keys().map(one).collect::<Vec<_>>().join(" ")
}

/// `X-Hub-Signature-256`: `sha256=` and the hexadecimal HMAC-SHA256 of the body, keyed by the first secret's text as it
/// is written (WebSub, section 8).
pub(super) fn hub(secret: &SigningSecret, body: &[u8]) -> String {
    let mut out = String::from("sha256=");
    for byte in hmac(secret.first_text().as_bytes(), &[body]) {
        write!(out, "{byte:02x}").expect("writing to memory does not fail");
    }
    out
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::{hub, standard};
    use crate::model::secret::SigningSecret;

    /// The example of the Standard Webhooks reference libraries; the others were made with OpenSSL.
    #[test]
    fn signatures_are_those_that_receivers_expect() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let (id, timestamp, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        let signature = standard(&secret, id, timestamp, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let rotating = SigningSecret::parse("whsec_aGk= whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("two secrets");
        let both = standard(&rotating, id, timestamp, body);
        let (first, second) = both.split_once(' ').expect("two signatures");
        assert!(first.starts_with("v1,") && first != second);
        assert_eq!(second, signature);
    }

    #[test]
    fn the_hub_signature_is_keyed_by_the_first_secret_s_text() {
        let secret = SigningSecret::parse("whsec_aGk= whsec_eW8=").expect("two secrets");
        assert_eq!(hub(&secret, b"body"), "sha256=1c15416c0bebf8ec85e19d478c23be2128c5f47746ac649e8c57af2d7cc03176");
    }
}
