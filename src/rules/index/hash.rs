//! The hash of the index: fast, and seeded at random, since rules may come from strangers who would like theirs to
//! collide.
//!
//! Nothing is believed because of a hash: whoever finds something by one compares the strings. So a hash may be as weak
//! as it likes, and tests take one of four bits.

/// How things are hashed: a seed and, in tests, fewer bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hashing {
    seed: u64,
    mask: u64,
}

/// Odd constants with about as many ones as zeros: the fractional digits of pi, as wyhash takes them.
const A: u64 = 0x243F_6A88_85A3_08D3;
const B: u64 = 0x1319_8A2E_0370_7345;
const C: u64 = 0xA409_3822_299F_31D1;

impl Hashing {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, mask: u64::MAX }
    }

    /// A hash of so few bits that almost everything collides.
    #[cfg(test)]
    pub(super) fn weak(seed: u64, bits: u32) -> Self {
        // The high bits, which shards and filters take, are as weak as the low ones.
        let ones = (1 << bits) - 1;
        Self { seed, mask: ones << 60 | ones << 32 | ones }
    }

    /// Of a text, by itself or behind another hash.
    #[inline]
    pub(super) fn text(&self, behind: u64, text: &[u8]) -> u64 {
        let mut hash = self.seed ^ behind;
        let mut rest = text;
        while let Some((head, tail)) = rest.split_first_chunk::<16>() {
            let (low, high) = head.split_at(8);
            hash = fold(word(low) ^ A ^ hash, word(high) ^ B);
            rest = tail;
        }
        let (low, high) = if rest.len() >= 8 {
            (word(&rest[..8]), word(&rest[rest.len() - 8..]))
        } else if rest.len() >= 4 {
            (small(&rest[..4]), small(&rest[rest.len() - 4..]))
        } else if let [first, .., last] = rest {
            (u64::from(*first) << 8 | u64::from(rest[rest.len() / 2]), u64::from(*last))
        } else {
            (rest.first().map_or(0, |&byte| u64::from(byte)), 0)
        };
        fold(fold(low ^ A ^ hash, high ^ B) ^ text.len() as u64, C) & self.mask
    }

    /// Of a hash, or a number, behind another.
    #[inline]
    pub(super) fn pair(&self, behind: u64, number: u64) -> u64 {
        fold(behind ^ self.seed ^ A, number ^ B) & self.mask
    }
}

/// Both halves of the product, together: each bit of the result hangs on all bits of both.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[inline]
fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap_or_default())
}

#[inline]
fn small(bytes: &[u8]) -> u64 {
    u64::from(u32::from_le_bytes(bytes.try_into().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Hashing;

    #[test]
    fn texts_that_differ_hash_apart_and_seeds_matter() {
        let hashing = Hashing::new(7);
        let mut texts: Vec<String> = (0..40).map(|n| "x".repeat(n)).collect();
        texts.extend((0..20_000).map(|n| format!("K{n:03}")));
        texts.extend((0..20_000).map(|n| format!("/mnt/store/with/a/long/name/{n}")));
        let hashes: HashSet<_> = texts.iter().map(|text| hashing.text(0, text.as_bytes())).collect();
        assert_eq!(hashes.len(), texts.len());
        // The bits that shards, slots and filters take are spread, too.
        for shift in [0, 20, 40, 56] {
            let parts: HashSet<_> = hashes.iter().map(|hash| hash >> shift & 0xFF).collect();
            assert_eq!(parts.len(), 256, "the bits from {shift} on");
        }
        assert_ne!(hashing.text(0, b"a"), Hashing::new(8).text(0, b"a"));
        assert_ne!(hashing.pair(1, 2), hashing.pair(2, 1));
        let weak: HashSet<_> = texts.iter().map(|text| Hashing::weak(7, 4).text(0, text.as_bytes())).collect();
        assert!(weak.len() <= 1 << 12);
    }
}
