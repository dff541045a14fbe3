//! Runs of the journal's numbers as a column: the gaps between them, each a variable-length number of seven bits a
//! byte, the lowest first (LEB128). A run without gaps needs no column.

use super::Result;
use super::error::{Cause, Operation as _};
use crate::model::ids::Seq;

/// The column for numbers that rise; `None` when they are first, first + 1, ..., last.
pub(super) fn encode(seqs: &[Seq]) -> Option<Vec<u8>> {
    let (first, last) = (seqs.first()?, seqs.last()?);
    if last.0 - first.0 == seqs.len() as i64 - 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(seqs.len());
    for pair in seqs.windows(2) {
        put(&mut bytes, (pair[1].0 - pair[0].0).cast_unsigned());
    }
    Some(bytes)
}

/// The numbers of a run.
pub(super) fn decode(first: Seq, last: Seq, column: Option<&[u8]>) -> Result<Vec<Seq>> {
    let Some(mut bytes) = column else { return Ok((first.0..=last.0).map(Seq).collect()) };
    let mut seqs = vec![first];
    let mut at = first.0;
    while !bytes.is_empty() {
        let gap = take(&mut bytes).and_then(|gap| i64::try_from(gap).ok()).filter(|gap| *gap > 0);
        at = gap.and_then(|gap| at.checked_add(gap)).filter(|at| *at <= last.0).ok_or_else(damaged).to(READ)?;
        seqs.push(Seq(at));
    }
    if at == last.0 { Ok(seqs) } else { Err(damaged()).to(READ) }
}

const READ: &str = "read a run of the journal's numbers";

fn damaged() -> Cause {
    Cause::Damaged("the gaps between its numbers do not lead from the first to the last".to_owned())
}

/// The column for what each entry of a batch tells: how many changes, and the way to each from the one before it. They
/// rise within an entry, and not from entry to entry.
pub(super) fn encode_told(told: &[Vec<Seq>]) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::with_capacity(2 * told.len()), 0_i64);
    for seqs in told {
        put(&mut bytes, seqs.len() as u64);
        for Seq(seq) in seqs {
            let step = seq.wrapping_sub(at);
            // The sign goes into the lowest bit, so that short ways back are short, too.
            put(&mut bytes, ((step << 1) ^ (step >> 63)).cast_unsigned());
            at = *seq;
        }
    }
    bytes
}

/// What each entry of a batch tells.
pub(super) fn decode_told(mut bytes: &[u8]) -> Result<Vec<Vec<Seq>>> {
    let damaged = || Cause::Damaged("what a batch tells ends too early".to_owned());
    let (mut told, mut at) = (Vec::new(), 0_i64);
    while !bytes.is_empty() {
        let count = take(&mut bytes).ok_or_else(damaged).to(READ)?;
        let mut seqs = Vec::new();
        for _ in 0..count {
            let step = take(&mut bytes).ok_or_else(damaged).to(READ)?;
            at = at.wrapping_add((step >> 1).cast_signed() ^ -(step & 1).cast_signed());
            seqs.push(Seq(at));
        }
        told.push(seqs);
    }
    Ok(told)
}

pub(super) fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_told, encode, encode_told};
    use crate::model::ids::Seq;

    #[test]
    fn a_run_is_read_as_it_was_written_in_a_byte_or_two_a_number() {
        for numbers in [vec![7], vec![7, 8, 9], vec![1, 3, 4, 1_000, 1_000_000, i64::MAX - 1], vec![1, i64::MAX]] {
            let seqs: Vec<_> = numbers.iter().copied().map(Seq).collect();
            let column = encode(&seqs);
            let (first, last) = (seqs[0], seqs[seqs.len() - 1]);
            assert_eq!(decode(first, last, column.as_deref()).expect("a run"), seqs);
        }
        assert_eq!(encode(&[Seq(7), Seq(8)]), None);
        assert_eq!(encode(&(0..1_000).map(|n| Seq(3 * n)).collect::<Vec<_>>()).expect("gaps").len(), 999);
    }

    #[test]
    fn what_a_batch_tells_is_read_as_it_was_written() {
        let told = [vec![2, 9], vec![], vec![3], vec![1, 10, i64::MAX]];
        let told: Vec<Vec<_>> = told.iter().map(|seqs| seqs.iter().copied().map(Seq).collect()).collect();
        assert_eq!(decode_told(&encode_told(&told)).expect("a column"), told);
        assert_eq!(decode_told(&[]).expect("a column"), Vec::<Vec<Seq>>::new());
        assert!(decode_told(&[2, 2]).is_err());
    }

    #[test]
    fn a_damaged_column_is_an_error() {
        for (first, last, column) in
            [(1, 5, &[3_u8][..]), (1, 5, &[5][..]), (1, 5, &[0, 4][..]), (1, 5, &[0x84][..]), (1, 5, &[][..])]
        {
            assert!(decode(Seq(first), Seq(last), Some(column)).is_err(), "{column:?}");
        }
    }
}
