//! Files of boxes, made and read.

use super::heif::LIST_BYTES_MAX;
use super::items::METADATA_ITEMS_MAX;
use super::keys::KEY_BYTES_MAX;
use super::movie::TRACKS_MAX;
use super::track::DURATIONS_MAX;
use super::{XMP_UUID, canon, knows, read};
use crate::metadata::containers::sparse::{EXIF, Sparse, read as read_with, value, xmp};
use crate::metadata::fault::Fault;
use crate::metadata::found::Found;
use crate::metadata::limits::{BLOCK_BYTES_MAX, BOXES_MAX, KEYS_MAX, VALUE_BYTES_MAX};
use crate::metadata::tag::TagValue;

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
}

fn full(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[0; 4], content].concat())
}

fn data(kind: u32, value: &[u8]) -> Vec<u8> {
    boxed(b"data", &[&kind.to_be_bytes()[..], &[0; 4], value].concat())
}

fn ftyp(brand: &[u8; 4]) -> Vec<u8> {
    boxed(b"ftyp", &[brand, &[0, 0, 2, 0][..], brand, b"isom"].concat())
}

fn handler(kind: &[u8; 4]) -> Vec<u8> {
    full(b"hdlr", &[&[0; 4], &kind[..], &[0; 12], b"Handler\0"].concat())
}

fn movie_header() -> Vec<u8> {
    let numbers = [3_206_613_834_u32, 0, 600, 2_980].map(u32::to_be_bytes);
    full(b"mvhd", &[numbers.as_flattened(), &[0; 80]].concat())
}

fn track(number: u8, kind: &[u8; 4]) -> Vec<u8> {
    track_of(number, kind, &[(150, 1_001)])
}

/// A track whose frames last so long: how many, how long.
fn track_of(number: u8, kind: &[u8; 4], durations: &[(u32, u32)]) -> Vec<u8> {
    let mut header = [0; 80];
    (header[11], header[18], header[19]) = (number, 0x0b, 0xa4);
    if kind == b"vide" {
        (header[72], header[73], header[76], header[77]) = (0x07, 0x80, 0x04, 0x38);
    }
    let media_header = full(b"mdhd", b"\0\0\0\0\0\0\0\0\0\0\x75\x30\0\x02\x4a\x86\x10\xb5\0\0");
    let mut entry = [0; 86];
    (entry[3], entry[32], entry[33], entry[34], entry[35]) = (86, 0x07, 0x80, 0x04, 0x38);
    entry[4..8].copy_from_slice(b"avc1");
    entry[50..54].copy_from_slice(b"\x03AVC");
    let descriptions = full(b"stsd", &[&[0, 0, 0, 1], &entry[..]].concat());
    let count = (durations.len() as u32).to_be_bytes();
    let durations: Vec<_> =
        durations.iter().flat_map(|(count, each)| [count.to_be_bytes(), each.to_be_bytes()]).collect();
    let durations = full(b"stts", &[&count, durations.as_flattened()].concat());
    let table = boxed(b"stbl", &[descriptions, durations, full(b"stsz", &[0; 64])].concat());
    let media = boxed(b"mdia", &[media_header, handler(kind), boxed(b"minf", &table)].concat());
    boxed(b"trak", &[full(b"tkhd", &header), media].concat())
}

fn user_data() -> Vec<u8> {
    let texts = b"\0\x04\0\0M\x8ac!\0\x03\x10\xb5drei"; // The second text is cut short by its length.
    let items = [boxed(b"\xa9nam", &data(1, b"Title")), boxed(b"trkn", &data(0, b"\0\0\0\x01\0\x02\0\0"))];
    let free = [full(b"mean", b"com.apple.iTunes"), full(b"name", b"LABEL"), data(1, b"L")].concat();
    let list =
        boxed(b"ilst", &[items.concat(), boxed(b"----", &free), boxed(b"covr", &data(13, b"\xff\xd8"))].concat());
    let meta = full(b"meta", &[handler(b"mdir"), list].concat());
    boxed(b"udta", &[boxed(b"\xa9nam", &texts[..15]), meta, vec![0; 4]].concat())
}

fn keys() -> Vec<u8> {
    let names = [&b"com.apple.quicktime.creationdate"[..], b"com.apple.quicktime.location.ISO6709"];
    let entry = |name: &&[u8]| [&(name.len() as u32 + 8).to_be_bytes()[..], b"mdta", name].concat();
    let keys = full(b"keys", &[&[0, 0, 0, 2], &names.iter().flat_map(entry).collect::<Vec<_>>()[..]].concat());
    let values = [&b"2019-05-01T12:00:00+0200"[..], b"+37.6188-122.3750+005.000/"];
    let item = |(index, value): (u8, &[u8])| boxed(&[0, 0, 0, index], &data(1, value));
    let list = boxed(b"ilst", &(1..).zip(values).flat_map(item).collect::<Vec<_>>());
    boxed(b"meta", &[handler(b"mdta"), keys, list].concat())
}

fn movie() -> Vec<u8> {
    let parts = [movie_header(), track(1, b"vide"), track(2, b"soun"), user_data(), keys()];
    boxed(b"moov", &parts.concat())
}

fn xmp_box(city: &str) -> Vec<u8> {
    boxed(b"uuid", &[&XMP_UUID[..], &xmp(city)].concat())
}

fn check(found: &Found, group: &str, name: &str, expect: &str) {
    assert_eq!(value(&found.exif, group, name).as_deref(), Some(expect), "{group}:{name}");
}

#[test]
fn brands_are_clean_text() {
    // Found by fuzzing: a box of another kind may be where the brands are.
    let file = boxed(b"ftyp", b"crx \0\0\0\0isom\0\0\x01f \0 \0");
    let found = read_with(&Sparse::whole([file, movie()].concat()), read).expect("a file type");
    let brands = found.exif.expect("no fault").into_iter().find(|tag| tag.name == "CompatibleBrands");
    let text = |text: &str| TagValue::Text(text.into());
    assert_eq!(brands.map(|tag| tag.value), Some(TagValue::Bag(vec![text("isom"), text("\u{1}f")])));
}

#[test]
fn a_movie_says_what_its_boxes_say() {
    let content = Sparse::whole([ftyp(b"mp42"), movie(), boxed(b"mdat", b"xx"), xmp_box("SFO")].concat());
    let found = read_with(&content, read).expect("a movie");
    for (group, name, expect) in [
        ("QuickTime", "MajorBrand", "mp42"),
        ("QuickTime", "MinorVersion", "0.2.0"),
        ("QuickTime", "CompatibleBrands", "mp42|isom"),
        ("QuickTime", "CreateDate", "2005-08-11T14:03:54"),
        ("QuickTime", "Duration", "4.966666667"),
        ("Track1", "TrackID", "1"),
        ("Track1", "TrackDuration", "4.966666667"),
        ("Track1", "ImageWidth", "1920"),
        ("Track1", "ImageHeight", "1080"),
        ("Track1", "MediaDuration", "5.005"),
        ("Track1", "MediaLanguageCode", "deu"),
        ("Track1", "HandlerType", "vide"),
        ("Track1", "HandlerDescription", "Handler"),
        ("Track1", "CompressorID", "avc1"),
        ("Track1", "CompressorName", "AVC"),
        ("Track1", "VideoFrameRate", "29.97002997"),
        ("Track2", "AudioFormat", "avc1"),
        ("UserData", "Title", "M\u{e4}c!"),
        ("UserData", "Title-deu", "dre"),
        ("ItemList", "Title", "Title"),
        ("ItemList", "TrackNumber", "1 of 2"),
        ("iTunes", "Label", "L"),
        ("Keys", "CreationDate", "2019-05-01T12:00:00+02:00"),
        ("Keys", "GPSCoordinates", "37.6188 -122.375 5"),
    ] {
        check(&found, group, name, expect);
    }
    assert_eq!(value(&found.exif, "QuickTime", "ModifyDate"), None);
    assert_eq!(value(&found.exif, "ItemList", "CoverArt"), None);
    assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
}

#[test]
fn a_movie_of_100_gb_costs_a_few_reads() {
    const SIZE: u64 = 100_000_000_000;
    // Sample tables of a long movie are large too.
    let mut movie = movie();
    movie.splice(..4, (movie.len() as u32 + 8_000_000).to_be_bytes());
    let free = [&8_000_000_u32.to_be_bytes()[..], b"free"].concat();
    let media = |length: u64| [&1_u32.to_be_bytes()[..], b"mdat", &length.to_be_bytes()].concat();
    let xmp = xmp_box(&"SFO ".repeat(4_000));
    let tail = movie.len() as u64 + 8_000_000 + xmp.len() as u64;
    let begin = SIZE - tail;
    let head = ftyp(b"qt  ");
    let last = [
        (0, head.clone()),
        (head.len() as u64, media(begin - head.len() as u64)),
        (begin, movie.clone()),
        (begin + movie.len() as u64, free.clone()),
        (SIZE - xmp.len() as u64, xmp.clone()),
    ];
    let front = head.len() as u64 + tail;
    let first = [
        (0, head.clone()),
        (head.len() as u64, movie.clone()),
        ((head.len() + movie.len()) as u64, free),
        (front - xmp.len() as u64, xmp),
        (front, media(SIZE - front)),
    ];
    for content in [Sparse::new(SIZE, last), Sparse::new(SIZE, first)] {
        let found = read_with(&content, read).expect("a movie");
        check(&found, "Track1", "ImageWidth", "1920");
        assert!(value(&found.xmp, "XMP-photoshop", "City").is_some_and(|city| city.starts_with("SFO")));
        let (reads, bytes) = (content.reads.get(), content.bytes.get());
        assert!(reads <= 10 && bytes <= 128 * 1024, "{reads} reads, {bytes} bytes");
    }
}

/// An image with an EXIF item in the file and an XMP item in the data box of the metadata box.
fn image(describes: u8) -> Vec<u8> {
    let packet = xmp("SFO");
    let entries = [
        full(b"infe", b"\0\x01\0\0hvc1\0"),
        full(b"infe", b"\0\x02\0\0Exif\0"),
        full(b"infe", b"\0\x03\0\0mime\0application/rdf+xml\0"),
    ];
    let entries = entries.map(|mut entry| {
        entry[8] = 2;
        entry
    });
    let items = full(b"iinf", &[&[0, 3], &entries.concat()[..]].concat());
    let references = full(b"iref", &boxed(b"cdsc", &[0, 2, 0, 1, 0, describes]));
    let properties = boxed(
        b"iprp",
        &[
            boxed(b"ipco", &[full(b"ispe", b"\0\0\x06\x3c\0\0\x04\x28"), boxed(b"irot", b"\x01")].concat()),
            full(b"ipma", b"\0\0\0\x01\0\x01\x02\x81\x02"),
        ]
        .concat(),
    );
    let entry = |id: u8, method: u8, offset: u32, length: usize| {
        let numbers = [offset.to_be_bytes(), (length as u32).to_be_bytes()];
        [&[0, id, 0, method, 0, 0, 0, 1], numbers.as_flattened()].concat()
    };
    let make = |exif_at: u32| {
        let entries = [entry(2, 0, exif_at, EXIF.len() + 10), entry(3, 1, 0, packet.len())].concat();
        let mut locations = full(b"iloc", &[&[0x44, 0, 0, 2], &entries[..]].concat());
        locations[8] = 1;
        let parts = [
            handler(b"pict"),
            full(b"pitm", &[0, 1]),
            items.clone(),
            references.clone(),
            properties.clone(),
            locations,
            boxed(b"idat", &packet),
        ];
        [ftyp(b"heic"), full(b"meta", &parts.concat())].concat()
    };
    let size = make(0).len() as u32;
    [make(size + 8), boxed(b"mdat", &[b"\0\0\0\x06Exif\0\0", EXIF].concat())].concat()
}

#[test]
fn an_image_has_items() {
    let found = read_with(&Sparse::whole(image(1)), read).expect("an image");
    check(&found, "IFD0", "Model", "Z9");
    check(&found, "QuickTime", "ImageSpatialExtent", "1596 1064");
    check(&found, "QuickTime", "Rotation", "1");
    check(&found, "Meta", "PrimaryItemReference", "1");
    assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
    let found = read_with(&Sparse::whole(image(4)), read).expect("an image");
    assert_eq!(value(&found.exif, "IFD0", "Model"), None);
    assert_eq!(value(&found.xmp, "XMP-photoshop", "City").as_deref(), Some("SFO"));
}

#[test]
fn canons_raws_have_exif_in_their_movie() {
    let directories =
        [boxed(b"CMT1", EXIF), boxed(b"CMT2", b"II*\0\x08\0\0\0\x01\0\x27\x88\x03\0\x01\0\0\0\x32\0\0\0\0\0\0\0")];
    let canon = boxed(b"uuid", &[&canon::UUID[..], &directories.concat()].concat());
    let content = Sparse::whole([ftyp(b"crx "), boxed(b"moov", &[canon, movie_header()].concat())].concat());
    let found = read_with(&content, read).expect("a raw");
    check(&found, "IFD0", "Model", "Z9");
    check(&found, "ExifIFD", "ISO", "50");
    check(&found, "QuickTime", "CreateDate", "2005-08-11T14:03:54+00:00");
}

#[test]
fn what_is_cut_short_is_not_taken_for_the_whole() {
    let bytes = [ftyp(b"mp42"), movie(), boxed(b"mdat", b"xx"), xmp_box("SFO")].concat();
    let with_length = |length: usize| read_with(&Sparse::whole(bytes[..length].to_vec()), read);
    assert!(matches!(with_length(200), Err(Fault::Damaged { .. })));
    let found = with_length(bytes.len() - 1).expect("a movie");
    assert!(matches!(found.xmp, Err(Fault::Damaged { .. })));
    check(&found, "Track1", "ImageWidth", "1920");
    let trailed = [&bytes[..], b"\x01\x02\x03\x04\x05\x06\x07\x08\x09"].concat();
    assert!(read_with(&Sparse::whole(trailed), read).expect("a movie").xmp.is_ok());
    assert!(matches!(read_with(&Sparse::whole(ftyp(b"mp42")), read), Err(Fault::Damaged { .. })));
    for length in 0..bytes.len() {
        let _ = with_length(length);
    }
}

#[test]
fn hostile_boxes_end() {
    // The type of the file and the movie are boxes too.
    let tiny = |count: usize| [ftyp(b"mp42"), boxed(b"free", b"").repeat(count - 2), moov(&[])].concat();
    let inside = |count: usize| [ftyp(b"mp42"), moov(&boxed(b"free", b"").repeat(count - 2))].concat();
    for (most, too_many) in [(tiny(BOXES_MAX), tiny(BOXES_MAX + 1)), (inside(BOXES_MAX), inside(BOXES_MAX + 1))] {
        assert!(read_with(&Sparse::whole(most), read).is_ok());
        let fault = read_with(&Sparse::whole(too_many), read).expect_err("one box too many");
        assert_eq!(fault.to_string(), "a file has more boxes than allowed (limit: 4096 boxes)");
    }
    let overflow = [ftyp(b"mp42"), [&1_u32.to_be_bytes()[..], b"moov", &u64::MAX.to_be_bytes()].concat()].concat();
    assert!(matches!(read_with(&Sparse::whole(overflow), read), Err(Fault::Damaged { .. })));
    let nested = (0..2_000).fold(Vec::new(), |inner, _| boxed(b"moov", &inner));
    assert!(read_with(&Sparse::whole(nested), read).is_ok());
}

#[test]
fn files_are_known_by_their_first_box() {
    assert!(knows(&ftyp(b"heic")) && knows(&movie()) && knows(b"\0\0\0\x01mdat") && knows(b"\0\0\0\x08wide"));
    assert!(!knows(b"\0\0\0\0moov") && !knows(b"\xff\xd8\xff\xe1") && !knows(b""));
}

fn moov(content: &[u8]) -> Vec<u8> {
    boxed(b"moov", content)
}

/// The movie that boxes make.
fn movie_of(parts: &[Vec<u8>]) -> Found {
    read_with(&Sparse::whole([ftyp(b"mp42"), moov(&parts.concat())].concat()), read).expect("a movie")
}

#[test]
fn tracks_past_the_limit_are_left_out() {
    let tracks: Vec<_> = (1..=TRACKS_MAX + 1).map(|number| track(number as u8, b"soun")).collect();
    let found = movie_of(&tracks);
    check(&found, &format!("Track{TRACKS_MAX}"), "TrackID", &TRACKS_MAX.to_string());
    assert_eq!(value(&found.exif, &format!("Track{}", TRACKS_MAX + 1), "TrackID"), None);
}

#[test]
fn a_track_of_too_many_durations_has_no_frame_rate() {
    let rate = |durations: usize| {
        let found = movie_of(&[movie_header(), track_of(1, b"vide", &vec![(1, 1_000); durations])]);
        check(&found, "Track1", "ImageWidth", "1920");
        value(&found.exif, "Track1", "VideoFrameRate")
    };
    assert_eq!((rate(DURATIONS_MAX).as_deref(), rate(DURATIONS_MAX + 1)), (Some("30"), None));
}

#[test]
fn a_key_that_is_too_long_has_no_name() {
    let names = |length: usize| {
        let names = ["x".repeat(length), "com.apple.quicktime.title".to_owned()];
        let entry = |name: &String| [&(name.len() as u32 + 8).to_be_bytes()[..], b"mdta", name.as_bytes()].concat();
        let keys = full(b"keys", &[&[0, 0, 0, 2], &names.iter().flat_map(entry).collect::<Vec<_>>()[..]].concat());
        let list = [boxed(&[0, 0, 0, 1], &data(1, b"one")), boxed(&[0, 0, 0, 2], &data(1, b"two"))].concat();
        let found = movie_of(&[boxed(b"meta", &[handler(b"mdta"), keys, boxed(b"ilst", &list)].concat())]);
        check(&found, "Keys", "Title", "two");
        value(&found.exif, "Keys", &format!("X{}", "x".repeat(length - 1)))
    };
    assert_eq!((names(KEY_BYTES_MAX).as_deref(), names(KEY_BYTES_MAX + 1)), (Some("one"), None));
}

#[test]
fn keys_past_the_limit_have_no_names() {
    let last = |count: usize| {
        let entries: Vec<u8> = (1..=count)
            .flat_map(|n| {
                let name = format!("own{n}");
                [&(name.len() as u32 + 8).to_be_bytes()[..], b"mdta", name.as_bytes()].concat()
            })
            .collect();
        let keys = full(b"keys", &[&(count as u32).to_be_bytes(), &entries[..]].concat());
        let list = boxed(b"ilst", &boxed(&(count as u32).to_be_bytes(), &data(1, b"last")));
        let found = movie_of(&[boxed(b"meta", &[handler(b"mdta"), keys, list].concat())]);
        value(&found.exif, "Keys", &format!("Own{count}"))
    };
    assert_eq!((last(KEYS_MAX).as_deref(), last(KEYS_MAX + 1)), (Some("last"), None));
}

#[test]
fn too_many_keys_are_a_fault() {
    // The type of the file gives three.
    let texts = |count: usize| {
        let text = |n: usize| boxed(format!("#{n:03}").as_bytes().try_into().expect("four bytes"), b"\0\x01\0\0x");
        let mut texts: Vec<_> = (3..count).map(text).collect();
        texts.iter_mut().for_each(|text| text[4] = 0xa9);
        movie_of(&[boxed(b"udta", &texts.concat())]).exif
    };
    assert_eq!(texts(KEYS_MAX).expect("tags").len(), KEYS_MAX);
    let fault = texts(KEYS_MAX + 1).expect_err("one key too many").to_string();
    assert_eq!(fault, "a file has more keys than allowed (limit: 512 keys)");
}

#[test]
fn a_value_that_is_too_long_is_left_out() {
    let artist = boxed(b"\xa9ART", &data(1, b"Me"));
    let listed = |length: usize| {
        let items = [boxed(b"\xa9nam", &data(1, &vec![b'x'; length])), artist.clone()].concat();
        let meta = full(b"meta", &[handler(b"mdir"), boxed(b"ilst", &items)].concat());
        let found = movie_of(&[boxed(b"udta", &meta)]);
        check(&found, "ItemList", "Artist", "Me");
        value(&found.exif, "ItemList", "Title").map(|title| title.len())
    };
    assert_eq!((listed(VALUE_BYTES_MAX), listed(VALUE_BYTES_MAX + 1)), (Some(VALUE_BYTES_MAX), None));
    // The length and the language of a text count.
    let text = |size: usize| {
        let length = size - 4;
        let text = [&(length as u16).to_be_bytes()[..], &[0, 0], &vec![b'x'; length]].concat();
        let found = movie_of(&[boxed(b"udta", &[boxed(b"\xa9nam", &text), boxed(b"CNFV", b"1.0")].concat())]);
        check(&found, "UserData", "FirmwareVersion", "1.0");
        value(&found.exif, "UserData", "Title").map(|title| title.len())
    };
    assert_eq!((text(VALUE_BYTES_MAX), text(VALUE_BYTES_MAX + 1)), (Some(VALUE_BYTES_MAX - 4), None));
    let other = |length: usize| {
        let boxes = [boxed(b"CNFV", &vec![b'x'; length]), boxed(b"CNMN", b"Z9")];
        let found = movie_of(&[boxed(b"udta", &boxes.concat())]);
        check(&found, "UserData", "Model", "Z9");
        value(&found.exif, "UserData", "FirmwareVersion").map(|version| version.len())
    };
    assert_eq!((other(VALUE_BYTES_MAX), other(VALUE_BYTES_MAX + 1)), (Some(VALUE_BYTES_MAX), None));
}

const EXIF_ITEM: &[u8] = b"Exif\0";
const XMP_ITEM: &[u8] = b"mime\0application/rdf+xml\0";

/// An image with items of these types, numbered from 1 on, and their locations. Its data box has EXIF.
fn image_of(types: &[&[u8]], locations: &[u8]) -> Vec<u8> {
    let entry = |(id, kind): (u16, &&[u8])| {
        let mut entry = full(b"infe", &[&id.to_be_bytes(), &[0, 0], *kind].concat());
        entry[8] = 2;
        entry
    };
    let entries: Vec<u8> = (1..).zip(types).flat_map(entry).collect();
    let items = full(b"iinf", &[&(types.len() as u16).to_be_bytes(), &entries[..]].concat());
    let mut locations = full(b"iloc", locations);
    locations[8] = 1;
    let data = boxed(b"idat", &[b"\0\0\0\x06Exif\0\0", EXIF].concat());
    [ftyp(b"heic"), full(b"meta", &[handler(b"pict"), items, locations, data].concat())].concat()
}

/// The location of an item in one part: how it is found (0 in the file, 1 in the data box), where, how long.
fn location(id: u16, method: u16, offset: u32, length: u32) -> Vec<u8> {
    let parts = [id, method, 0, 1].map(u16::to_be_bytes);
    [parts.as_flattened(), &offset.to_be_bytes(), &length.to_be_bytes()].concat()
}

/// Offsets and lengths of four bytes; so many items.
fn locations(items: &[Vec<u8>]) -> Vec<u8> {
    [&[0x44, 0], &(items.len() as u16).to_be_bytes()[..], &items.concat()].concat()
}

#[test]
fn metadata_items_past_the_limit_are_left_out() {
    let model = |count: usize| {
        let mut types = vec![XMP_ITEM; count];
        types[count - 1] = EXIF_ITEM;
        let bytes = image_of(&types, &locations(&[location(count as u16, 1, 0, EXIF.len() as u32 + 10)]));
        let found = read_with(&Sparse::whole(bytes), read).expect("an image");
        assert!(found.xmp.is_ok());
        value(&found.exif, "IFD0", "Model")
    };
    assert_eq!((model(METADATA_ITEMS_MAX).as_deref(), model(METADATA_ITEMS_MAX + 1)), (Some("Z9"), None));
}

#[test]
fn locations_past_the_limit_of_their_list_are_left_out() {
    // A list of so many bytes, whose last item has the EXIF. Each part of an item has an index of so many bytes.
    let model = |bytes: usize, index: usize| {
        let item = |id: u16, parts: usize, last: &[u8]| {
            let head = [id, 1, 0, parts as u16].map(u16::to_be_bytes);
            [head.as_flattened(), &vec![0; parts * (8 + index) - last.len()], last].concat()
        };
        let exif = item(1, 1, &[[0; 4], (EXIF.len() as u32 + 10).to_be_bytes()].concat());
        // A version and flags, the sizes of numbers, the count of items; two other items.
        let parts = (bytes - 8 - 2 * 8 - exif.len()) / (8 + index);
        let most = usize::from(u16::MAX);
        let mut list = locations(&[item(8, most, b""), item(9, parts - most, b""), exif]);
        list[1] = index as u8;
        assert_eq!(list.len() + 4, bytes);
        let found = read_with(&Sparse::whole(image_of(&[EXIF_ITEM], &list)), read).expect("an image");
        value(&found.exif, "IFD0", "Model")
    };
    assert_eq!((model(LIST_BYTES_MAX, 0).as_deref(), model(LIST_BYTES_MAX + 1, 1)), (Some("Z9"), None));
    assert_eq!(model(LIST_BYTES_MAX - 8, 1).as_deref(), Some("Z9"));
}

#[test]
fn an_item_that_is_too_large_is_a_fault_of_its_source() {
    let xmp_of = |length: usize| {
        let head = image_of(&[XMP_ITEM], &locations(&[location(1, 0, 100_000, length as u32)]));
        let begin = head.len() as u64;
        let media = [&1_u32.to_be_bytes()[..], b"mdat", &((1_u64 << 30) - begin).to_be_bytes()].concat();
        let packet = xmp("SFO");
        let content = Sparse::new(1 << 30, [(0, head), (begin, media), (100_000, packet)]);
        read_with(&content, read).expect("an image").xmp
    };
    assert_eq!(value(&xmp_of(BLOCK_BYTES_MAX), "XMP-photoshop", "City").as_deref(), Some("SFO"));
    let fault = xmp_of(BLOCK_BYTES_MAX + 1).expect_err("one byte too many").to_string();
    assert_eq!(fault, "an item is larger than allowed (limit: 16777216 bytes)");
}
