//! Whether an object can be searched for paths.

use std::io::{Read, Seek};

use memchr::memmem;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{LittleEndian, ReadCache};

use super::LARGEST_OBJECT;
use super::archive::{ARCHIVE, HEADER, read_all_or_nothing};
use super::elf::{
    AARCH64, COMPRESSED, EXECUTABLE, X86_64, is_linked, is_relocatable, machine, named_sections,
};

/// The prefix of the names of sections with compressed debug information, in the older format of GNU.
const ZDEBUG: &[u8] = b".zdebug";

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
    if !is_relocatable(bytes) && !is_linked(bytes) || contains_wide(bytes, directories) {
        return Some(false);
    }
    let has_part = match machine(bytes)? {
        X86_64 => has_long_operand,
        AARCH64 => has_joined_operands,
        // How others write strings in parts is not known.
        _ => return Some(false),
    };
    for (section, name) in named_sections(bytes)? {
        if section.flags & COMPRESSED != 0 || name.starts_with(ZDEBUG) {
            return Some(false);
        }
        if section.flags & EXECUTABLE != 0 && has_part(bytes.get(section.range())?, directories) {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether the program or shared library `from` has compressed debug information. Reads only its headers and the names of its
/// sections.
pub(crate) fn compresses_debug_information(from: impl Read + Seek) -> object::Result<bool> {
    let data = ReadCache::new(from);
    let header = FileHeader64::<LittleEndian>::parse(&data)?;
    let sections = header.sections(LittleEndian, &data)?;
    for section in sections.iter() {
        let is_flagged = section.sh_flags(LittleEndian).0 & COMPRESSED != 0;
        let name = sections.section_name(LittleEndian, section);
        if is_flagged || name.is_ok_and(|name| name.starts_with(ZDEBUG)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether code contains eight characters of one of `directories`, which is the longest operand of an x86 instruction.
fn has_long_operand(code: &[u8], directories: &[&str]) -> bool {
    parts(directories, 8).any(|part| memmem::find(code, part).is_some())
}

/// Whether code for `aarch64` contains four characters of one of `directories` in two instructions that set adjacent parts of a
/// register, or eight in data between functions. An instruction has an operand of two characters (Arm Architecture Reference
/// Manual, MOVZ and MOVK).
fn has_joined_operands(code: &[u8], directories: &[&str]) -> bool {
    const KINDS: u32 = 0x7f80_0000;
    const MOVZ: u32 = 0x5280_0000;
    const MOVK: u32 = 0x7280_0000;
    let mut registers = [[[0; 2]; 4]; 32];
    for instruction in code.as_chunks().0 {
        let instruction = u32::from_le_bytes(*instruction);
        let kind = instruction & KINDS;
        if kind != MOVZ && kind != MOVK {
            continue;
        }
        let register = &mut registers[(instruction & 31) as usize];
        let nth = (instruction >> 21 & 3) as usize;
        if kind == MOVZ {
            *register = [[0; 2]; 4];
        }
        register[nth] = ((instruction >> 5 & 0xffff) as u16).to_le_bytes();
        let is_part =
            |pair: &[[u8; 2]]| parts(directories, 4).any(|part| part == pair.as_flattened());
        if register[nth.saturating_sub(1)..]
            .windows(2)
            .take(2)
            .any(is_part)
        {
            return true;
        }
    }
    has_long_operand(code, directories)
}

/// All sequences of `length` characters in `directories`.
fn parts<'a>(directories: &'a [&str], length: usize) -> impl Iterator<Item = &'a [u8]> {
    let windows = move |directory: &&'a str| directory.as_bytes().windows(length);
    directories.iter().flat_map(windows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `mov` and `movk` of the characters of `text` into a register, as compilers write short strings.
    fn moves(text: &str, register: u32) -> Vec<u8> {
        let halves = text.as_bytes().as_chunks::<2>().0.iter().zip(0..);
        let instruction = |(half, nth): (&[u8; 2], u32)| {
            let kind = if nth == 0 { 0xd280_0000 } else { 0xf280_0000 };
            let value = u32::from(u16::from_le_bytes(*half));
            kind | nth << 21 | value << 5 | register
        };
        halves
            .flat_map(|half| instruction(half).to_le_bytes())
            .collect()
    }

    #[test]
    fn characters_in_instructions_of_aarch64_are_found() {
        let directory = ["/home/me/project"];
        for text in ["/home/me", "home/me/", "=/home/p", "no/home/"] {
            assert!(has_joined_operands(&moves(text, 3), &directory), "{text}");
        }
        for text in ["/usr/lib", "-ho--me-", "oh/ehem/"] {
            assert!(!has_joined_operands(&moves(text, 3), &directory), "{text}");
        }
        let (one, other) = (moves("/home/me", 3), moves("/usr/lib", 4));
        let interleaved = one
            .chunks(4)
            .zip(other.chunks(4))
            .flat_map(|(a, b)| [b, a].concat());
        assert!(has_joined_operands(
            &interleaved.collect::<Vec<_>>(),
            &directory
        ));
        assert!(has_joined_operands(b"....me/proje....", &directory));
    }
}
