//! All access to the environment goes through this module: variables, arguments, the current
//! directory, the user's directories.

#![allow(clippy::disallowed_methods, reason = "the one module with this access")]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use anyhow::Result;

use crate::problem::Problem;

/// Variables that override those of this process, also for the programs that it starts.
static CHANGES: RwLock<BTreeMap<OsString, OsString>> = RwLock::new(BTreeMap::new());

/// The overrides that [`change`] set. They are removed on drop.
#[must_use]
#[derive(Debug)]
pub struct Changes(());

impl Drop for Changes {
    fn drop(&mut self) {
        if let Ok(mut changes) = CHANGES.write() {
            changes.clear();
        }
    }
}

/// Overrides environment variables, for this process and the programs that it starts, until the result is dropped.
pub fn change(variables: Vec<(OsString, OsString)>) -> Changes {
    if let Ok(mut changes) = CHANGES.write() {
        changes.extend(variables);
    }
    Changes(())
}

/// The variables that [`change`] has set.
pub fn changes() -> BTreeMap<OsString, OsString> {
    CHANGES
        .read()
        .map(|changes| changes.clone())
        .unwrap_or_default()
}

/// All variables.
fn vars_os() -> impl Iterator<Item = (OsString, OsString)> {
    let changes = changes();
    let own = std::env::vars_os().filter(|(name, _)| !changes.contains_key(name));
    let own: Vec<_> = own.collect();
    own.into_iter().chain(changes)
}

/// A variable's value; `None` if it is unset. An empty value is not unset: sccache distinguishes
/// them for `SCCACHE_DIR` and `SCCACHE_CONF`.
pub fn var_os(name: &str) -> Option<OsString> {
    let changed = CHANGES.read().ok();
    let changed = changed.and_then(|changes| changes.get(OsStr::new(name)).cloned());
    changed.or_else(|| std::env::var_os(name))
}

/// A variable's value as text; bytes that are not UTF-8 are replaced.
pub fn var(name: &str) -> Option<String> {
    var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The command line arguments without the program name.
pub fn arguments() -> Vec<OsString> {
    std::env::args_os().skip(1).collect()
}

/// The name that this process was started with.
pub fn argv0() -> Option<OsString> {
    std::env::args_os().next()
}

/// Whether the standard streams of this process are like those that cargo gives a compiler or a build script: standard input is
/// `/dev/null`, and neither output is a terminal.
pub fn has_streams_of_cargo() -> bool {
    let device = |file: &File| file.metadata().map(|metadata| metadata.rdev());
    let input = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let is_empty = input.is_ok_and(|input| {
        let nothing = File::open("/dev/null").and_then(|nothing| device(&nothing));
        nothing.is_ok_and(|nothing| {
            nothing != 0 && device(&input).is_ok_and(|number| number == nothing)
        })
    });
    is_empty && !io::stdout().is_terminal() && !io::stderr().is_terminal()
}

/// The file of this program, links followed.
pub fn current_program() -> Option<PathBuf> {
    std::env::current_exe().ok()?.canonicalize().ok()
}

/// The current directory.
pub fn current_dir() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| {
        Problem::new(format!("could not read the current directory: {error}"))
            .hint("it may have been removed: change to another directory")
            .into()
    })
}

/// The directories of `PATH`, in order.
pub fn search_path() -> Vec<PathBuf> {
    var_os("PATH").map_or_else(Vec::new, |path| std::env::split_paths(&path).collect())
}

/// The paths in the value of a variable like `PATH`.
pub fn split_paths(value: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(value).collect()
}

/// The value of a variable like `PATH`; `None` if one of the paths contains a colon.
pub fn join_paths(paths: &[PathBuf]) -> Option<OsString> {
    std::env::join_paths(paths).ok()
}

/// The user's directory for settings: `XDG_CONFIG_HOME`, or `~/.config`, on macOS as well.
pub fn config_dir() -> Option<PathBuf> {
    let named = var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let named = named.filter(|directory| directory.is_absolute());
    named.or_else(|| Some(home_dir()?.join(".config")))
}

/// The user's directory of cargo: `CARGO_HOME`, relative to the current directory, or `~/.cargo`
/// (<https://doc.rust-lang.org/cargo/guide/cargo-home.html>; cargo takes the crate `home`, which ignores an empty variable).
pub fn cargo_home() -> Option<PathBuf> {
    match var_os("CARGO_HOME").map(PathBuf::from) {
        Some(named) if named.is_absolute() => Some(named),
        Some(named) if !named.as_os_str().is_empty() => Some(current_dir().ok()?.join(named)),
        _ => Some(home_dir()?.join(".cargo")),
    }
}

/// The user's home directory. A relative path is ignored, as in an XDG variable: it would be a different directory for each
/// project.
pub fn home_dir() -> Option<PathBuf> {
    absolute(directories::BaseDirs::new()?.home_dir())
}

/// The variables whose name starts with `prefix`; bytes that are not UTF-8 are replaced.
pub fn vars_starting_with(prefix: &str) -> BTreeMap<String, String> {
    vars_os()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with(prefix)
                .then(|| (name, value.to_string_lossy().into_owned()))
        })
        .collect()
}

/// The variables whose name satisfies `keep`; names that are not UTF-8 never do.
pub fn vars_where(keep: impl Fn(&str) -> bool) -> Vec<(OsString, OsString)> {
    vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(&keep))
        .collect()
}

/// The variables whose names are not UTF-8, sorted.
pub fn vars_with_other_names() -> Vec<(OsString, OsString)> {
    let mut found: Vec<_> = vars_os()
        .filter(|(name, _)| name.to_str().is_none())
        .collect();
    found.sort_unstable();
    found
}

/// The system's directory for temporary files.
pub fn temp_dir() -> PathBuf {
    std::env::temp_dir()
}

/// sccfg's cache directory of this user; `None` without a [home directory](home_dir) and without an XDG variable for it.
pub fn cache_dir() -> Option<PathBuf> {
    absolute(directories::ProjectDirs::from("", "", "sccfg")?.cache_dir())
}

/// sccfg's data directory of this user; `None` as for [`cache_dir`].
pub fn data_dir() -> Option<PathBuf> {
    absolute(directories::ProjectDirs::from("", "", "sccfg")?.data_dir())
}

fn absolute(directory: &Path) -> Option<PathBuf> {
    directory.is_absolute().then(|| directory.to_owned())
}
