//! Blocks in PNG's texts: XMP under its own keyword (XMP Specification Part 3, "PNG"), and the profiles that
//! ImageMagick writes in hexadecimal (ImageMagick, `coders/png.c`, keyword "Raw profile type").

use super::text::RawText;
use crate::metadata::blocks;
use crate::metadata::budget::Budget;
use crate::metadata::fault::Fault;
use crate::metadata::found::{self, Found};

/// What APP1 segments of JPEG begin with.
const EXIF_PREFIX: &[u8] = b"Exif\0\0";
const XMP_PREFIX: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// A kind of block that a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// XMP as it is.
    Xmp,
    /// XMP in hexadecimal.
    HexXmp,
    /// EXIF, or a segment of JPEG with EXIF or XMP, in hexadecimal.
    HexSegment,
    /// Photoshop's resources, or bare IIM, in hexadecimal.
    HexPhotoshop,
    /// A profile that says nothing, such as one for colours.
    Noise,
}

impl Profile {
    /// The block that a text is, by its keyword; `None` when it is text.
    #[must_use]
    pub fn of(keyword: &str) -> Option<Self> {
        Some(match keyword {
            "XML:com.adobe.xmp" => Self::Xmp,
            keyword => match keyword.strip_prefix("Raw profile type ")? {
                "exif" | "APP1" | "app1" => Self::HexSegment,
                "iptc" | "8bim" => Self::HexPhotoshop,
                "xmp" => Self::HexXmp,
                _ => Self::Noise,
            },
        })
    }

    /// Reads the block. Its fault is that of its source.
    pub fn read(self, raw: &RawText<'_>, found: &mut Found, budget: &Budget) {
        if self == Self::Noise {
            return;
        }
        let block = raw.bytes(budget).and_then(|bytes| match self {
            Self::Xmp => Ok(bytes.into_owned()),
            _ => unhex(&bytes).ok_or_else(|| Fault::damaged("a profile of PNG", "it is not hexadecimal")),
        });
        match (self, block) {
            (Self::Xmp | Self::HexXmp, block) => {
                found::add(&mut found.xmp, block.and_then(|block| blocks::xmp::read(&block, budget)));
            }
            (Self::HexPhotoshop, Err(fault)) => found::add(&mut found.iptc, Err(fault)),
            (Self::HexPhotoshop, Ok(block)) if block.first() == Some(&0x1c) => {
                found::add(&mut found.iptc, blocks::iim::read(&block, budget));
            }
            (Self::HexPhotoshop, Ok(block)) => blocks::photoshop::read(&block, found, budget),
            (_, Err(fault)) => found::add(&mut found.exif, Err(fault)),
            (_, Ok(block)) => match block.strip_prefix(XMP_PREFIX) {
                Some(packet) => found::add(&mut found.xmp, blocks::xmp::read(packet, budget)),
                None => {
                    let block = block.strip_prefix(EXIF_PREFIX).unwrap_or(&block);
                    found::add(&mut found.exif, blocks::exif::read(block, budget));
                }
            },
        }
    }
}

/// The bytes of a profile: a line break, a name, a length, then the bytes in hexadecimal with line breaks.
fn unhex(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut words = bytes.trim_ascii_start().splitn(2, |&byte| byte == b'\n');
    words.next()?;
    let rest = words.next()?.trim_ascii_start();
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let (length, rest) = rest.split_at_checked(digits)?;
    let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
    let mut out = Vec::with_capacity(rest.len() / 2);
    let mut high = None;
    for byte in rest.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = u8::try_from(char::from(*byte).to_digit(16)?).ok()?;
        match high.take() {
            None => high = Some(digit),
            Some(high) => out.push(high << 4 | digit),
        }
    }
    (out.len() == length && high.is_none()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::{Profile, unhex};

    #[test]
    fn profiles_are_hexadecimal() {
        assert_eq!(unhex(b"\nexif\n       6\n457869\n660000\n").as_deref(), Some(&b"Exif\0\0"[..]));
        assert_eq!(unhex(b"\nexif\n 0\n").as_deref(), Some(&b""[..]));
        for bad in [&b""[..], b"\nexif\n", b"\nexif\n 2\n45\n", b"\nexif\n 1\n4", b"\nexif\n 1\nxx", b"exif 1 45"] {
            assert_eq!(unhex(bad), None);
        }
        assert_eq!(Profile::of("Raw profile type APP1"), Some(Profile::HexSegment));
        assert_eq!(Profile::of("Raw profile type icc"), Some(Profile::Noise));
        assert_eq!(Profile::of("Title"), None);
    }
}
