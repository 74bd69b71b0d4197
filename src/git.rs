//! Runs git in a directory, whatever repository the environment names.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Output;

use anyhow::Result;

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

/// Whether git ignores the file `name` of `directory`, and does not track it.
pub(crate) fn ignores(name: impl AsRef<OsStr>, directory: &Path) -> bool {
    let options = ["check-ignore", "--quiet", "--"].map(OsStr::new);
    let args = [&options[..], &[name.as_ref()]].concat();
    output(&args, directory).is_ok_and(|answer| answer.status.success())
}
