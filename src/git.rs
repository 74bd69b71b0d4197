//! Runs git in a directory, whatever repository the environment names.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, Result, ensure};

use sccfg_util::proc::Program;

/// The variables by which a hook of git names its repository, which may be another one (`githooks(5)`).
const OF_HOOKS: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"];

/// The output of git with these arguments, in `directory`.
///
/// # Errors
/// If git cannot be started. A status other than 0 is not an error.
pub(crate) fn output<S: AsRef<OsStr>>(args: &[S], directory: &Path) -> Result<Output> {
    let args: Vec<OsString> = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
    let git = Program {
        path: Path::new("git"),
        args: &args,
        changes: &OF_HOOKS.map(|name| (OsString::from(name), None)),
        directory: Some(directory),
    };
    Ok(git.output()?)
}

/// What git writes to standard output with these arguments, in `directory`.
///
/// # Errors
/// If git cannot be started; if it fails, with `failed` and what it says.
pub(crate) fn checked_output<S: AsRef<OsStr>>(
    args: &[S],
    directory: &Path,
    failed: &str,
) -> Result<Vec<u8>> {
    let output = output(args, directory).context("could not run git")?;
    ensure!(
        output.status.success(),
        "{failed}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output.stdout)
}

/// Whether git ignores the file `name` of `directory`, and does not track it.
pub(crate) fn ignores(name: impl AsRef<OsStr>, directory: &Path) -> bool {
    let options = ["check-ignore", "--quiet", "--"].map(OsStr::new);
    let args = [&options[..], &[name.as_ref()]].concat();
    output(&args, directory).is_ok_and(|answer| answer.status.success())
}

/// Those of the files that are there and that git neither tracks nor ignores, relative to `directory`.
///
/// # Errors
/// If git cannot be started, or fails.
pub(crate) fn untracked<'a>(
    files: impl IntoIterator<Item = &'a Path>,
    directory: &Path,
) -> Result<Vec<OsString>> {
    let options = ["ls-files", "--others", "--exclude-standard", "-z", "--"].map(OsStr::new);
    let mut args = options.to_vec();
    args.extend(files.into_iter().map(Path::as_os_str));
    if args.len() == options.len() {
        // git would list all files.
        return Ok(Vec::new());
    }
    let failed = "could not list the files that git does not track";
    let listed = checked_output(&args, directory, failed)?;
    let names = listed.split(|byte| *byte == 0);
    let names = names.filter(|name| !name.is_empty());
    Ok(names
        .map(|name| OsStr::from_bytes(name).to_owned())
        .collect())
}
