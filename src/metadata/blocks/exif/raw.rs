//! A value as the file has it: typed bytes in one of two orders. Knows no tag.
//!
//! Sources: TIFF 6.0, section 2 (types 1 to 12); TIFF Technical Note 1 (13); BigTIFF, as LibTIFF documents it (16 to
//! 18); EXIF 3.0, table 2 (129).

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `II`
    Little,
    /// `MM`
    Big,
}

impl Order {
    /// The order that the first bytes of a TIFF structure say.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        match head.get(..2)? {
            b"II" => Some(Self::Little),
            b"MM" => Some(Self::Big),
            _ => None,
        }
    }

    /// The other order.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Little => Self::Big,
            Self::Big => Self::Little,
        }
    }

    /// A 16-bit number at an offset.
    #[must_use]
    pub fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    /// A 32-bit number at an offset.
    #[must_use]
    pub fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    /// A 64-bit number at an offset.
    #[must_use]
    pub fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        })
    }
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// 8 bits without a sign.
    Byte,
    /// Text that ends at a NUL.
    Ascii,
    /// 16 bits without a sign.
    Short,
    /// 32 bits without a sign, or the offset of a directory.
    Long,
    /// Two `Long`.
    Rational,
    /// 8 bits.
    SByte,
    /// Anything.
    Undefined,
    /// 16 bits.
    SShort,
    /// 32 bits.
    SLong,
    /// Two `SLong`.
    SRational,
    /// IEEE 754, 32 bits.
    Float,
    /// IEEE 754, 64 bits.
    Double,
    /// 64 bits without a sign, or the offset of a directory.
    Long8,
    /// 64 bits.
    SLong8,
}

impl Type {
    /// The type that a directory entry says.
    #[must_use]
    pub fn of(code: u16) -> Option<Self> {
        Some(match code {
            1 => Self::Byte,
            2 | 129 => Self::Ascii,
            3 => Self::Short,
            4 | 13 => Self::Long,
            5 => Self::Rational,
            6 => Self::SByte,
            7 => Self::Undefined,
            8 => Self::SShort,
            9 => Self::SLong,
            10 => Self::SRational,
            11 => Self::Float,
            12 => Self::Double,
            16 | 18 => Self::Long8,
            17 => Self::SLong8,
            _ => return None,
        })
    }

    /// Whether its values are numbers, not text and not unknown.
    #[must_use]
    pub fn is_number(self) -> bool {
        !matches!(self, Self::Ascii | Self::Undefined)
    }

    /// Bytes of one value.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::Byte | Self::Ascii | Self::SByte | Self::Undefined => 1,
            Self::Short | Self::SShort => 2,
            Self::Long | Self::SLong | Self::Float => 4,
            Self::Rational | Self::SRational | Self::Double | Self::Long8 | Self::SLong8 => 8,
        }
    }
}

/// A value: as many bytes as its type and its count make.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a> {
    /// The type of each number.
    pub kind: Type,
    /// The numbers, one behind the other.
    pub bytes: &'a [u8],
    /// The order of their bytes.
    pub order: Order,
}

/// One number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole one.
    Whole(i128),
    /// A rational: numerator and denominator.
    Ratio(i64, i64),
    /// Of 32 bits, which have seven digits.
    Float(f32),
    /// Of 64 bits.
    Double(f64),
}

impl Number {
    /// Its value; `None` for a rational whose denominator is 0.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(number as f64),
            Self::Ratio(_, 0) => None,
            Self::Ratio(numerator, denominator) => Some(numerator as f64 / denominator as f64),
            Self::Float(number) => Some(f64::from(number)),
            Self::Double(number) => Some(number),
        }
    }
}

impl<'a> Raw<'a> {
    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.bytes.len() / self.kind.size()
    }

    /// The numbers in turn; text and undefined bytes are numbers of 8 bits here.
    pub fn numbers(&self) -> impl Iterator<Item = Number> + use<'a> {
        let Raw { kind, order, bytes } = *self;
        bytes.chunks_exact(kind.size()).filter_map(move |bytes| number(kind, order, bytes))
    }

    /// The numbers if they are whole and not negative: offsets.
    pub fn offsets(&self) -> impl Iterator<Item = u64> + use<'a> {
        let is_offset = matches!(self.kind, Type::Byte | Type::Short | Type::Long | Type::Long8 | Type::SLong);
        self.numbers().filter_map(move |number| match number {
            Number::Whole(number) if is_offset => u64::try_from(number).ok(),
            _ => None,
        })
    }
}

fn number(kind: Type, order: Order, bytes: &[u8]) -> Option<Number> {
    let byte = bytes.first().copied()?;
    Some(match kind {
        Type::Byte | Type::Ascii | Type::Undefined => Number::Whole(byte.into()),
        Type::SByte => Number::Whole(byte.cast_signed().into()),
        Type::Short => Number::Whole(order.u16(bytes, 0)?.into()),
        Type::SShort => Number::Whole(order.u16(bytes, 0)?.cast_signed().into()),
        Type::Long => Number::Whole(order.u32(bytes, 0)?.into()),
        Type::SLong => Number::Whole(order.u32(bytes, 0)?.cast_signed().into()),
        Type::Long8 => Number::Whole(order.u64(bytes, 0)?.into()),
        Type::SLong8 => Number::Whole(order.u64(bytes, 0)?.cast_signed().into()),
        Type::Rational => Number::Ratio(order.u32(bytes, 0)?.into(), order.u32(bytes, 4)?.into()),
        Type::SRational => {
            let signed = |at| order.u32(bytes, at).map(|half| i64::from(half.cast_signed()));
            Number::Ratio(signed(0)?, signed(4)?)
        }
        Type::Float => Number::Float(f32::from_bits(order.u32(bytes, 0)?)),
        Type::Double => Number::Double(f64::from_bits(order.u64(bytes, 0)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::{Number, Order, Raw, Type};

    #[test]
    fn numbers_have_a_type_and_an_order() {
        let cases: &[(u16, Order, &[u8], &[Number])] = &[
            (1, Order::Big, &[1, 255], &[Number::Whole(1), Number::Whole(255)]),
            (3, Order::Little, &[1, 2, 3], &[Number::Whole(0x201)]),
            (4, Order::Big, &[255; 4], &[Number::Whole(0xffff_ffff)]),
            (5, Order::Big, &[0, 0, 0, 1, 0, 0, 0, 2], &[Number::Ratio(1, 2)]),
            (6, Order::Big, &[255], &[Number::Whole(-1)]),
            (8, Order::Little, &[0xfe, 255], &[Number::Whole(-2)]),
            (9, Order::Little, &[255; 4], &[Number::Whole(-1)]),
            (10, Order::Little, &[255, 255, 255, 255, 3, 0, 0, 0], &[Number::Ratio(-1, 3)]),
            (11, Order::Big, &[0x3f, 0x80, 0, 0], &[Number::Float(1.0)]),
            (12, Order::Big, &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0], &[Number::Double(1.0)]),
            (16, Order::Big, &[255; 8], &[Number::Whole(0xffff_ffff_ffff_ffff)]),
            (17, Order::Big, &[255; 8], &[Number::Whole(-1)]),
        ];
        for &(code, order, bytes, expect) in cases {
            let raw = Raw { kind: Type::of(code).expect("a type"), bytes, order };
            assert_eq!(raw.numbers().collect::<Vec<_>>(), expect, "type {code}");
            assert_eq!(raw.count(), expect.len(), "type {code}");
        }
        assert_eq!([0, 14, 15, 19, 130].map(Type::of), [None; 5]);
    }

    #[test]
    fn only_whole_numbers_are_offsets() {
        let offsets = |kind, bytes| Raw { kind, bytes, order: Order::Big }.offsets().collect::<Vec<_>>();
        assert_eq!(offsets(Type::Long, &[0, 0, 0, 8, 0, 0, 1, 0]), [8, 256]);
        assert_eq!(offsets(Type::SLong, &[255; 4]), [0; 0]);
        assert_eq!(offsets(Type::Rational, &[0, 0, 0, 8, 0, 0, 0, 1]), [0; 0]);
        assert_eq!(offsets(Type::Ascii, b"8"), [0; 0]);
    }
}
