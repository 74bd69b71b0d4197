//! The one door to other processes.

#![allow(clippy::disallowed_methods, reason = "this is the door")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result};

/// Runs `program` in `dir` with no standard input and collects what it prints.
///
/// # Errors
/// When the program cannot be started. A status other than 0 is not an error here.
pub fn output<S: AsRef<OsStr>>(program: &str, args: &[S], dir: &Path) -> Result<Output> {
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(std::process::Stdio::null())
        .output()
        .with_context(|| format!("starting `{program}`"))
}
