//! Copies archives of objects, in the format of System V and GNU.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::ops::Range;

use super::{LARGEST_OBJECT, Moves, large, moved};

pub(super) const ARCHIVE: &[u8] = &object::archive::MAGIC;
/// The length of the header of a member.
pub(super) const HEADER: usize = 60;
/// The names of the members that are no objects: the tables of symbols, and of long names.
const TABLES: [&str; 3] = ["/", "/SYM64/", "//"];

/// Copies an archive member by member.
pub(super) fn copy_archive(
    mut from: impl Read + Seek,
    mut to: File,
    moves: &Moves,
) -> io::Result<bool> {
    to.write_all(ARCHIVE)?;
    let (mut read, mut written) = (ARCHIVE.len() as u64, ARCHIVE.len() as u64);
    // The old and the new offset of each member's header.
    let mut offsets = BTreeMap::new();
    let mut symbols = None;
    loop {
        let mut header = [0; HEADER];
        if !read_all_or_nothing(&mut from, &mut header)? {
            break;
        }
        let text = |range: Range<usize>| std::str::from_utf8(&header[range]).unwrap_or("").trim();
        let (name, size) = (text(0..16).to_owned(), text(48..58).parse::<u64>());
        let Ok(size) = size.map_err(drop) else {
            return Ok(false);
        };
        if header[58..] != *b"`\n" || name.starts_with("#1/") {
            return Ok(false);
        }
        offsets.insert(read, written);
        read += HEADER as u64 + size.next_multiple_of(2);
        if size > LARGEST_OBJECT {
            to.write_all(&header)?;
            if TABLES.contains(&&*name) || !large::copy(&mut from, size, &mut to, moves)? {
                return Ok(false);
            }
            skip_padding(&mut from, size)?;
            if size % 2 == 1 {
                to.write_all(b"\n")?;
            }
            written += HEADER as u64 + size.next_multiple_of(2);
            continue;
        }
        let mut data = Vec::new();
        (&mut from).take(size).read_to_end(&mut data)?;
        if data.len() as u64 != size {
            return Ok(false);
        }
        skip_padding(&mut from, size)?;
        if name == "/" || name == "/SYM64/" {
            symbols = Some((written + HEADER as u64, data.clone(), name == "/SYM64/"));
        } else if name != "//" {
            let Some(rewritten) = moved(data, moves) else {
                return Ok(false);
            };
            data = rewritten;
        }
        let size = format!("{:<10}", data.len());
        if size.len() != 10 {
            return Ok(false);
        }
        header[48..58].copy_from_slice(size.as_bytes());
        to.write_all(&header)?;
        to.write_all(&data)?;
        if data.len() % 2 == 1 {
            to.write_all(b"\n")?;
        }
        written += (HEADER + data.len().next_multiple_of(2)) as u64;
    }
    let Some((at, table, is_wide)) = symbols else {
        return Ok(true);
    };
    match moved_symbols(table, is_wide, &offsets) {
        Some(table) => {
            to.seek(SeekFrom::Start(at))?;
            to.write_all(&table)?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Skips the byte after a member of odd size.
fn skip_padding(from: &mut impl Read, size: u64) -> io::Result<()> {
    if size % 2 == 1 {
        let mut padding = [0];
        read_all_or_nothing(from, &mut padding)?;
    }
    Ok(())
}

/// The symbol table of an archive, with the new offsets of members.
fn moved_symbols(
    mut table: Vec<u8>,
    is_wide: bool,
    offsets: &BTreeMap<u64, u64>,
) -> Option<Vec<u8>> {
    let width = if is_wide { 8 } else { 4 };
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let count = usize::try_from(number(table.get(..width)?)).ok()?;
    for nth in 1..=count {
        let place = table.get_mut(nth * width..(nth + 1) * width)?;
        let new = *offsets.get(&number(place))?;
        let new = new.to_be_bytes();
        if new[..8 - width].iter().any(|byte| *byte != 0) {
            return None;
        }
        place.copy_from_slice(&new[8 - width..]);
    }
    Some(table)
}

/// Returns false at the end of the file.
pub(super) fn read_all_or_nothing(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result.map(|()| true),
    }
}
