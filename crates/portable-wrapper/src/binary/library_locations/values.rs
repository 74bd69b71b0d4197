//! The values of variables in a library. As in a [program](super::super::locations), each is referred to by a constant with its length, by
//! an instruction next to one with its length, or is part of a template. The relocations show which these are. No other number
//! in the library may be the length of a value.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use object::read::elf::{FileHeader as _, SectionHeader as _, Sym as _};
use object::{Endianness, ReadCache, ReadRef, SectionIndex, SymbolIndex, elf};

use super::super::locations::code::Code;
use super::super::locations::{
    BEFORE, LONGEST_VALUE, Length, Name, SectionFlags, Width, has_number, operands, templates,
};
use super::super::sections::Member;
use super::{Located, Object};
use crate::windows::Part;

/// The offset of the flags in the header of a section (`sh_flags` of `Elf64_Shdr`).
const FLAGS: u64 = 8;

/// The string around the offset `at` of the file, without its NUL byte, in a section of strings that the linker merges, whose characters
/// have this size in bytes. `None` if it is too long.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn string_around(
    size: u64,
    section: &Part<'_>,
    at: u64,
) -> io::Result<Option<Range<u64>>> {
    let from = at.saturating_sub(BEFORE).max(section.range.start);
    let mut before = vec![0; usize::try_from(at - from).unwrap_or_default()];
    section.file.read_exact_at(&mut before, from)?;
    let start = match memchr::memrchr(0, &before) {
        Some(nul) => from + nul as u64 + 1,
        None if from == section.range.start => from,
        None => return Ok(None),
    };
    let most = usize::try_from(LONGEST_VALUE).unwrap_or(usize::MAX);
    let text = section.text_at(at, most)?.filter(|_| size == 1);
    let end = text.map(|text| at + text.len() as u64);
    // The NUL byte is part of the section.
    let end = end.filter(|end| *end < section.range.end);
    Ok(end.map(|end| start..end))
}

/// Adds the length of the text that contains the value, if its string in `section` is a template. Returns false if it is none.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn add_template(value: &mut Located, section: &Part<'_>) -> io::Result<bool> {
    let nul = u64::from(value.is_string);
    let text = section.part(value.range.start..value.range.end + nul);
    let start = text.range.start;
    let template = text.start(usize::try_from(text.len()).unwrap_or_default())?;
    let name = &mut value.name;
    let [at, least] =
        [name.before, name.placeholder_len()].map(|it| usize::try_from(it).unwrap_or_default());
    let Some(text) = templates::text_in(&template, at, least) else {
        return Ok(false);
    };
    value.is_template = true;
    name.before = (at - text.start) as u64;
    name.length = (text.end - at) as u64;
    name.tail = text.rest as u64;
    name.lengths.push(Length {
        offset: start + text.start as u64 - 2,
        width: Width::Half,
    });
    Ok(true)
}

impl Located {
    /// Adds the lengths that the instruction with a relocation at the offset `place` of the section `index` uses, whose content is
    /// `section`. Returns false if that is not understood.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn add_code<'d, R: ReadRef<'d>>(
        &mut self,
        object: &Object<'d, R>,
        index: SectionIndex,
        section: &Part<'_>,
        place: u64,
    ) -> io::Result<bool> {
        let code = object.function(index, section, place)?;
        let Some(reference) = code.and_then(|code| code.reference(place)) else {
            return Ok(false);
        };
        let least = self.name.before + self.name.placeholder_len();
        let Some((length, places)) = operands::length(&reference, least..LONGEST_VALUE) else {
            return Ok(self.is_template && reference.is_address());
        };
        let fields = places.into_iter().map(|place| Length {
            offset: section.range.start + place,
            width: Width::Word,
        });
        let mut fields = fields.collect::<Vec<_>>().into_iter();
        Ok(fields.all(|field| self.add_length(length, field)))
    }
}

impl<'d, R: ReadRef<'d>> Object<'d, R> {
    /// The flags of the section `index`.
    pub(super) fn flags_of(&self, index: SectionIndex) -> Option<SectionFlags> {
        let header = elf::FileHeader64::<Endianness>::parse(self.data).ok()?;
        let section = self.sections.section(index).ok()?;
        let headers = header.e_shoff(self.endian);
        let at = headers + index.0 as u64 * size_of::<elf::SectionHeader64<Endianness>>() as u64;
        Some(SectionFlags {
            offset: self.part.range.start + at + FLAGS,
            flags: section.sh_flags(self.endian).0,
        })
    }

    /// The function at the offset `place` of the section `index`, whose content is `section`.
    fn function(
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

/// Whether no other number in the objects `members` may be the length of one of `values`, among other names.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn are_all_known(names: &[Name], members: &[&Member<'_>]) -> io::Result<bool> {
    let values: Vec<_> = names.iter().filter(|name| name.is_value).collect();
    let numbers = values.iter().map(|value| value.before + value.length);
    let numbers: BTreeSet<u64> = numbers.collect();
    if numbers.is_empty() {
        return Ok(true);
    }
    let fields = values.iter().flat_map(|value| &value.lengths);
    let known: BTreeSet<u64> = fields.map(|field| field.offset).collect();
    for member in members {
        let cache = ReadCache::new(member.part.file);
        let data = cache.range(member.part.range.start, member.part.len());
        let Some(object) = Object::parse(&member.part, data) else {
            return Ok(false);
        };
        for (index, section) in object.sections.enumerate() {
            let Some(content) = object.content(section) else {
                continue;
            };
            let is_code = object.has(section, elf::SHF_EXECINSTR);
            let width = if is_code { Width::Word } else { Width::Double };
            let may_be_length = |offset: u64| {
                let place = offset - content.range.start;
                if is_code {
                    let code = object.function(index, &content, place)?;
                    Ok(code.is_none_or(|code| code.may_be_operand(place)))
                } else {
                    Ok(place % width.bytes() as u64 == 0)
                }
            };
            if object.has(section, elf::SHF_ALLOC)
                && has_number(&content, width, &numbers, &known, may_be_length)?
            {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
