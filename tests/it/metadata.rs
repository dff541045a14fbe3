//! What files, their sidecars, extended attributes and records say of an asset, and what is told when it changes.

use std::fs;
use std::path::Path;

use crate::commands::ringback;
use crate::daemon::{Daemon, Place, until};
use crate::disk::{grow_old, set_xattr};
use crate::sink::{Sink, lines, sorted};

/// An XMP document with a city, and a headline in a second schema element.
fn xmp(city: &str) -> String {
    format!(
        "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>\
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' \
         xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' photoshop:City='{city}'/></rdf:RDF></x:xmpmeta>\
         <?xpacket end='w'?>"
    )
}

/// A JPEG whose APP1 segment has such a document, and some bytes of a picture that tell it from others.
fn jpeg(city: Option<&str>, picture: &str) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    if let Some(city) = city {
        let packet = [b"http://ns.adobe.com/xap/1.0/\0", xmp(city).as_bytes()].concat();
        out.extend([0xff, 0xe1]);
        out.extend(u16::try_from(packet.len() + 2).expect("a segment").to_be_bytes());
        out.extend(packet);
    }
    out.extend([0xff, 0xda, 0, 2]);
    out.extend(picture.as_bytes());
    out.extend([0xff, 0xd9]);
    out
}

/// A rule about the metadata of files below a directory, which hears of markers too.
fn rule(sink: &Sink, name: &str, directory: &str, clause: &str) -> String {
    sink.rule_of(name, &[directory, "+ /marker"]) + &format!("watchMetadata = ['{clause}']\n")
}

/// The same of files below `/in`.
fn rules(sink: &Sink, clause: &str) -> String {
    rule(sink, "city", "/in", clause)
}

/// What the catalog has of an asset.
#[track_caller]
fn asset(daemon: &Daemon, path: &str) -> serde_json::Value {
    let answer = daemon.call(&format!("GET /v1/assets?path={path}"), &[], b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Waits until the catalog has a city for an asset, from a source.
#[track_caller]
fn city_is(daemon: &Daemon, path: &str, city: &str, source: &str) {
    let expect = (city, source);
    until(&format!("{path} is in {expect:?}"), || {
        let answer = daemon.call(&format!("GET /v1/assets?path={path}"), &[], b"");
        let asset = if answer.status == 200 { answer.json() } else { serde_json::Value::Null };
        let key = &asset["metadata"]["IPTC_City"];
        (key["value"][0] == city && key["source"] == source).then_some(())
    });
}

#[test]
fn a_city_is_told_wherever_it_stands_and_once() {
    let sink = Sink::new();
    let place = Place::new(&rules(&sink, "IPTC_City==SFO"));
    let daemon = place.start();
    let told = |daemon: &Daemon| lines(&daemon.settled(&place, &sink, "/marker"));

    // In the file.
    place.save("/in/1.jpg", &jpeg(Some("LAX"), "one"));
    daemon.sync();
    place.save("/in/1.jpg", &jpeg(Some("SFO"), "one"));
    sink.wait_line("modified /in/1.jpg");
    place.save("/in/1.jpg", &jpeg(Some("SFO"), "another picture"));
    // It comes with the city.
    place.save("/in/2.jpg", &jpeg(Some("SFO"), "two"));
    let mut expect = vec!["modified /in/1.jpg", "added /in/2.jpg"];
    assert_eq!(told(&daemon), expect);

    // In a sidecar: of the file, then of the stem; the first wins.
    place.save("/in/3.jpg", &jpeg(Some("LAX"), "three"));
    daemon.sync();
    place.save("/in/3.xmp", xmp("SFO").as_bytes());
    expect.push("none /in/3.jpg");
    assert_eq!(told(&daemon), expect);
    place.save("/in/3.jpg.xmp", xmp("SFO").as_bytes());
    assert_eq!(told(&daemon), expect, "it is the same city");
    place.save("/in/3.jpg.xmp", xmp("OAK").as_bytes());
    daemon.sync();
    fs::remove_file(place.at("/in/3.jpg.xmp")).expect("removed");
    expect.push("none /in/3.jpg");
    assert_eq!(told(&daemon), expect, "the stem's counts again");

    // Sidecar first.
    place.save("/in/4.jpg.xmp", xmp("SFO").as_bytes());
    daemon.sync();
    place.save("/in/4.jpg", &jpeg(None, "four"));
    expect.push("added /in/4.jpg");
    assert_eq!(told(&daemon), expect);

    // The store's word wins over everything.
    let answer = daemon.records(r#"{"path": "/in/4.jpg", "set": {"IPTC_City": "LAX"}}"#);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let answer = daemon.records(r#"{"path": "/in/4.jpg", "unset": ["IPTC_City"]}"#);
    assert_eq!(answer.status, 202, "{}", answer.text());
    expect.push("none /in/4.jpg");
    assert_eq!(told(&daemon), expect);
    city_is(&daemon, "/in/4.jpg", "SFO", "full sidecar");
    let lost = &asset(&daemon, "/in/3.jpg")["metadata"]["IPTC_City"]["lost"];
    assert_eq!(*lost, serde_json::json!([{"source": "xmp", "value": ["LAX"]}]));
}

#[test]
fn a_sidecar_is_no_asset_unless_its_mount_says_so() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    let config = |sidecars: &str| format!("[[mount]]\npath = '/'\ndir = '{{store}}'\nsidecars = '{sidecars}'\n");
    place.configure(&config("metadata"));
    let daemon = place.start();
    place.save("/1.jpg", &jpeg(None, "one"));
    place.save("/1.jpg.xmp", xmp("SFO").as_bytes());
    place.save("/1.jpg.json", br#"{"Rating": 5}"#);
    place.save("/settings.json", br#"{"a": 5}"#);
    fs::create_dir(place.at("/d.xmp")).expect("a directory");
    place.save("/d.xmp/2.jpg", b"");
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(sorted(&told), ["added /1.jpg", "added /d.xmp/2.jpg", "added /settings.json"]);
    city_is(&daemon, "/1.jpg", "SFO", "full sidecar");
    assert_eq!(asset(&daemon, "/1.jpg")["metadata"]["Rating"]["source"], "json sidecar");
    daemon.stop();

    place.configure(&config("assets"));
    let daemon = place.start();
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(sorted(&told[3..]), ["added /1.jpg.json", "added /1.jpg.xmp"]);
    city_is(&daemon, "/1.jpg", "SFO", "full sidecar");
    daemon.stop();

    // What was an asset is none any more, and nobody lost a file.
    place.configure(&config("metadata"));
    let daemon = place.start();
    let told = daemon.settled(&place, &sink, "/");
    assert_eq!(lines(&told[5..]), [""; 0]);
    assert_eq!(daemon.call("GET /v1/assets?path=/1.jpg.xmp", &[], b"").status, 404);
}

#[test]
fn the_sidecar_of_a_stem_is_the_raw_photo_s() {
    let sink = Sink::new();
    let place = Place::new(&rules(&sink, "IPTC_City==*"));
    let daemon = place.start();
    place.save("/in/1.jpg", &jpeg(None, "one"));
    place.save("/in/1.xmp", xmp("SFO").as_bytes());
    daemon.sync();
    city_is(&daemon, "/in/1.jpg", "SFO", "stem sidecar");
    place.save("/in/1.CR2", b"raw");
    city_is(&daemon, "/in/1.CR2", "SFO", "stem sidecar");
    until("the JPEG has lost it", || asset(&daemon, "/in/1.jpg")["metadata"].get("IPTC_City").is_none().then_some(()));
    fs::remove_file(place.at("/in/1.CR2")).expect("removed");
    city_is(&daemon, "/in/1.jpg", "SFO", "stem sidecar");
    // It may say whose it is.
    place.save("/in/1.CR2", b"raw");
    let of_jpeg = xmp("OAK").replace("photoshop:City", "photoshop:SidecarForExtension='jpg' photoshop:City");
    place.save("/in/1.xmp", of_jpeg.as_bytes());
    city_is(&daemon, "/in/1.jpg", "OAK", "stem sidecar");
    until("the raw photo has lost it", || {
        asset(&daemon, "/in/1.CR2")["metadata"].get("IPTC_City").is_none().then_some(())
    });
}

#[test]
fn what_changed_while_nobody_watched_is_told_at_the_start() {
    let sink = Sink::new();
    let place = Place::new(&rules(&sink, "IPTC_City==SFO"));
    let daemon = place.start();
    place.save("/in/1.jpg", &jpeg(None, "one"));
    place.save("/in/2.jpg", &jpeg(None, "two"));
    place.save("/in/2.jpg.xmp", xmp("LAX").as_bytes());
    place.save("/in/3.jpg", &jpeg(Some("LAX"), "three"));
    place.save("/in/4.jpg", &jpeg(Some("SFO"), "four"));
    place.save("/in/4.jpg.xmp", xmp("LAX").as_bytes());
    daemon.sync();
    city_is(&daemon, "/in/2.jpg", "LAX", "full sidecar");
    city_is(&daemon, "/in/4.jpg", "LAX", "full sidecar");
    let before = daemon.settled(&place, &sink, "/marker").len();
    daemon.kill();
    place.save("/in/1.jpg.xmp", xmp("SFO").as_bytes());
    place.save("/in/2.jpg.xmp", xmp("SFO").as_bytes());
    place.save("/in/3.jpg", &jpeg(Some("SFO"), "three"));
    fs::remove_file(place.at("/in/4.jpg.xmp")).expect("removed");
    let daemon = place.start();
    let told = daemon.settled(&place, &sink, "/marker");
    let expect = ["modified /in/3.jpg", "none /in/1.jpg", "none /in/2.jpg", "none /in/4.jpg"];
    assert_eq!(sorted(&told[before..]), expect);
}

#[test]
fn the_first_scan_and_the_baseline_behind_it_are_silent() {
    let sink = Sink::new();
    let place = Place::new(&rules(&sink, "IPTC_City==SFO"));
    for n in 1..=40 {
        place.save(&format!("/in/{n}.jpg"), &jpeg(Some("SFO"), "a picture"));
    }
    place.save("/in/1.jpg.xmp", xmp("OAK").as_bytes());
    grow_old(&place.at("/in/40.jpg"));
    let daemon = place.start();
    for n in 2..=40 {
        city_is(&daemon, &format!("/in/{n}.jpg"), "SFO", "xmp");
    }
    city_is(&daemon, "/in/1.jpg", "OAK", "full sidecar");
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), [""; 0]);
    // From here on everything is news.
    fs::remove_file(place.at("/in/1.jpg.xmp")).expect("removed");
    place.save("/in/2.jpg", &jpeg(Some("LAX"), "a picture"));
    daemon.sync();
    place.save("/in/2.jpg", &jpeg(Some("SFO"), "a picture"));
    let told = daemon.settled(&place, &sink, "/marker");
    assert_eq!(sorted(&told), ["modified /in/2.jpg", "none /in/1.jpg"]);
    daemon.stop();
    // A restart reads nothing again, and tells nothing.
    let daemon = place.start();
    assert_eq!(daemon.settled(&place, &sink, "/marker").len(), 2);
}

#[test]
fn what_cannot_be_read_is_no_change_and_is_reported() {
    let sink = Sink::new();
    let place = Place::new(&rules(&sink, "IPTC_City!=*"));
    let daemon = place.start();
    place.save("/in/1.jpg", &jpeg(Some("SFO"), "one"));
    place.save("/in/2.jpg", &jpeg(None, "two"));
    place.save("/in/2.jpg.xmp", xmp("SFO").as_bytes());
    daemon.sync();
    city_is(&daemon, "/in/2.jpg", "SFO", "full sidecar");
    let broken = xmp("SFO").replace("</rdf:RDF>", "");
    let mut bytes = jpeg(Some("SFO"), "one");
    let at = bytes.windows(10).position(|window| window == b"</rdf:RDF>").expect("the end of the document");
    bytes[at + 1] = b'x';
    place.save("/in/1.jpg", &bytes);
    place.save("/in/2.jpg.xmp", broken.as_bytes());
    daemon.sync();
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), [""; 0], "no city was removed");
    city_is(&daemon, "/in/1.jpg", "SFO", "xmp");
    city_is(&daemon, "/in/2.jpg", "SFO", "full sidecar");
    let events = || daemon.call("GET /v1/changes?event=metadata.failed", &[], b"").json();
    let failed = until("both are reported", || {
        let rows = events()["changes"].as_array().expect("rows").clone();
        (rows.len() >= 2).then_some(rows)
    });
    let mut paths: Vec<_> = failed.iter().map(|row| row["fields"]["path"].as_str().expect("a path")).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/in/1.jpg", "/in/2.jpg"]);
    assert_eq!(failed.len(), 2, "each once: {failed:?}");
    // What was removed while the file could not be read is told once it can.
    place.save("/in/2.jpg.xmp", xmp("").replace("photoshop:City=''", "").as_bytes());
    let told = daemon.settled(&place, &sink, "/marker");
    assert_eq!(lines(&told), ["none /in/2.jpg"]);
}

#[test]
fn a_rule_may_name_the_tag_of_one_standard() {
    let (sink, any) = (Sink::new(), Sink::new());
    let of_tag = rules(&sink, r#""XMP-photoshop:City"==SFO"#);
    let place = Place::new(&(of_tag + &rule(&any, "any", "/in/any", "*==*")));
    let daemon = place.start();
    place.save("/in/1.jpg", &jpeg(Some("LAX"), "one"));
    daemon.sync();
    let answer = daemon.records(r#"{"path": "/in/1.jpg", "set": {"IPTC_City": "SFO", "XMP_City": "SFO"}}"#);
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), [""; 0], "a record is no tag");
    place.save("/in/1.jpg", &jpeg(Some("SFO"), "one"));
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), ["modified /in/1.jpg"]);

    // A pattern sees no tag by itself: what changes is one that a record hides.
    place.save("/in/any/2.jpg", &jpeg(Some("LAX"), "two"));
    daemon.sync();
    let answer = daemon.records(r#"{"path": "/in/any/2.jpg", "set": {"IPTC_City": "X", "XMP_City": "X"}}"#);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let expect = ["added /in/any/2.jpg", "none /in/any/2.jpg"];
    assert_eq!(lines(&daemon.settled(&place, &any, "/marker")), expect);
    place.save("/in/any/2.jpg.xmp", xmp("SFO").as_bytes());
    assert_eq!(lines(&daemon.settled(&place, &any, "/marker")), expect);
    let told = daemon.settled(&place, &sink, "/marker");
    assert_eq!(lines(&told), ["modified /in/1.jpg", "none /in/any/2.jpg"], "who named the tag is told");
}

#[test]
fn a_change_says_where_its_values_come_from() {
    let sink = Sink::new();
    let place = Place::new(&rules(&sink, "IPTC_City==*"));
    let daemon = place.start();
    place.save("/in/1.jpg", &jpeg(Some("SFO"), "one"));
    daemon.sync();
    if set_xattr(&place.at("/in/1.jpg"), "user.city", "SFO") {
        daemon.sync();
    }
    let changes = daemon.call("GET /v1/changes?path=/in", &[], b"").json();
    let rows = changes["changes"].as_array().expect("rows");
    let city = &rows[0]["changed"]["IPTC_City"];
    assert_eq!(*city, serde_json::json!({"old": [], "new": ["SFO"], "source": "xmp"}), "{changes:#}");
    if let Some(row) = rows.get(1) {
        assert_eq!(row["changed"]["XATTR_user.city"]["source"], "xattr", "{row:#}");
    }
}

#[test]
fn inspect_shows_each_key_with_its_source_and_what_lost() {
    let place = Place::new("");
    place.save("/1.jpg", &jpeg(Some("LAX"), "one"));
    place.save("/1.jpg.xmp", xmp("SFO").as_bytes());
    let inspect = |args: &[&str], file: &Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ringback"));
        let output = command.arg("inspect").args(args).arg(file).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let file = place.at("/1.jpg");
    let text = inspect(&[], &file);
    assert!(text.contains("IPTC_City  SFO  [full sidecar; xmp: LAX]"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&inspect(&["--json"], &file)).expect("JSON");
    assert_eq!(json[0]["SourceFile"], file.to_string_lossy().as_ref());
    assert_eq!(json[0]["IPTC_City"]["value"], serde_json::json!(["SFO"]));
    let tags: serde_json::Value = serde_json::from_str(&inspect(&["--physical", "--json"], &file)).expect("JSON");
    assert_eq!(tags[0]["XMP:XMP-photoshop:City"], "LAX");
}

#[test]
fn why_and_explain_show_where_a_value_comes_from() {
    let sink = Sink::new();
    let place = Place::new(&rules(&sink, "IPTC_City==SFO"));
    let daemon = place.start();
    place.save("/in/1.jpg.xmp", xmp("OAK").as_bytes());
    place.save("/in/1.jpg", &jpeg(Some("SFO"), "one"));
    daemon.sync();
    let shown = "IPTC_City  OAK  [full sidecar; xmp: SFO]";
    let (code, why) = ringback(&place, &daemon, &["why", "/in/1.jpg"]);
    assert!(code == Some(0) && why.contains(shown), "{why}");
    // Without --set the metadata is what the file has.
    let words = ["explain", "--path", "/in/1.jpg", "--action", "modified"];
    let (code, explained) = ringback(&place, &daemon, &words);
    assert!(code == Some(0) && explained.contains(shown), "{explained}");
    let city = "no     city  IPTC_City==SFO: the change left IPTC_City as it was: OAK";
    assert!(explained.contains(city), "{explained}");
    // With --set it is only that.
    let supposed = [&words[..], &["--set", "IPTC_City=SFO"]].concat();
    let (code, explained) = ringback(&place, &daemon, &supposed);
    assert!(code == Some(0) && explained.contains("fires  city"), "{explained}");
    let (code, json) = ringback(&place, &daemon, &["why", "/in/1.jpg", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((code, &json["metadata"]["IPTC_City"]["value"][0]), (Some(0), &serde_json::json!("OAK")));
}

#[test]
fn a_sidecar_that_comes_after_the_first_scan_is_news_though_its_asset_was_not_read_yet() {
    let sink = Sink::new();
    let mut place = Place::new(&rules(&sink, "IPTC_City==SFO"));
    place.configure("[[mount]]\npath = '/'\ndir = '{store}'\nwatch = 'poll'\npoll_interval = '1h'\n");
    // The background reading begins with the newest, and needs a while for so many.
    for n in 0..1_500 {
        place.save(&format!("/in/{n}.jpg"), &jpeg(Some("LAX"), "a picture"));
    }
    place.save("/in/1.jpg.xmp", xmp("SFO").as_bytes());
    grow_old(&place.at("/in/1.jpg"));
    let daemon = place.start();
    place.save("/in/0.jpg.xmp", xmp("SFO").as_bytes());
    // What was there before the first scan says nothing new, when it is read at last.
    city_is(&daemon, "/in/1.jpg", "SFO", "full sidecar");
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), ["none /in/0.jpg"]);
}
