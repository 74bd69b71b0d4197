//! Writing several files at once, all or nothing.

#![allow(clippy::disallowed_methods, reason = "the one module with this access")]

use std::fs;
#[cfg(unix)]
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::{link_target, names_in, read, with_io_hint};
use crate::problem::Problem;

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// What it holds now, `None` when it is not there.
    pub before: Option<String>,
    /// What it is to hold, `None` when it is to go.
    pub after: Option<String>,
    /// Where a symbolic link at `path` may lead.
    pub links: Links,
}

/// Where a symbolic link in place of a file may lead, for writing through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Links {
    /// Only to somewhere below this directory.
    Below(PathBuf),
    /// Anywhere but into the Nix store, which is read-only.
    Anywhere,
}

/// Makes all of `changes`, or none: each file is written to a temporary one beside it and synced
/// before the first is renamed into place; when a rename fails, the earlier ones are put back.
/// Modes and owners are kept. A file that no longer holds what `before` says is not touched.
///
/// # Errors
/// When any of it fails; then every file holds what it held.
pub fn commit(changes: &[Change]) -> Result<(), Problem> {
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
            let mut problem = Problem::new(format!("replacing {}: {error}", change.path.display()));
            problem = with_io_hint(problem, &error);
            for (earlier, target) in done.iter().rev() {
                if let Err(error) = put_back(earlier, target) {
                    problem.what.push_str(&format!(
                        "; and {} could not be put back: {error}",
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

/// A change whose new text lies ready beside its target.
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
        return Err(Problem::new(format!(
            "{} was changed by someone else just now",
            path.display()
        ))
        .hint("run the command again"));
    }
    let metadata = fs::metadata(&target).ok();
    if metadata
        .as_ref()
        .is_some_and(|metadata| metadata.permissions().readonly())
    {
        return Err(
            Problem::new(format!("writing {}: the file is read-only", path.display())).hint(
                format!("make it writable first: chmod u+w {}", path.display()),
            ),
        );
    }
    let temporary = match &change.after {
        None => None,
        Some(text) => {
            let directory = target.parent().unwrap_or(Path::new("."));
            let failed = |error: io::Error| {
                with_io_hint(
                    Problem::new(format!("writing {}: {error}", path.display())),
                    &error,
                )
            };
            directories.create(directory).map_err(failed)?;
            sweep(directory);
            Some(write_beside(&target, text, metadata.as_ref()).map_err(failed)?)
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
) -> io::Result<TempPath> {
    let directory = target.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let prefix = temporary_prefix(&std::process::id().to_string());
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    let permissions: Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    let mut file: NamedTempFile = builder.tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    if let Some(existing) = existing {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, fchown};
            let made = file.as_file().metadata()?;
            if (made.uid(), made.gid()) != (existing.uid(), existing.gid()) {
                // Only root may give files away; for others the file becomes theirs.
                let _ = fchown(file.as_file(), Some(existing.uid()), Some(existing.gid()));
            }
        }
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.as_file().sync_all()?;
    Ok(file.into_temp_path())
}

fn put_back(change: &Change, target: &Path) -> io::Result<()> {
    match &change.before {
        None => fs::remove_file(target),
        Some(text) => {
            let existing = fs::metadata(target).ok();
            write_beside(target, text, existing.as_ref())?
                .persist(target)
                .map_err(|error| error.error)
        }
    }
}

/// Refuses a file that a link, its own or one of a directory on the way to it, leads elsewhere.
fn check_place(path: &Path, target: &Path, links: &Links) -> Result<(), Problem> {
    // The nearest directory that is there decides, for the file may be new.
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
    let leads = || {
        format!(
            "{} leads through a symbolic link to {}",
            path.display(),
            real.display()
        )
    };
    if real.starts_with("/nix/store") {
        return Err(
            Problem::new(format!("{}, in the read-only Nix store", leads()))
                .hint("change it where it is made, in your home-manager or NixOS configuration"),
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
                Problem::new(format!("{}, outside of {}", leads(), root.display()))
                    .hint("run sccfg in the repository that owns the file, or copy the file here"),
            )
        }
    }
}

/// What the temporary files of this process are called, and so those of others.
fn temporary_prefix(process: &str) -> String {
    format!(".sccfg-{process}-")
}

/// Removes what a killed run left beside a file: temporary files of processes that are no more.
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

/// Directories made on the way, which go again unless they are kept.
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
    // A directory that cannot be synced (some network file systems) is no reason to fail: the file
    // itself is synced.
    if let Some(directory) = target.parent()
        && let Ok(directory) = fs::File::open(directory)
    {
        let _ = directory.sync_all();
    }
}
