//! What only exiftool reads, with the real one: Debian's libimage-exiftool-perl. Where it is not installed the tests
//! that need it are skipped in a line on stderr.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::daemon::{Daemon, Place, until};
use crate::filesystems::skipped;
use crate::sink::{Sink, lines, sorted};
use crate::turns;

/// A PDF with a title and an author.
fn pdf(title: &str, author: &str) -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[]/Count 0>>".to_owned(),
        format!("<</Title({title})/Author({author})/CreationDate(D:20260501123456+02'00')>>"),
    ];
    let (mut out, mut table) = ("%PDF-1.4\n".to_owned(), "0000000000 65535 f \n".to_owned());
    for (number, object) in (1..).zip(&objects) {
        table += &format!("{:010} 00000 n \n", out.len());
        out += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let at = out.len();
    out += &format!("xref\n0 4\n{table}trailer\n<</Size 4/Root 1 0 R/Info 3 0 R>>\nstartxref\n{at}\n%%EOF\n");
    out.into_bytes()
}

fn has_exiftool() -> bool {
    let _turn = turns::starting();
    let has = Command::new("exiftool").arg("-ver").output().is_ok_and(|output| output.status.success());
    has || skipped("exiftool is not installed (Debian's libimage-exiftool-perl)").unwrap_or(false)
}

/// A place whose configuration has this in `[metadata]`, with a rule on a key of files below `/in`.
fn place(sink: &Sink, metadata: &str) -> Place {
    let rule = sink.rule_of("author", &["/in", "+ /marker"]) + "watchMetadata = ['PDF_Author==Jane']\n";
    let mut place = Place::new(&rule);
    configure(&mut place, metadata);
    place
}

fn configure(place: &mut Place, metadata: &str) {
    place.configure(&format!("[[mount]]\npath = '/'\ndir = '{{store}}'\n[metadata]\n{metadata}"));
}

/// What the catalog has of a key of an asset: its value and its source.
fn key(daemon: &Daemon, path: &str, key: &str) -> Option<(String, String)> {
    let answer = daemon.call(&format!("GET /v1/assets?path={path}"), &[], b"");
    let asset = if answer.status == 200 { answer.json() } else { serde_json::Value::Null };
    let key = &asset["metadata"][key];
    Some((key["value"][0].as_str()?.to_owned(), key["source"].as_str()?.to_owned()))
}

#[track_caller]
fn author_is(daemon: &Daemon, path: &str, author: Option<&str>) {
    let expect = author.map(|author| (author.to_owned(), "exiftool".to_owned()));
    until(&format!("the author of {path} is {author:?}"), || (key(daemon, path, "PDF_Author") == expect).then_some(()));
}

/// The daemon's processes of exiftool.
fn processes(daemon: &Daemon) -> Vec<libc::pid_t> {
    let is_child = |stat: &str| {
        let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let mut fields = rest.split(' ');
        fields.next() != Some("Z") && fields.next() == Some(&daemon.pid().to_string())
    };
    let entries = fs::read_dir("/proc").expect("a listing");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_child(&stat))).collect()
}

fn kill(pids: &[libc::pid_t]) {
    for pid in pids {
        // SAFETY: a plain system call, on a process of a daemon of this test.
        unsafe { libc::kill(*pid, libc::SIGKILL) };
    }
}

#[test]
fn what_only_exiftool_reads_is_reported_like_everything_else() {
    if !has_exiftool() {
        return;
    }
    let sink = Sink::new();
    let place = place(&sink, "exiftool = 'auto'");
    place.save("/in/old.pdf", &pdf("Old", "Jane"));
    let daemon = place.start();
    author_is(&daemon, "/in/old.pdf", Some("Jane"));
    let told = |daemon: &Daemon| daemon.settled(&place, &sink, "/marker");

    place.save("/in/1.pdf", &pdf("One", "Joe"));
    daemon.sync();
    place.save("/in/1.pdf", &pdf("One", "Jane"));
    sink.wait_line("modified /in/1.pdf");
    place.save("/in/1.pdf", &pdf("Another title", "Jane"));
    place.save("/in/2.pdf", &pdf("Two", "Jane"));
    let mut expect = vec!["modified /in/1.pdf", "added /in/2.pdf"];
    assert_eq!(lines(&told(&daemon)), expect, "bytes and metadata are one change");
    let date = ("2026-05-01T12:34:56+02:00".to_owned(), "exiftool".to_owned());
    assert_eq!(key(&daemon, "/in/1.pdf", "PDF_CreateDate"), Some(date));

    // Names that are options, comments or several lines elsewhere.
    for name in ["-if", "a\nb.pdf", "#1.pdf", " 2 .pdf", "-@"] {
        place.save(&format!("/in/{name}"), &pdf("Odd", "Joe"));
        place.save(&format!("/in/{name}"), &pdf("Odd", "Jane"));
    }
    let odd = sorted(&told(&daemon)[2..]);
    assert_eq!(odd.iter().filter(|line| line.starts_with("added ")).count(), 5, "{odd:?}");

    // What is damaged is not read as if it said nothing, and what is unknown says nothing.
    let whole = pdf("One", "Jane");
    place.save("/in/1.pdf", &whole[..whole.len() - 60]);
    place.save("/in/noise", b"\x01\x02\x03");
    place.save("/in/empty", b"");
    daemon.sync();
    author_is(&daemon, "/in/1.pdf", Some("Jane"));
    place.save("/in/2.pdf", b"\x01\x02\x03");
    daemon.sync();
    author_is(&daemon, "/in/2.pdf", None);
    place.save("/in/2.pdf", &pdf("Two", "Jane"));
    expect.push("modified /in/2.pdf");
    let mut told = lines(&told(&daemon));
    told.drain(2..2 + odd.len());
    assert_eq!(told, expect);
    assert_eq!(daemon.status()["troubles"], serde_json::json!([]));
}

#[test]
fn killing_exiftool_loses_nothing_and_it_ends_with_the_daemon() {
    if !has_exiftool() {
        return;
    }
    let sink = Sink::new();
    let place = place(&sink, "exiftool = 'auto'");
    let daemon = place.start();
    place.save("/in/first.pdf", &pdf("First", "Jane"));
    sink.wait_line("added /in/first.pdf");
    let count = 60;
    for n in 0..count {
        place.save(&format!("/in/{n}.pdf"), &pdf("Some", "Jane"));
        if n % 20 == 19 {
            let running = until("one is running", || Some(processes(&daemon)).filter(|pids| !pids.is_empty()));
            kill(&running);
        }
    }
    // While no process starts, a file is reported without its metadata, and again when that is read. The rule hears of
    // the change that has the metadata.
    sink.wait("every file", |told| told.len() > count);
    let told = daemon.settled(&place, &sink, "/marker");
    let mut paths: Vec<_> = told.iter().map(|one| one.path.clone()).collect();
    paths.sort();
    let mut expect: Vec<_> = (0..count).map(|n| format!("/in/{n}.pdf")).chain(["/in/first.pdf".to_owned()]).collect();
    expect.sort();
    assert_eq!(paths, expect);
    let last = processes(&daemon);
    assert!(!last.is_empty(), "it waits for more");
    // The daemon has no chance to end it.
    daemon.kill();
    let is_there = |pid: &libc::pid_t| Path::new(&format!("/proc/{pid}")).exists();
    until("it ends with its daemon", || (!last.iter().any(is_there)).then_some(()));
}

#[test]
fn turning_exiftool_on_and_off_reports_nothing() {
    if !has_exiftool() {
        return;
    }
    let sink = Sink::new();
    let mut place = place(&sink, "");
    place.save("/in/old.pdf", &pdf("Old", "Jane"));
    let daemon = place.start();
    place.save("/in/new.pdf", &pdf("New", "Jane"));
    daemon.sync();
    assert_eq!(key(&daemon, "/in/new.pdf", "PDF_Author"), None);
    daemon.stop();
    for (metadata, author) in [("exiftool = 'auto'", Some("Jane")), ("", None), ("exiftool = 'auto'", Some("Jane"))] {
        configure(&mut place, metadata);
        let daemon = place.start();
        author_is(&daemon, "/in/old.pdf", author);
        author_is(&daemon, "/in/new.pdf", author);
        assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), [""; 0], "{metadata}");
        daemon.stop();
    }
    // What changes while it is down is news by whatever reads it.
    place.save("/in/old.pdf", &pdf("Old", "Joe"));
    let daemon = place.start();
    daemon.sync();
    place.save("/in/old.pdf", &pdf("Old", "Jane"));
    daemon.sync();
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), ["modified /in/old.pdf"]);
}

#[test]
fn an_exiftool_that_is_not_there_is_said_and_harms_nothing_else() {
    let sink = Sink::new();
    let rule = sink.rule_of("all", &["* /in", "+ /marker"]);
    let mut place = Place::new(&rule);
    configure(&mut place, "exiftool = 'auto'");
    place.through = ["env", "PATH=/none"].map(str::to_owned).into();
    let daemon = place.start();
    place.save("/in/1.pdf", &pdf("One", "Jane"));
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), ["added /in/1.pdf"]);
    let status = daemon.status();
    let trouble = &status["troubles"][0];
    assert_eq!((&trouble["kind"], &trouble["subject"]), (&"metadata".into(), &"exiftool".into()), "{status:#}");
    let text = trouble["text"].as_str().unwrap_or_default();
    assert!(text.contains("libimage-exiftool-perl") && daemon.log().contains(text), "{text}");
    daemon.stop();

    configure(&mut place, "exiftool = '/none/exiftool'");
    let (code, said) = place.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("/none/exiftool (`exiftool` of [metadata])"), "{said}");
    let config = place.config.clone().expect("a configuration");
    let turn = turns::starting();
    let check = Command::new(env!("CARGO_BIN_EXE_ringback")).args(["check", "--config"]).arg(config).output();
    drop(turn);
    let check = check.expect("it runs");
    let text = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.code() == Some(1) && text.contains("error[RB0211]"), "{text}");
}

/// It has been there, and is not: what it said stays, and what changes waits for it.
#[test]
fn while_exiftool_is_away_what_it_said_stays() {
    if !has_exiftool() {
        return;
    }
    let sink = Sink::new();
    let mut place = place(&sink, "exiftool = 'auto'");
    let daemon = place.start();
    place.save("/in/1.pdf", &pdf("One", "Jane"));
    place.save("/in/2.pdf", &pdf("Two", "Joe"));
    let told = ["added /in/1.pdf"];
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), told);
    daemon.stop();

    let through = std::mem::replace(&mut place.through, ["env", "PATH=/none"].map(str::to_owned).into());
    let daemon = place.start();
    place.save("/in/2.pdf", &pdf("Two", "Jane"));
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), told);
    author_is(&daemon, "/in/1.pdf", Some("Jane"));
    author_is(&daemon, "/in/2.pdf", Some("Joe"));
    daemon.stop();

    place.through = through;
    let daemon = place.start();
    sink.wait_line("none /in/2.pdf");
    assert_eq!(lines(&daemon.settled(&place, &sink, "/marker")), ["added /in/1.pdf", "none /in/2.pdf"]);
}

#[test]
fn inspect_asks_exiftool_by_an_option() {
    if !has_exiftool() {
        return;
    }
    let sink = Sink::new();
    let place = Place::new(&sink.rule_all());
    place.save("/1.pdf", &pdf("One", "Jane"));
    let inspect = |options: &[&str]| {
        let _turn = turns::starting();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
        let output = command.arg("inspect").args(options).arg(place.at("/1.pdf")).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = inspect(&["--exiftool", "auto"]);
    assert!(code == Some(0) && text.contains("PDF_Author") && text.contains("Jane  [exiftool]"), "{text}");
    let (code, text) = inspect(&[]);
    assert!(code == Some(0) && text.contains("no metadata that ringback reads"), "{text}");
    assert_eq!(inspect(&["--exiftool", "/none/exiftool"]).0, Some(1));
}

/// A program that hangs in some files has 10 s for each.
#[test]
fn a_file_that_exiftool_is_slow_with_holds_up_no_other() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_of("all", &["* /in"]));
    let fake = concat!(env!("CARGO_MANIFEST_DIR"), "/src/metadata/exiftool/testdata/fake.sh");
    configure(&mut place, &format!("exiftool = '{fake}'"));
    let daemon = place.start();
    for n in 0..40 {
        place.save(&format!("/in/slow-{n}"), b"hang");
    }
    until("it hangs", || (!processes(&daemon).is_empty()).then_some(()));
    for n in 0..10 {
        let path = format!("/in/{n}.gif");
        place.save(&path, b"GIF89a\x01\0\x01\0\0\0\0;");
        sink.wait_line(&format!("added {path}"));
    }
    assert!(sink.told().iter().all(|one| !one.path.contains("slow")), "they would be there after 10 s");
}
