//! "Did you mean": the known word that is nearest to a mistyped one.

/// Bytes of the longest word that is compared: longer ones are not mistyped known ones, and comparing them costs time.
const WORD_MAX: usize = 48;

/// The known word that `word` was probably meant to be; `None` when none is near.
///
/// Letter case, `_` and `-` do not count; beyond that at most a third of the letters may be wrong, missing, too many,
/// or swapped with their neighbour.
#[must_use]
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = folded(word)?;
    known
        .iter()
        .filter_map(|candidate| Some((distance(&word, &folded(candidate)?), *candidate)))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()).div_ceil(3).min(4))
        .filter(|(distance, candidate)| *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> Option<Vec<char>> {
    let plain = word.chars().filter(|c| !matches!(c, '_' | '-'));
    (word.len() <= WORD_MAX).then(|| plain.flat_map(char::to_lowercase).collect())
}

/// Optimal string alignment distance: insertions, deletions, replacements, and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{WORD_MAX, nearest};

    #[test]
    fn a_typo_finds_its_word_and_another_word_finds_none() {
        let known = ["watchMetadata", "watchPath", "retry", "retryCount", "name"];
        for (word, expect) in [
            ("watchMetdata", Some("watchMetadata")),
            ("watch_path", Some("watchPath")),
            ("watchpaths", Some("watchPath")),
            ("rerty", Some("retry")),
            ("retries", Some("retry")),
            ("nmae", Some("name")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), expect, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(10_000_000), &known), None);
    }

    #[test]
    fn words_are_compared_up_to_the_longest() {
        let known = "w".repeat(WORD_MAX);
        let typo = |length: usize| format!("x{}", "w".repeat(length - 1));
        assert_eq!(nearest(&typo(WORD_MAX), &[&known]), Some(known.as_str()));
        assert_eq!(nearest(&typo(WORD_MAX + 1), &[&known]), None);
        let longer = format!("{known}w");
        assert_eq!(nearest(&typo(WORD_MAX), &[&longer]), None);
    }
}
