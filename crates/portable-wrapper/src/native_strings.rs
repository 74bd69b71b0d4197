//! Paths in strings of native libraries that were linked or bundled with a placeholder. When the real path is written over the
//! placeholder, the rest of the string moves, so that there are unused bytes after its end. In a library they have a mark:
//! cargo and rustdoc may link it without the wrapper, which leaves the real path in their program; and in programs that the
//! wrapper links, it finds such strings by the mark, and writes the placeholder for the cache.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use memchr::memmem;

use super::binary::sections::{Writable, writable_parts};
use super::digest;
use super::path_map::{PathMap, Role, placeholder_of_native_string, replace_all};
use super::relocate::LONGEST_STRING;
use super::windows::{Part, Window};
use sccfg_util::fsio::{self, Patcher, share};

/// The unused bytes after the terminating NUL byte of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Fill {
    /// NUL bytes, in programs.
    Zeros = 0,
    /// A mark, in libraries from which programs are linked.
    Mark = 0xff,
}

/// Writes the real path over the placeholders in strings of the file at `path`.
///
/// # Errors
/// If it cannot be read or written.
pub(super) fn write_paths(path: &Path, path_map: &PathMap, fill: Fill) -> io::Result<()> {
    let Some(target) = path_map.directory(Role::Target) else {
        return Ok(());
    };
    let placeholder = placeholder_of_native_string();
    let mut patcher = Patcher::of(path);
    visit(&fsio::open(path)?, &placeholder, |part, at| {
        let Some(old) = part.text_at(at, LONGEST_STRING)? else {
            return Err(io::Error::other("a string with a placeholder is too long"));
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

/// Writes placeholders over the paths in strings that are followed by `fill`: undoes [`write_paths`], also in a program that
/// was linked from such libraries. Returns whether there were any.
///
/// # Errors
/// If it cannot be read or written.
pub(super) fn write_placeholders(path: &Path, path_map: &PathMap, fill: Fill) -> io::Result<bool> {
    let Some(target) = path_map.directory(Role::Target) else {
        return Ok(false);
    };
    let placeholder = placeholder_of_native_string();
    let mut patcher = Patcher::of(path);
    let mut is_changed = false;
    visit(&fsio::open(path)?, target, |part, at| {
        let Some(text) = part.text_at(at, LONGEST_STRING)? else {
            return Ok(target.len());
        };
        let old = replace_all(&text, target.as_bytes(), placeholder.as_bytes());
        let begin = at - part.range.start;
        // The terminating NUL byte of the string with the placeholder is still there.
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

/// Copies a library that was delivered with the directories of `from`, and writes those of `to` into the copy. `digest` is that
/// of the stored file. Returns false, and leaves no copy, if the delivered library was changed.
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

/// Calls `found` with each offset of `text` in a file, and with the part that contains it. `found` returns the number of bytes
/// that it has handled; `text` is not searched for in these.
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
