//! Writing several files, either all of them or none.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::{NIX_STORE, link_target, names_in, parent, read, with_io_hint, without_temporary_path};
use crate::problem::Problem;
use crate::proc::Delay;

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// Its contents before the change; `None` if it does not exist.
    pub before: Option<String>,
    /// Its contents after the change; `None` to remove it.
    pub after: Option<String>,
    /// Where a symbolic link at `path` may point.
    pub links: Links,
    /// The mode of the file if it is created.
    pub new_file_mode: NewFileMode,
}

/// Where a symbolic link may point for sccfg to write through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Links {
    /// Only to a file below this directory.
    Below(PathBuf),
    /// To any file outside of the Nix store, which is read-only.
    Anywhere,
}

/// The mode of a file that is created. The mode of an existing file never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewFileMode {
    /// The one that the umask gives.
    Umask,
    /// 0600, for a file that may contain secrets.
    Private,
}

/// Makes all of `changes`, or none: all new contents are written to temporary files in the same
/// directories and synced before the first is renamed into place; when a rename fails, the earlier
/// ones are reverted. Modes and owners are kept. A file whose contents are not `before` is not
/// changed.
///
/// # Errors
/// When a change fails; then all files are as before.
pub fn commit(changes: &[Change]) -> Result<(), Problem> {
    // Declared first, so that it ends after the temporary files have been removed.
    let _delay = Delay::begin();
    let mut directories = NewDirs::default();
    let staged: Vec<Staged<'_>> = changes
        .iter()
        .map(|change| stage(change, &mut directories))
        .collect::<Result<_, _>>()?;
    let mut done: Vec<(&Change, PathBuf)> = Vec::new();
    for Staged {
        change,
        target,
        temporary,
    } in staged
    {
        let result = match temporary {
            Some(temporary) => temporary.persist(&target).map_err(|error| error.error),
            None => fs::remove_file(&target),
        };
        if let Err(error) = result {
            let mut problem = Problem::new(format!(
                "could not replace {}: {error}",
                change.path.display()
            ));
            problem = with_io_hint(problem, &error);
            for (earlier, target) in done.iter().rev() {
                if let Err(error) = restore(earlier, target) {
                    problem.what.push_str(&format!(
                        "; {} could not be restored: {error}",
                        earlier.path.display()
                    ));
                }
            }
            return Err(problem);
        }
        match &change.after {
            Some(text) => log::debug!("wrote {}: {} bytes", target.display(), text.len()),
            None => log::debug!("removed {}", target.display()),
        }
        done.push((change, target));
    }
    directories.keep();
    for (_, target) in &done {
        sync_dir(target);
    }
    Ok(())
}

/// A change whose new contents are in a temporary file beside its target.
struct Staged<'a> {
    change: &'a Change,
    target: PathBuf,
    temporary: Option<TempPath>,
}

fn stage<'a>(change: &'a Change, directories: &mut NewDirs) -> Result<Staged<'a>, Problem> {
    let path = &change.path;
    let target = link_target(path).unwrap_or_else(|| path.clone());
    check_place(path, &target, &change.links)?;
    if read(path)? != change.before {
        return Err(
            Problem::new(format!("{} was changed meanwhile", path.display()))
                .hint("run the command again"),
        );
    }
    let metadata = fs::metadata(&target).ok();
    if metadata
        .as_ref()
        .is_some_and(|metadata| metadata.permissions().readonly())
    {
        return Err(Problem::new(format!(
            "could not write {}: the file is read-only",
            path.display()
        ))
        .hint(format!("make it writable: chmod u+w {}", path.display())));
    }
    let temporary = match &change.after {
        None => None,
        Some(text) => {
            let directory = parent(&target);
            let failed = |error: io::Error| {
                with_io_hint(
                    Problem::new(format!("could not write {}: {error}", path.display())),
                    &error,
                )
            };
            directories.create(directory).map_err(failed)?;
            sweep(directory);
            Some(
                write_beside(&target, text, metadata.as_ref(), change.new_file_mode)
                    .map_err(failed)?,
            )
        }
    };
    Ok(Staged {
        change,
        target,
        temporary,
    })
}

/// Writes `text` to a synced temporary file in the directory of `target`.
fn write_beside(
    target: &Path,
    text: &str,
    existing: Option<&fs::Metadata>,
    new_file_mode: NewFileMode,
) -> io::Result<TempPath> {
    let mode = match (existing, new_file_mode) {
        (None, NewFileMode::Umask) => 0o666,
        // No other user may read it before it has the mode of the file that it replaces.
        (Some(_), _) | (None, NewFileMode::Private) => 0o600,
    };
    let mut file: NamedTempFile = tempfile::Builder::new()
        .prefix(&temporary_prefix(&std::process::id().to_string()))
        .suffix(".tmp")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(parent(target))
        .map_err(without_temporary_path)?;
    file.write_all(text.as_bytes())?;
    if let Some(existing) = existing {
        let created = file.as_file().metadata()?;
        if (created.uid(), created.gid()) != (existing.uid(), existing.gid()) {
            // Only root may change the owner; for other users, the file becomes theirs.
            let _ = fchown(file.as_file(), Some(existing.uid()), Some(existing.gid()));
        }
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.as_file().sync_all()?;
    Ok(file.into_temp_path())
}

fn restore(change: &Change, target: &Path) -> io::Result<()> {
    match &change.before {
        None => fs::remove_file(target),
        Some(text) => {
            let existing = fs::metadata(target).ok();
            write_beside(target, text, existing.as_ref(), change.new_file_mode)?
                .persist(target)
                .map_err(|error| error.error)
        }
    }
}

/// Refuses a path that resolves through a symbolic link to a target that `links` does not allow.
fn check_place(path: &Path, target: &Path, links: &Links) -> Result<(), Problem> {
    // The file may be new: resolve the nearest existing parent.
    let real = target
        .ancestors()
        .find_map(|there| Some((there, fs::canonicalize(there).ok()?)))
        .and_then(|(there, real)| {
            let rest = target.strip_prefix(there).ok()?;
            Some(if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            })
        })
        .unwrap_or_else(|| target.to_owned());
    let resolves = || {
        format!(
            "{} resolves through a symbolic link to {}",
            path.display(),
            real.display()
        )
    };
    if real.starts_with(NIX_STORE) {
        return Err(
            Problem::new(format!("{}, in the read-only Nix store", resolves()))
                .hint("change your home-manager or NixOS configuration instead"),
        );
    }
    match links {
        Links::Anywhere => Ok(()),
        Links::Below(root) => {
            let root = fs::canonicalize(root).unwrap_or_else(|_| root.clone());
            if real.starts_with(&root) {
                return Ok(());
            }
            Err(
                Problem::new(format!("{}, outside of {}", resolves(), root.display()))
                    .hint("run sccfg in the repository of that file, or copy the file here"),
            )
        }
    }
}

/// The prefix of the names of a process's temporary files.
fn temporary_prefix(process: &str) -> String {
    format!(".sccfg-{process}-")
}

/// Removes temporary files that killed processes left in `directory`.
fn sweep(directory: &Path) {
    if !Path::new("/proc/self").exists() {
        return;
    }
    for name in names_in(directory) {
        let process = name
            .strip_prefix(".sccfg-")
            .and_then(|rest| rest.strip_suffix(".tmp"))
            .and_then(|rest| rest.split_once('-'))
            .map(|(process, _)| process);
        if let Some(process) = process
            && process.bytes().all(|byte| byte.is_ascii_digit())
            && !Path::new("/proc").join(process).exists()
        {
            let _ = fs::remove_file(directory.join(name));
        }
    }
}

/// Newly created directories, which are removed on drop unless kept.
#[derive(Default)]
struct NewDirs {
    made: Vec<PathBuf>,
}

impl NewDirs {
    fn create(&mut self, directory: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = directory
            .ancestors()
            .take_while(|directory| !directory.as_os_str().is_empty() && !directory.exists())
            .collect();
        for directory in missing.into_iter().rev() {
            fs::create_dir(directory)?;
            self.made.push(directory.to_owned());
        }
        Ok(())
    }

    fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for NewDirs {
    fn drop(&mut self) {
        for directory in self.made.iter().rev() {
            let _ = fs::remove_dir(directory);
        }
    }
}

fn sync_dir(target: &Path) {
    // Some network file systems cannot sync directories; the file itself is synced.
    if let Some(directory) = target.parent()
        && let Ok(directory) = fs::File::open(directory)
    {
        let _ = directory.sync_all();
    }
}
