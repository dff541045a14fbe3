//! Inflating zlib streams (RFC 1950) within the limit of a block.

use flate2::{Decompress, FlushDecompress, Status};

use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::limits::BLOCK_BYTES_MAX;

/// Bytes that come out between two looks at the clock.
const PIECE_BYTES: usize = 64 * 1024;

/// The content of a zlib stream. What follows the stream is ignored.
///
/// # Errors
/// When it is damaged or ends early, is larger than a block, or takes too long.
pub fn inflate(stream: &[u8], budget: &Budget) -> Result<Vec<u8>, Fault> {
    let mut state = Decompress::new(true);
    let (mut out, mut piece) = (Vec::new(), vec![0; PIECE_BYTES]);
    loop {
        let (taken, given) = (state.total_in(), state.total_out());
        let rest = usize::try_from(taken).ok().and_then(|taken| stream.get(taken..)).unwrap_or_default();
        let status = state.decompress(rest, &mut piece, FlushDecompress::None);
        let status = status.map_err(|error| Fault::damaged("a compressed block", error.to_string()))?;
        let filled = usize::try_from(state.total_out() - given).unwrap_or(PIECE_BYTES);
        out.extend_from_slice(piece.get(..filled).unwrap_or(&piece));
        if out.len() > BLOCK_BYTES_MAX {
            return Err(Fault::limit("a block inflates to more than allowed", format!("{BLOCK_BYTES_MAX} bytes")));
        }
        if status == Status::StreamEnd {
            return Ok(out);
        }
        if filled == 0 && state.total_in() == taken {
            return Err(Fault::damaged("a compressed block", "it ends early"));
        }
        budget.check()?;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{BLOCK_BYTES_MAX, inflate};
    use crate::metadata::budget::Budget;
    use crate::metadata::fault::Fault;

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn streams_inflate_within_the_limit() {
        let budget = Budget::endless();
        let text: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
        let stream = deflate(&text);
        assert_eq!(inflate(&stream, &budget).expect("a content"), text);
        assert_eq!(inflate(&deflate(b""), &budget).expect("a content"), b"");
        assert!(matches!(inflate(&stream[..stream.len() - 9], &budget), Err(Fault::Damaged { .. })));
        assert!(matches!(inflate(b"no stream", &budget), Err(Fault::Damaged { .. })));
        assert!(matches!(inflate(b"", &budget), Err(Fault::Damaged { .. })));
        assert_eq!(inflate(&deflate(&vec![0; BLOCK_BYTES_MAX]), &budget).expect("a content").len(), BLOCK_BYTES_MAX);
        let fault = inflate(&deflate(&vec![0; BLOCK_BYTES_MAX + 1]), &budget).expect_err("one byte too many");
        assert_eq!(fault.to_string(), "a block inflates to more than allowed (limit: 16777216 bytes)");
    }
}
