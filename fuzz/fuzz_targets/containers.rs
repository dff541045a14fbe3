//! Any bytes as a file of one container: the first byte says which reader takes the rest, whether it knows it or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringback::metadata::budget::Budget;
use ringback::metadata::found::Found;
use ringback::metadata::input::Input;
use ringback::metadata::readers::READERS;
use ringback_fuzz::check;
use ringback_fuzz::tags;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, file)) = bytes.split_first() else { return };
    let reader = READERS[usize::from(*first) % READERS.len()];
    let found = check::quickly(reader.name, || {
        let (budget, mut found) = (Budget::begin(), Found::default());
        let mut input = Input::open(&file, &budget).expect("a slice can be read");
        let _ = (reader.knows)(input.head());
        // What was found before a fault is never used; it must be sound all the same.
        let _ = (reader.read)(&mut input, &mut found);
        found
    });
    for part in [found.xmp, found.iptc, found.exif].into_iter().flatten() {
        tags::check(&part);
    }
});
