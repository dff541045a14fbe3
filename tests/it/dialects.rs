//! The dialects, as their clients meet them: each file of `fixtures/dialects/NAME` is a conversation with the real
//! daemon, whose callbacks are received over HTTP and TLS.
//!
//! A conversation has requests (`> METHOD PATH as PRINCIPAL`; `until STATUS` behind it asks again), the answers that
//! are expected (`< STATUS MEDIA`), and what happens (`= ...`): `write PATH`, `record {...}`, `kill` (SIGKILL, and a
//! start), `call METHOD PATH` (the next callback that comes), `quiet` (none comes). Below a request, `> Name: value`
//! is a header, `@ name=value` a field of a form; below a call, `= Name: value` is a header that it has. What follows
//! is the body. In expected JSON `"{{*}}"` is anything, and `"{{name}}"` is what it was before under this name;
//! `{{http}}` and `{{https}}` are the receivers'.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::daemon::{Daemon, Place, digest_of, until};
use crate::http;
use crate::recorder::{CERTIFICATE, RecordedCall, Recorder};
use crate::turns;

/// Name, role and tenants of everybody; a token is `NAME-token`.
const PRINCIPALS: [(&str, &str, &[&str]); 8] = [
    ("root", "super-administrator", &[]),
    ("zoe", "network-administrator", &["acme"]),
    ("ann", "network-administrator", &["acme"]),
    ("gus", "network-administrator", &["globex"]),
    ("del", "super-delegate", &["acme", "globex"]),
    ("ola", "operator", &["acme"]),
    ("rec", "recorder", &["acme"]),
    ("rea", "reader", &["acme"]),
];

const RULES: &str = "
[[event]]
name = 'scanned'
watchMetadata = ['scan==*']
[event.fields]
file_upload_id = '{asset.id}'
tool_result = '{metadata.scan}'
modified_at = '{time}'
[[event]]
name = 'malware_scan_complete'
dialects = ['eqp']
watchMetadata = ['malware_scan==*']
[event.fields]
file_upload_id = '{asset.id}'
tool_result = '{metadata.malware_scan}'
modified_at = '{time}'
[[event]]
name = 'Posts.Approve.Success.Ping'
[[subscription]]
name = 'nobody'
callback = 'http://127.0.0.1:9/'
watchPath = ['* /nothing']
";

#[test]
fn zoom_is_as_its_text_says() {
    converse("zoom");
}

#[test]
fn reactor_is_as_its_text_says() {
    converse("reactor");
}

#[test]
fn eqp_is_as_its_text_says() {
    converse("eqp");
}

#[test]
fn hal_is_as_its_text_says() {
    converse("hal");
}

#[test]
fn compendium_is_as_its_text_says() {
    converse("compendium");
}

/// Runs all conversations of a dialect.
fn converse(dialect: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialects").join(dialect);
    let mut files: Vec<_> =
        fs::read_dir(&dir).expect("the conversations").map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = fs::read_to_string(&file).expect("UTF-8");
        Conversation::begin(file.file_name().expect("a name").to_string_lossy().into_owned()).follow(&text);
    }
}

struct Conversation {
    file: String,
    place: Place,
    daemon: Option<Daemon>,
    plain: Recorder,
    secure: Recorder,
    /// Calls of each receiver that were looked at.
    seen: (usize, usize),
    /// Callbacks that came before their turn.
    waiting: VecDeque<RecordedCall>,
    /// Ids of deliveries that came.
    told: BTreeSet<String>,
    names: BTreeMap<String, Value>,
}

impl Conversation {
    fn begin(file: String) -> Self {
        let (plain, secure) = (Recorder::plain(), Recorder::secure(CERTIFICATE));
        let mut place = Place::new(RULES);
        fs::write(place.store.with_file_name("ca.pem"), Recorder::pem(CERTIFICATE)).expect("a file");
        let mut config = String::from(
            "[[mount]]\npath = '/acme'\ndir = '{store}'\ntenant = 'acme'\n[delivery]\nallow = ['127.0.0.0/8']\nca_file = 'ca.pem'\n\
             [[tenant]]\nname = 'globex'\n[[tenant]]\nname = 'acme'\n\
             [dialect.hal]\ncollections = {items = ['/acme/items']}\n",
        );
        for (name, role, tenants) in PRINCIPALS {
            let digits = digest_of(format!("{name}-token"));
            let tenants: Vec<_> = tenants.iter().map(|tenant| format!("'{tenant}'")).collect();
            write!(config, "[[principal]]\nname = '{name}'\nrole = '{role}'\ntoken_sha256 = '{digits}'\n")
                .expect("text");
            if !tenants.is_empty() {
                writeln!(config, "tenants = [{}]", tenants.join(", ")).expect("text");
            }
        }
        place.configure(&config);
        let daemon = Some(place.start());
        let names = [("http", plain.url("")), ("https", secure.url(""))];
        let names =
            names.map(|(name, url)| (name.to_owned(), Value::String(url.trim_end_matches('/').to_owned()))).into();
        Self {
            file,
            place,
            daemon,
            plain,
            secure,
            seen: (0, 0),
            waiting: VecDeque::new(),
            told: BTreeSet::new(),
            names,
        }
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it runs")
    }

    fn follow(mut self, text: &str) {
        let _turn = turns::light();
        let lines: Vec<(usize, &str)> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.starts_with('#'))
            .map(|(at, line)| (at + 1, line))
            .collect();
        let mut rest = VecDeque::from(lines);
        let mut answer = None;
        while let Some((at, line)) = rest.pop_front() {
            let place = format!("{}:{at}", self.file);
            let (mark, words) = line.split_at(line.len().min(2));
            match mark {
                "> " => answer = Some(self.ask(words, &mut rest)),
                "< " => {
                    let body = body(&mut rest);
                    self.check(&place, words, &body, &answer.take().unwrap_or_else(|| panic!("{place}: no request")));
                }
                "= " => self.happen(&place, words, &mut rest),
                _ => assert!(line.trim().is_empty(), "{place}: {line}"),
            }
        }
    }

    /// Sends a request.
    fn ask(&mut self, words: &str, rest: &mut VecDeque<(usize, &str)>) -> http::Answer {
        let words = self.filled(words);
        let (line, caller) = words.split_once(" as ").unwrap_or((&words, ""));
        let (caller, awaited) = caller.split_once(" until ").map_or((caller, None), |(it, status)| (it, Some(status)));
        let mut headers = Vec::new();
        if !caller.is_empty() {
            headers.push(("Authorization".to_owned(), format!("Bearer {caller}-token")));
        }
        for header in marked(rest, "> ") {
            let header = self.filled(&header);
            let (name, value) = header.split_once(": ").expect("a header");
            headers.push((name.to_owned(), value.to_owned()));
        }
        let fields: Vec<_> = marked(rest, "@ ").iter().map(|field| self.filled(field)).collect();
        let mut body = self.filled(&body(rest)).into_bytes();
        if !fields.is_empty() {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for field in &fields {
                let (name, value) = field.split_once('=').expect("a field");
                form.append_pair(name, value);
            }
            body = form.finish().into_bytes();
            headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        }
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = || http::request(self.daemon().address, line, &headers, &body).expect("an answer");
        match awaited {
            None => request(),
            Some(status) => until(&format!("{line} is {status}"), || {
                Some(request()).filter(|answer| answer.status.to_string() == status)
            }),
        }
    }

    fn check(&mut self, place: &str, words: &str, expect: &str, answer: &http::Answer) {
        let (status, media) = words.split_once(' ').unwrap_or((words, ""));
        assert_eq!(answer.status.to_string(), status, "{place}: {}\n{}", answer.head, answer.text());
        if !media.is_empty() {
            let line = format!("content-type: {media}");
            let has = answer.head.to_ascii_lowercase().lines().any(|header| header == line);
            assert!(has, "{place}: no {line} in\n{}", answer.head);
        }
        if expect.is_empty() {
            return;
        }
        self.compare(place, expect, &answer.body);
    }

    fn compare(&mut self, place: &str, expect: &str, found: &[u8]) {
        let text = String::from_utf8_lossy(found).into_owned();
        let found: Value = serde_json::from_slice(found).unwrap_or_else(|error| panic!("{place}: {error}: {text}"));
        let expect: Value = serde_json::from_str(expect).unwrap_or_else(|error| panic!("{place}: {error}: {expect}"));
        if let Err(why) = self.matches(&expect, &found, "") {
            panic!("{place}: {why}\n{text}");
        }
    }

    /// Whether a value is as expected; what is named is remembered.
    fn matches(&mut self, expect: &Value, found: &Value, at: &str) -> Result<(), String> {
        match (expect, found) {
            (Value::String(text), _) if text == "{{*}}" => {}
            (Value::String(text), found)
                if text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1 =>
            {
                let name = text.trim_matches(['{', '}']).to_owned();
                match self.names.get(&name) {
                    Some(known) if known != found => return Err(format!("{at}: {name} is {known}, and here {found}")),
                    Some(_) => {}
                    None => drop(self.names.insert(name, found.clone())),
                }
            }
            (Value::String(text), Value::String(found)) if self.filled(text) == *found => {}
            (Value::Array(expect), Value::Array(found)) if expect.len() == found.len() => {
                for (n, (expect, found)) in expect.iter().zip(found).enumerate() {
                    self.matches(expect, found, &format!("{at}/{n}"))?;
                }
            }
            (Value::Object(expect), Value::Object(found)) => {
                let other = found.keys().find(|key| !expect.contains_key(*key));
                if let Some(other) = other.or(expect.keys().find(|key| !found.contains_key(*key))) {
                    return Err(format!("{at}: the key {other} is in one of the two"));
                }
                for (key, expect) in expect {
                    self.matches(expect, &found[key], &format!("{at}/{key}"))?;
                }
            }
            (expect, found) if expect == found => {}
            (expect, found) => return Err(format!("{at}: expected {expect}, found {found}")),
        }
        Ok(())
    }

    fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.replace(&format!("{{{{{name}}}}}"), &value)
        })
    }

    fn happen(&mut self, place: &str, words: &str, rest: &mut VecDeque<(usize, &str)>) {
        let (verb, words) = words.split_once(' ').unwrap_or((words, ""));
        match verb {
            "write" => self.place.write(words, "content"),
            "record" => {
                let headers = [("Authorization", "Bearer rec-token"), ("Content-Type", "application/json")];
                let body = format!("[{}]", self.filled(words));
                let answer = http::request(self.daemon().address, "POST /v1/records", &headers, body.as_bytes());
                let answer = answer.expect("an answer");
                assert_eq!(answer.status, 202, "{place}: {}", answer.text());
            }
            "sync" => drop(self.daemon().sync()),
            "kill" => {
                self.daemon.take().expect("it runs").kill();
                self.daemon = Some(self.place.start());
            }
            "quiet" => {
                self.daemon().sync();
                self.daemon().status_until("nothing is on its way", |status| {
                    status["deliveries"]["inFlight"] == 0 && status["outbox"]["entries"] == 0
                });
                let call = self.waiting.pop_front().or_else(|| self.next_call());
                assert!(call.is_none(), "{place}: nobody is called, but for {call:?}");
            }
            "call" => {
                let headers = marked(rest, "= ");
                let body = body(rest);
                let line = self.filled(words);
                let called = until(&format!("{place}: {line} comes"), || self.call_of(&line));
                for header in headers {
                    let header = self.filled(&header).to_ascii_lowercase();
                    let has = called.head.to_ascii_lowercase().lines().any(|line| line == header);
                    assert!(has, "{place}: no {header} in\n{}", called.head);
                }
                match body.is_empty() {
                    true => assert_eq!(called.body, b"", "{place}"),
                    false => self.compare(place, &body, &called.body),
                }
            }
            other => panic!("{place}: nothing happens by {other}"),
        }
    }

    /// The next callback of a line. Those of other lines wait for their turn: nothing orders them among each other.
    fn call_of(&mut self, line: &str) -> Option<RecordedCall> {
        let call = self.next_call();
        self.waiting.extend(call);
        let at = self.waiting.iter().position(|call| call.line == line)?;
        self.waiting.remove(at)
    }

    /// The next callback that is new: one whose acceptance was not recorded before a kill comes again, under its id.
    fn next_call(&mut self) -> Option<RecordedCall> {
        let (plain, secure) = &mut self.seen;
        for (recorder, seen) in [(&self.plain, plain), (&self.secure, secure)] {
            for call in recorder.calls().into_iter().skip(*seen) {
                *seen += 1;
                let id = call.head.lines().find(|line| line.starts_with("webhook-id: ")).expect("an id").to_owned();
                if self.told.insert(id) {
                    return Some(call);
                }
            }
        }
        None
    }
}

/// The lines that follow and begin so, without that.
fn marked(rest: &mut VecDeque<(usize, &str)>, mark: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some((_, line)) = rest.front()
        && let Some(words) = line.strip_prefix(mark)
        && (mark == "@ " || words.split_once(": ").is_some_and(|(name, _)| !name.contains(' ')))
    {
        lines.push(words.to_owned());
        rest.pop_front();
    }
    lines
}

/// The lines up to the next mark, without empty ones at the end.
fn body(rest: &mut VecDeque<(usize, &str)>) -> String {
    let mut text = String::new();
    while let Some((_, line)) = rest.front()
        && !["> ", "< ", "= "].iter().any(|mark| line.starts_with(mark))
    {
        text.push_str(line);
        text.push('\n');
        rest.pop_front();
    }
    text.trim_end().to_owned()
}
