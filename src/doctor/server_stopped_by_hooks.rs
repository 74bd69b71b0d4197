//! S053: a hook stops the server.

use std::path::PathBuf;

use super::context::Context;
use super::files::{Files, ShellFile};
use super::{Check, Finding, Fix, Remedy, Where};
use nix_shell_edit::stops_server;
use sccfg_util::env;
use sccfg_util::fsio::{self, Links};
use sccfg_util::problem::Place;
use sccfg_util::secret::redact_text;

pub(super) static CHECK: Check = Check {
    code: "S053",
    name: "hook that stops the server",
    why: "each new shell interrupts the builds of all others, which then compile without the cache",
    find,
};

/// Files in which a shell of the user runs commands whenever it starts, relative to the home directory.
const PROFILES: [&str; 10] = [
    ".bash_profile",
    ".bashrc",
    ".config/direnv/direnvrc",
    ".config/fish/config.fish",
    ".direnvrc",
    ".profile",
    ".zlogin",
    ".zprofile",
    ".zshenv",
    ".zshrc",
];

fn find(context: &Context) -> Vec<Finding> {
    in_files(context).into_iter().chain(in_profiles()).collect()
}

/// What is in the files of a repository.
pub(super) fn in_files(files: &Files) -> Vec<Finding> {
    let hooks = git_hooks(files).filter_map(|path| ShellFile::read(files.shown(&path), path));
    let hooks: Vec<ShellFile> = hooks.collect();
    let all = files.shell_files().iter().chain(&hooks);
    all.flat_map(findings).collect()
}

/// What is in the user's own files.
pub(super) fn in_profiles() -> Vec<Finding> {
    let files = profiles().filter_map(|path| ShellFile::read(path.clone(), path));
    let files: Vec<ShellFile> = files.collect();
    files.iter().flat_map(findings).collect()
}

fn git_hooks(files: &Files) -> impl Iterator<Item = PathBuf> {
    let worktree = files.worktree.as_ref();
    let own = worktree.map(|worktree| worktree.common_dir().join("hooks"));
    let husky = files.repository.path(".husky");
    own.into_iter().chain([husky]).flat_map(|directory| {
        let names = fsio::names_in(&directory).into_iter();
        let hooks = names.filter(|name| !name.ends_with(".sample"));
        hooks
            .map(move |name| directory.join(name))
            .collect::<Vec<_>>()
    })
}

fn profiles() -> impl Iterator<Item = PathBuf> {
    let home = env::home_dir();
    home.into_iter()
        .flat_map(|home| PROFILES.map(|name| home.join(name)))
}

fn findings(file: &ShellFile) -> Vec<Finding> {
    if !file.text.contains("--stop-server") {
        return Vec::new();
    }
    let is_nix = file.path.extension().is_some_and(|end| end == "nix");
    let mut offset = 0;
    let mut found = Vec::new();
    for line in file.text.split_inclusive('\n') {
        let start = offset + (line.len() - line.trim_start().len());
        offset += line.len();
        let Some(is_whole) = stops_server(line) else {
            continue;
        };
        let shown = redact_text(line.trim());
        let what = format!("`{shown}` runs whenever a shell starts");
        let remedy = if is_nix {
            Remedy::Command("sccfg init".to_owned())
        } else {
            Remedy::Words(
                "delete the line: the hook of a dev shell restarts an idle server if it has to"
                    .to_owned(),
            )
        };
        let place = Place::at(&file.shown, &file.text, start);
        let fix = (is_whole && !is_nix).then(|| comment_out(file, &place, start));
        found.push(
            Finding::warning(what, remedy)
                .at(Where::File(place))
                .fixed_by(fix),
        );
    }
    found
}

/// Comments out the line that begins at `start`, apart from its indentation.
pub(super) fn comment_out(file: &ShellFile, place: &Place, start: usize) -> Fix {
    let line = file.text[start..].lines().next().unwrap_or_default();
    let line = line.to_owned();
    let what = format!("comment out the line at {place}");
    Fix::edit(what, &file.path, Links::Anywhere, move |text| {
        let at = position_of(text, &line);
        Ok(at.map_or_else(
            || text.to_owned(),
            |at| format!("{}# {}", &text[..at], &text[at..]),
        ))
    })
}

/// The offset of a line in a text, apart from its indentation.
fn position_of(text: &str, line: &str) -> Option<usize> {
    let mut offset = 0;
    for other in text.split_inclusive('\n') {
        let start = offset + (other.len() - other.trim_start().len());
        if other.trim() == line.trim() {
            return Some(start);
        }
        offset += other.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_again() {
        let text = "a\n  b c \nd";
        assert_eq!(position_of(text, "b c"), Some(4));
        assert_eq!(position_of(text, "d"), Some(9));
        assert_eq!(position_of(text, "e"), None);
    }
}
