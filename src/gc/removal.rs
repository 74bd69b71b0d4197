//! Removal of cargo's files. If it is interrupted at any point, cargo still builds correctly in the directory.
//!
//! All files are first moved into a directory of sccfg below the root, each part by one rename, and removed there. A
//! profile is moved as a whole, or its fingerprints first, without which cargo compiles everything. Meanwhile the locks
//! of all profiles are held, so that no build begins. `CACHEDIR.TAG` goes last, together with the directory.
//!
//! A cargo that was waiting for one of these locks then builds without it, as after `cargo clean`, which takes no lock.

use std::io;
use std::path::{Path, PathBuf};

use super::cargo_dir::{CargoDir, MARKS, TAG};
use super::in_use::{self, Why};
use super::leftovers::{self, RemovalDir};
use super::size::Tally;
use sccfg_util::fsio;

/// The outcome of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Removed {
    /// It was removed; this number of bytes was freed.
    Gone(u64),
    /// It is in use now.
    Kept(Why),
    /// The process was interrupted. The next removal removes the rest.
    Interrupted,
}

/// Removes the files that cargo created in `directory`.
///
/// # Errors
/// When a part cannot be read or removed.
pub(super) fn remove_all(directory: &CargoDir, goes_on: &dyn Fn() -> bool) -> io::Result<Removed> {
    // The directory may have changed since the question was asked.
    let Some(now) = CargoDir::at(&directory.root) else {
        return Ok(if fsio::is_missing(&directory.root) {
            Removed::Gone(0)
        } else {
            Removed::Kept("it is no target directory any more".to_owned())
        });
    };
    let mut parts = now.parts.clone();
    let left = now
        .leftovers
        .iter()
        .filter(|path| !leftovers::is_in_use(path));
    parts.extend(left.cloned());
    let removed = remove_parts(&now, &parts, goes_on)?;
    if matches!(removed, Removed::Gone(_)) {
        for shell in &now.shells {
            remove_shell(shell)?;
        }
    }
    Ok(removed)
}

/// Removes `parts` of `directory`.
///
/// # Errors
/// When one of them cannot be read or removed.
pub(super) fn remove_parts(
    directory: &CargoDir,
    parts: &[PathBuf],
    goes_on: &dyn Fn() -> bool,
) -> io::Result<Removed> {
    if !goes_on() {
        return Ok(Removed::Interrupted);
    }
    if let Some(why) = in_use::why_kept(directory) {
        return Ok(Removed::Kept(why));
    }
    let parts: Vec<PathBuf> = parts
        .iter()
        .filter(|part| fsio::exists(part))
        .cloned()
        .collect();
    let measured = Tally::default().add(&parts)?;
    if let Some(why) = in_use::why_foreign(&measured) {
        return Ok(Removed::Kept(why));
    }
    let locks = match in_use::lock(&directory.profiles)? {
        Ok(locks) => locks,
        Err(why) => return Ok(Removed::Kept(why)),
    };
    let mut removal_dir = RemovalDir::create(&directory.root)?;
    let moved = parts.iter().try_for_each(|part| removal_dir.take(part));
    drop(locks);
    let is_empty = removal_dir.empty(goes_on)?;
    moved?;
    Ok(if is_empty {
        Removed::Gone(measured.freed)
    } else {
        Removed::Interrupted
    })
}

/// Removes the leftovers of an interrupted removal at `path`.
///
/// # Errors
/// When a part cannot be read or removed.
pub(super) fn remove_leftover(path: &Path, goes_on: &dyn Fn() -> bool) -> io::Result<Removed> {
    let measured = Tally::default().add(&[path.to_owned()])?;
    if let Some(why) = in_use::why_foreign(&measured) {
        return Ok(Removed::Kept(why));
    }
    let Some(removal_dir) = RemovalDir::adopt(path)? else {
        return Ok(Removed::Kept("another process is removing it".to_owned()));
    };
    if !removal_dir.empty(goes_on)? {
        return Ok(Removed::Interrupted);
    }
    if let Some(root) = path.parent() {
        remove_shell(root)?;
    }
    Ok(Removed::Gone(measured.freed))
}

/// Removes the directory of a root or a target, if it contains only cargo's marks.
fn remove_shell(directory: &Path) -> io::Result<()> {
    let entries = match fsio::entries(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    if entries
        .iter()
        .any(|entry| !MARKS.contains(&entry.name.as_str()))
    {
        return Ok(());
    }
    let tag = directory.join(TAG);
    let text = fsio::read_bytes(&tag);
    // The tag is the last one of the marks.
    for mark in MARKS {
        fsio::remove_file(&directory.join(mark))?;
    }
    match fsio::remove_if_empty(directory) {
        // It is a mount point.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
        removed => removed?,
    }
    match text {
        // cargo has begun to build there.
        Some(text) if fsio::exists(directory) => fsio::write_output(&tag, &text),
        _ => Ok(()),
    }
}
