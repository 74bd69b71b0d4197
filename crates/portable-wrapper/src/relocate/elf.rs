//! Reads and changes fields of objects, programs and shared libraries: 64-bit little-endian ELF.

use std::ops::Range;

const RELOCATABLE: u64 = 1;
const EXECUTABLE_FILE: u64 = 2;
const SHARED: u64 = 3;
pub(super) const X86_64: u64 = 62;
pub(super) const AARCH64: u64 = 183;
pub(super) const SECTION_HEADER: usize = 64;
pub(super) const NOBITS: u64 = 8;
pub(super) const SYMBOL: usize = 24;
pub(super) const RELOCATION: usize = 24;
pub(super) const PROGBITS: u64 = 1;
pub(super) const SYMTAB: u64 = 2;
pub(super) const RELA: u64 = 4;
pub(super) const REL: u64 = 9;
pub(super) const SYMTAB_SHNDX: u64 = 18;
pub(super) const CREL: u64 = 0x4000_0014;
const ALLOCATED: u64 = 0x2;
pub(super) const EXECUTABLE: u64 = 0x4;
const COMPRESSED: u64 = 0x800;
/// The prefix of the names of sections with compressed debug information, in the older format of GNU.
const ZDEBUG: &[u8] = b".zdebug";
pub(super) const MERGED_STRINGS: u64 = 0x30;
pub(super) const SECTION_SYMBOL: u8 = 3;
pub(super) const LINE_TABLE: &[u8] = b".debug_line";

/// Whether a section with these flags and this name has compressed debug information.
pub(super) fn is_compressed(flags: u64, name: &[u8]) -> bool {
    flags & COMPRESSED != 0 || name.starts_with(ZDEBUG)
}

pub(super) fn is_relocatable(bytes: &[u8]) -> bool {
    kind(bytes) == Some(RELOCATABLE)
}

/// Whether it is a program or a shared library.
pub(super) fn is_linked(bytes: &[u8]) -> bool {
    matches!(kind(bytes), Some(EXECUTABLE_FILE | SHARED))
}

/// The kind of a file (`e_type`); `None` of another format.
fn kind(bytes: &[u8]) -> Option<u64> {
    let is_known = bytes.starts_with(b"\x7fELF\x02\x01");
    is_known.then(|| number(bytes, 16, 2)).flatten()
}

/// The processor that an object is for (`e_machine`).
pub(super) fn machine(bytes: &[u8]) -> Option<u64> {
    number(bytes, 18, 2)
}

/// The number of `width` bytes at `at`.
pub(super) fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    let digits = bytes.iter().rev();
    Some(digits.fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

pub(super) fn set(bytes: &mut [u8], at: usize, value: u64) -> Option<()> {
    let place = bytes.get_mut(at..at.checked_add(8)?)?;
    place.copy_from_slice(&value.to_le_bytes());
    Some(())
}

/// A section header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    /// The offset of the header in the file.
    pub(super) header: usize,
    pub(super) name: usize,
    pub(super) kind: u64,
    pub(super) flags: u64,
    /// The offset and the size of the content. Both are 0 if it has none in the file.
    pub(super) at: usize,
    pub(super) size: usize,
    pub(super) link: usize,
    pub(super) info: usize,
    pub(super) align: usize,
    pub(super) entry_size: u64,
}

impl Section {
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + self.size
    }

    /// Whether it is loaded when the program runs.
    pub(super) fn is_loaded(&self) -> bool {
        self.flags & ALLOCATED != 0
    }
}

/// The range of the headers of the sections of a file that begins with `header`.
pub(super) fn section_table(header: &[u8]) -> Option<Range<usize>> {
    let usize_at = |at, width| usize::try_from(number(header, at, width)?).ok();
    let (start, count) = (usize_at(40, 8)?, usize_at(60, 2)?);
    if usize_at(58, 2)? != SECTION_HEADER || count == 0 {
        return None;
    }
    Some(start..start.checked_add(count * SECTION_HEADER)?)
}

/// The number of the section with the names of sections, in a file that begins with `header`.
pub(super) fn name_table(header: &[u8]) -> Option<usize> {
    usize::try_from(number(header, 62, 2)?).ok()
}

/// The sections with these `headers`, which are at the offset `start` in a file of `size` bytes.
pub(super) fn sections_in(headers: &[u8], start: usize, size: usize) -> Option<Vec<Section>> {
    let section = |(nth, header): (usize, &[u8])| {
        let usize_at = |at, width| usize::try_from(number(header, at, width)?).ok();
        let kind = number(header, 4, 4)?;
        // NOBITS and NULL have no content.
        let is_empty = kind == NOBITS || kind == 0;
        let content = |at| if is_empty { Some(0) } else { usize_at(at, 8) };
        let section = Section {
            header: start + nth * SECTION_HEADER,
            name: usize_at(0, 4)?,
            kind,
            flags: number(header, 8, 8)?,
            at: content(24)?,
            size: content(32)?,
            link: usize_at(40, 4)?,
            info: usize_at(44, 4)?,
            align: usize_at(48, 8)?,
            entry_size: number(header, 56, 8)?,
        };
        (section.at.checked_add(section.size)? <= size).then_some(section)
    };
    let headers = headers.chunks_exact(SECTION_HEADER).enumerate();
    headers.map(section).collect()
}

/// The sections with their names, which are in the table `names`.
pub(super) fn named(sections: Vec<Section>, names: &[u8]) -> Option<Vec<(Section, &[u8])>> {
    let name_of = |section: Section| {
        let name = names.get(section.name..)?;
        Some((section, &name[..memchr::memchr(0, name)?]))
    };
    sections.into_iter().map(name_of).collect()
}

/// All sections and their names.
pub(super) fn named_sections(bytes: &[u8]) -> Option<Vec<(Section, &[u8])>> {
    let table = section_table(bytes)?;
    let sections = sections_in(bytes.get(table.clone())?, table.start, bytes.len())?;
    let names = sections.get(name_table(bytes)?)?.range();
    named(sections, &bytes[names])
}

/// How a relocation refers to its symbol.
pub(super) enum Reference {
    /// By the sum of symbol and addend.
    Absolute,
    /// Relative to the address of the relocated field; the addend includes the distance to the end of the instruction.
    Relative,
    Other,
}

impl Reference {
    pub(super) fn of(machine: u64, kind: u64) -> Self {
        match (machine, kind) {
            // R_X86_64_64, _32, _32S
            (X86_64, 1 | 10 | 11)
            // R_AARCH64_ABS64, _ABS32, _ADR_PREL_PG_HI21, _ADD_ABS_LO12_NC
            | (AARCH64, 257 | 258 | 275 | 277) => Self::Absolute,
            // R_X86_64_PC32, _PLT32, _GOTPCREL, _GOTPCRELX, _REX_GOTPCRELX
            (X86_64, 2 | 4 | 9 | 41 | 42) => Self::Relative,
            _ => Self::Other,
        }
    }
}
