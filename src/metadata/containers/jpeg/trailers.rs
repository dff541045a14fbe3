//! IPTC-IIM that programs have appended to a JPEG, behind its image: AFCP of AXS (1997) and FotoStation's records. Each
//! ends with a footer, so they are found from the end of the file. What does not keep to a form is left alone: it is
//! part of no standard. Positions of AFCP are those of the file as it was written.
//!
//! Neither program has published a specification; the forms are those that ExifTool's documentation of its tags
//! describes (`AFCP`, `FotoStation`).

use crate::metadata::fault::Fault;
use crate::metadata::input::Input;
use crate::metadata::limits::BLOCK_BYTES_MAX;

/// Trailers of one file; programs leave one or two.
pub(super) const TRAILERS_MAX: usize = 8;
/// Entries of AFCP's directory.
const ENTRIES_MAX: usize = 64;

/// The longest footer.
const FOOTER: u64 = 12;
/// What ends a record of FotoStation.
const FOTO_STATION: [u8; 4] = [0xa1, 0xb2, 0xc3, 0xd4];
/// Its number for IIM.
const FOTO_STATION_IIM: u16 = 1;

/// Something behind the image.
struct Trailer {
    /// Where it begins.
    from: u64,
    /// Its block of IIM: where, and how many bytes.
    iim: Option<(u64, usize)>,
}

/// Where the blocks of IIM behind the image are, the last one first. `image` is where the image has begun: nothing
/// before it is a trailer.
///
/// # Errors
/// As the disk says.
pub(super) fn find(input: &mut Input<'_>, image: u64) -> Result<Vec<(u64, usize)>, Fault> {
    let (mut to, mut blocks) = (input.size(), Vec::new());
    for _ in 0..TRAILERS_MAX {
        let Some(at) = to.checked_sub(FOOTER).filter(|at| *at >= image) else { break };
        let Some(footer) = input.bytes(at, FOOTER as usize)?.and_then(|bytes| bytes.first_chunk::<12>().copied())
        else {
            break;
        };
        let trailer = match foto_station(&footer, to) {
            Some(trailer) => Some(trailer),
            None => afcp(input, &footer, to)?,
        };
        let Some(trailer) = trailer.filter(|trailer| trailer.from >= image && trailer.from < to) else { break };
        blocks.extend(trailer.iim.filter(|(_, length)| *length <= BLOCK_BYTES_MAX));
        to = trailer.from;
    }
    Ok(blocks)
}

/// A record of FotoStation: its content, a number, its length with this footer, and a signature.
fn foto_station(footer: &[u8; 12], to: u64) -> Option<Trailer> {
    let [_, _, kind @ .., s0, s1, s2, s3] = footer;
    let [k0, k1, length @ ..] = *kind;
    if [*s0, *s1, *s2, *s3] != FOTO_STATION {
        return None;
    }
    let (length, footer) = (u64::from(u32::from_be_bytes(length)), 10);
    let content = length.checked_sub(footer)?;
    let from = to.checked_sub(length)?;
    let is_iim = u16::from_be_bytes([k0, k1]) == FOTO_STATION_IIM;
    Some(Trailer { from, iim: usize::try_from(content).ok().filter(|_| is_iim).map(|length| (from, length)) })
}

/// AFCP: a header, a directory of blocks, the blocks, and a footer that says where the header is. `!` is big-endian,
/// `*` little-endian.
fn afcp(input: &mut Input<'_>, footer: &[u8; 12], to: u64) -> Result<Option<Trailer>, Fault> {
    let Some((signature, rest)) = footer.split_first_chunk::<4>() else { return Ok(None) };
    let is_big = match signature {
        b"AXS!" => true,
        b"AXS*" => false,
        _ => return Ok(None),
    };
    let number = |bytes: &[u8]| -> Option<u32> {
        let bytes = *bytes.first_chunk::<4>()?;
        Some(if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let Some(from) = number(rest).map(u64::from).filter(|from| *from < to) else { return Ok(None) };
    let Some(header) = input.bytes(from, 12)?.filter(|header| header.starts_with(signature)) else { return Ok(None) };
    let count = match header.get(6..8) {
        Some(&[high, low]) if is_big => u16::from_be_bytes([high, low]),
        Some(&[low, high]) => u16::from_le_bytes([low, high]),
        _ => 0,
    };
    let length = usize::from(count).min(ENTRIES_MAX) * 12;
    let Some(directory) = input.bytes(from + 12, length)? else { return Ok(None) };
    let entry = directory.chunks_exact(12).find(|entry| entry.starts_with(b"IPTC"));
    let iim = entry.and_then(|entry| {
        let (length, at) = (number(entry.get(4..)?)?, number(entry.get(8..)?)?);
        Some((u64::from(at), usize::try_from(length).ok()?))
    });
    let is_inside = |(at, length): &(u64, usize)| *at >= from && at.saturating_add(*length as u64) <= to;
    Ok(Some(Trailer { from, iim: iim.filter(is_inside) }))
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES_MAX, TRAILERS_MAX, find};
    use crate::metadata::budget::Budget;
    use crate::metadata::input::Input;
    use crate::metadata::limits::BLOCK_BYTES_MAX;

    fn found(file: &[u8], image: u64) -> Vec<(u64, usize)> {
        let budget = Budget::endless();
        find(&mut Input::open(&file, &budget).expect("an input"), image).expect("a slice can be read")
    }

    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u32 + 10).to_be_bytes();
        [content, &[0, kind], &length, &[0xa1, 0xb2, 0xc3, 0xd4]].concat()
    }

    fn axs(begin: usize, is_big: bool, others: usize, block: &[u8]) -> Vec<u8> {
        let n4 = |n: usize| if is_big { (n as u32).to_be_bytes() } else { (n as u32).to_le_bytes() };
        let n2 = |n: usize| if is_big { (n as u16).to_be_bytes() } else { (n as u16).to_le_bytes() };
        let signature: &[u8] = if is_big { b"AXS!" } else { b"AXS*" };
        let at = begin + 12 + 12 * (others + 1);
        let other = [&b"TEXT"[..], &n4(0), &n4(at)].concat().repeat(others);
        let entry = [&b"IPTC"[..], &n4(block.len()), &n4(at)].concat();
        let header = [signature, &n2(1), &n2(others + 1), &[0; 4]].concat();
        [&header, &other, &entry, block, &[signature, &n4(begin), &[0; 4]].concat()].concat()
    }

    #[test]
    fn blocks_are_found_from_the_end() {
        let image = [b'.'; 40];
        for is_big in [true, false] {
            let one = axs(image.len(), is_big, 1, b"block");
            let file = [&image[..], &one, &record(1, b"a block"), &record(3, b"thumbnail")].concat();
            assert_eq!(found(&file, 2), [(40 + one.len() as u64, 7), (76, 5)], "big: {is_big}");
        }
    }

    #[test]
    fn what_has_no_form_is_no_trailer() {
        assert_eq!(found(b"", 0), []);
        assert_eq!(found(&[b'.'; 40], 2), []);
        // It begins before the image, or reaches beyond itself.
        assert_eq!(found(&[&[b'.'; 20][..], &record(1, b"a block")].concat(), 21), []);
        let mut file = [&[b'.'; 20][..], &record(1, b"a block")].concat();
        file[32] = 0xff;
        assert_eq!(found(&file, 2), []);
        assert_eq!(found(&axs(7, true, 0, b"block"), 0), []);
        let mut file = axs(0, true, 0, b"block");
        file[19] = 200;
        assert_eq!(found(&file, 0), []);
    }

    #[test]
    fn so_many_trailers_are_read_and_so_many_entries_of_one() {
        let records = record(1, b"a").repeat(TRAILERS_MAX + 1);
        assert_eq!(found(&records, 0).len(), TRAILERS_MAX);
        for (others, count) in [(ENTRIES_MAX - 1, 1), (ENTRIES_MAX, 0)] {
            assert_eq!(found(&axs(0, true, others, b"block"), 0).len(), count);
        }
        for (length, count) in [(BLOCK_BYTES_MAX, 1), (BLOCK_BYTES_MAX + 1, 0)] {
            assert_eq!(found(&record(1, &vec![0; length]), 0).len(), count);
        }
    }
}
