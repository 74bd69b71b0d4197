//! The module of the command `devenv`.

use std::path::Path;

use super::eval::Eval;
use super::files::Files;
use super::found::{Anchor, Found, Kind};
use sccfg_util::problem::Problem;

/// The file that `devenv shell` and `use devenv` load.
pub(crate) const FILE: &str = "devenv.nix";

/// Files that the command reads or writes, and flakes do not.
const SIGNS: [&str; 2] = ["devenv.yaml", "devenv.lock"];

/// The shell of `devenv.nix`, or why it cannot be read. `None` if there is no such file.
pub(crate) fn find(files: &mut Files<'_>) -> Option<Result<Found, Problem>> {
    let id = match files.load(Path::new(FILE)) {
        Ok(id) => id?,
        Err(problem) => return Some(Err(problem)),
    };
    Some(Ok(Found {
        name: Some("default".to_owned()),
        kind: Kind::DevenvFile,
        anchor: Anchor::Value(Eval::new(files).file(id)),
        output: None,
    }))
}

/// Whether the command is used in a repository that has a flake as well: it has left its files there, `.envrc` runs it, or
/// `devenv.nix` was edited before.
pub(crate) fn is_used(files: &Files<'_>) -> bool {
    let text = |name: &str| files.text_of(Path::new(name));
    let is_entered = || {
        let envrc = text(".envrc").unwrap_or_default();
        let mut lines = envrc.lines().map(str::trim_start);
        lines.any(|line| !line.starts_with('#') && line.contains("use devenv"))
    };
    let is_managed = || {
        let mut all = files.all();
        all.any(|(_, file)| file.path == Path::new(FILE) && file.text != file.original)
    };
    SIGNS.iter().any(|name| text(name).is_some()) || is_entered() || is_managed()
}
