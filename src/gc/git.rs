//! What git tracks, or knows from other commits.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::git;
use sccfg_util::fsio;

/// Whether git tracks `path` or a file below it. `None` if git fails.
pub(super) fn tracks(path: &Path) -> Option<bool> {
    let Some((directory, name)) = path.parent().zip(path.file_name()) else {
        return Some(false);
    };
    says_anything(directory, &["ls-files", "-z"], name)
}

/// Whether a commit of the repository that contains `path` changed it or a file below it: another branch may have missing files.
/// `None` if git fails.
pub(super) fn knows(path: &Path) -> Option<bool> {
    let mut above = path.ancestors();
    let Some(directory) = above.find(|directory| fsio::is_plain_dir(directory)) else {
        return Some(false);
    };
    let below = path.strip_prefix(directory).ok()?.as_os_str();
    let below = if below.is_empty() {
        OsStr::new(".")
    } else {
        below
    };
    let args = ["rev-list", "--all", "--max-count=1"];
    says_anything(directory, &args, below)
}

/// Whether this git command prints anything for `path`, relative to `directory`. Outside of repositories, it does not.
fn says_anything(directory: &Path, args: &[&str], path: &OsStr) -> Option<bool> {
    let mut above = directory.ancestors();
    if !above.any(|directory| fsio::exists(&directory.join(".git"))) {
        return Some(false);
    }
    let mut all = vec![OsString::from("--literal-pathspecs")];
    all.extend(args.iter().map(OsString::from));
    all.extend(["--".into(), path.to_owned()]);
    let output = git::output(&all, directory).ok()?;
    output.status.success().then_some(!output.stdout.is_empty())
}
