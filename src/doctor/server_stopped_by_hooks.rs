//! S053: a hook stops the server.

use std::path::PathBuf;

use super::context::Context;
use super::files::{Files, ShellFile};
use super::{Check, Finding, Fix, Remedy, Where};
use nix_shell_edit::{stops_server, without_line};
use sccfg_util::env;
use sccfg_util::fsio::{self, Links};
use sccfg_util::problem::{Place, Problem};
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

/// The findings in the files of a repository.
pub(super) fn in_files(files: &Files) -> Vec<Finding> {
    let hooks = git_hooks(files).filter_map(|path| ShellFile::read(files.shown(&path), path));
    let hooks: Vec<ShellFile> = hooks.collect();
    let all = files.shell_files().iter().chain(&hooks);
    all.flat_map(findings).collect()
}

/// The findings in the user's own files.
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
        let fix = comment_out(file, &place).filter(|_| is_whole && !is_nix);
        found.push(
            Finding::warning(what, remedy)
                .at(Where::File(place))
                .fixed_by(fix),
        );
    }
    found
}

/// Comments out the line at `place`. `None` if what the file does would be another thing then.
pub(super) fn comment_out(file: &ShellFile, place: &Place) -> Option<Fix> {
    without_line(&file.text, place.line)?;
    let what = format!("comment out the line at {place}");
    let line = |text: &str, number: usize| text.lines().nth(number - 1).map(str::to_owned);
    let (place, before) = (place.clone(), line(&file.text, place.line));
    let fix = Fix::edit(what, &file.path, Links::Anywhere, move |text| {
        let is_same = line(text, place.line) == before;
        let edited = is_same.then(|| without_line(text, place.line)).flatten();
        edited.ok_or_else(|| changed_meanwhile(&place))
    });
    Some(fix)
}

/// The line to edit no longer exists.
pub(super) fn changed_meanwhile(place: &Place) -> Problem {
    Problem::new("the line was changed meanwhile")
        .at(place.clone())
        .hint("run the command again")
}
