//! The names of source files in coverage mappings (`-C instrument-coverage`). LLVM compresses them ("LLVM Code Coverage Mapping
//! Format"), so a search for paths does not find them, and the mappings refer to them by their digest, so they cannot be
//! replaced.

use std::fs::File;
use std::io;

use memchr::memmem;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::sections::{members, sections};
use super::{bitcode, is_rustcs};
use crate::path_leak::PathLeak;
use crate::path_map::{PathMap, Role};
use crate::windows::Part;

/// The section with the names.
const SECTION: &str = "__llvm_covmap";
/// The size of the header of the names of one object, in bytes.
const HEADER: usize = 16;
/// The alignment of that header, in bytes.
const ALIGNMENT: usize = 8;
/// The maximum size of the names of one object, in bytes.
const LONGEST: usize = 64 << 20;

/// The directory that a coverage mapping in an output of rustc names, if it names one. Mappings that cannot be read count as well.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn leak(file: &File, path_map: &PathMap) -> io::Result<Option<PathLeak>> {
    let whole = Part::whole(file)?;
    let parts = match members(&whole) {
        Some(members) => {
            let of_rustc = members.into_iter().filter(is_rustcs);
            let objects = of_rustc.filter(|member| !member.is_metadata());
            objects.map(|member| member.part).collect()
        }
        None => vec![whole],
    };
    for part in parts {
        if bitcode::MAGIC.contains(&&*part.start(4)?) {
            return Ok(Some(PathLeak::SourceLocation(Role::Target)));
        }
        for (_, section) in sections(&part).into_iter().flatten().filter(is_mapping) {
            let bytes = section.start(usize::try_from(section.len()).unwrap_or(usize::MAX))?;
            let role = match names(&bytes) {
                Some(names) => role_in(&names, path_map),
                None => Some(Role::Target),
            };
            if let Some(role) = role {
                return Ok(Some(PathLeak::SourceLocation(role)));
            }
        }
    }
    Ok(None)
}

fn is_mapping((name, _): &(String, Part<'_>)) -> bool {
    name == SECTION
}

/// The role of a directory whose path or placeholder is in `names`.
fn role_in(names: &[u8], path_map: &PathMap) -> Option<Role> {
    let mut placeholders = path_map.mapped_placeholders();
    let found = placeholders.find(|(_, text, _)| memmem::find(names, text.as_bytes()).is_some());
    found
        .map(|(role, ..)| role)
        .or_else(|| path_map.find_in_window(names, 0..names.len()))
}

/// The names in a section, which has those of one object after another. `None` if the format is not known.
fn names(section: &[u8]) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(header) = section.get(at..at + HEADER) {
        let mut numbers = header.chunks_exact(4);
        let mut number = || Some(u32::from_le_bytes(numbers.next()?.try_into().ok()?));
        let (records, size, mapping) = (number()?, number()?, number()?);
        // Formats before LLVM 11 have records of functions here.
        if records != 0 || mapping != 0 {
            return None;
        }
        let end = (at + HEADER).checked_add(usize::try_from(size).ok()?)?;
        let mut rest = section.get(at + HEADER..end)?;
        let _count = uleb128(&mut rest)?;
        let _size = uleb128(&mut rest)?;
        match usize::try_from(uleb128(&mut rest)?).ok()? {
            0 => found.extend_from_slice(rest),
            size => {
                let compressed = rest.get(..size)?;
                found.extend(decompress_to_vec_zlib_with_limit(compressed, LONGEST).ok()?);
            }
        }
        // A path does not go on in the names of the next object.
        found.push(0);
        at = end.next_multiple_of(ALIGNMENT);
    }
    let rest = section.get(at..).unwrap_or_default();
    rest.iter().all(|byte| *byte == 0).then_some(found)
}

/// The number at the start of `bytes` (LEB128), which is removed.
fn uleb128(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use miniz_oxide::deflate::compress_to_vec_zlib;

    use super::*;

    /// The names of one object, compressed or not.
    fn object(name: &str, is_compressed: bool) -> Vec<u8> {
        let short = |length: usize| u8::try_from(length).unwrap();
        let text = [&[short(name.len())], name.as_bytes()].concat();
        let names = if is_compressed {
            let compressed = compress_to_vec_zlib(&text, 9);
            [
                vec![1, short(text.len()), short(compressed.len())],
                compressed,
            ]
            .concat()
        } else {
            [vec![1, short(text.len()), 0], text].concat()
        };
        let header = [0, u32::try_from(names.len()).unwrap(), 0, 6];
        let mut bytes: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(names);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }

    #[test]
    fn directories_are_found_in_the_names_of_each_object() {
        let mut map = PathMap::default();
        map.add(Path::new("/w/checkout/target"), Role::Target)
            .unwrap();
        map.add_unmapped(Path::new("/home/me/.cargo/registry/src"), Role::CargoHome)
            .unwrap();
        let home = "/home/me/.cargo/registry/src/a/src/lib.rs";
        let placeholder = Role::Target.placeholder();
        for is_compressed in [true, false] {
            for (name, role) in [
                (home, None),
                ("/w/checkout/target/debug/x.rs", Some(Role::Target)),
                (placeholder, Some(Role::Target)),
            ] {
                let section = [object(home, true), object(name, is_compressed)].concat();
                assert_eq!(role_in(&names(&section).unwrap(), &map), role, "{name}");
            }
        }
        assert_eq!(names(&[1; 16]), None);
        let cut_off = &object(home, true)[..24];
        assert_eq!(names(cut_off), None);
    }
}
