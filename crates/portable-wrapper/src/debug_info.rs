//! Debug information in separate files: beside each object (`.dwo`), or beside a program (`.dwp`).
//!
//! rustc puts the files of the objects of a library into the library as well (`link_rlib`), from which they are unpacked. Those
//! of a program are packed into an archive, which is one of its outputs. The file beside a program is an output, too.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::args::Unit;
use super::args::debug_info::SeparateDebugInfo;
use super::binary;
use super::build_dir::wrapper_dir;
use super::cache_entry::CacheEntry;
use super::path_map::PathMap;
use super::windows::Part;
use sccfg_util::fsio;

/// The extension of the debug information of an object.
const OF_OBJECT: &str = "dwo";
/// The extension of the debug information of a linked file.
const OF_LINKED: &str = "dwp";
/// The extension of the archive with the debug information of all objects of a linked file, which were not linked from libraries.
const ARCHIVE: &str = "dwos";

/// The name of the file with the debug information of the output `name`, which has the crate type `kind`; `None` if there is
/// none.
pub(super) fn packed_beside(unit: &Unit, kind: &str, name: &str) -> Option<String> {
    let is_by_linker = !matches!(kind, "lib" | "rlib" | "staticlib");
    let is_packed = unit.separate_debug_info() == Some(SeparateDebugInfo::Packed);
    (is_by_linker && is_packed).then(|| format!("{name}.{OF_LINKED}"))
}

/// The name of the archive among the outputs of a linked unit, if its debug information is in files beside objects.
pub(super) fn archive_of(unit: &Unit) -> Option<String> {
    let is_unpacked = unit.separate_debug_info() == Some(SeparateDebugInfo::Unpacked);
    (is_unpacked && unit.is_linked()).then(|| format!("{}.{ARCHIVE}", unit.stem()))
}

/// The output from which the files beside objects are [unpacked](unpack), if there are any.
pub(super) fn unpacked_from(unit: &Unit, entry: &CacheEntry) -> Option<String> {
    if unit.separate_debug_info() != Some(SeparateDebugInfo::Unpacked) {
        return None;
    }
    let mut names = entry.outputs.iter().map(|(name, _)| name);
    let archive = archive_of(unit);
    let is_it = |name: &&String| match &archive {
        Some(archive) => *name == archive,
        None => extension(name) == Some("rlib"),
    };
    names.find(is_it).cloned()
}

/// Whether the output `name` has only debug information.
pub(super) fn is_separate(name: &str) -> bool {
    extension(name).is_some_and(|extension| [OF_LINKED, ARCHIVE].contains(&extension))
}

/// Where the output `name` is delivered in the output directory: archives, which cargo does not know, with what else only the
/// wrapper reads.
pub(super) fn path_in(out_dir: &Path, name: &str) -> PathBuf {
    if extension(name) == Some(ARCHIVE) {
        wrapper_dir(out_dir).join(name)
    } else {
        out_dir.join(name)
    }
}

/// Packs the debug information of all objects in the directory `work` into its new file `archive`, in the format of BSD.
///
/// # Errors
/// If a file cannot be read or written.
pub(super) fn pack(work: &Path, archive: &str) -> io::Result<()> {
    let mut names = fsio::names_in(work);
    names.retain(|name| extension(name) == Some(OF_OBJECT));
    names.sort_unstable();
    fsio::write_output_with(&work.join(archive), |to| {
        if names.is_empty() {
            // Otherwise, the file would be empty.
            return to.write_all(&object::archive::MAGIC);
        }
        let mut builder = ar::Builder::new(to);
        for name in &names {
            let file = fsio::open(&work.join(name))?;
            let header = ar::Header::new(name.clone().into_bytes(), file.metadata()?.len());
            builder.append(&header, file)?;
        }
        Ok(())
    })
}

/// Writes the debug information of all objects in the output `archive` to files in `out_dir`, with the paths of this checkout.
///
/// # Errors
/// If a file cannot be read or written.
pub(super) fn unpack(out_dir: &Path, archive: &str, path_map: &PathMap) -> io::Result<()> {
    let archive = fsio::open(&path_in(out_dir, archive))?;
    let whole = Part::whole(&archive)?;
    for member in binary::sections::members(&whole).unwrap_or_default() {
        let name = std::str::from_utf8(&member.name).ok();
        let name = name.filter(|name| extension(name) == Some(OF_OBJECT) && !name.contains('/'));
        if let Some(name) = name {
            let file = out_dir.join(name);
            fsio::write_output_with(&file, |to| copy(&member.part, to))?;
            binary::write_paths_in(&file, path_map)?;
        }
    }
    Ok(())
}

fn copy(part: &Part<'_>, to: &mut File) -> io::Result<()> {
    io::copy(&mut part.reader()?, to)?;
    Ok(())
}

fn extension(name: &str) -> Option<&str> {
    Path::new(name).extension().and_then(OsStr::to_str)
}
