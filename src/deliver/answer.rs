//! Reading the body of an answer: for people only, so bounded in bytes and in time, and never a reason to fail.

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use super::limits::Limits;

/// The longest UTF-8 sequence, less one: what may follow the last kept byte and still belong to its character.
const SPARE: usize = 3;

/// What was read of an answer.
pub(super) struct Read {
    /// The beginning of the body, at most `answer_kept_bytes`; what is not UTF-8 shows as U+FFFD.
    pub(super) text: String,
    /// Whether the body was read to its end, so that the connection can carry another request.
    pub(super) whole: bool,
}

/// Reads until the body ends or breaks off, a limit is reached, or it is `until`.
pub(super) async fn read(mut body: Incoming, limits: &Limits, until: Instant) -> Read {
    let (mut kept, mut read) = (Vec::new(), 0);
    let whole = loop {
        if body.is_end_stream() {
            break true;
        }
        match timeout_at(until, body.frame()).await {
            Ok(None) => break true,
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                let wanted = limits.answer_kept_bytes + SPARE - kept.len();
                kept.extend_from_slice(&data[..data.len().min(wanted)]);
                read += data.len();
                if read >= limits.answer_read_bytes {
                    break body.is_end_stream();
                }
            }
            Ok(Some(Err(_))) | Err(_) => break false,
        }
    };
    Read { text: text(&kept, limits.answer_kept_bytes), whole }
}

/// At most `max_bytes` bytes of text, cut between characters.
fn text(kept: &[u8], max_bytes: usize) -> String {
    let mut text = String::from_utf8_lossy(kept).into_owned();
    text.truncate(text.floor_char_boundary(max_bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn text_is_cut_between_characters() {
        let cases: [(&[u8], &str); 4] = [
            (b"abcdef", "abcd"),
            ("abc\u{e9}f".as_bytes(), "abc"),
            (b"a\xff\xff\xff", "a\u{fffd}"),
            // The spare bytes end inside a character; that does not show.
            (b"abcd\xf0\x9f\x8e", "abcd"),
        ];
        for (kept, expect) in cases {
            assert_eq!(text(kept, 4), expect, "{kept:?}");
        }
    }
}
