//! What a mistyped duration, number or date was most likely meant to be, so that help can be pasted. It guesses only
//! where one reading is left; whoever asks checks the guess as he checks what was written.

/// Words for units of time, in small letters, and their milliseconds.
const UNITS: [(&[&str], u64); 6] = [
    (&["ms", "msec", "msecs", "millisecond", "milliseconds"], 1),
    (&["s", "sec", "secs", "second", "seconds"], 1_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000),
    (&["d", "day", "days"], 86_400_000),
    (&["w", "week", "weeks"], 604_800_000),
];

/// A duration in ringback's form: `1h30m`, `90 minutes` and `1.5h` are all `90m`.
#[must_use]
pub fn duration(text: &str) -> Option<String> {
    let mut rest = text.trim();
    let mut ms = 0_u64;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(leading(rest, |c| c.is_ascii_digit() || c == '.'));
        let after = after.trim_start();
        let (unit, after) = after.split_at(leading(after, |c| c.is_ascii_alphabetic()));
        let (_, unit_ms) = UNITS.iter().find(|(words, _)| words.contains(&unit))?;
        ms = ms.checked_add(times(number, *unit_ms)?)?;
        rest = after.trim_start();
    }
    let (word, unit_ms) = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]
        .into_iter()
        .find(|(_, unit_ms)| ms > 0 && ms.is_multiple_of(*unit_ms))?;
    Some(format!("{}{word}", ms / unit_ms))
}

/// A decimal times a whole number, where the product is whole too.
fn times(number: &str, by: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let product = format!("{whole}{fraction}").parse::<u64>().ok()?.checked_mul(by)?;
    (product % scale == 0).then_some(product / scale)
}

/// A plain decimal or an ISO 8601 date: `4,5` is `4.5`, `22.11.2026` is `2026-11-22`.
#[must_use]
pub fn number_or_date(text: &str) -> Option<String> {
    let quotes = ['\'', '`', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{201e}'];
    let bare = text.trim().trim_matches(quotes).trim();
    if bare.len() < text.trim().len() {
        return Some(bare.to_owned());
    }
    number(bare).or_else(|| date(bare))
}

fn number(text: &str) -> Option<String> {
    let (sign, digits) = text.split_at(leading(text, |c| c == '-'));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let plain = if let Some((mantissa, exponent)) = digits.split_once(['e', 'E']) {
        let zeros: usize = exponent.trim_start_matches('+').parse().ok().filter(|zeros| *zeros <= 18)?;
        is_number(mantissa).then(|| format!("{mantissa}{}", "0".repeat(zeros)))
    } else if let Some(fraction) = digits.strip_prefix(['.', ',']) {
        is_number(fraction).then(|| format!("0.{fraction}"))
    } else if let Some(whole) = digits.strip_suffix(['.', ',']) {
        is_number(whole).then(|| whole.to_owned())
    } else {
        let groups: Vec<&str> = digits.split([',', '_', ' ', '\'']).collect();
        let in_threes = groups.len() > 1 && groups[1..].iter().all(|group| group.len() == 3 && is_number(group));
        match groups[..] {
            _ if in_threes && is_number(groups[0]) => Some(groups.concat()),
            [whole, fraction] if digits.contains(',') && is_number(whole) && is_number(fraction) => {
                Some(format!("{whole}.{fraction}"))
            }
            _ => None,
        }
    };
    plain.map(|plain| format!("{sign}{plain}"))
}

fn date(text: &str) -> Option<String> {
    let (day_text, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let parts: Vec<&str> = day_text.split(['.', '/', ':', '-']).collect();
    let [first, second, third] = parts[..] else { return None };
    if parts.iter().any(|part| part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let over_twelve = |part: &str| part.parse::<u32>().is_ok_and(|number| number > 12);
    let (year, month, day) = match (first.len(), third.len()) {
        (4, 1..=2) => (first, second, third),
        (1..=2, 4) if day_text.contains('.') || over_twelve(first) => (third, second, first),
        // 3/4/2026 is two days, by who reads it.
        (1..=2, 4) if over_twelve(second) => (third, first, second),
        _ => return None,
    };
    let time = if time.is_empty() { String::new() } else { format!("T{}", time.trim()) };
    Some(format!("{year}-{month:0>2}-{day:0>2}{time}"))
}

/// The action that other systems call so.
#[must_use]
pub fn action(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "created" | "create" | "add" | "new" | "uploaded" => Some("added"),
        "updated" | "update" | "changed" | "change" | "edited" => Some("modified"),
        "removed" | "remove" | "unlinked" => Some("deleted"),
        _ => None,
    }
}

/// How many bytes at the beginning are such characters.
fn leading(text: &str, like: impl Fn(char) -> bool) -> usize {
    text.find(|c| !like(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::{duration, number_or_date};

    #[test]
    fn durations_in_other_forms_are_understood() {
        for (text, expect) in [
            ("1h30m", Some("90m")),
            ("5 minutes", Some("5m")),
            ("1.5h", Some("90m")),
            ("1w", Some("7d")),
            ("0.5s", Some("500ms")),
            ("1M", None),
            ("60", None),
            ("", None),
            ("0.1ms", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(duration(text).as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn numbers_and_dates_in_other_forms_are_understood_where_one_reading_is_left() {
        for (text, expect) in [
            ("4,5", Some("4.5")),
            ("1,000", Some("1000")),
            ("1,000,000", Some("1000000")),
            ("1e3", Some("1000")),
            ("-.5", Some("-0.5")),
            ("5.", Some("5")),
            ("'4'", Some("4")),
            ("22.11.2026", Some("2026-11-22")),
            ("11/22/2026", Some("2026-11-22")),
            ("3/4/2026", None),
            ("2026/1/2", Some("2026-01-02")),
            ("2026:11:22 10:00:00", Some("2026-11-22T10:00:00")),
            ("four", None),
            ("5GB", None),
            ("10:30", None),
            ("", None),
        ] {
            assert_eq!(number_or_date(text).as_deref(), expect, "{text}");
        }
    }
}
