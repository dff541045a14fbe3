//! What kind of start it was, and how a daemon is found that was started without a word of where its state is.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::{scratch, turns};

/// Any user but root: root's state lies below /var/lib, where a test has no business.
const USER: u32 = 65_534;
const PATIENCE: Duration = Duration::from_secs(60);

/// A user's home, as far as ringback sees it.
struct Home {
    root: PathBuf,
    _dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let dir = scratch::dir();
        let root = fs::canonicalize(dir.path()).expect("a true path");
        for name in ["store", "other", "rules", "elsewhere"] {
            fs::create_dir(root.join(name)).expect("a directory");
        }
        fs::write(root.join("rules/none.toml"), "# no rules\n").expect("written");
        let home = Self { root, _dir: dir };
        home.give(&home.root);
        for name in ["store", "other", "rules", "elsewhere", "rules/none.toml"] {
            home.give(&home.root.join(name));
        }
        home
    }

    fn give(&self, path: &Path) {
        if is_root() {
            chown(path, Some(USER), Some(USER)).expect("given away");
        }
    }

    fn write(&self, path: &str) {
        let path = self.root.join(path);
        fs::write(&path, "something").expect("written");
        self.give(&path);
    }

    fn command(&self, working: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
        command.args(words).current_dir(self.root.join(working));
        command.env("XDG_STATE_HOME", self.root.join("xdg")).env_remove("RINGBACK_TOKEN");
        if is_root() {
            command.uid(USER).gid(USER);
        }
        command
    }

    fn serve(&self, working: &str, dir: &str) -> Serving {
        let rules = self.root.join("rules").display().to_string();
        let mut command = self.command(working, &["serve", dir, "--rules", &rules, "--listen", "127.0.0.1:0"]);
        let turn = turns::starting();
        let mut child = command.args(["--log", "human"]).stderr(Stdio::piped()).spawn().expect("the binary starts");
        drop(turn);
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (said, lines) = mpsc::channel();
        // Nobody listens any more once the test is over.
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).all(|line| said.send(line).is_ok()));
        Serving { child, lines }
    }

    fn run(&self, working: &str, words: &[&str]) -> (Option<i32>, String) {
        let turn = turns::starting();
        let child = self.command(working, words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        drop(turn);
        let out = child.expect("the binary starts").wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.code(), text)
    }
}

fn is_root() -> bool {
    // SAFETY: a plain system call without pointers.
    unsafe { libc::geteuid() == 0 }
}

struct Serving {
    child: Child,
    lines: Receiver<String>,
}

impl Serving {
    /// The next line of the log that contains this.
    fn says(&self, part: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => before.push(line),
                Err(why) => panic!("no line with {part:?} ({why}); there were {before:#?}"),
            }
        }
    }

    fn stop(mut self) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a pid");
        // SAFETY: a plain system call without pointers, on a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
        assert!(self.child.wait().expect("a child of ours").success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_log_begins_with_the_kind_of_start_and_where_it_was_started_does_not_matter() {
    let home = Home::new();
    for name in ["store/1", "store/2", "other/1"] {
        home.write(name);
    }
    let (code, text) = home.run("elsewhere", &["status"]);
    assert!(code == Some(3) && text.contains("nothing says that a daemon runs at a default place"), "{code:?} {text}");

    let daemon = home.serve(".", "store");
    let first = daemon.lines.recv_timeout(PATIENCE).expect("a line");
    assert!(first.contains("first start: the files that are there are filed, and none is told"), "{first}");
    daemon.says("first start: 2 files filed, none told");
    let (code, text) = home.run("elsewhere", &["status"]);
    assert!(code == Some(0) && text.contains("watching"), "{code:?} {text}");
    daemon.stop();

    home.write("store/3");
    let daemon = home.serve("elsewhere", "../store");
    let first = daemon.lines.recv_timeout(PATIENCE).expect("a line");
    assert!(first.contains("goes on from 20") && first.contains("what changed since then is told"), "{first}");
    let done = daemon.says("went on from 20");
    assert!(done.contains(": 1 change while down"), "{done}");

    let other = home.serve(".", "other");
    other.says("first start: 1 file filed, none told");
    let (code, text) = home.run("elsewhere", &["status"]);
    let listed = text.lines().filter(|line| line.contains("--state")).count();
    assert!(code == Some(2) && text.contains("several daemons run") && listed == 2, "{code:?} {text}");
    other.stop();
    let (code, text) = home.run("elsewhere", &["sync"]);
    assert!(code == Some(0) && text.contains("is matched"), "{code:?} {text}");
    daemon.stop();
}

/// What an earlier version left where it was started is gone on with, and its place is said.
#[test]
fn the_state_of_an_earlier_version_is_gone_on_with() {
    let home = Home::new();
    home.write("store/1");
    let earlier = home.root.join("ringback-state").display().to_string();
    let mut command = home.command(".", &["serve", "store", "--state", &earlier, "--listen", "127.0.0.1:0"]);
    let mut child = command.stderr(Stdio::null()).spawn().expect("the binary starts");
    crate::daemon::until("the ledger is there", || Path::new(&earlier).join("address").exists().then_some(()));
    child.kill().expect("a child of ours");
    child.wait().expect("a child of ours");
    let daemon = home.serve(".", "store");
    let said = daemon.says("an earlier version kept the state");
    assert!(said.contains("ringback-state") && said.contains("xdg/ringback/store-"), "{said}");
    daemon.says("goes on from 20");
    daemon.stop();
    let daemon = home.serve("elsewhere", "../store");
    daemon.says("first start: ");
    daemon.stop();
}
