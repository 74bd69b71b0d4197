//! Relocatable objects, and what their relocations refer to.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use object::read::elf::{FileHeader as _, SectionHeader as _, SectionTable, Sym as _, SymbolTable};
use object::{Endianness, ReadRef, SectionIndex, SymbolIndex, elf};

use super::super::locations::code::Code;
use super::super::locations::{LONGEST, SectionFlags};
use super::{Located, values};
use crate::windows::Part;

type Header = elf::FileHeader64<Endianness>;
type SectionHeader = elf::SectionHeader64<Endianness>;

/// Compressed relocations (`SHT_CREL`).
const CREL: u32 = 0x4000_0014;
/// Sections with another form of the code, in which names are not found.
const OTHER_CODE: [&[u8]; 2] = [b".llvm", b".gnu.lto"];
/// The offset of the flags in the header of a section (`sh_flags` of `Elf64_Shdr`).
const FLAGS: u64 = 8;

/// A relocatable object for `x86_64`. Only its tables are in memory.
pub(super) struct Object<'d, R: ReadRef<'d>> {
    pub(super) part: &'d Part<'d>,
    pub(super) data: R,
    pub(super) endian: Endianness,
    pub(super) sections: SectionTable<'d, Header, R>,
    pub(super) symbols: SymbolTable<'d, Header, R>,
}

impl<'d, R: ReadRef<'d>> Object<'d, R> {
    /// The object in `part`, whose bytes are `data`. `None` if it is of another kind, or has what is not understood.
    pub(super) fn parse(part: &'d Part<'d>, data: R) -> Option<Self> {
        let header = Header::parse(data).ok()?;
        let endian = header.endian().ok()?;
        let is_understood = endian == Endianness::Little
            && header.e_type(endian) == elf::ET_REL
            && header.e_machine(endian) == elf::EM_X86_64;
        let sections = is_understood.then(|| header.sections(endian, data).ok())??;
        for section in sections.iter() {
            let name = sections.section_name(endian, section).ok()?;
            let kind = section.sh_type(endian);
            let is_other = OTHER_CODE.iter().any(|prefix| name.starts_with(prefix));
            if is_other || kind == elf::SHT_REL || kind.0 == CREL {
                return None;
            }
        }
        let symbols = sections.symbols(endian, data, elf::SHT_SYMTAB).ok()?;
        Some(Self {
            part,
            data,
            endian,
            sections,
            symbols,
        })
    }

    /// The content of a section, if it has any.
    pub(super) fn content(&self, section: &SectionHeader) -> Option<Part<'d>> {
        let (offset, size) = section.file_range(self.endian)?;
        Some(self.part.part(offset..offset.checked_add(size)?))
    }

    pub(super) fn has(&self, section: &SectionHeader, flag: elf::SectionFlags) -> bool {
        section.sh_flags(self.endian).0 & flag.0 != 0
    }

    /// The text with a placeholder at the offset `start` of the file, in `section` with this `content`: a string, or all of the section.
    /// Only that of a value has something before the placeholder.
    pub(super) fn text(
        &self,
        section: &SectionHeader,
        content: &Part<'_>,
        start: u64,
        is_value: bool,
    ) -> io::Result<Option<Range<u64>>> {
        if !self.has(section, elf::SHF_MERGE) {
            let whole = content.range.clone();
            return Ok((is_value || start == whole.start).then_some(whole));
        }
        if is_value {
            return values::string_around(section.sh_entsize(self.endian), content, start);
        }
        let mut before = [0];
        if start > content.range.start {
            content.file.read_exact_at(&mut before, start - 1)?;
        }
        let is_of_strings =
            self.has(section, elf::SHF_STRINGS) && section.sh_entsize(self.endian) == 1;
        if !is_of_strings || before != [0] {
            return Ok(None);
        }
        let text = content.text_at(start, usize::try_from(LONGEST).unwrap_or(usize::MAX))?;
        let end = text.map(|text| start + text.len() as u64);
        // The NUL byte is part of the section.
        let end = end.filter(|end| *end < content.range.end);
        Ok(end.map(|end| start..end))
    }

    /// The flags of the section `index`.
    pub(super) fn flags_of(&self, index: SectionIndex) -> Option<SectionFlags> {
        let header = Header::parse(self.data).ok()?;
        let section = self.sections.section(index).ok()?;
        let headers = header.e_shoff(self.endian);
        let at = headers + index.0 as u64 * size_of::<SectionHeader>() as u64;
        Some(SectionFlags {
            offset: self.part.range.start + at + FLAGS,
            flags: section.sh_flags(self.endian).0,
        })
    }

    /// The function at the offset `place` of the section `index`, whose content is `section`.
    pub(super) fn function(
        &self,
        index: SectionIndex,
        section: &Part<'_>,
        place: u64,
    ) -> io::Result<Option<Code>> {
        let is_there = |(at, symbol): &(SymbolIndex, &elf::Sym64<Endianness>)| {
            let section = self.symbols.symbol_section(self.endian, symbol, *at);
            symbol.st_type() == elf::STT_FUNC && section.is_ok_and(|found| found == Some(index))
        };
        let all = self.symbols.enumerate().filter(is_there);
        let functions = all.map(|(_, symbol)| symbol.st_value(self.endian));
        match functions.filter(|function| *function <= place).max() {
            Some(function) => Code::read(function, place, section),
            None => Ok(None),
        }
    }
}

/// A symbol that a relocation refers to.
pub(super) struct Symbol {
    /// The object and the section that has it, if one has names.
    pub(super) section: Option<(usize, SectionIndex)>,
    pub(super) value: i128,
    pub(super) is_section: bool,
}

impl Symbol {
    /// Whether a relocation that is not the pointer of a location may refer to `name`.
    pub(super) fn may_refer_to(
        &self,
        kind: elf::RelocationType,
        addend: i128,
        is_pointer: bool,
        name: &Located,
    ) -> bool {
        let target = self.value + addend;
        if is_pointer {
            return name.touches(target);
        }
        let is_relative = [
            elf::R_X86_64_PC32,
            elf::R_X86_64_PLT32,
            elf::R_X86_64_GOTPCREL,
            elf::R_X86_64_GOTPCRELX,
            elf::R_X86_64_REX_GOTPCRELX,
        ]
        .contains(&kind);
        // The addend of a relative reference includes the distance to the end of the instruction, after whose offset an operand
        // of up to four bytes may follow.
        let behind = [4, 5, 6, 8].map(|behind| target + behind);
        let named = (!self.is_section).then_some(self.value);
        let exact = (self.is_section || !is_relative).then_some(target);
        behind
            .into_iter()
            .chain(named)
            .chain(exact)
            .any(|at| name.touches(at))
    }
}
