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
    let mut rest = tables.clone();
    for offset in offsets {
        let is_done = |list: &Range<u64>| list.contains(offset);
        if lists.last().is_some_and(is_done) {
            continue;
        }
        while let Some(table) = first_table(&rest)? {
            rest.range.start = table.range.end;
            if !table.range.contains(offset) {
                continue;
            }
            let bytes = if table.len() <= LARGEST {
                table.start(usize::try_from(table.len()).unwrap_or_default())?
            } else {
                Vec::new()
            };
            let list = directories(&bytes);
            let start = table.range.start;
            lists.extend(list.map(|list| start + list.start as u64..start + list.end as u64));
            break;
        }
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
