//! Directories that must not be removed, because a build, a program or another user needs them.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::cargo_dir::CargoDir;
use super::size::Measured;
use super::{git, mounts};
use portable_wrapper::CARGO_LOCKS;
use sccfg_util::fsio;
use sccfg_util::proc::running::{Process, processes};

/// The locks that are held while files are moved. cargo up to 1.96 waits for the first one; later versions
/// share that one, and wait for the second one (`core/compiler/layout.rs`).
const NEEDED: [&str; 2] = [".cargo-lock", ".cargo-build-lock"];

/// The reason why a directory is kept.
pub(super) type Why = String;

/// The reason why `directory` must not be removed, if there is one. Writes nothing.
pub(super) fn why_kept(directory: &CargoDir) -> Option<Why> {
    let root = &directory.root;
    if fsio::is_on_nfs(root) {
        return Some("it is on NFS, where cargo takes no locks".to_owned());
    }
    if let Some(profile) = directory
        .profiles
        .iter()
        .find(|profile| is_building(profile))
    {
        return Some(format!("a build is running in {}", profile.display()));
    }
    if let Some(point) = mounts::inside(root) {
        return Some(format!("something is mounted on {}", point.display()));
    }
    used_by_process(root).or_else(|| tracked_by_git(root))
}

/// The reason why the measured files must not be removed, if there is one.
pub(super) fn why_foreign(measured: &Measured) -> Option<Why> {
    let another = measured.of_another_user.as_ref();
    let another = another.map(|path| format!("{} belongs to another user", path.display()));
    let mounted = measured.mount_point.as_ref();
    another.or_else(|| {
        mounted.map(|path| format!("another file system is mounted on {}", path.display()))
    })
}

/// Whether a cargo holds a lock of the directory of a profile.
fn is_building(profile: &Path) -> bool {
    let locks = CARGO_LOCKS.iter().map(|name| profile.join(name));
    locks
        .filter(|lock| lock.is_file())
        // Without locks, running builds cannot be detected.
        .any(|lock| !matches!(fsio::try_lock(&lock), Ok(Some(_))))
}

/// The locks of all profiles of `directory`; `None` if a build holds one of them.
pub(super) fn lock(profiles: &[PathBuf]) -> std::io::Result<Result<Vec<File>, Why>> {
    let mut held = Vec::new();
    for profile in profiles {
        for name in NEEDED {
            // A cargo of another version may have built here.
            drop(fsio::create_lock_file(&profile.join(name))?);
        }
        let existing = CARGO_LOCKS.iter().map(|name| profile.join(name));
        for lock in existing.filter(|lock| lock.is_file()) {
            match fsio::try_lock(&lock)? {
                Some(lock) => held.push(lock),
                None => return Ok(Err(format!("a build is running in {}", profile.display()))),
            }
        }
    }
    Ok(Ok(held))
}

/// The process that runs a program from `root`, or has its working directory there. Also a cargo process in the package of `root`,
/// which runs tests one after the other without holding a lock, and a subcommand such as `cargo-nextest`.
fn used_by_process(root: &Path) -> Option<Why> {
    let package = root
        .parent()
        .filter(|parent| fsio::exists(&parent.join("Cargo.toml")));
    let is_cargo_there = |process: &Process| {
        let directory = process.directory.as_deref();
        let name = process.name();
        (name == "cargo" || name.starts_with("cargo-"))
            && package.is_some_and(|package| directory.is_some_and(|at| at.starts_with(package)))
    };
    let all = processes();
    let user = all
        .iter()
        .find(|process| process.uses(root) || is_cargo_there(process))?;
    let (name, pid) = (user.name(), user.pid);
    Some(format!("{name} uses it (process {pid})"))
}

/// Whether git tracks files in it.
fn tracked_by_git(root: &Path) -> Option<Why> {
    match git::tracks(root) {
        Some(false) => None,
        Some(true) => Some("git tracks files in it".to_owned()),
        None => Some("git does not say whether it tracks files in it".to_owned()),
    }
}
