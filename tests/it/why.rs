//! `ringback why`, as somebody reads it at night: for each way in which a file's callback did not come the first line
//! says it, and where that is a trouble, `ringback status` leads there.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{chown, symlink};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::commands::ringback;
use crate::daemon::{DEADLINE, Daemon, Place, until};
use crate::sink::Sink;
use crate::turns;

/// The first line of `ringback why PATH`.
#[track_caller]
fn first_line(place: &Place, daemon: &Daemon, path: &str) -> String {
    let (code, text) = ringback(place, daemon, &["why", path]);
    assert_eq!(code, Some(0), "{path}: {text}");
    text.lines().next().unwrap_or_default().to_owned()
}

/// Asks until the first line has all of these parts.
#[track_caller]
fn says(place: &Place, daemon: &Daemon, path: &str, parts: &[&str]) -> String {
    let end = std::time::Instant::now() + DEADLINE;
    loop {
        let line = first_line(place, daemon, path);
        if parts.iter().all(|part| line.contains(part)) {
            return line;
        }
        assert!(std::time::Instant::now() < end, "{path}: {line:?} does not say {parts:?}\n{}", daemon.log());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[track_caller]
fn get(daemon: &Daemon, path: &str) -> Value {
    let answer = daemon.call(&format!("GET /v1/why?path={path}"), &[], b"");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// The command without a daemon: exit code, and what it printed to both outputs.
fn stopped(place: &Place, path: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(["why", path, "--state"]).arg(&place.state).env_remove("RINGBACK_TOKEN");
    if let Some(config) = &place.config {
        command.arg("--config").arg(config);
    }
    let turn = turns::starting();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    drop(turn);
    let out = child.expect("the binary starts").wait_with_output().expect("it ends");
    (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
}

fn rules(well: &Sink, ill: &Sink) -> String {
    let mut rules = well.rule("ok", "* /ok");
    rules += &(well.rule("gathers", "* /linger") + "linger = '1h'\n");
    rules += &well.rule("held", "* /paused");
    rules += &(ill.rule("dies", "* /dead") + "retryCount = 0\n");
    rules += &(ill.rule("retries", "* /retry") + "retry = ['1h']\n");
    let of = |name: &str, condition: &str| {
        format!("[[subscription]]\nname = '{name}'\ncallback = '{}'\n{condition}\n", well.url("/hook"))
    };
    rules += &of("rated", "when = 'path like \"/guard/**\" and action == added and Rating >= 4'");
    rules + &of("city", "watchPath = ['/meta']\nwatchMetadata = ['City==SFO', 'Rating==5']\nlogicalOperand = 'AND'")
}

#[test]
fn the_first_line_says_why_nobody_was_called() {
    let (well, ill) = (Sink::new(), Sink::new());
    ill.behave(|_| 503);
    let place = Place::new(&rules(&well, &ill));
    place.write("/d/a.mov", "one");
    symlink(place.at("/d"), place.at("/latest")).expect("linked");
    let daemon = place.start();

    // Filed by the first scan.
    says(&place, &daemon, "/d/a.mov", &["/d/a.mov is known, and no change of it is recorded", "first scan"]);

    place.write("/ok/a.part", "one");
    says(&place, &daemon, "/ok/a.part", &["/ok/a.part is ignored: the name a.part is like `*.part`"]);

    let link = format!("lies behind a symbolic link, /latest to {}", place.at("/d").display());
    says(&place, &daemon, "/latest/a.mov", &[&link]);

    place.write("/ok/open.mov", "one");
    daemon.sync();
    well.wait_line("added /ok/open.mov");
    let mut open = fs::OpenOptions::new().append(true).open(place.at("/ok/open.mov")).expect("opened");
    open.write_all(b"more").expect("written");
    says(&place, &daemon, "/ok/open.mov", &["/ok/open.mov is still open for writing, since", "once it is closed"]);
    assert_eq!(get(&daemon, "/ok/open.mov")["stopped"], "still-written");
    drop(open);
    well.wait_line("modified /ok/open.mov");
    says(&place, &daemon, "/ok/open.mov", &["the newest change of /ok/open.mov (modified at", "was delivered"]);

    let (code, text) = ringback(&place, &daemon, &["subscriptions", "pause", "held", "--reason", "it moves house"]);
    assert_eq!(code, Some(0), "{text}");
    place.write("/paused/a.mov", "one");
    daemon.sync();
    let line = says(&place, &daemon, "/paused/a.mov", &["held is paused by administrator since", "it moves house"]);
    assert!(line.contains("ringback subscriptions resume held"), "{line}");

    place.write("/linger/a.mov", "one");
    daemon.sync();
    says(&place, &daemon, "/linger/a.mov", &["gathers gathers a batch (linger) until", "goes out with it"]);

    place.write("/retry/1.mov", "one");
    daemon.sync();
    says(
        &place,
        &daemon,
        "/retry/1.mov",
        &["of retries to", "waits until", "for attempt 2", "attempt 1 came to http-error 503"],
    );
    place.write("/retry/2.mov", "one");
    daemon.sync();
    says(&place, &daemon, "/retry/2.mov", &["retries is sent /retry/2.mov after its delivery", "which waits until"]);

    place.write("/guard/a.mov", "one");
    place.write("/meta/a.mov", "one");
    daemon.sync();
    says(
        &place,
        &daemon,
        "/guard/a.mov",
        &["no rule fires on the newest change", "rated does not", "`Rating >= 4` fails: Rating is absent"],
    );
    daemon.records(r#"{"path": "/meta/a.mov", "set": {"City": "SFO"}}"#);
    says(&place, &daemon, "/meta/a.mov", &["city does not, because `Rating==5` fails: Rating is absent"]);

    place.write("/dead/a.mov", "one");
    daemon.sync();
    daemon.status_until("it is a dead letter", |status| status["deliveries"]["dead"] == 1);
    let line = says(
        &place,
        &daemon,
        "/dead/a.mov",
        &["of dies with /dead/a.mov was given up at", "after 1 attempts, because attempt 1 came to http-error 503"],
    );
    assert!(line.contains("ringback deliveries retry "), "{line}");

    // Where it is a trouble the status leads there.
    let (code, text) = ringback(&place, &daemon, &["status"]);
    let troubles = ["held was paused by administrator", "1 delivery was given up"];
    assert!(code == Some(1) && troubles.iter().all(|trouble| text.contains(trouble)), "{code:?} {text}");

    // The same answer, on 80 columns but for the sentence and for what has no space to be broken at.
    let (_, text) = ringback(&place, &daemon, &["why", "/retry/1.mov"]);
    assert!(text.contains("\nSTOP  delivery  ") && text.contains("\nok    rules     "), "{text}");
    let is_wide = |line: &&str| line.chars().count() > 80 && !line.starts_with("on disk: ");
    assert_eq!(text.lines().skip(1).find(is_wide), None, "{text}");
}

/// A file that was reported long ago, and what is said of it when the daemon is stopped.
#[test]
fn what_was_delivered_hours_ago_is_found_and_so_it_is_in_the_ledger_of_a_stopped_daemon() {
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    place.configure("[[mount]]\npath = '/acme'\ndir = '{store}'\n");
    let daemon = place.start();
    place.write("/d/a.mov", "one");
    daemon.sync();
    sink.wait_line("added /acme/d/a.mov");
    daemon.status_until("it is accepted", |status| status["deliveries"]["inFlight"] == 0);
    says(&place, &daemon, "/acme/d/a.mov", &["was delivered"]);
    daemon.stop();
    let ledger = rusqlite::Connection::open(place.state.join("ledger.db")).expect("a ledger");
    let hours = 3 * 3_600_000;
    ledger.execute("UPDATE journal SET time = time - ?1", [hours]).expect("moved");
    ledger.execute("UPDATE history SET created = created - ?1, ended = ended - ?1", [hours]).expect("moved");
    drop(ledger);

    let authority = sink.url("").trim_start_matches("http://").to_owned();
    let answered = format!("{authority} answered 200 at");
    let parts =
        ["the newest change of /acme/d/a.mov (added at", "was delivered", &answered, "(3 h ago) to all, delivery"];
    let files = || {
        let names = fs::read_dir(&place.state).expect("listed").map(|entry| entry.expect("an entry").file_name());
        names.filter(|name| name == "lock" || name == "ledger.db").count()
    };
    assert_eq!(files(), 2);
    let on_disk = place.at("/d/a.mov").display().to_string();
    for path in ["/acme/d/a.mov", &on_disk] {
        let (code, text) = stopped(&place, path);
        let line = text.lines().next().unwrap_or_default();
        assert_eq!(code, Some(0), "{text}");
        assert!(parts.iter().all(|part| line.contains(part)), "{path}: {text}");
        assert!(line.contains("(ringback is not running: this is what its ledger says)"), "{text}");
        assert!(text.contains("\nok    path      a file of 3 bytes"), "{text}");
    }
    fs::write(place.at("/d/new.mov"), "one").expect("written");
    let (code, text) = stopped(&place, "/acme/d/new.mov");
    assert!(code == Some(0) && text.starts_with("/acme/d/new.mov was not looked at"), "{text}");
    // Without the configuration the ledger alone can be asked.
    let config = place.config.take();
    let (code, text) = stopped(&place, "/acme/d/a.mov");
    assert!(code == Some(0) && text.contains("was delivered") && text.contains("say --config"), "{text}");
    place.config = config;

    let daemon = place.start();
    says(&place, &daemon, "/acme/d/a.mov", &parts);
    for path in ["/acme/d/a.mov", &on_disk] {
        let answer = get(&daemon, path);
        let about = (&answer["path"], &answer["dir"], &answer["stopped"]);
        assert_eq!(about, (&json!("/acme/d/a.mov"), &json!(on_disk), &Value::Null), "{answer:#}");
        let stages = answer["stages"].as_array().expect("a list");
        let names: Vec<_> = stages.iter().map(|stage| stage["stage"].as_str().expect("a name")).collect();
        assert_eq!(names, ["mount", "ignore", "path", "read", "writer", "look", "change", "rules", "delivery"]);
        assert!(stages.iter().all(|stage| stage["ok"] == true), "{answer:#}");
        assert_eq!(answer["rules"], json!([{"subscription": "all", "fires": true}]));
        assert_eq!(
            (&answer["deliveries"][0]["state"], &answer["deliveries"][0]["status"]),
            (&json!("delivered"), &json!(200))
        );
        assert_eq!(answer["changes"][0]["action"], "added");
    }
    says(&place, &daemon, "/nowhere/a.mov", &["/nowhere/a.mov lies in no mount", "there are /acme ("]);
    says(&place, &daemon, "/acme/none.mov", &["/acme/none.mov is not there, and nothing is recorded of it"]);
    fs::rename(&place.store, place.store.with_file_name("elsewhere")).expect("renamed");
    daemon.status_until("it is offline", |status| status["mounts"][0]["state"] == "offline");
    says(
        &place,
        &daemon,
        "/acme/d/a.mov",
        &["the mount /acme of /acme/d/a.mov is offline since", "its directory is not there"],
    );
    let (code, text) = ringback(&place, &daemon, &["status"]);
    assert!(code == Some(1) && text.contains("why: its directory is not there"), "{code:?} {text}");
}

/// Run as nobody, who may not read everything, and cannot ask who writes another's file.
#[test]
fn what_cannot_be_read_and_what_waits_for_a_close_that_nobody_can_see_is_said() {
    const NOBODY: u32 = 65_534;
    // SAFETY: no pointers.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("SKIPPED: only root becomes somebody else");
        return;
    }
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let mut runs = Command::new(nobody[0]);
    runs.args(&nobody[1..]).args([env!("CARGO_BIN_EXE_ringback"), "--version"]).stdout(Stdio::null());
    let turn = turns::starting();
    let is_run = runs.status().is_ok_and(|status| status.success());
    drop(turn);
    if !is_run {
        eprintln!("SKIPPED: nobody may not run {}", env!("CARGO_BIN_EXE_ringback"));
        return;
    }
    let sink = Sink::new();
    let mut place = Place::new(&sink.rule_all());
    place.through = nobody.map(str::to_owned).into();
    place.write("/closed/a.mov", "one");
    place.write("/open/a.mov", "one");
    // Whatever the umask is under which the tests run.
    for (path, mode) in [("/closed", 0o755), ("/closed/a.mov", 0o644), ("/open", 0o755), ("/open/a.mov", 0o644)] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(place.at(path), mode).expect("open to all");
    }
    for dir in [place.store.parent().expect("a parent"), &place.store, &place.rules, &place.rules.join("a.toml")] {
        chown(dir, Some(NOBODY), None).expect("given away");
    }
    let daemon = place.start();
    let mut open = fs::OpenOptions::new().append(true).open(place.at("/open/a.mov")).expect("opened");
    open.write_all(b"more").expect("written");
    says(&place, &daemon, "/open/a.mov", &["/open/a.mov was written and waits for its close, since"]);
    assert_eq!(get(&daemon, "/open/a.mov")["stopped"], "waiting-for-close");
    drop(open);
    sink.wait_line("modified /open/a.mov");

    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(place.at("/closed"), mode).expect("closed");
    place.write("/closed/a.mov", "changed");
    let line = says(&place, &daemon, "/closed/a.mov", &["/closed/a.mov cannot be read", "Permission denied"]);
    assert!(line.contains("closed"), "{line}");
    assert_eq!(get(&daemon, "/closed/a.mov")["stopped"], "unreadable");
    let status = daemon.status_until("a fault is shown", |status| status["mounts"][0]["state"] == "degraded");
    assert!(status["mounts"][0]["reason"].as_str().is_some_and(|reason| reason.contains("closed")), "{status}");
    until("the status says so", || {
        let (code, text) = ringback(&place, &daemon, &["status"]);
        (code == Some(1) && text.contains("/closed")).then_some(())
    });
}
