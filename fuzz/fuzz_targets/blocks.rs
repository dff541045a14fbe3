//! Any bytes as a block of metadata: the first byte says which block the rest is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::metadata::blocks::{exif, iim, photoshop, xmp};
use ringback::metadata::budget::Budget;
use ringback::metadata::found::Found;
use ringback::metadata::json;
use ringback_fuzz::check;
use ringback_fuzz::tags;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, block)) = bytes.split_first() else { return };
    let budget = Budget::begin();
    let part = match first % 5 {
        0 => check::quickly("EXIF", || exif::read(block, &budget)),
        1 => check::quickly("IPTC-IIM", || iim::read(block, &budget)),
        2 => check::quickly("XMP", || xmp::read(block, &budget)),
        3 => {
            let mut found = Found::default();
            check::quickly("Photoshop", || photoshop::read(block, &mut found, &budget));
            for part in [found.xmp, found.exif].into_iter().flatten() {
                tags::check(&part);
            }
            found.iptc
        }
        _ => {
            if let Ok(said) = check::quickly("JSON", || json::read(block, &budget)) {
                tags::check_said(&said);
            }
            return;
        }
    };
    if let Ok(part) = part {
        tags::check(&part);
    }
});
