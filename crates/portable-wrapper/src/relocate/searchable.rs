//! Whether an object can be searched for paths.

use std::io::Read;

use memchr::memmem;

use super::LARGEST_OBJECT;
use super::archive::{ARCHIVE, HEADER, read_all_or_nothing};
use super::elf::{COMPRESSED, EXECUTABLE, is_relocatable, sections};

/// Whether the object or archive `from` cannot contain one of `directories` in a form that a search misses: in compressed debug
/// information, as wide characters, or as immediate operands of code that writes a string in parts.
pub(crate) fn is_searchable(mut from: impl Read, directories: &[&str]) -> bool {
    let mut magic = [0; ARCHIVE.len()];
    if from.read_exact(&mut magic).is_err() {
        return true;
    }
    if magic != ARCHIVE {
        let mut bytes = magic.to_vec();
        let read = from.take(LARGEST_OBJECT).read_to_end(&mut bytes);
        return read.is_ok() && is_searchable_object(&bytes, directories).unwrap_or(false);
    }
    let mut header = [0; HEADER];
    while matches!(read_all_or_nothing(&mut from, &mut header), Ok(true)) {
        let size = std::str::from_utf8(&header[48..58]).ok();
        let Some(size) = size.and_then(|size| size.trim().parse::<u64>().ok()) else {
            return false;
        };
        if size > LARGEST_OBJECT {
            return false;
        }
        let mut data = Vec::new();
        let read = (&mut from)
            .take(size.next_multiple_of(2))
            .read_to_end(&mut data);
        let is_searchable = read.is_ok()
            && (!data.starts_with(b"\x7fELF")
                || is_searchable_object(&data, directories).unwrap_or(false));
        if !is_searchable {
            return false;
        }
    }
    true
}

/// Whether `bytes` contain one of `directories` in characters of two or four bytes, such as `wchar_t`.
fn contains_wide(bytes: &[u8], directories: &[&str]) -> bool {
    let wide = |text: &str, width: usize| -> Vec<u8> {
        let letters = text.encode_utf16().map(u32::from);
        letters
            .flat_map(|letter| letter.to_le_bytes().into_iter().take(width))
            .collect()
    };
    let is_in = |text: &&str| {
        [2, 4]
            .iter()
            .any(|width| memmem::find(bytes, &wide(text, *width)).is_some())
    };
    directories.iter().any(is_in)
}

/// `None` if the format of the object is not known.
fn is_searchable_object(bytes: &[u8], directories: &[&str]) -> Option<bool> {
    /// The number of characters in an operand of one instruction.
    const PART: usize = 8;
    if !is_relocatable(bytes) || contains_wide(bytes, directories) {
        return Some(false);
    }
    for section in sections(bytes)? {
        if section.flags & COMPRESSED != 0 {
            return Some(false);
        }
        if section.flags & EXECUTABLE == 0 {
            continue;
        }
        let code = bytes.get(section.range())?;
        let is_in = |part: &[u8]| memmem::find(code, part).is_some();
        let mut parts = directories
            .iter()
            .flat_map(|directory| directory.as_bytes().windows(PART));
        if parts.any(is_in) {
            return Some(false);
        }
    }
    Some(true)
}
