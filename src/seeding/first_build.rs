//! Seeding by cargo's first build in a worktree, for worktrees that are made and built in a shell of another one.
//!
//! Before cargo reads or creates the target directory, it runs the wrapper with `-vV`, because it finds no
//! `.rustc_info.json` there (`Rustc::new` in cargo's `util/rustc.rs`).

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Beginning, Outcome, seed_once};
use crate::session::policy_around;
use sccfg_util::wrapper_vars::{SEED, SWITCH, is_off};
use sccfg_util::{env, fsio, proc};

/// The commands of cargo that ask for the version, but compile nothing in the target directory.
const WITHOUT_BUILD: &[&str] = &[
    "add",
    "clean",
    "config",
    "fetch",
    "generate-lockfile",
    "info",
    "install",
    "locate-project",
    "metadata",
    "package",
    "pkgid",
    "publish",
    "read-manifest",
    "remove",
    "report",
    "tree",
    "update",
    "vendor",
    "verify-project",
];
/// Options whose value is a word of its own, and may come before the command.
const WITH_VALUE: &[&str] = &["--color", "-C", "-Z"];
/// Options that may move the target directory.
const MOVE_TARGET: &[&str] = &["--config", "--target-dir"];

/// Seeds the worktree in which cargo begins to build, if `arguments` are those by which it asks for the compiler's version.
/// Like the hook of a dev shell, it does so once in the life of a worktree.
pub(crate) fn seed_before_first_build(arguments: &[OsString]) {
    if arguments.last().is_none_or(|last| last != "-vV") || is_off(SWITCH) || is_off(SEED) {
        return;
    }
    let (Some((parent, _)), Ok(cwd)) = (proc::parent(), env::current_dir()) else {
        return;
    };
    let words = proc::arguments_of(parent);
    let Some(start) = directory_of_build(&words, &cwd).filter(|_| is_cargo(&words)) else {
        return;
    };
    if policy_around(&start).is_ok_and(|policy| policy.is_none_or(|it| it.portable.seed)) {
        let outcome = seed_once(&start, Beginning::Build);
        log::info!("seeding before the first build: {outcome:?}");
        if let Some(outcome @ Outcome::Seeded { .. }) = outcome
            && !is_quiet(&words)
        {
            // cargo does not show what a compiler prints that is asked for its version.
            let line = format!("sccfg: seeded {}\n", outcome.summary());
            let _ = fsio::open_stderr_of(parent).map(|mut cargo| cargo.write_all(line.as_bytes()));
        }
    }
}

/// Whether a process of these words is cargo. Others, such as scripts, may ask for the version as well. cargo sets `CARGO`
/// for compiles only.
fn is_cargo(words: &[String]) -> bool {
    let program = words.first().map(|word| Path::new(word).file_name());
    program == Some(Some("cargo".as_ref()))
}

/// The directory of the package that a command of cargo builds in its usual target directory.
fn directory_of_build(words: &[String], cwd: &Path) -> Option<PathBuf> {
    let options = words.iter().take_while(|word| *word != "--");
    let mut options = options.skip(1).map(String::as_str);
    let (mut command, mut directory) = (None, cwd.to_owned());
    while let Some(word) = options.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (word, None),
        };
        if MOVE_TARGET.contains(&name) {
            return None;
        } else if name == "--manifest-path" {
            let manifest = cwd.join(value.or_else(|| options.next())?);
            directory = manifest.parent()?.into();
        } else if WITH_VALUE.contains(&word) {
            options.next();
        } else if !word.starts_with(['-', '+']) {
            command.get_or_insert(word);
        }
    }
    (!WITHOUT_BUILD.contains(&command?)).then_some(directory)
}

/// Whether a command of cargo prints errors only.
fn is_quiet(words: &[String]) -> bool {
    let mut options = words.iter().take_while(|word| *word != "--");
    options.any(|word| ["-q", "--quiet"].contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(command: &str) -> Option<PathBuf> {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        directory_of_build(&words, Path::new("/w"))
    }

    #[test]
    fn commands_that_build_have_a_directory() {
        for command in [
            "cargo build",
            "cargo -q --color never t -p a",
            "cargo own-alias",
            "cargo run -- clean",
        ] {
            assert_eq!(directory(command), Some("/w".into()), "{command}");
        }
        for command in [
            "cargo check --manifest-path a/Cargo.toml",
            "cargo check --manifest-path=/w/a/Cargo.toml",
        ] {
            assert_eq!(directory(command), Some("/w/a".into()), "{command}");
        }
    }

    #[test]
    fn others_have_none() {
        for command in [
            "cargo",
            "cargo -V",
            "cargo clean",
            "cargo --color never metadata",
            "cargo build --target-dir /t",
            "cargo b --config=build.target-dir='/t'",
            "cargo build --manifest-path",
        ] {
            assert_eq!(directory(command), None, "{command}");
        }
    }
}
