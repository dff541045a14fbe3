//! Names of Google Takeout's JSON files. A file is named for its asset, `.supplemental-metadata` and `.json`, of which
//! all before `.json` is cut to 46 characters, even within the name of the asset. The number of a duplicate goes to the
//! end: `IMG(1).jpg` has `IMG.jpg.supplemental-metadata(1).json`. Exports before 2024 have no `.supplemental-metadata`.
//!
//! Google publishes no specification; this is how exports are, and all of their names are UTF-8. The names of edited
//! copies, which share the original's file, are in the language of the account and are not handled.

use super::extensions::{is_media, media_from};
use super::{Belongs, split};

/// What follows the name of the asset.
const SUFFIX: &[u8] = b".supplemental-metadata";
/// Characters before `.json` and before the number of a duplicate.
const CHARACTERS_MAX: usize = 46;
/// More digits than a number of a duplicate has.
const NUMBER_DIGITS_MAX: usize = 5;

/// The names that Takeout may have given to the JSON file of an asset, besides the asset's name and `.json`.
#[must_use]
pub fn of_asset(name: &[u8]) -> Vec<Vec<u8>> {
    let (stem, extension) = split(name);
    let Some(extension) = extension.filter(|_| str::from_utf8(name).is_ok()) else { return Vec::new() };
    let json = |base: &[u8], number: &[u8]| [cut(base), number, b".json"].concat();
    match numbered(stem) {
        Some((stem, number)) => {
            let original = [stem, b".", extension].concat();
            let whole = json(&[&original[..], SUFFIX].concat(), number);
            let older = json(&original, number);
            if whole == older { vec![whole] } else { vec![whole, older] }
        }
        None => vec![json(&[name, SUFFIX].concat(), b"")],
    }
}

/// The assets that a JSON file may belong to, by what is before its `.json`. The name of the asset with its extension
/// and nothing behind is not asked of this function.
#[must_use]
pub fn assets_of(base: &[u8]) -> Option<Belongs> {
    let whole = str::from_utf8(base).ok()?.as_bytes();
    let (base, number) = numbered(whole).unwrap_or((whole, b""));
    let exact = |names: Vec<Vec<u8>>| Some(Belongs { exact: names, ..Belongs::default() });
    // `IMG.jpg(1)`, or the whole suffix.
    let original = base.strip_suffix(SUFFIX).unwrap_or(base);
    if (original.len() < base.len() || !number.is_empty()) && split(original).1.is_some_and(is_media) {
        return exact(vec![with_number(original, number)]);
    }
    if count(base) != CHARACTERS_MAX {
        return None;
    }
    // The suffix is cut.
    for length in (1..SUFFIX.len()).rev() {
        if let Some(original) = SUFFIX.get(..length).and_then(|suffix| base.strip_suffix(suffix))
            && split(original).1.is_some_and(is_media)
        {
            return exact(vec![with_number(original, number)]);
        }
    }
    // Exactly the name of the asset is left.
    let (stem, extension) = split(base);
    if extension.is_some_and(is_media) {
        return exact(vec![with_number(base, number)]);
    }
    // The extension is cut. Cameras write it in one case.
    let beginning = extension.unwrap_or_default();
    if (1..4).contains(&beginning.len()) {
        let is_upper = beginning.iter().any(u8::is_ascii_uppercase);
        let whole = |extension: &'static str| {
            let extension = if is_upper { extension.to_ascii_uppercase() } else { extension.to_owned() };
            with_number(&[stem, b".", extension.as_bytes()].concat(), number)
        };
        let beginning = beginning.to_ascii_lowercase();
        let names: Vec<_> = media_from(&beginning).map(whole).collect();
        if !names.is_empty() {
            return exact(names);
        }
    }
    Some(Belongs { prefix: Some(base.to_vec()), ..Belongs::default() })
}

/// A name that ends with the number of a duplicate, and the number in its brackets: `IMG(1)` is `IMG` and `(1)`.
fn numbered(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let open = name.iter().rposition(|&byte| byte == b'(')?;
    let (before, number) = name.split_at_checked(open)?;
    let digits = number.strip_prefix(b"(")?.strip_suffix(b")")?;
    let is_number = (1..=NUMBER_DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    (is_number && !before.is_empty()).then_some((before, number))
}

/// The name of a duplicate: `IMG.jpg` with `(1)` is `IMG(1).jpg`.
fn with_number(name: &[u8], number: &[u8]) -> Vec<u8> {
    match split(name) {
        (stem, Some(extension)) => [stem, number, b".", extension].concat(),
        (stem, None) => [stem, number].concat(),
    }
}

/// A name without the characters past those that Takeout keeps.
fn cut(name: &[u8]) -> &[u8] {
    let text = str::from_utf8(name).unwrap_or_default();
    text.char_indices().nth(CHARACTERS_MAX).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

fn count(name: &[u8]) -> usize {
    str::from_utf8(name).unwrap_or_default().chars().count()
}

#[cfg(test)]
mod tests {
    use super::super::{Belongs, assets_of};
    use super::{CHARACTERS_MAX, NUMBER_DIGITS_MAX, of_asset};

    #[test]
    fn names_are_cut_to_51_characters() {
        for (name, expect) in [
            ("IMG_2.jpg", &["IMG_2.jpg.supplemental-metadata.json"][..]),
            ("IMG(1).jpg", &["IMG.jpg.supplemental-metadata(1).json", "IMG.jpg(1).json"]),
            ("IMG(x).jpg", &["IMG(x).jpg.supplemental-metadata.json"]),
            ("(1).jpg", &["(1).jpg.supplemental-metadata.json"]),
            ("PXL_20220516_164814158.NIGHT.jpg", &["PXL_20220516_164814158.NIGHT.jpg.supplemental-.json"]),
            (
                "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P.jpg",
                &["original_1d4caa6f-16c6-4c3d-901b-9387de10e528_.json"],
            ),
            (
                "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_P(1).jpg",
                &["original_1d4caa6f-16c6-4c3d-901b-9387de10e528_(1).json"],
            ),
            ("no-extension", &[]),
        ] {
            let names: Vec<_> =
                of_asset(name.as_bytes()).iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
            assert_eq!(names, expect, "{name}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_no_takeout_name() {
        // Found by fuzzing: cut to so many bytes, a name could have fewer characters.
        let name = [&[b'a'; 44][..], b"\xc3\xa9\xff.jpg"].concat();
        assert_eq!(of_asset(&name), Vec::<Vec<u8>>::new());
        assert_eq!(super::assets_of(&name), None);
    }

    #[test]
    fn a_cut_name_leads_to_its_asset() {
        let exact = |names: &[&str]| {
            Some(Belongs { exact: names.iter().map(|&name| name.into()).collect(), ..Belongs::default() })
        };
        let prefix = |name: &str| Some(Belongs { prefix: Some(name.into()), ..Belongs::default() });
        for (name, expect) in [
            ("PXL_20220516_164814158.NIGHT.jpg.supplemental-.json", exact(&["PXL_20220516_164814158.NIGHT.jpg"])),
            ("PXL_20220516_164814158.NIGHT.jpg.supplemental-(2).json", exact(&["PXL_20220516_164814158.NIGHT(2).jpg"])),
            ("PXL_20220516_164814158.NIGHT.jpg.supplement.json", None),
            ("PXL_20220516_164814158.PORTRAIT-01.jpg.supplem.json", exact(&["PXL_20220516_164814158.PORTRAIT-01.jpg"])),
            (
                "PXL_20220516_164814158.PORTRAIT-01.COVE.jpg.su.json",
                exact(&["PXL_20220516_164814158.PORTRAIT-01.COVE.jpg"]),
            ),
            (
                "PXL_20220516_164814158.PORTRAIT-01.COVER-.jpg..json",
                exact(&["PXL_20220516_164814158.PORTRAIT-01.COVER-.jpg"]),
            ),
            (
                "PXL_20220516_164814158.PORTRAIT-01.COVER-1.jpg.json",
                exact(&["PXL_20220516_164814158.PORTRAIT-01.COVER-1.jpg"]),
            ),
            (
                "PXL_20220516_164814158.PORTRAIT-01.COVER-12.pn.json",
                exact(&[
                    "PXL_20220516_164814158.PORTRAIT-01.COVER-12.png",
                    "PXL_20220516_164814158.PORTRAIT-01.COVER-12.pnm",
                ]),
            ),
            (
                "PXL_20220516_164814158.PORTRAIT-01.COVER-12.PN.json",
                exact(&[
                    "PXL_20220516_164814158.PORTRAIT-01.COVER-12.PNG",
                    "PXL_20220516_164814158.PORTRAIT-01.COVER-12.PNM",
                ]),
            ),
            (
                "PXL_20220516_164814158.PORTRAIT-01.COVER-1234..json",
                prefix("PXL_20220516_164814158.PORTRAIT-01.COVER-1234."),
            ),
            (
                "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_.json",
                prefix("original_1d4caa6f-16c6-4c3d-901b-9387de10e528_"),
            ),
            (
                "original_1d4caa6f-16c6-4c3d-901b-9387de10e528_(1).json",
                prefix("original_1d4caa6f-16c6-4c3d-901b-9387de10e528_"),
            ),
            ("IMG.jpg(1).json", exact(&["IMG(1).jpg"])),
            ("IMG.jpg.suppl.json", None),
            ("IMG(1).json", None),
        ] {
            assert_eq!(assets_of(name.as_bytes()), expect, "{name}");
        }
    }

    #[test]
    fn names_are_cut_where_takeout_cuts_them() {
        // What is before `.json`, for a name with so many characters before its extension.
        let base = |stem: &str| {
            let names = of_asset(format!("{stem}.jpg").as_bytes());
            let name = String::from_utf8(names.into_iter().next().expect("a name")).expect("text");
            name.strip_suffix(".json").expect("a sidecar").to_owned()
        };
        let room = CHARACTERS_MAX - ".jpg.supplemental-metadata".len();
        for character in ["x", "\u{e9}"] {
            let stem = character.repeat(room);
            assert_eq!(base(&stem), format!("{stem}.jpg.supplemental-metadata"));
            let stem = character.repeat(room + 1);
            assert_eq!(base(&stem), format!("{stem}.jpg.supplemental-metadat"));
        }
        // A base that is shorter was not cut, so that it belongs to no asset.
        let belongs = |name: String| assets_of(name.as_bytes());
        assert!(belongs(format!("{}.jpg.suppl.json", "x".repeat(CHARACTERS_MAX - 10))).is_some());
        assert_eq!(belongs(format!("{}.jpg.suppl.json", "x".repeat(CHARACTERS_MAX - 11))), None);
    }

    #[test]
    fn a_number_with_too_many_digits_is_part_of_the_name() {
        let json = |digits: usize| {
            let names = of_asset(format!("a({}).jpg", "1".repeat(digits)).as_bytes());
            String::from_utf8(names.into_iter().next().expect("a name")).expect("text")
        };
        assert_eq!(json(NUMBER_DIGITS_MAX), "a.jpg.supplemental-metadata(11111).json");
        assert_eq!(json(NUMBER_DIGITS_MAX + 1), "a(111111).jpg.supplemental-metadata.json");
    }
}
