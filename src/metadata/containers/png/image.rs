//! What PNG says of its image, in chunks with fixed fields (PNG, "Critical chunks" and "Ancillary chunks").

use std::borrow::Cow;

use super::text::Texts;
use crate::metadata::containers::endian::be32;
use crate::metadata::tag::{Family, Tag};
use crate::metadata::text;

/// Bytes of the largest chunk that is read.
pub const BYTES_MAX: usize = 128;

/// Names of the chromaticities, each in hundred-thousandths, in the order of their chunk.
const CHROMATICITIES: [&str; 8] = ["WhitePointX", "WhitePointY", "RedX", "RedY", "GreenX", "GreenY", "BlueX", "BlueY"];

/// Reads a chunk; most have nothing to say.
pub fn read(texts: &mut Texts, kind: [u8; 4], bytes: &[u8]) {
    let number = |at| be32(bytes, at).map(|number| number.to_string());
    let byte = |at: usize| bytes.get(at).map(u8::to_string);
    let share = |at| be32(bytes, at).and_then(|number| text::decimal_of(number.into(), 100_000.0));
    let mut add = |name: &'static str, value| texts.add(Cow::Borrowed(name), None, value);
    match &kind {
        b"IHDR" => {
            add("ImageWidth", number(0));
            add("ImageHeight", number(4));
            for (at, name) in ["BitDepth", "ColorType", "Compression", "Filter", "Interlace"].into_iter().enumerate() {
                add(name, byte(8 + at));
            }
        }
        b"acTL" => {
            add("AnimationFrames", number(0));
            add("AnimationPlays", number(4));
        }
        b"bKGD" => {
            // One index into a palette, or one or three samples of 16 bits.
            let samples = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair).to_string());
            add(
                "BackgroundColor",
                if bytes.len() == 1 { byte(0) } else { Some(samples.collect::<Vec<_>>().join(" ")) },
            );
        }
        b"cHRM" => {
            for (index, name) in CHROMATICITIES.into_iter().enumerate() {
                add(name, share(4 * index));
            }
        }
        b"gAMA" => add("Gamma", be32(bytes, 0).and_then(gamma)),
        b"iCCP" => {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(0);
            add("ProfileName", bytes.get(..end).filter(|name| !name.is_empty()).map(text::guessed));
        }
        b"pHYs" => {
            for (name, value) in [("PixelsPerUnitX", number(0)), ("PixelsPerUnitY", number(4)), ("PixelUnits", byte(8))]
            {
                if let Some(value) = value {
                    texts.tags.push(Tag::text(Family::Png, "PNG-pHYs", name, value));
                }
            }
        }
        b"sRGB" => add("SRGBRendering", byte(0)),
        _ => {}
    }
}

/// The exponent that images are shown with is the inverse of the one that they are stored with.
fn gamma(stored: u32) -> Option<String> {
    text::decimal_of((100_000.0 / f64::from(stored) * 10_000.0).round(), 10_000.0).filter(|_| stored != 0)
}

#[cfg(test)]
mod tests {
    use super::{Texts, read};
    use crate::metadata::tag::TagValue;

    #[test]
    fn fixed_fields_are_read_as_far_as_they_go() {
        let mut texts = Texts::default();
        read(&mut texts, *b"IHDR", b"\0\0\0\x40\0\0\0\x30\x08\x02");
        read(&mut texts, *b"gAMA", b"\0\0\xb1\x8f");
        read(&mut texts, *b"gAMA", b"\0\0\0\0");
        read(&mut texts, *b"bKGD", b"\0\x01\0\x02\0\x03");
        read(&mut texts, *b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\x01");
        let text = |text: &str| TagValue::Text(text.to_owned());
        let found: Vec<_> = texts.tags.iter().map(|tag| (&*tag.name, tag.value.clone())).collect();
        let expect = [
            ("ImageWidth", "64"),
            ("ImageHeight", "48"),
            ("BitDepth", "8"),
            ("ColorType", "2"),
            ("Gamma", "2.2"),
            ("BackgroundColor", "1 2 3"),
            ("PixelsPerUnitX", "2835"),
            ("PixelsPerUnitY", "2835"),
            ("PixelUnits", "1"),
        ];
        assert_eq!(found, expect.map(|(name, value)| (name, text(value))));
    }
}
