//! Any bytes as a file: by the reader that its content asks for, or by the one that the first byte names, whether that
//! reader knows the file or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::metadata::budget::Budget;
use ringback::metadata::found::Found;
use ringback::metadata::input::Input;
use ringback::metadata::readers::{self, READERS};
use ringback_fuzz::check;
use ringback_fuzz::tags;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, file)) = bytes.split_first() else { return };
    let found = match READERS.get(usize::from(*first)) {
        None => check::cheaply("a file", || readers::read(&file).unwrap_or_default()),
        Some(reader) => check::cheaply(reader.name, || {
            let (budget, mut found) = (Budget::begin(), Found::default());
            let mut input = Input::open(&file, &budget).expect("a slice can be read");
            let _ = (reader.knows)(input.head());
            // What was found before a fault is never used; it must be sound all the same.
            let _ = (reader.read)(&mut input, &mut found);
            found
        }),
    };
    for part in [found.xmp, found.iptc, found.exif].into_iter().flatten() {
        tags::check(&part);
    }
});
