//! A daemon within this process, for asking it what no endpoint asks.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ringback::config::settings::{Overrides, Places, resolve};
use ringback::daemon::Daemon;
use ringback::diagnostic::SourceFile;
use ringback::model::ask::{Answer, Ask};
use ringback::model::event::Dialect;
use ringback::model::registration::{Edit, Registration, Replaces};
use ringback::model::subscription::Name;
use tokio::runtime::Runtime;

use crate::http;

/// A daemon, and the directory in which its store, its rules and its state lie.
pub struct Within {
    runtime: Runtime,
    daemon: Option<Daemon>,
    dir: PathBuf,
}

impl Within {
    /// Starts one over a directory. `config` is added to its configuration.
    pub fn start(dir: &Path, config: &str) -> Self {
        for name in ["store", "rules", "state"] {
            fs::create_dir_all(dir.join(name)).expect("a directory");
        }
        let text = format!("rules = 'rules'\nlisten = '127.0.0.1:0'\n[[mount]]\npath = '/'\ndir = 'store'\n{config}");
        let file = SourceFile { name: "ringback.toml".to_owned(), text: text.into_bytes().into() };
        let state = dir.join("state");
        let places = Places { config: dir, working: dir, state: &state };
        let resolved = resolve(Some(&file), places, Overrides::default()).expect("a good configuration");
        let runtime = Runtime::new().expect("a runtime");
        let daemon = runtime.block_on(Daemon::start(resolved.settings)).expect("a daemon");
        let within = Self { runtime, daemon: Some(daemon), dir: dir.to_owned() };
        // Whoever asks from now on is answered, and what is written is no part of the first scan.
        assert!(matches!(within.ask(Ask::Sync), Answer::Sync(_)));
        within
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it runs")
    }

    /// Where its API listens.
    pub fn address(&self) -> SocketAddr {
        self.daemon().address()
    }

    /// The bearer header of its administrator.
    pub fn bearer(&self) -> String {
        let path = &self.daemon().admin_token().path;
        format!("Bearer {}", fs::read_to_string(path).expect("a token").trim())
    }

    /// Asks, and waits for the answer.
    pub fn ask(&self, ask: Ask) -> Answer {
        self.runtime.block_on(self.daemon().ask(ask)).expect("it runs")
    }

    /// Registers, and returns the answer.
    pub fn register(&self, registration: Registration) -> Answer {
        let edit = Edit::Put { registration: Box::new(registration), replaces: Replaces::Own };
        self.ask(Ask::Register { edits: vec![edit], by: "jo".to_owned() })
    }

    /// Gets something from its API.
    pub fn get(&self, path: &str) -> http::Answer {
        let bearer = self.bearer();
        http::request(self.address(), &format!("GET {path}"), &[("Authorization", &bearer)], b"").expect("an answer")
    }

    /// Posts an empty request to its API.
    pub fn post(&self, path: &str) -> http::Answer {
        let bearer = self.bearer();
        http::request(self.address(), &format!("POST {path}"), &[("Authorization", &bearer)], b"").expect("an answer")
    }

    /// Writes a file of the store.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir.join("store").join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            self.runtime.block_on(daemon.stop());
        }
    }
}

/// A registration of everything.
pub fn registration(id: &str, callback: &str) -> Registration {
    let name = Name::registered(Dialect::Zoom, id).expect("an id");
    Registration { paths: vec!["* /".to_owned()], ..Registration::new(name, None, callback) }
}
