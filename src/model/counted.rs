//! Numbers of things, for people: `1 entry`, `2 entries`.

/// A number of things in words. The noun is given for one of them.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {stem}ies"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_and_several() {
        let cases = [
            (0, "file", "0 files"),
            (1, "file", "1 file"),
            (1, "delivery", "1 delivery"),
            (2, "delivery", "2 deliveries"),
            (2, "key", "2 keys"),
        ];
        for (count, noun, expect) in cases {
            assert_eq!(counted(count, noun), expect);
        }
    }
}
