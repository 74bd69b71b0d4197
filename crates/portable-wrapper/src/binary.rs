//! Searches compiled files for paths, and writes real paths over placeholders. Files are read in parts,
//! because programs and libraries may be larger than what a wrapper should keep in memory.

mod bitcode;
mod contents;
pub(super) mod coverage;
pub(super) mod library_locations;
mod line_tables;
mod locations;
pub(super) mod placeholder_sites;
pub(super) mod sections;
mod value_placeholders;
mod wasm;

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use memchr::memmem;

pub(super) use self::contents::Contents;
use self::sections::{Member, Section, Writable, code, members, writable_parts};
use self::value_placeholders::other_than_values;
pub(super) use self::value_placeholders::value_in;
use super::digest;
use super::native_strings::{self, Fill};
use super::path_leak::PathLeak;
use super::path_map::{PathMap, Role};
use super::windows::{Part, Window};
use sccfg_util::fsio::{self, Patcher, share};

/// The section with the names of all symbols.
const SYMBOLS: &str = ".strtab";
/// The section with the names of symbols that other libraries define or use.
const SYMBOLS_OF_LIBRARIES: &str = ".dynstr";

const PLACEHOLDER_ROLES: [Role; 2] = [Role::Workspace, Role::Target];

/// The leak of the file `name`, if it has one. A source location takes precedence over an embedded path: after a source
/// location, the unit is compiled without placeholders.
///
/// Objects of other languages are not searched: they are in the key by content, and the paths in their debug
/// information are no leak. If the unit [`may_have_names`](super::protocol::CompileRequest::may_have_names), neither
/// are the [names](library_locations) of source files and the values of variables in a library, if all of them are known.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn leak(
    name: &str,
    file: &File,
    path_map: &PathMap,
    may_have_names: bool,
) -> io::Result<Option<PathLeak>> {
    let whole = Part::whole(file)?;
    if Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "rmeta")
    {
        return value(&whole, path_map);
    }
    if let Some(members) = members(&whole) {
        let mut embedded = None;
        let mut has_names = None;
        for member in members.iter().filter(|member| is_rustcs(member)) {
            // rustc's metadata may contain source locations; code that runs may not, unless their names are known.
            if !member.is_metadata()
                && let Some(found) = location(&member.part)?
            {
                let has_names = match has_names {
                    Some(has_names) => has_names,
                    None => *has_names.insert(
                        may_have_names && library_locations::sites_of(name, &members)?.is_some(),
                    ),
                };
                if !has_names {
                    let sections = code(&member.part).unwrap_or_default();
                    return unknown_location(&sections, found.role()).map(Some);
                }
            }
            match bitcode::leak(&member.part, path_map)? {
                Some(found @ PathLeak::SourceLocation(_)) => return Ok(Some(found)),
                found => embedded = embedded.or(found),
            }
            if embedded.is_none() {
                embedded = value(&member.part, path_map)?;
            }
        }
        return Ok(embedded);
    }
    let Some(sections) = code(&whole) else {
        return value(&whole, path_map);
    };
    let mut embedded = None;
    for (_, section) in &sections {
        if embedded.is_none() {
            embedded = value(section, path_map)?;
        }
    }
    match location_in(&sections)? {
        Some(leak) if locations::find(file)?.is_none() => {
            unknown_location(&sections, leak.role()).map(Some)
        }
        _ => Ok(embedded),
    }
}

/// The leak of a file with these sections, which have a placeholder for `role` that is not understood.
fn unknown_location(sections: &[Section<'_>], role: Role) -> io::Result<PathLeak> {
    let other = other_than_values(sections.iter().map(|(_, section)| section))?;
    Ok(other.map_or(PathLeak::Value(role), PathLeak::SourceLocation))
}

/// Whether code that rustc wrote into the file `name` may contain a source location below `directory`, a real path.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn may_have_location(name: &str, file: &File, directory: &str) -> io::Result<bool> {
    let whole = Part::whole(file)?;
    if Path::new(name).extension() == Some("rmeta".as_ref()) {
        return Ok(false);
    }
    let may_be_in = |part: &Part<'_>| match code(part) {
        Some(sections) => {
            for (_, section) in &sections {
                if section.contains(directory.as_bytes())? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        // Such as bitcode.
        None => Ok(true),
    };
    let Some(members) = members(&whole) else {
        return may_be_in(&whole);
    };
    for member in members.iter().filter(|member| is_rustcs(member)) {
        if !member.is_metadata() && may_be_in(&member.part)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The leak of an object of another language. Its debug information is searched as well, because the compiler was told to write
/// placeholders into it.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn leak_of_object(file: &File, path_map: &PathMap) -> io::Result<Option<PathLeak>> {
    let whole = Part::whole(file)?;
    match value(&whole, path_map)? {
        None => location(&whole),
        found => Ok(found),
    }
}

/// Whether rustc itself wrote this member of an archive.
fn is_rustcs(member: &Member<'_>) -> bool {
    let endings: [&[u8]; 2] = [b".rcgu.o", b".rcgu.dwo"];
    member.is_metadata() || endings.iter().any(|end| member.name.ends_with(end))
}

fn value(part: &Part<'_>, path_map: &PathMap) -> io::Result<Option<PathLeak>> {
    let found = part.visit(path_map.margin(), |Window { bytes, new, .. }| {
        Ok(break_if(path_map.find_in_window(bytes, new)))
    })?;
    Ok(found.map(PathLeak::Embedded))
}

fn break_if<T>(found: Option<T>) -> ControlFlow<T> {
    match found {
        Some(found) => ControlFlow::Break(found),
        None => ControlFlow::Continue(()),
    }
}

/// A source location in a section that is loaded when the program runs.
fn location(part: &Part<'_>) -> io::Result<Option<PathLeak>> {
    if !part.contains_any(&PLACEHOLDER_ROLES.map(Role::placeholder))? {
        return Ok(None);
    }
    location_in(&code(part).unwrap_or_default())
}

/// As [`location()`], in these sections with their names.
fn location_in(sections: &[Section<'_>]) -> io::Result<Option<PathLeak>> {
    let placeholders = PLACEHOLDER_ROLES.map(Role::placeholder);
    for (_, section) in sections.iter().filter(|(name, _)| name != ".dynstr") {
        if !section.contains_any(&placeholders)? {
            continue;
        }
        for (role, placeholder) in PLACEHOLDER_ROLES.iter().zip(&placeholders) {
            if section.contains(placeholder.as_bytes())? {
                return Ok(Some(PathLeak::SourceLocation(*role)));
            }
        }
    }
    Ok(None)
}

/// Whether a file contains the path of a mapped directory, or of the [unmapped](PathMap::unmapped) one.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn has_path(file: &File, path_map: &PathMap) -> io::Result<bool> {
    let whole = Part::whole(file)?;
    let home = path_map.unmapped().map(str::as_bytes);
    let has_home = home.map(|home| whole.contains(home)).transpose()?;
    Ok(has_home == Some(true) || value(&whole, path_map)?.is_some())
}

/// Writes `to` over `from`, which has the same length, in the file at `path`.
///
/// # Errors
/// If the file cannot be read or written.
pub(super) fn move_cargo_home(path: &Path, from: &str, to: &str) -> io::Result<()> {
    let file = fsio::open(path)?;
    let mut patcher = Patcher::of(path);
    let below = memmem::Finder::new(from).into_owned();
    Part::whole(&file)?.visit(from.len() + 1, |Window { bytes, at, new }| {
        for found in below.find_iter(bytes).filter(|at| new.contains(at)) {
            if bytes.get(found + from.len()) == Some(&b'/') {
                patcher.write(at + found as u64, to.as_bytes())?;
            }
        }
        Ok(ControlFlow::<()>::Continue(()))
    })?;
    patcher.finish()
}

/// Whether paths can be replaced in programs for `target`, the value of `--target`: the format is ELF or WebAssembly, and programs
/// are not signed.
pub(super) fn supports_target(target: Option<&str>) -> bool {
    const OTHERS: [&str; 6] = ["apple", "darwin", "windows", "emscripten", "uefi", "aix"];
    match target {
        Some(target) => !OTHERS.iter().any(|other| target.contains(other)),
        None => cfg!(not(target_vendor = "apple")),
    }
}

/// Whether the linked file may call one of `functions`, which are parts of the names of symbols. True if it has no names of symbols.
/// Linkers remove code that is not used, also of the standard library.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn may_call(file: &File, functions: &[&str]) -> io::Result<bool> {
    let whole = Part::whole(file)?;
    let sections = sections::sections(&whole).unwrap_or_default();
    if !sections.iter().any(|(name, _)| name == SYMBOLS) {
        return Ok(true);
    }
    for (name, part) in &sections {
        let has_names = [SYMBOLS, SYMBOLS_OF_LIBRARIES].contains(&name.as_str());
        if has_names && part.contains_any(functions)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a linker wrote the output `name`: neither a library for other crates nor metadata.
pub(super) fn is_linked(name: &str) -> bool {
    let extension = Path::new(name).extension();
    !extension.is_some_and(|extension| extension == "rlib" || extension == "rmeta")
}

/// The process that wrote a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// This process, or a compiler that it ran.
    ThisProcess,
    /// sccache's server.
    Server,
}

/// Writes real paths over the placeholders of a linked file, and renames it from `from` to `to`. A path at the end of a string is
/// padded with NUL bytes; one that continues, or is in a list of strings, with slashes.
///
/// A program that sccache restored is copied: a compiler that the server starts at that moment inherits
/// the open file for a while, and the system executes no file that is open for writing (`ETXTBSY`).
///
/// # Errors
/// If a file cannot be read or written.
pub(super) fn deliver(
    from: &Path,
    to: &Path,
    path_map: &PathMap,
    writer: Writer,
) -> io::Result<()> {
    own(from, writer)?;
    write_paths_in(from, path_map)?;
    fsio::rename(from, to)
}

/// Replaces a program that sccache restored by a copy of it.
fn own(program: &Path, writer: Writer) -> io::Result<()> {
    if writer == Writer::Server && fsio::is_executable(program) {
        let mut copy = program.as_os_str().to_owned();
        copy.push(".copy");
        share::copy(program, Path::new(&copy))?;
        fsio::rename(Path::new(&copy), program)?;
    }
    Ok(())
}

/// Writes real paths over the placeholders of a linked file. In a string of a native library, the rest of the string moves.
///
/// # Errors
/// If it cannot be read or written.
pub(super) fn write_paths_in(path: &Path, path_map: &PathMap) -> io::Result<()> {
    if let Some(sites) = placeholder_sites::find(&fsio::open(path)?, path_map)? {
        return placeholder_sites::write(path, &sites, path_map);
    }
    placeholder_sites::write_names(path, path_map)?;
    let file = fsio::open(path)?;
    let mut patcher = Patcher::of(path);
    let whole = Part::whole(&file)?;
    let mut placeholders = Vec::new();
    for (_, placeholder, directory) in path_map.placeholders() {
        placeholders.push(Placeholder {
            finder: memmem::Finder::new(placeholder),
            directory,
        });
    }
    let lengths = placeholders.iter().map(Placeholder::len);
    let shortest = lengths.min().unwrap_or(0) as u64;
    let parts = writable_parts(&whole).into_iter();
    for Writable { part, has_lists } in parts.filter(|found| found.part.len() >= shortest) {
        part.visit(path_map.margin(), |Window { bytes, at, new }| {
            for placeholder in &placeholders {
                for (found, text) in placeholder.replacements(bytes, has_lists) {
                    if new.contains(&found) {
                        patcher.write(at + found as u64, &text)?;
                    }
                }
            }
            Ok(ControlFlow::<()>::Continue(()))
        })?;
    }
    patcher.finish()?;
    native_strings::write_paths(path, path_map, Fill::Zeros)
}

/// Copies a linked file that was delivered with the directories of `from`, and writes those of `to` into the copy. `digest` is
/// that of the stored file. Returns false, and leaves no copy, if the delivered file was changed.
///
/// # Errors
/// If a file cannot be read or written.
pub(super) fn copy_delivered(
    file: &Path,
    copy: &Path,
    digest: &str,
    from: &PathMap,
    to: &PathMap,
) -> io::Result<bool> {
    share::copy(file, copy)?;
    native_strings::write_placeholders(copy, from, Fill::Zeros)?;
    let mut patcher = Patcher::of(copy);
    for (_, placeholder, directory) in from.mapped_placeholders() {
        let finder = memmem::Finder::new(directory);
        let bytes = fsio::open(copy)?;
        Part::whole(&bytes)?.visit(placeholder.len(), |Window { bytes, at, new }| {
            let found = finder.find_iter(bytes).filter(|at| new.contains(at));
            for found in found.filter(|at| is_padded(bytes, *at, directory, placeholder.len())) {
                patcher.write(at + found as u64, placeholder.as_bytes())?;
            }
            Ok(ControlFlow::<()>::Continue(()))
        })?;
    }
    patcher.finish()?;
    if digest::of_file(copy).as_deref() != Some(digest) {
        fsio::remove_file(copy)?;
        return Ok(false);
    }
    write_paths_in(copy, to)?;
    Ok(true)
}

/// Whether `directory` at offset `at` is padded to `length` as [`Placeholder::replacements`] does.
fn is_padded(bytes: &[u8], at: usize, directory: &str, length: usize) -> bool {
    let padding = bytes.get(at + directory.len()..at + length);
    padding.is_some_and(|padding| {
        padding.iter().all(|byte| *byte == 0) || padding.iter().all(|byte| *byte == b'/')
    })
}

/// A placeholder, and the directory that is written over it.
struct Placeholder<'a> {
    finder: memmem::Finder<'a>,
    directory: &'a str,
}

impl Placeholder<'_> {
    fn len(&self) -> usize {
        self.finder.needle().len()
    }

    /// The offsets of the placeholder in `bytes`, and what replaces it. `has_lists` is that of [`Writable`].
    fn replacements(
        &self,
        bytes: &[u8],
        has_lists: bool,
    ) -> impl Iterator<Item = (usize, Vec<u8>)> {
        self.finder.find_iter(bytes).map(move |at| {
            let is_end = Self::is_end(bytes, at + self.len(), has_lists);
            (at, Self::padded(self.directory, self.len(), is_end))
        })
    }

    /// Whether a path ends at this offset and may be padded with NUL bytes, which would end a list of strings.
    fn is_end(bytes: &[u8], at: usize, has_lists: bool) -> bool {
        !has_lists && bytes.get(at).is_none_or(|byte| *byte == 0)
    }

    /// What is written over a placeholder of this length.
    fn padded(directory: &str, length: usize, is_end: bool) -> Vec<u8> {
        let mut text = vec![if is_end { 0 } else { b'/' }; length];
        text[..directory.len()].copy_from_slice(directory.as_bytes());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_delivered_file_is_moved_to_another_checkout() {
        let map = |directory: &str| {
            let mut map = PathMap::default();
            map.add(Path::new(directory), Role::Workspace).unwrap();
            map
        };
        let placeholder = Role::Workspace.placeholder();
        let stored = format!("a\0{placeholder}\0b{placeholder}/src/x.rs\0").into_bytes();
        let mut bytes = stored.clone();
        let replaced = Placeholder {
            finder: memmem::Finder::new(&placeholder),
            directory: "/w",
        };
        for (at, text) in replaced.replacements(&stored, false) {
            bytes[at..at + text.len()].copy_from_slice(&text);
        }
        let digest = digest::of(&stored);
        let directory = tempfile::tempdir().unwrap();
        let moved = |bytes: &[u8]| {
            let [file, copy] = ["file", "copy"].map(|name| directory.path().join(name));
            fsio::replace(&file, bytes).unwrap();
            let maps = [map("/w"), map("/x")];
            let is_whole = copy_delivered(&file, &copy, &digest, &maps[0], &maps[1]).unwrap();
            let moved = fsio::read_bytes(&copy);
            assert_eq!(moved.is_some(), is_whole);
            let _ = fsio::remove_file(&copy);
            moved
        };
        // This is no object file, so that nothing is written over the placeholders.
        assert_eq!(moved(&bytes).unwrap(), stored);
        bytes[0] = b'b';
        assert_eq!(moved(&bytes), None);
    }

    #[test]
    fn paths_are_padded_with_nul_bytes_or_slashes() {
        let placeholder = Role::Workspace.placeholder();
        let mut bytes = format!("a\0{placeholder}\0b{placeholder}/src/x.rs\0").into_bytes();
        let replaced = Placeholder {
            finder: memmem::Finder::new(&placeholder),
            directory: "/w",
        };
        let texts: Vec<_> = replaced.replacements(&bytes, false).collect();
        assert_eq!(texts.len(), 2);
        for (at, text) in texts {
            bytes[at..at + text.len()].copy_from_slice(&text);
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("a\0/w\0"), "{text:?}");
        assert!(text.contains(&format!(
            "b/w{}/src/x.rs\0",
            "/".repeat(placeholder.len() - 2)
        )));
        assert_eq!(replaced.replacements(b"nothing", false).count(), 0);
    }
}
