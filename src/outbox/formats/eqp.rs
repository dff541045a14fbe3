//! The envelope of the `eqp` text: `callback_event` and `update_info`. Its times are `YYYY-MM-DD HH:MM:SS`, in UTC.

use super::envelope::Enveloped;
use super::json;
use crate::model::event::Origin;
use crate::model::time::Wall;

/// Writes an entry. Where a rule file's template has put the event's time into its payload, it stands there in this
/// text's form; what the asset store has reported stays to the letter.
pub(super) fn write(out: &mut Vec<u8>, it: &Enveloped<'_>) {
    out.extend_from_slice(br#"{"callback_event":"#);
    json::text(out, it.event());
    out.extend_from_slice(br#","update_info":"#);
    let payload = it.payload();
    match it.occurrence() {
        Some(event) if event.origin == Origin::Ringback => {
            let text = String::from_utf8_lossy(&payload);
            out.extend_from_slice(text.replace(&event.time.to_string(), &time(event.time)).as_bytes());
        }
        _ => out.extend_from_slice(&payload),
    }
    out.push(b'}');
}

/// A time as this text writes it: RFC 3339's, without its `T`, its fraction and its zone.
fn time(at: Wall) -> String {
    let text = at.to_string();
    text.split(['.', 'Z']).next().unwrap_or_default().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::time;
    use crate::model::time::Wall;

    #[test]
    fn a_time_is_written_to_the_second() {
        assert_eq!(time(Wall(1_661_455_221_999)), "2022-08-25 19:20:21");
        assert_eq!(time(Wall(0)), "1970-01-01 00:00:00");
    }
}
