//! Whether an object can be searched for paths.

use std::io::{self, Read, Seek, SeekFrom};

use memchr::memmem;

use super::archive::{ARCHIVE, HEADER, read_all_or_nothing};
use super::elf::{
    AARCH64, EXECUTABLE, X86_64, is_compressed, is_linked, is_relocatable, machine, named_sections,
};
use super::{LARGEST_OBJECT, large};

/// Whether the object or archive `from` cannot contain one of `directories` in a form that a search misses: in compressed debug
/// information, as wide characters, or as immediate operands of code that writes a string in parts.
pub(crate) fn is_searchable(from: impl Read + Seek, directories: &[&str]) -> bool {
    are_searchable(from, directories).unwrap_or(false)
}

/// The same. Fails if the file cannot be read or its format is not known.
fn are_searchable(mut from: impl Read + Seek, directories: &[&str]) -> io::Result<bool> {
    let mut magic = [0; ARCHIVE.len()];
    if !read_all_or_nothing(&mut from, &mut magic)? {
        return Ok(true);
    }
    if magic != ARCHIVE {
        let size = from.seek(SeekFrom::End(0))?;
        from.rewind()?;
        return is_next_searchable(&mut from, size, directories);
    }
    let mut header = [0; HEADER];
    while read_all_or_nothing(&mut from, &mut header)? {
        let size = std::str::from_utf8(&header[48..58]).map_err(io::Error::other)?;
        let size: u64 = size.trim().parse().map_err(io::Error::other)?;
        let start = from.stream_position()?;
        let mut magic = [0; 4];
        let is_object = read_all_or_nothing(&mut from, &mut magic)? && magic == *b"\x7fELF";
        from.seek(SeekFrom::Start(start))?;
        if is_object && !is_next_searchable(&mut from, size, directories)? {
            return Ok(false);
        }
        from.seek(SeekFrom::Start(
            start.saturating_add(size.next_multiple_of(2)),
        ))?;
    }
    Ok(true)
}

/// Whether the object in the next `size` bytes can be searched.
fn is_next_searchable(
    from: &mut (impl Read + Seek),
    size: u64,
    directories: &[&str],
) -> io::Result<bool> {
    if size > LARGEST_OBJECT {
        return is_large_searchable(from, size, directories);
    }
    let mut bytes = Vec::new();
    from.take(size).read_to_end(&mut bytes)?;
    Ok(is_searchable_object(&bytes, directories).unwrap_or(false))
}

/// The same for an object that is not read into memory.
fn is_large_searchable(
    from: &mut (impl Read + Seek),
    size: u64,
    directories: &[&str],
) -> io::Result<bool> {
    let start = from.stream_position()?;
    let mut first = [0; 64];
    from.read_exact(&mut first)?;
    if !is_relocatable(&first) && !is_linked(&first) {
        return Ok(false);
    }
    let headers = large::Headers::read(from, start..start.saturating_add(size));
    let headers = headers.map_err(io::Error::other)?;
    let Some(has_part) = search_of_code(headers.machine) else {
        return Ok(false);
    };
    if headers.compresses_debug_information {
        return Ok(false);
    }
    let mut code = Vec::new();
    for range in headers.code {
        if range.end - range.start > LARGEST_OBJECT {
            return Ok(false);
        }
        code.clear();
        from.seek(SeekFrom::Start(range.start))?;
        from.take(range.end - range.start).read_to_end(&mut code)?;
        if has_part(&code, directories) {
            return Ok(false);
        }
    }
    from.seek(SeekFrom::Start(start))?;
    let wide: Vec<Vec<u8>> = wide(directories).collect();
    Ok(!large::contains(from.take(size), &wide)?)
}

/// `directories` in characters of two and four bytes, such as `wchar_t`.
fn wide(directories: &[&str]) -> impl Iterator<Item = Vec<u8>> {
    let both = |directory: &&str| {
        [2, 4].map(|width| -> Vec<u8> {
            let letters = directory.encode_utf16().map(u32::from);
            letters
                .flat_map(|letter| letter.to_le_bytes().into_iter().take(width))
                .collect()
        })
    };
    directories.iter().flat_map(both)
}

/// Whether code contains a part of one of the directories.
type SearchOfCode = fn(code: &[u8], directories: &[&str]) -> bool;

/// How code for this processor is searched for parts of directories; `None` if it is not known how it writes strings in parts.
fn search_of_code(machine: u64) -> Option<SearchOfCode> {
    match machine {
        X86_64 => Some(has_long_operand),
        AARCH64 => Some(has_joined_operands),
        _ => None,
    }
}

/// `None` if the format of the object is not known.
fn is_searchable_object(bytes: &[u8], directories: &[&str]) -> Option<bool> {
    let is_wide = wide(directories).any(|text| memmem::find(bytes, &text).is_some());
    if !is_relocatable(bytes) && !is_linked(bytes) || is_wide {
        return Some(false);
    }
    let has_part = search_of_code(machine(bytes)?)?;
    for (section, name) in named_sections(bytes)? {
        if is_compressed(section.flags, name) {
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
pub(crate) fn compresses_debug_information(mut from: impl Read + Seek) -> object::Result<bool> {
    let headers = large::Headers::read(&mut from, 0..u64::MAX)?;
    Ok(headers.compresses_debug_information)
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
