//! Modules of WebAssembly: objects and programs. (WebAssembly Core Specification, "Binary Format", "Modules".)
//!
//! Only the headers of sections are read: a program with debug information may be larger than what a wrapper should keep in memory.

use gimli::{EndianSlice, LittleEndian, Reader as _};

use super::super::windows::Part;
use super::sections::Section;

/// The magic number and the version of a module.
const HEADER: [u8; 8] = *b"\0asm\x01\0\0\0";
/// The identifiers of sections with a name of their own.
const CUSTOM: u8 = 0;
/// The maximum size of what is read of a section, in bytes: its identifier, its size and its name, which is cut off if it is longer.
const LONGEST_START: usize = 256;

/// Whether a file begins as a module does.
pub(super) fn is_module(part: &Part<'_>) -> bool {
    part.start(HEADER.len()).is_ok_and(|start| start == HEADER)
}

/// The sections of a module; `None` if one of them is not understood. Those that are not custom are named `section` and their identifier.
pub(super) fn sections<'a>(part: &Part<'a>) -> Option<Vec<Section<'a>>> {
    let mut sections = Vec::new();
    let mut at = HEADER.len() as u64;
    while at < part.len() {
        let rest = part.part(at..part.len());
        let start = rest.start(LONGEST_START).ok()?;
        let mut reader = EndianSlice::new(&start, LittleEndian);
        let read = |reader: &EndianSlice<'_, LittleEndian>| (start.len() - reader.len()) as u64;
        let id = reader.read_u8().ok()?;
        let size = reader.read_uleb128().ok()?;
        let end = read(&reader).checked_add(size)?;
        let (name, content) = if id == CUSTOM {
            let length = reader.read_uleb128().ok()?;
            let known = reader.len().min(usize::try_from(length).ok()?);
            let name = String::from_utf8_lossy(&reader.slice()[..known]);
            (name.into_owned(), read(&reader).checked_add(length)?)
        } else {
            (format!("section {id}"), read(&reader))
        };
        if content > end || end > rest.len() {
            return None;
        }
        sections.push((name, rest.part(content..end)));
        at += end;
    }
    Some(sections)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn sections_of(bytes: &[u8]) -> Option<Vec<(String, u64)>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let whole = Part::whole(&file).unwrap();
        let sections = sections(&whole)?.into_iter();
        Some(sections.map(|(name, part)| (name, part.len())).collect())
    }

    #[test]
    fn sections_are_found_by_their_sizes() {
        let long = "n".repeat(300);
        let start = [&[0, 0xae, 2, 0xac, 2], long.as_bytes()].concat();
        let debug = b"\x00\x0f\x0a.debug_strabc\0";
        let data = b"\x0b\x82\x00\x01\x02";
        let bytes = [&HEADER[..], &start, debug, data].concat();
        let found = sections_of(&bytes).unwrap();
        let lengths: Vec<_> = found.iter().map(|(_, length)| *length).collect();
        assert_eq!(lengths, [0, 4, 2]);
        assert_eq!(found[1].0, ".debug_str");
        assert!(long.starts_with(&found[0].0));
        for end in HEADER.len() + 1..bytes.len() {
            let is_between = [
                HEADER.len() + start.len(),
                HEADER.len() + start.len() + debug.len(),
            ];
            assert_eq!(
                sections_of(&bytes[..end]).is_some(),
                is_between.contains(&end),
                "{end}"
            );
        }
    }
}
