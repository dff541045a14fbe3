//! Which files are sidecars of which assets, by their names alone: nothing here looks at a disk.
//!
//! | name | belongs to |
//! |---|---|
//! | `name.ext.xmp` | `name.ext` |
//! | `name.xmp` | every asset whose name without its extension is `name`; beside a raw photo, to that alone |
//! | `name.ext.json` | `name.ext`, if the extension is one of [media](extensions) |
//! | `name.ext.supplemental-metadata.json` | `name.ext` (Google Takeout, whose names may be [cut](takeout_names)) |
//!
//! Extensions of assets compare without case; a sidecar's own is `xmp`, `XMP` or `json`.

pub mod extensions;
pub mod takeout_names;

use extensions::{is_media, raw_rank, raws_above};

/// What a sidecar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// XMP for one asset, `name.ext.xmp`.
    FullXmp,
    /// XMP for the assets of a stem, `name.xmp`.
    StemXmp,
    /// JSON for one asset.
    Json,
}

/// A sidecar that an asset may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it would be.
    pub kind: Kind,
    /// Its whole name, in the directory of the asset.
    pub name: Vec<u8>,
}

/// The assets that a sidecar may belong to, all in its directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Belongs {
    /// Whole names. Google Takeout may have cut a name: then there are several, of which one may exist.
    pub exact: Vec<Vec<u8>>,
    /// Every asset whose name without its extension is this one.
    pub stem: Option<Vec<u8>>,
    /// Every asset whose name begins with this (Google Takeout has cut the name of the asset). Unless there is one, the
    /// file is not a sidecar: its name is long, and nothing else about it says what it is.
    pub prefix: Option<Vec<u8>>,
}

/// The sidecars that an asset may have, best first: the names to try. Empty for what is a sidecar itself.
#[must_use]
pub fn of_asset(name: &[u8]) -> Vec<Candidate> {
    let (stem, extension) = split(name);
    if name.is_empty() || extension.is_some_and(|extension| extension.eq_ignore_ascii_case(b"xmp")) {
        return Vec::new();
    }
    let mut out = Vec::with_capacity(6);
    let mut push = |kind, name| out.push(Candidate { kind, name });
    for ending in [&b".xmp"[..], b".XMP"] {
        push(Kind::FullXmp, [name, ending].concat());
    }
    // `a.jpg.tif` has no stem sidecar: `a.jpg.xmp` is the full one of `a.jpg`.
    if extension.is_some() && !split(stem).1.is_some_and(is_media) {
        for ending in [&b".xmp"[..], b".XMP"] {
            push(Kind::StemXmp, [stem, ending].concat());
        }
    }
    if extension.is_some_and(is_media) {
        push(Kind::Json, [name, b".json"].concat());
        for name in takeout_names::of_asset(name) {
            push(Kind::Json, name);
        }
    }
    out
}

/// The assets that a file of this name may be a sidecar of; `None` if it is not a sidecar.
#[must_use]
pub fn assets_of(name: &[u8]) -> Option<Belongs> {
    let (base, extension) = split(name);
    // As `of_asset` spells them: what nobody would read is no sidecar.
    if matches!(extension?, b"xmp" | b"XMP") {
        let is_full = split(base).1.is_some_and(is_media);
        let stem = (!is_full).then(|| base.to_vec());
        return Some(Belongs { exact: vec![base.to_vec()], stem, prefix: None });
    }
    if extension? != b"json" {
        return None;
    }
    if split(base).1.is_some_and(is_media) {
        return Some(Belongs { exact: vec![base.to_vec()], ..Belongs::default() });
    }
    takeout_names::assets_of(base)
}

/// Whether a file of this name is a sidecar as far as a name can say: one whose assets are only guessed by a prefix is
/// not.
#[must_use]
pub fn is_sidecar(name: &[u8]) -> bool {
    assets_of(name).is_some_and(|belongs| belongs.prefix.is_none())
}

/// Whether the sidecar `name.xmp` applies to an asset of that stem. The siblings are all assets of the stem, with or
/// without this one; the extension is what the sidecar says in `photoshop:SidecarForExtension`.
///
/// Adobe's programs write XMP into every file but proprietary raw photos, so a sidecar beside a raw photo and its JPEG
/// is the raw photo's (XMP Specification Part 3, external storage of metadata; Lightroom and Camera Raw).
#[must_use]
pub fn stem_applies(asset: &[u8], siblings_same_stem: &[&[u8]], for_extension: Option<&str>) -> bool {
    let extension = split(asset).1.unwrap_or_default();
    if let Some(wanted) = for_extension.map(|wanted| wanted.trim().trim_start_matches('.'))
        && !wanted.is_empty()
    {
        return extension.eq_ignore_ascii_case(wanted.as_bytes());
    }
    let best = siblings_same_stem.iter().map(|sibling| raw_rank(split(sibling).1.unwrap_or_default())).max();
    raw_rank(extension) >= best.unwrap_or(0)
}

/// Whether the sidecar `name.xmp` applies to an asset of that stem, where only single names can be asked for: as
/// [`stem_applies`], but the function says whether the directory has a file of a name. It is called for each extension
/// of raw photos until there is one, and not at all for a raw photo.
#[must_use]
pub fn stem_applies_where(asset: &[u8], for_extension: Option<&str>, is_there: impl Fn(&[u8]) -> bool) -> bool {
    let own = raw_rank(split(asset).1.unwrap_or_default());
    if for_extension.is_some_and(|wanted| !wanted.trim().trim_start_matches('.').is_empty()) {
        return stem_applies(asset, &[], for_extension);
    }
    let stem = split(asset).0;
    raws_above(own).all(|extension| {
        let is_there = |extension: &str| is_there(&[stem, b".", extension.as_bytes()].concat());
        !is_there(&extension.to_ascii_uppercase()) && !is_there(extension)
    })
}

/// Whether a name without its extension is a stem.
#[must_use]
pub fn is_of_stem(name: &[u8], stem: &[u8]) -> bool {
    matches!(split(name), (own, Some(_)) if own == stem)
}

/// The name of a raw photo without its extension; `None` for everything else.
#[must_use]
pub fn stem_of_raw(name: &[u8]) -> Option<&[u8]> {
    let (stem, extension) = split(name);
    (raw_rank(extension?) > 0).then_some(stem)
}

/// A name without its extension, and the extension without its dot. A name that begins with its only dot has none.
fn split(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    match name.iter().rposition(|&byte| byte == b'.') {
        Some(dot) if dot > 0 => (name.get(..dot).unwrap_or(name), name.get(dot + 1..).filter(|rest| !rest.is_empty())),
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::{Belongs, Kind, assets_of, is_sidecar, of_asset, stem_applies, stem_applies_where};

    /// Candidates as `full: a b; stem: c; json: d`.
    fn shown(name: &str) -> String {
        let candidates = of_asset(name.as_bytes());
        let of = |kind| -> Vec<String> {
            let names = candidates.iter().filter(|candidate| candidate.kind == kind);
            names.map(|candidate| String::from_utf8_lossy(&candidate.name).into_owned()).collect()
        };
        let parts = [("full", Kind::FullXmp), ("stem", Kind::StemXmp), ("json", Kind::Json)];
        let parts = parts.map(|(word, kind)| format!("{word}: {}", of(kind).join(" ")));
        assert!(candidates.is_sorted_by_key(|candidate| candidate.kind));
        parts.join("; ")
    }

    #[test]
    fn an_asset_has_few_names_to_try() {
        for (name, expect) in [
            (
                "IMG_1.CR2",
                "full: IMG_1.CR2.xmp IMG_1.CR2.XMP; stem: IMG_1.xmp IMG_1.XMP; \
                 json: IMG_1.CR2.json IMG_1.CR2.supplemental-metadata.json",
            ),
            ("notes.txt", "full: notes.txt.xmp notes.txt.XMP; stem: notes.xmp notes.XMP; json: "),
            (
                "a.b.jpg",
                "full: a.b.jpg.xmp a.b.jpg.XMP; stem: a.b.xmp a.b.XMP; \
                 json: a.b.jpg.json a.b.jpg.supplemental-metadata.json",
            ),
            (
                "a.jpg.tif",
                "full: a.jpg.tif.xmp a.jpg.tif.XMP; stem: ; \
                 json: a.jpg.tif.json a.jpg.tif.supplemental-metadata.json",
            ),
            ("README", "full: README.xmp README.XMP; stem: ; json: "),
            (".hidden", "full: .hidden.xmp .hidden.XMP; stem: ; json: "),
            ("dot.", "full: dot..xmp dot..XMP; stem: ; json: "),
            ("IMG_1.xmp", "full: ; stem: ; json: "),
            ("IMG_1.JPG.XMP", "full: ; stem: ; json: "),
            ("", "full: ; stem: ; json: "),
        ] {
            assert_eq!(shown(name), expect, "{name}");
        }
    }

    #[test]
    fn a_sidecar_belongs_to_assets() {
        let exact = |name: &str| Some(Belongs { exact: vec![name.into()], ..Belongs::default() });
        let stem =
            |name: &str| Some(Belongs { exact: vec![name.into()], stem: Some(name.into()), ..Belongs::default() });
        for (name, expect) in [
            ("IMG_1.CR2.xmp", exact("IMG_1.CR2")),
            ("IMG_1.cr2.XMP", exact("IMG_1.cr2")),
            ("IMG_1.xmp", stem("IMG_1")),
            ("IMG_1.Xmp", None),
            ("notes.txt.xmp", stem("notes.txt")),
            ("IMG.1.xmp", stem("IMG.1")),
            ("IMG_1.jpg.json", exact("IMG_1.jpg")),
            ("IMG_1.JPG.json", exact("IMG_1.JPG")),
            ("IMG_1.JPG.JSON", None),
            ("film.mov.json", exact("film.mov")),
            ("IMG_2.jpg.supplemental-metadata.json", exact("IMG_2.jpg")),
            ("IMG.jpg.supplemental-metadata(1).json", exact("IMG(1).jpg")),
            ("config.json", None),
            ("package.lock.json", None),
            ("IMG_1.jpg.supplemental.json", None),
            (".xmp", None),
            (".json", None),
            ("xmp", None),
            ("json", None),
            ("IMG_1.jpg", None),
            ("IMG_1.xmp.jpg", None),
            ("", None),
        ] {
            assert_eq!(assets_of(name.as_bytes()), expect, "{name}");
        }
    }

    #[test]
    fn what_an_asset_tries_belongs_to_it() {
        for name in [
            "IMG_1.CR2",
            "a.b.jpg",
            "a.jpg.tif",
            "README",
            "IMG(1).jpg",
            "IMG_1(12).HEIC",
            "notes.txt",
            "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P.jpg",
            "PXL_20220516_164814158.NIGHT.RAW-01.COVER.jpg",
            "0123456789012345678901234567890123456789.jpeg",
            "\u{e9}t\u{e9}.jpg",
        ] {
            for candidate in of_asset(name.as_bytes()) {
                let belongs = assets_of(&candidate.name).expect("a sidecar");
                let sidecar = String::from_utf8_lossy(&candidate.name).into_owned();
                let is_stem = belongs.stem.is_some_and(|stem| name.as_bytes().starts_with(&[&stem[..], b"."].concat()));
                let is_prefix = belongs.prefix.is_some_and(|prefix| name.as_bytes().starts_with(&prefix));
                let is_exact = belongs.exact.iter().any(|exact| exact == name.as_bytes());
                assert!(is_exact || is_stem || is_prefix, "{name}: {sidecar}");
            }
        }
        assert!(of_asset(b"\xff.jpg").iter().all(|candidate| assets_of(&candidate.name).is_some()));
    }

    #[test]
    fn a_guess_does_not_make_a_sidecar() {
        for (name, expect) in [
            ("a.xmp", true),
            ("a.jpg.json", true),
            ("a.jpg", false),
            ("a.json", false),
            ("original_1d4caa6f-16c6-4c3d-901b-9387de10e528_.json", false),
        ] {
            assert_eq!(is_sidecar(name.as_bytes()), expect, "{name}");
        }
    }

    #[test]
    fn the_sidecar_of_a_stem_applies_to_the_raw_photo() {
        for (asset, siblings, for_extension, expect) in [
            ("a.jpg", &["a.jpg"][..], None, true),
            ("a.jpg", &[], None, true),
            ("a.jpg", &["a.jpg", "a.mov"], None, true),
            ("a.CR2", &["a.CR2", "a.JPG"], None, true),
            ("a.JPG", &["a.CR2", "a.JPG"], None, false),
            ("a.JPG", &["a.CR2"], None, false),
            ("a.mov", &["a.heic", "a.nef"], None, false),
            ("a.dng", &["a.dng", "a.jpg"], None, true),
            ("a.dng", &["a.dng", "a.cr3"], None, false),
            ("a.cr3", &["a.dng", "a.cr3"], None, true),
            ("a.JPG", &["a.CR2", "a.JPG"], Some("jpg"), true),
            ("a.CR2", &["a.CR2", "a.JPG"], Some("jpg"), false),
            ("a.CR2", &["a.CR2", "a.JPG"], Some("CR2"), true),
            ("a.CR2", &["a.CR2", "a.JPG"], Some(".cr2 "), true),
            ("a.CR2", &["a.CR2", "a.JPG"], Some(""), true),
            ("a", &["a.jpg"], None, true),
        ] {
            let siblings: Vec<&[u8]> = siblings.iter().map(|sibling| sibling.as_bytes()).collect();
            assert_eq!(stem_applies(asset.as_bytes(), &siblings, for_extension), expect, "{asset} {for_extension:?}");
            let is_there = |name: &[u8]| siblings.contains(&name);
            let applies = stem_applies_where(asset.as_bytes(), for_extension, is_there);
            assert_eq!(applies, expect, "{asset} {for_extension:?}");
        }
    }
}
