//! Actions at the beginning of cargo's first build in a worktree: seeding, for worktrees that are created and built in the shell of
//! another one; in a seeded worktree, a search for sources that have changed since.
//!
//! Before cargo reads or creates the target directory, it runs the wrapper with `-vV`, because it finds no version
//! in `.rustc_info.json` there (`Rustc::new` in cargo's `util/rustc.rs`).

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::workspace::Workspace;
use super::{Outcome, marked, seed_once};
use crate::session::policy_around;
use crate::worktrees::Worktree;
use portable_wrapper::seed::{Use, When, remove_outdated};
use sccfg_util::wrapper_vars::{SEED, SWITCH, is_off};
use sccfg_util::{env, fsio, proc};

/// cargo's subcommands that query the compiler's version, but compile nothing in the target directory.
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
/// Options with a separate value that may precede the subcommand.
const WITH_VALUE: &[&str] = &["--color", "-C", "-Z"];
/// Options that may move the target directory.
const MOVE_TARGET: &[&str] = &["--config", "--target-dir"];

/// Seeds the worktree in which cargo begins to build, if `arguments` query the compiler's version.
/// Like the hook of a dev shell, it seeds a worktree once. In a seeded worktree, it makes cargo rebuild outdated units.
pub(crate) fn prepare_build(arguments: &[OsString]) {
    if arguments.last().is_none_or(|last| last != "-vV") {
        return;
    }
    let (Some((parent, _)), Ok(cwd)) = (proc::parent(), env::current_dir()) else {
        return;
    };
    let command = Command::parse(&proc::arguments_of(parent), &cwd);
    let directory = command.as_ref().map_or(&cwd, |command| &command.directory);
    rebuild_outdated_units(directory, &cwd, command.as_ref());
    let Some(command) = command else {
        return;
    };
    let start = &command.directory;
    if command.purpose != Purpose::Build || is_off(SWITCH) || is_off(SEED) {
        return;
    }
    if policy_around(start).is_ok_and(|policy| policy.is_none_or(|policy| policy.portable.seed)) {
        let outcome = seed_once(start, When::InBuild);
        log::info!("seeding before the first build: {outcome:?}");
        if let Some(outcome @ Outcome::Seeded { .. }) = outcome
            && !command.is_quiet
        {
            // cargo does not print the messages of a compiler whose version it queries.
            let line = format!("sccfg: seeded {}\n", outcome.summary());
            let _ = fsio::open_stderr_of(parent).map(|mut cargo| cargo.write_all(line.as_bytes()));
        }
    }
}

/// Makes cargo rebuild the outdated units in the build directory of the workspace that contains `start`, if it was seeded and not
/// built yet. cargo reads its settings in the directory `cwd`. `command` is `None` if cargo has another name.
fn rebuild_outdated_units(start: &Path, cwd: &Path, command: Option<&Command>) {
    let Ok(start) = start.canonicalize() else {
        return;
    };
    // Scripts query the version often, and most worktrees were not seeded; then nothing else is read. cargo queries it once. The
    // mark is missing if git's directory was read-only, and a worktree that was moved has the mark of another directory.
    let is_possible = command.is_some()
        || Worktree::around(&start).is_none_or(|worktree| marked(&worktree).is_some());
    if is_possible && let Ok(workspace) = Workspace::with_settings_of(&start, cwd) {
        let used = match command {
            Some(command)
                if command.purpose == Purpose::Build
                    && !command.has_toolchain
                    && !rustup_got_toolchain() =>
            {
                Use::Last
            }
            _ => Use::NotLast,
        };
        let _changes = env::change(workspace.settings.variables().collect());
        let removed = remove_outdated(&workspace.build, used);
        log::debug!("looked at what was seeded: {removed:?}");
    }
}

/// Whether rustup was given a toolchain on the command line (`cargo +nightly`), which it does not pass on to cargo. See
/// `RUSTUP_TOOLCHAIN_SOURCE` in the chapter on environment variables of rustup's book; releases before it do not set it.
fn rustup_got_toolchain() -> bool {
    env::var("RUSTUP_TOOLCHAIN_SOURCE").as_deref() == Some("cli")
}

/// The use of the default target directory by a subcommand of cargo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It may compile there.
    Build,
    /// It compiles nothing.
    Other,
    /// It may use another one.
    Elsewhere,
}

/// A command of cargo.
struct Command {
    /// The directory of the package.
    directory: PathBuf,
    purpose: Purpose,
    /// Whether it names a toolchain (`+nightly`), which others do not have.
    has_toolchain: bool,
    /// Whether it prints errors only.
    is_quiet: bool,
}

impl Command {
    /// The command in the arguments of a process. `None` if it is another command, or the process is not cargo: scripts may query
    /// the version as well. (cargo sets `CARGO` for compiles only.)
    fn parse(words: &[String], cwd: &Path) -> Option<Self> {
        let (program, options) = words.split_first()?;
        Path::new(program)
            .file_name()
            .filter(|name| *name == "cargo")?;
        let options = options.iter().map(String::as_str);
        let mut options = options.take_while(|word| *word != "--");
        let (mut name, mut directory) = (None, cwd.to_owned());
        let (mut is_quiet, mut is_elsewhere, mut has_toolchain) = (false, false, false);
        while let Some(word) = options.next() {
            let (option, value) = match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, Some(value)),
                _ => (word, None),
            };
            if MOVE_TARGET.contains(&option) {
                is_elsewhere = true;
                if value.is_none() {
                    options.next();
                }
            } else if option == "--manifest-path" {
                let manifest = cwd.join(value.or_else(|| options.next())?);
                directory = manifest.parent()?.into();
            } else if WITH_VALUE.contains(&word) {
                options.next();
            } else if ["-q", "--quiet"].contains(&word) {
                is_quiet = true;
            } else if word.starts_with('+') && name.is_none() {
                has_toolchain = true;
            } else if !word.starts_with('-') {
                name.get_or_insert(word);
            }
        }
        let name = name?;
        // `cargo tool.rs` builds a script, below `CARGO_HOME`.
        let is_script = name.contains('/') || Path::new(name).extension() == Some("rs".as_ref());
        let purpose = if is_elsewhere {
            Purpose::Elsewhere
        } else if WITHOUT_BUILD.contains(&name) {
            Purpose::Other
        } else {
            Purpose::Build
        };
        (!is_script).then_some(Self {
            directory,
            purpose,
            has_toolchain,
            is_quiet,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(command: &str) -> Option<PathBuf> {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let command = Command::parse(&words, Path::new("/w"))?;
        (command.purpose == Purpose::Build).then_some(command.directory)
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
            "cargo -Zscript tool.rs",
            "cargo -Z script ./tool",
        ] {
            assert_eq!(directory(command), None, "{command}");
        }
    }
}
