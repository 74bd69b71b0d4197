//! The line tables of debug information (`.debug_line`): which instruction is of which line.
//!
//! Before DWARF 5, a table has a list of directories with sources: strings that end with NUL, and an empty one at the end. Files
//! refer to the directories by their number in the list (DWARF 4, section 6.2.4). So a path in the list can become shorter if the
//! rest of the list moves and an unused directory fills it up. DWARF 5 has these strings in another section, where linkers may
//! merge one with the end of another.

use std::io;
use std::ops::Range;

use gimli::{AttributeValue, DebugLine, DebugLineOffset, EndianSlice, LittleEndian, Reader as _};

use super::super::windows::Part;

/// The maximum size of a table, in bytes. rustc writes one for each unit of code generation.
const LARGEST: u64 = 16 << 20;
/// The size of the length of a table, in bytes, if it has 64 bits.
const LENGTH: usize = 12;
/// The size of an address in bytes. The lists do not depend on it.
const ADDRESS: u8 = 8;

/// The lists of directories in the section `tables` that contain one of `offsets`, which are sorted. A list ends before the empty
/// string. All offsets are in the file. The lists of what is not understood are missing.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn directory_lists(tables: &Part<'_>, offsets: &[u64]) -> io::Result<Vec<Range<u64>>> {
    let mut lists = Vec::new();
    let (mut rest, mut offsets) = (tables.clone(), offsets);
    while let (Some(next), Some(table)) = (offsets.first(), first_table(&rest)?) {
        rest.range.start = table.range.end;
        if *next >= table.range.end {
            continue;
        }
        if table.len() <= LARGEST {
            let bytes = table.start(usize::try_from(table.len()).unwrap_or_default())?;
            let start = table.range.start;
            let list = directories(&bytes);
            lists.extend(list.map(|list| start + list.start as u64..start + list.end as u64));
        }
        offsets = &offsets[offsets.partition_point(|offset| *offset < table.range.end)..];
    }
    Ok(lists)
}

/// The first of these tables.
fn first_table<'a>(tables: &Part<'a>) -> io::Result<Option<Part<'a>>> {
    let start = tables.start(LENGTH)?;
    let Ok((length, format)) = EndianSlice::new(&start, LittleEndian).read_initial_length() else {
        return Ok(None);
    };
    let whole = (length as u64).checked_add(format.initial_length_size().into());
    let table = whole.map(|whole| tables.part(0..whole));
    Ok(table.filter(|table| Some(table.len()) == whole))
}

/// The list of directories of a table, as a range of its bytes.
fn directories(table: &[u8]) -> Option<Range<usize>> {
    let table = EndianSlice::new(table, LittleEndian);
    let program = DebugLine::from(table).program(DebugLineOffset(0), ADDRESS, None, None);
    let program = program.ok()?;
    let header = program.header();
    if header.version() > 4 {
        return None;
    }
    let range = |directory: &AttributeValue<EndianSlice<'_, LittleEndian>>| match directory {
        AttributeValue::String(name) => {
            let start = name.offset_from(table);
            Some(start..start + name.len() + 1)
        }
        _ => None,
    };
    let all = header.include_directories();
    Some(range(all.first()?)?.start..range(all.last()?)?.end)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A table of DWARF 4 with one directory and one file.
    fn table(directory: &str, file: &str) -> Vec<u8> {
        let names = format!("{directory}\0\0{file}\0\x01\0\0\0");
        let fields = [1, 1, 1, 0xfb, 14, 1];
        let header = [&fields[..], names.as_bytes()].concat();
        let length = u32::try_from(2 + 4 + header.len()).unwrap();
        let header_length = u32::try_from(header.len()).unwrap();
        let mut table = length.to_le_bytes().to_vec();
        table.extend(4_u16.to_le_bytes());
        table.extend(header_length.to_le_bytes());
        table.extend(header);
        table
    }

    /// A path in the name of a file is in no list, and lists of the tables behind it are found.
    #[test]
    fn lists_behind_a_path_in_the_name_of_a_file_are_found() {
        let bytes = [table("src", "/w/a.rs"), table("/w/out", "b.rs")].concat();
        let at = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).unwrap() as u64;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let tables = Part::whole(&file).unwrap();
        let lists = directory_lists(&tables, &[at("/w/a.rs"), at("/w/out")]).unwrap();
        let wanted = at("/w/out")..at("/w/out") + "/w/out".len() as u64 + 1;
        assert!(lists.contains(&wanted), "{lists:?}");
    }
}
