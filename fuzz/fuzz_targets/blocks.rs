//! Any bytes as a block of metadata: the first byte says which block the rest is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::metadata::blocks::{bext, exif, iim, ixml, photoshop, xmp};
use ringback::metadata::budget::Budget;
use ringback::metadata::found::{Found, Part};
use ringback::metadata::json;
use ringback::model::sidecar;
use ringback_fuzz::check;
use ringback_fuzz::tags;

/// A block, and what reads it.
type Block = (&'static str, fn(&[u8], &Budget) -> Part);

/// The blocks that give tags. `fuzz/seed` counts on the order.
const BLOCKS: [Block; 5] =
    [("EXIF", exif::read), ("IPTC-IIM", iim::read), ("XMP", xmp::read), ("bext", bext::read), ("iXML", ixml::read)];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, block)) = bytes.split_first() else { return };
    let budget = Budget::begin();
    match *first {
        5 => {
            let mut found = Found::default();
            check::cheaply("Photoshop", || photoshop::read(block, &mut found, &budget));
            for part in [found.xmp, found.iptc, found.exif].into_iter().flatten() {
                tags::check(&part);
            }
        }
        6 => {
            if let Ok(said) = check::cheaply("JSON", || json::read(block, &budget)) {
                tags::check_said(&said);
            }
        }
        7 => check::cheaply("a name", || names(block)),
        first => {
            let (name, read) = BLOCKS[usize::from(first) % BLOCKS.len()];
            if let Ok(part) = check::cheaply(name, || read(block, &budget)) {
                tags::check(&part);
            }
        }
    }
});

/// The sidecars that a file of any name may have are sidecars, and what a name may belong to has a name.
fn names(name: &[u8]) {
    for candidate in sidecar::of_asset(name) {
        let belongs = sidecar::assets_of(&candidate.name);
        assert!(belongs.is_some(), "{:?} is tried and not known", String::from_utf8_lossy(&candidate.name));
    }
    if let Some(belongs) = sidecar::assets_of(name) {
        let names = belongs.exact.iter().chain(&belongs.stem).chain(&belongs.prefix);
        assert!(names.clone().count() > 0 && names.clone().all(|name| !name.is_empty()), "{belongs:?}");
    }
}
