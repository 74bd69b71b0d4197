//! The one door to the environment: variables, the current directory, the user's folders.

#![allow(clippy::disallowed_methods, reason = "this is the door")]

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// A variable's value, `None` when it is unset. An empty value is kept: sccache does not treat
/// `SCCACHE_DIR=""` or `SCCACHE_CONF=""` as unset.
pub fn var_os(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A variable's value as text; bytes that are not UTF-8 are replaced.
pub fn var(name: &str) -> Option<String> {
    var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The directory the process was started in.
pub fn current_dir() -> Result<PathBuf> {
    std::env::current_dir().context("reading the current directory")
}

/// The folders of search path `PATH`, in order.
pub fn search_path() -> Vec<PathBuf> {
    var_os("PATH").map_or_else(Vec::new, |path| std::env::split_paths(&path).collect())
}

/// The user's home folder.
pub fn home_dir() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}
