//! What is kept of the sources of metadata, and which assets are found for them.

use super::{asset, group, path, put};
use crate::model::asset::{Asset, ContentRead};
use crate::model::ids::AssetId;
use crate::model::look::SidecarFile;
use crate::model::metadata::{Metadata, Said, Source, SourceOrder, merged};
use crate::store::{Ledger, Reader, Reading, ReadingFault};

const MOUNT: &str = "/acme";

fn ledger() -> (tempfile::TempDir, Ledger) {
    let temporary = tempfile::tempdir().expect("a directory");
    let (ledger, _keeper) = Ledger::open(temporary.path(), 1).expect("a ledger");
    (temporary, ledger)
}

#[test]
fn assets_are_found_by_the_beginning_of_their_names() {
    let (_temporary, ledger) = ledger();
    let names = ["a.jpg", "a.cr2", "ab.jpg", "a", "b.jpg", "a.b.jpg", "a.not"];
    let found = |beginning: &[u8], most| {
        let dir = ledger.intake().dir(&path(MOUNT), &path(MOUNT)).expect("a row").expect("a directory");
        let found =
            ledger.intake().assets_named_from(dir, beginning, |name| !name.ends_with(b"not"), most).expect("assets");
        found.into_iter().map(|asset| asset.path.to_string()).collect::<Vec<_>>()
    };
    group(&ledger, |ledger| {
        for (id, name) in (1..).zip(names) {
            put(ledger, &path(MOUNT), &asset(id, &path(MOUNT).join(name.as_bytes()), 7)).expect("an asset");
        }
        assert_eq!(found(b"a.", 64), ["/acme/a.b.jpg", "/acme/a.cr2", "/acme/a.jpg"]);
        assert_eq!(found(b"a.", 3), ["/acme/a.b.jpg", "/acme/a.cr2", "/acme/a.jpg"], "at the limit");
        assert_eq!(found(b"a.", 2), ["/acme/a.b.jpg", "/acme/a.cr2"], "past it the others are left out");
        assert_eq!(found(b"c", 64), [""; 0]);
    });
}

#[test]
fn what_is_unread_is_found_newest_first_and_page_by_page() {
    let (_temporary, ledger) = ledger();
    group(&ledger, |ledger| {
        for (id, mtime_ns, content) in [
            (1, 10, ContentRead::Never),
            (2, 30, ContentRead::Never),
            (3, 20, ContentRead::Yes),
            (4, 30, ContentRead::ByOthers),
        ] {
            let mut asset = Asset { content, ..asset(id, &path("/acme").join(format!("{id}").as_bytes()), 7) };
            asset.stat.mtime_ns = mtime_ns;
            put(ledger, &path(MOUNT), &asset).expect("an asset");
        }
        let unread = |before, most| {
            let rows = ledger.intake().unread_assets(before, most).expect("rows");
            rows.into_iter().map(|asset| (asset.mtime_ns, asset.id.0)).collect::<Vec<_>>()
        };
        let newest = (i64::MAX, AssetId(i64::MAX));
        assert_eq!(unread(newest, 9), [(30, 4), (30, 2), (10, 1)]);
        assert_eq!(unread(newest, 1), [(30, 4)]);
        assert_eq!(unread((30, AssetId(4)), 9), [(30, 2), (10, 1)]);
        assert_eq!(unread((10, AssetId(1)), 9), []);
    });
}

#[test]
fn a_reading_goes_with_its_asset() {
    let (_temporary, ledger) = ledger();
    let fault = |again| Some(ReadingFault { why: "EIO".into(), again, silent: false });
    group(&ledger, |ledger| {
        let one = asset(1, &path("/acme/1.jpg"), 7);
        put(ledger, &path(MOUNT), &one).expect("an asset");
        let sidecar = Some(SidecarFile { name: b"1.jpg.xmp".to_vec(), stat: one.stat, racy: true });
        let full = Reading { sidecar, fault: None };
        let xattr = Reading { sidecar: None, fault: fault(true) };
        let intake = ledger.intake();
        intake.set_reading(one.id, Source::FullSidecar, Some(&full)).expect("a row");
        intake.set_reading(one.id, Source::Xattr, Some(&xattr)).expect("a row");
        let expect = [(Source::Xattr, xattr.clone()), (Source::FullSidecar, full.clone())];
        assert_eq!(intake.readings(one.id).expect("rows"), expect);
        let dir = intake.dir(&path(MOUNT), &path(MOUNT)).expect("a row").expect("a directory");
        let in_dir = [(one.id, Source::Xattr, xattr), (one.id, Source::FullSidecar, full)];
        assert_eq!(intake.readings_in(dir).expect("rows"), in_dir);
        intake.set_reading(one.id, Source::Xattr, None).expect("no row");
        assert_eq!(intake.readings(one.id).expect("rows").len(), 1);
        intake.forget_asset(one.id).expect("forgotten");
        assert_eq!(intake.readings(one.id).expect("rows"), []);
    });
}

#[test]
fn the_order_of_sources_is_kept_for_whoever_reads_beside_the_daemon() {
    let (temporary, ledger) = ledger();
    let said = |city: &str| Said::from(Metadata::from([("IPTC_City".to_owned(), vec![city.to_owned()])]));
    group(&ledger, |ledger| {
        let one = asset(1, &path("/acme/1.jpg"), 7);
        put(ledger, &path(MOUNT), &one).expect("an asset");
        ledger.intake().set_metadata(one.id, Source::Xmp, &said("SFO")).expect("a row");
        ledger.intake().set_metadata(one.id, Source::Exif, &said("LAX")).expect("a row");
    });
    let city = || merged(&ledger.metadata(AssetId(1)).expect("rows"))["IPTC_City"][0].clone();
    assert_eq!(city(), "SFO");
    ledger.set_source_order(SourceOrder::beginning_with(&[Source::Exif])).expect("an order");
    assert_eq!(city(), "LAX");
    let reader = Reader::open(temporary.path()).expect("a reader");
    let asset = reader.asset(AssetId(1)).expect("a row").expect("an asset");
    assert_eq!(merged(&asset.sources)["IPTC_City"], ["LAX"]);
}

#[test]
fn with_another_exiftool_everything_counts_as_read_by_others() {
    let (_temporary, ledger) = ledger();
    group(&ledger, |ledger| {
        put(ledger, &path(MOUNT), &asset(1, &path("/acme/1.jpg"), 7)).expect("an asset");
        let never = Asset { content: ContentRead::Never, ..asset(2, &path("/acme/2.jpg"), 8) };
        put(ledger, &path(MOUNT), &never).expect("an asset");
    });
    let read = || {
        let content = |id| ledger.intake().asset(AssetId(id)).expect("a row").expect("an asset").content;
        (content(1), content(2))
    };
    assert_eq!(ledger.exiftool().expect("a row"), None);
    ledger.set_exiftool(None).expect("written");
    assert_eq!(read(), (ContentRead::Yes, ContentRead::Never), "as before");
    for version in [Some("12.57"), Some("13.10"), None] {
        ledger.set_exiftool(version).expect("written");
        assert_eq!(read(), (ContentRead::ByOthers, ContentRead::Never), "{version:?}");
        assert_eq!(ledger.intake().exiftool().expect("a row").as_deref(), version);
        group(&ledger, |ledger| {
            put(ledger, &path(MOUNT), &asset(1, &path("/acme/1.jpg"), 7)).expect("an asset");
        });
        ledger.set_exiftool(version).expect("written");
        assert_eq!(read(), (ContentRead::Yes, ContentRead::Never), "{version:?} as before");
    }
}
