//! Times and counts in the sentences of an answer.

use super::super::time::Wall;

/// A time, and how long ago it was, or how long it is until then.
pub(super) fn at(now: Wall, time: Wall) -> String {
    match now.0.saturating_sub(time.0) {
        past @ 0.. => format!("{time} ({} ago)", span(past)),
        ahead => format!("{time} (in {})", span(ahead.saturating_neg())),
    }
}

/// A length of time in the largest unit of which it has two, rounded down; below a second in milliseconds.
fn span(ms: i64) -> String {
    let units = [("d", 86_400_000, 2), ("h", 3_600_000, 2), ("min", 60_000, 2), ("s", 1_000, 1)];
    let unit = units.into_iter().find(|(_, length, least)| ms >= least * length);
    unit.map_or_else(|| format!("{ms} ms"), |(name, length, _)| format!("{} {name}", ms / length))
}

/// A number of things, in words.
pub(super) fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::{Wall, at};

    #[test]
    fn a_time_is_shown_with_its_distance_from_now() {
        let now = Wall(1_000_000_000);
        for (ms, shown) in [
            (0, "0 ms ago"),
            (999, "999 ms ago"),
            (1_000, "1 s ago"),
            (119_999, "119 s ago"),
            (120_000, "2 min ago"),
            (3 * 3_600_000, "3 h ago"),
            (400_000_000, "4 d ago"),
            (-30_000, "in 30 s"),
        ] {
            let text = at(now, Wall(now.0 - ms));
            assert!(text.ends_with(&format!("({shown})")), "{ms}: {text}");
        }
    }
}
