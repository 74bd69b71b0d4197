//! Objects that are too large to be read into memory. They are searched in pieces, and copied as they are if no path has to be
//! replaced.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use memchr::memmem;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{LittleEndian, ReadCache};

use super::Moves;
use super::elf::{EXECUTABLE, is_compressed};

/// The size of a piece, in bytes.
const PIECE: usize = 1 << 20;

/// What decides whether a large object can be searched.
pub(super) struct Headers {
    /// The processor that it is for (`e_machine`).
    pub(super) machine: u64,
    pub(super) compresses_debug_information: bool,
    /// The ranges of its sections of code, in the file.
    pub(super) code: Vec<Range<u64>>,
}

impl Headers {
    /// Reads the headers and the names of the sections of the object in `range` of `from`.
    ///
    /// # Errors
    /// If it is no 64-bit little-endian ELF file, or cannot be read.
    pub(super) fn read(from: &mut (impl Read + Seek), range: Range<u64>) -> object::Result<Self> {
        let cache = ReadCache::new(from);
        let data = cache.range(range.start, range.end - range.start);
        let header = FileHeader64::<LittleEndian>::parse(data)?;
        let sections = header.sections(LittleEndian, data)?;
        let mut found = Self {
            machine: header.e_machine(LittleEndian).0.into(),
            compresses_debug_information: false,
            code: Vec::new(),
        };
        for section in sections.iter() {
            let flags = section.sh_flags(LittleEndian).0;
            let name = sections.section_name(LittleEndian, section);
            found.compresses_debug_information |= is_compressed(flags, name.unwrap_or_default());
            let content = section.file_range(LittleEndian);
            if let Some((at, size)) = content.filter(|_| flags & EXECUTABLE != 0) {
                let at = range.start.saturating_add(at);
                found.code.push(at..at.saturating_add(size));
            }
        }
        Ok(found)
    }
}

/// Whether one of `texts` is in `from`.
///
/// # Errors
/// If `from` cannot be read.
pub(super) fn contains(mut from: impl Read, texts: &[Vec<u8>]) -> io::Result<bool> {
    let finders: Vec<_> = texts.iter().map(memmem::Finder::new).collect();
    let margin = texts.iter().map(Vec::len).max().unwrap_or(0);
    let mut piece = Vec::new();
    loop {
        let kept = piece.len().saturating_sub(margin);
        piece.drain(..kept);
        let read = (&mut from).take(PIECE as u64).read_to_end(&mut piece)?;
        if read == 0 {
            return Ok(false);
        }
        if finders.iter().any(|text| text.find(&piece).is_some()) {
            return Ok(true);
        }
    }
}

/// Copies the next `size` bytes of `from`. Returns false if they contain a path that `moves` replaces by another one.
pub(super) fn copy(
    from: &mut (impl Read + Seek),
    size: u64,
    to: &mut impl io::Write,
    moves: &Moves,
) -> io::Result<bool> {
    let start = from.stream_position()?;
    if contains(from.take(size), &moves.replaced())? {
        return Ok(false);
    }
    from.seek(SeekFrom::Start(start))?;
    Ok(io::copy(&mut from.take(size), to)? == size)
}
