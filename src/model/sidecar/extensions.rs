//! Extensions of media, which tell a JSON sidecar (`name.jpg.json`) from any other JSON file (`package.lock.json`), and
//! of raw photos, which tell whose sidecar `name.xmp` is. The content of a file is never judged by these lists.

/// Extensions of pictures, films, sound and of documents that asset stores keep, sorted. An extension is here when a
/// file of it is an asset by itself; what is found beside assets (`xmp`, `json`, `txt`, `xml`, `srt`) is not.
#[rustfmt::skip]
const MEDIA: &[&str] = &[
    "3fr", "3g2", "3gp", "aac", "ai", "aif", "aifc", "aiff", "ape", "apng", "ari", "arw", "avci", "avcs", "avi", "avif",
    "bay", "bmp", "braw", "btf", "bwf", "cap", "cr2", "cr3", "crw", "dcr", "dcs", "dib", "djvu", "dng", "dpx", "drf",
    "dv", "eip", "eps", "erf", "exr", "f4v", "fff", "flac", "flv", "gif", "gpr", "hdr", "heic", "heics", "heif",
    "heifs", "hif", "icns", "ico", "idml", "iiq", "indd", "insp", "insv", "j2c", "j2k", "jfif", "jls", "jp2", "jpc",
    "jpe", "jpeg", "jpf", "jpg", "jpm", "jpx", "jxl", "jxr", "k25", "kdc", "m2t", "m2ts", "m2v", "m4a", "m4b", "m4p",
    "m4v", "mdc", "mef", "mj2", "mka", "mkv", "mod", "mos", "mov", "mp", "mp3", "mp4", "mpe", "mpeg", "mpg", "mpo",
    "mrw", "mts", "mxf", "nef", "nrw", "oga", "ogg", "ogv", "opus", "orf", "ori", "pbm", "pcx", "pdf", "pef", "pgm",
    "png", "pnm", "ppm", "psb", "psd", "ptx", "pxn", "qt", "r3d", "raf", "raw", "rw2", "rwl", "rwz", "sgi", "sr2",
    "srf", "srw", "svg", "tga", "tif", "tiff", "tod", "ts", "vob", "w64", "wav", "wave", "wdp", "webm", "webp", "wma",
    "wmv", "wv", "x3f", "xcf",
];

/// Extensions of raw photos that programs do not write XMP into, sorted.
#[rustfmt::skip]
const RAW: &[&str] = &[
    "3fr", "ari", "arw", "bay", "braw", "cap", "cr2", "cr3", "crw", "dcr", "dcs", "drf", "eip", "erf", "fff", "iiq",
    "k25", "kdc", "mdc", "mef", "mos", "mrw", "nef", "nrw", "orf", "ori", "pef", "ptx", "pxn", "r3d", "raf", "raw",
    "rw2", "rwl", "rwz", "sr2", "srf", "srw", "x3f",
];

/// Raw photos that XMP can be written into (DNG 1.7): theirs is the sidecar only where no other raw photo is.
const OPEN_RAW: &[&str] = &["dng", "gpr"];

/// Whether this is an extension of media, in any case.
#[must_use]
pub fn is_media(extension: &[u8]) -> bool {
    lower(extension, |extension| MEDIA.binary_search(&extension).is_ok())
}

/// How much an extension is a raw photo's: 2 if it is, 1 if XMP can be written into it, else 0.
#[must_use]
pub fn raw_rank(extension: &[u8]) -> u8 {
    match extension {
        _ if lower(extension, |extension| RAW.binary_search(&extension).is_ok()) => 2,
        _ if lower(extension, |extension| OPEN_RAW.contains(&extension)) => 1,
        _ => 0,
    }
}

/// The extensions, in lower case, whose [`raw_rank`] is higher than this.
pub fn raws_above(rank: u8) -> impl Iterator<Item = &'static str> {
    let raw = (rank < 2).then_some(RAW).into_iter().flatten();
    let open = (rank < 1).then_some(OPEN_RAW).into_iter().flatten();
    raw.chain(open).copied()
}

/// The extensions of media that begin so (in lower case).
pub fn media_from(beginning: &[u8]) -> impl Iterator<Item = &'static str> {
    MEDIA.iter().copied().filter(move |extension| extension.as_bytes().starts_with(beginning))
}

fn lower(extension: &[u8], is: impl FnOnce(&str) -> bool) -> bool {
    let mut buffer = [0_u8; 8];
    let Some(buffer) = buffer.get_mut(..extension.len()) else { return false };
    buffer.copy_from_slice(extension);
    buffer.make_ascii_lowercase();
    std::str::from_utf8(buffer).is_ok_and(is)
}

#[cfg(test)]
mod tests {
    use super::{MEDIA, OPEN_RAW, RAW, is_media, media_from, raw_rank, raws_above};

    #[test]
    fn lists_are_sorted_and_raw_photos_are_media() {
        assert!(MEDIA.is_sorted() && RAW.is_sorted());
        assert!(RAW.iter().chain(OPEN_RAW).all(|raw| is_media(raw.as_bytes())));
    }

    #[test]
    fn extensions_compare_without_case() {
        assert!(is_media(b"JPG") && is_media(b"Cr2") && !is_media(b"xmp") && !is_media(b"") && !is_media(b"\xff"));
        assert!(!is_media(b"a-very-long-extension"));
        assert_eq!([&b"NEF"[..], b"dng", b"jpg", b""].map(raw_rank), [2, 1, 0, 0]);
        for rank in 0..=2 {
            assert!(raws_above(rank).all(|extension| raw_rank(extension.as_bytes()) > rank), "{rank}");
        }
        assert_eq!(media_from(b"jpe").collect::<Vec<_>>(), ["jpe", "jpeg"]);
    }
}
