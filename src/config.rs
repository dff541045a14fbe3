//! Configuration: one optional file, `ringback.toml`, and what the command line says over it.
//!
//! [`options`] is the file as written, with places; [`settings`] is what is in force, with every default filled in and
//! every contradiction refused. Both are pure. [`sources`] is the one place that reads the configuration and rule
//! files; it does not interpret them. [`secrets`] reads what rules refer to, [`ca_file`] the certificates that
//! callbacks are verified with, and [`tls_files`] what the API speaks TLS with.

pub mod ca_file;
pub mod exiftool;
pub mod options;
pub mod secrets;
pub mod settings;
pub mod sources;
pub mod tls_files;

pub use settings::{Overrides, Places, Resolved, Settings, TlsFiles, resolve};
