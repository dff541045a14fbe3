//! Numbers at an offset of a slice, in either byte order. An offset outside gives `None`; nothing here panics.

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Four bytes as they are: the code of a box or a chunk.
#[must_use]
pub fn code(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    chunk(bytes, at)
}

/// A big-endian number of 16 bits.
#[must_use]
pub fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    chunk(bytes, at).map(u16::from_be_bytes)
}

/// A big-endian number of 32 bits.
#[must_use]
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    chunk(bytes, at).map(u32::from_be_bytes)
}

/// A big-endian number of 64 bits.
#[must_use]
pub fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    chunk(bytes, at).map(u64::from_be_bytes)
}

/// A little-endian number of 16 bits.
#[must_use]
pub fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    chunk(bytes, at).map(u16::from_le_bytes)
}

/// A little-endian number of 32 bits.
#[must_use]
pub fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    chunk(bytes, at).map(u32::from_le_bytes)
}

/// A little-endian number of 64 bits.
#[must_use]
pub fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    chunk(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::{be16, be32, be64, code, le16, le32, le64};

    #[test]
    fn numbers_inside_are_read_and_numbers_outside_are_not() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!((be16(&bytes, 6), le16(&bytes, 6)), (Some(0x0708), Some(0x0807)));
        assert_eq!((be32(&bytes, 4), le32(&bytes, 4)), (Some(0x0506_0708), Some(0x0807_0605)));
        assert_eq!(be64(&bytes, 0), Some(0x0102_0304_0506_0708));
        assert_eq!(le64(&bytes, 0), Some(0x0807_0605_0403_0201));
        assert_eq!(code(&bytes, 4), Some([5, 6, 7, 8]));
        assert_eq!(
            (be16(&bytes, 7), le32(&bytes, 5), be64(&bytes, usize::MAX), code(&bytes, 9)),
            (None, None, None, None)
        );
    }
}
