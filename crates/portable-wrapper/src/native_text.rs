//! Paths in the texts of native libraries that were linked or bundled with a placeholder.
//!
//! A path that is written over the placeholder moves the rest of its text, so what is behind the text gets longer. In
//! a library it is filled: cargo and rustdoc may link it without the wrapper, and have the real path in their program;
//! and the wrapper finds it again in programs that it has linked, which get the placeholder for the cache.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use memchr::memmem;

use super::binary::sections::{Writable, writable_parts};
use super::digest;
use super::path_map::{PathMap, Role, placeholder_of_text, replace_all};
use super::relocate::LONGEST_TEXT;
use super::windows::{Part, Window};
use sccfg_util::fsio::{self, Patcher, share};

/// What stands behind the zero that ends a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Fill {
    /// In programs.
    Zeros = 0,
    /// In libraries that programs are linked from.
    Mark = 0xff,
}

/// Writes the real path over the placeholders in texts of the file at `path`.
///
/// # Errors
/// If it cannot be read or written.
pub(super) fn write_paths(path: &Path, path_map: &PathMap, fill: Fill) -> io::Result<()> {
    let Some(target) = path_map.directory(Role::Target) else {
        return Ok(());
    };
    let placeholder = placeholder_of_text();
    let mut patcher = Patcher::of(path);
    visit(&fsio::open(path)?, &placeholder, |part, at| {
        let Some(old) = part.text_at(at, LONGEST_TEXT)? else {
            return Err(io::Error::other("a text in it is too long"));
        };
        let mut new = replace_all(&old, placeholder.as_bytes(), target.as_bytes());
        if new.len() < old.len() {
            new.push(0);
        }
        new.resize(old.len(), fill as u8);
        patcher.write(at, &new)?;
        Ok(old.len())
    })?;
    patcher.finish()
}

/// Writes placeholders over the paths in texts behind which there is `fill`: as they were before [`write_paths`], or in
/// a program that was linked from such libraries. Returns whether there were any.
///
/// # Errors
/// If it cannot be read or written.
pub(super) fn write_placeholders(path: &Path, path_map: &PathMap, fill: Fill) -> io::Result<bool> {
    let Some(target) = path_map.directory(Role::Target) else {
        return Ok(false);
    };
    let placeholder = placeholder_of_text();
    let mut patcher = Patcher::of(path);
    let mut is_changed = false;
    visit(&fsio::open(path)?, target, |part, at| {
        let Some(text) = part.text_at(at, LONGEST_TEXT)? else {
            return Ok(target.len());
        };
        let old = replace_all(&text, target.as_bytes(), placeholder.as_bytes());
        let begin = at - part.range.start;
        // The zero that ended the text is still there.
        let behind = begin + text.len() as u64..begin + old.len() as u64 + 1;
        let mut behind = part.part(behind).start(old.len() + 1 - text.len())?;
        let is_marked = behind.len() == old.len() + 1 - text.len()
            && behind.pop() == Some(0)
            && behind.split_first().is_some_and(|(end, rest)| {
                *end == 0 && rest.iter().all(|byte| *byte == fill as u8)
            });
        if is_marked {
            patcher.write(at, &old)?;
            is_changed = true;
        }
        Ok(text.len())
    })?;
    patcher.finish()?;
    Ok(is_changed)
}

/// Copies a library that was delivered with the directories of `from`, and gives the copy those of `to`. Returns false,
/// and leaves no copy, if it is not what was delivered of a file with this `digest`.
///
/// # Errors
/// If a file cannot be read or written.
pub(super) fn copy_library(
    file: &Path,
    copy: &Path,
    digest: &str,
    from: &PathMap,
    to: &PathMap,
) -> io::Result<bool> {
    share::copy(file, copy)?;
    write_placeholders(copy, from, Fill::Mark)?;
    if digest::of_file(copy).as_deref() != Some(digest) {
        fsio::remove_file(copy)?;
        return Ok(false);
    }
    write_paths(copy, to, Fill::Mark)?;
    Ok(true)
}

/// Calls `found` with each place of `text` in a file, and the part that it is in. It returns the length of what it
/// has dealt with, in which there is no other place.
fn visit(
    file: &File,
    text: &str,
    mut found: impl FnMut(&Part<'_>, u64) -> io::Result<usize>,
) -> io::Result<()> {
    let finder = memmem::Finder::new(text);
    for Writable { part, .. } in writable_parts(&Part::whole(file)?) {
        let mut done = 0;
        part.visit(text.len(), |Window { bytes, at, new }| {
            for place in finder.find_iter(bytes).filter(|at| new.contains(at)) {
                let place = at + place as u64;
                if place >= done {
                    done = place + found(&part, place)? as u64;
                }
            }
            Ok(ControlFlow::<()>::Continue(()))
        })?;
    }
    Ok(())
}
