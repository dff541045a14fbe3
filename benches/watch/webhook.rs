//! Webhooks as they are made by hand, to compare ringback's with: each posts the names of closed files to a URL.

pub mod bare;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use crate::watcher::lines::ready;

/// `inotifywait | while read; do curl; done`: one curl a file, one after the other.
pub struct InotifywaitCurl {
    inotifywait: Child,
    shell: Child,
    reading: Vec<JoinHandle<()>>,
}

impl InotifywaitCurl {
    /// Watches a tree; the whole paths are posted to `url`.
    #[track_caller]
    pub fn start(root: &Path, url: &str) -> Self {
        let mut inotifywait = Command::new("inotifywait");
        inotifywait.args(["-m", "-r", "-e", "close_write,moved_to", "--format", "%w%f"]).arg(root);
        inotifywait.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut inotifywait = inotifywait.spawn().expect("it is installed");
        let script = "while IFS= read -r path; do curl -s -o /dev/null --data-binary \"$path\" \"$0\"; done";
        let mut shell = Command::new("sh");
        shell.args(["-c", script, url]).stdin(inotifywait.stdout.take().expect("piped"));
        let shell = shell.spawn().expect("there is a shell");
        let stderr = inotifywait.stderr.take().expect("piped");
        let mut webhook = Self { inotifywait, shell, reading: Vec::new() };
        let ready = ready(stderr, &mut webhook.reading);
        ready.unwrap_or_else(|said| panic!("inotifywait does not get ready: {said}"));
        webhook
    }
}

impl Drop for InotifywaitCurl {
    fn drop(&mut self) {
        // An error means that it has ended already. The shell ends by itself when nothing more can come.
        drop(self.inotifywait.kill());
        drop(self.inotifywait.wait());
        drop(self.shell.wait());
        for reading in self.reading.drain(..) {
            drop(reading.join());
        }
    }
}
