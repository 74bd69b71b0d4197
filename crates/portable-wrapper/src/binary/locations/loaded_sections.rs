//! The sections of a program that are loaded when it runs.

use std::fs::File;
use std::ops::Range;

use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{Endianness, ReadCache, elf};

use crate::windows::Part;

/// A section that is loaded when the program runs.
pub(super) struct Section {
    pub(super) addresses: Range<u64>,
    /// The offset of its content in the file.
    pub(super) offset: u64,
    pub(super) kind: Kind,
}

#[derive(PartialEq, Eq)]
pub(super) enum Kind {
    Code,
    Constants,
    /// Also constants with pointers, which are written when the program starts.
    Variables,
    Relocations,
    /// The table of the functions (`.eh_frame_hdr`), by which a program is unwound.
    Functions,
    /// What code does not read: how a program is unwound, and the symbols of libraries.
    Other,
}

impl Section {
    pub(super) fn part<'a>(&self, whole: &Part<'a>) -> Part<'a> {
        let length = self.addresses.end - self.addresses.start;
        whole.part(self.offset..self.offset.saturating_add(length))
    }

    /// The address of an offset in the file.
    pub(super) fn address(&self, offset: u64) -> u64 {
        offset - self.offset + self.addresses.start
    }

    /// The offset in the file of an address.
    pub(super) fn offset_of(&self, address: u64) -> u64 {
        address - self.addresses.start + self.offset
    }
}

/// The loaded sections that have content in the file; `None` if the file is not a position-independent ELF file for `x86_64`,
/// or has packed relocations.
pub(super) fn loaded_sections(file: &File, whole: &Part<'_>) -> Option<Vec<Section>> {
    let magic = whole.start(elf::ELFMAG.len());
    if !magic.is_ok_and(|magic| magic == elf::ELFMAG) {
        return None;
    }
    let data = ReadCache::new(file);
    let header = elf::FileHeader64::<Endianness>::parse(&data).ok()?;
    let endian = header.endian().ok()?;
    let is_understood = endian == Endianness::Little
        && header.e_type(endian) == elf::ET_DYN
        && header.e_machine(endian) == elf::EM_X86_64;
    if !is_understood {
        return None;
    }
    let mut loaded = Vec::new();
    let sections = header.sections(endian, &data).ok()?;
    for section in sections.iter() {
        let flags = section.sh_flags(endian);
        let has = |flag: elf::SectionFlags| flags.0 & flag.0 != 0;
        let Some((offset, length)) = section.file_range(endian).filter(|_| has(elf::SHF_ALLOC))
        else {
            continue;
        };
        let name = sections.section_name(endian, section).unwrap_or_default();
        let kind = match section.sh_type(endian) {
            elf::SHT_RELR => return None,
            elf::SHT_RELA => Kind::Relocations,
            elf::SHT_DYNSYM | elf::SHT_GNU_HASH | elf::SHT_GNU_VERSYM | elf::SHT_NOTE => {
                Kind::Other
            }
            _ if name == b".eh_frame_hdr" => Kind::Functions,
            _ if name == b".eh_frame" || name == b".gcc_except_table" => Kind::Other,
            _ if has(elf::SHF_EXECINSTR) => Kind::Code,
            _ if has(elf::SHF_WRITE) => Kind::Variables,
            _ => Kind::Constants,
        };
        let start = section.sh_addr(endian);
        loaded.push(Section {
            addresses: start..start.checked_add(length)?,
            offset,
            kind,
        });
    }
    Some(loaded)
}
