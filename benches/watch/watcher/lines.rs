//! A peer that prints lines: `EVENT[,EVENT...]`, a tab, the whole path. inotifywait does by its own format, and the raw
//! one by imitation.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Watcher, raw};
use crate::heard::{Heard, Piece};
use crate::score::{Report, Said};

/// However large the tree, its watches stand by then.
const READY_LIMIT: Duration = Duration::from_secs(300);

/// What inotifywait says on stderr when it watches.
pub const READY: &str = "Watches established";

pub struct Lines {
    child: Child,
    root: PathBuf,
    heard: Heard,
    reading: Vec<JoinHandle<()>>,
}

impl Lines {
    /// inotifywait, recursive, over a tree.
    pub fn inotifywait(root: &Path) -> Self {
        let mut command = Command::new("inotifywait");
        command.args(["-m", "-r", "--format", "%e\t%w%f"]);
        command.args(["-e", "close_write,create,delete,moved_to,moved_from"]).arg(root);
        Self::start(&mut command, root)
    }

    /// The raw one, over a tree.
    pub fn raw(root: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        Self::start(command.arg(raw::COMMAND).arg(root), root)
    }

    #[track_caller]
    fn start(command: &mut Command, root: &Path) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // Made before anything may fail, so that the child is always ended.
        let mut lines = Self { child, root: root.to_owned(), heard: Heard::default(), reading: Vec::new() };
        let (stdout, stderr) = (lines.child.stdout.take().expect("piped"), lines.child.stderr.take().expect("piped"));
        let heard = lines.heard.clone();
        lines.reading.push(std::thread::spawn(move || read(stdout, &heard)));
        let ready = ready(stderr, &mut lines.reading);
        ready.unwrap_or_else(|said| panic!("{command:?} does not get ready: {said}"));
        lines
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        for reading in self.reading.drain(..) {
            drop(reading.join());
        }
    }
}

impl Watcher for Lines {
    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn heard(&self) -> &Heard {
        &self.heard
    }

    fn reports_in(&self, piece: &Piece) -> Vec<Report> {
        let text = std::str::from_utf8(&piece.bytes).expect("the paths are ASCII");
        let root = self.root.to_str().expect("so is the root");
        let report = |line: &str| {
            let (events, path) = line.split_once('\t')?;
            let is = |event| events.split(',').any(|one| one == event);
            let path = path.strip_prefix(root)?.to_owned();
            let said = if is("DELETE") || is("MOVED_FROM") { Said::Gone } else { Said::Here };
            (!is("ISDIR")).then_some(Report { at: piece.at, said, path })
        };
        text.lines().filter_map(report).collect()
    }
}

/// Waits until a process says on stderr that it watches, and goes on reading it.
///
/// # Errors
/// What it said instead before it ended, or before the limit.
pub fn ready(stderr: ChildStderr, reading: &mut Vec<JoinHandle<()>>) -> Result<(), String> {
    let (say, lines) = mpsc::channel();
    reading.push(std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            // Once it is ready nobody waits for more.
            let _ = say.send(line);
        }
    }));
    let end = Instant::now() + READY_LIMIT;
    let mut said = String::new();
    while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
        if line.contains(READY) {
            return Ok(());
        }
        said.push_str(&line);
        said.push('\n');
    }
    Err(said)
}

/// Whole lines, in as large pieces as they come.
fn read(mut stdout: ChildStdout, heard: &Heard) {
    let mut buffer = vec![0; 1 << 17];
    let mut rest = Vec::new();
    // Zero, or an error: it has ended.
    while let Ok(count @ 1..) = stdout.read(&mut buffer) {
        let at = Instant::now();
        rest.extend_from_slice(&buffer[..count]);
        let Some(end) = rest.iter().rposition(|&byte| byte == b'\n') else { continue };
        let begun = rest.split_off(end + 1);
        heard.push(at, Bytes::from(std::mem::replace(&mut rest, begun)));
    }
}
