//! The values of variables in a library. As in a [program](super::super::locations), each is referred to by a constant with its length, by
//! an instruction next to one with its length, or is part of a template. The relocations show which these are. No other number
//! in the library may be the length of a value.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use object::{ReadCache, ReadRef, SectionIndex, elf};

use super::super::locations::{
    BEFORE, LONGEST_VALUE, Length, Lengths, Name, Width, operands, templates,
};
use super::super::sections::Member;
use super::Located;
use super::relocatable::Object;
use crate::windows::Part;

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

/// A reference in code, by a distance.
pub(super) struct Relative {
    /// The section with the code.
    pub(super) section: SectionIndex,
    /// The offset of the distance in that section.
    pub(super) place: u64,
    /// The address that the distance would refer to if it were one from its own place.
    pub(super) target: i128,
}

impl Located {
    /// Adds the lengths that an instruction uses which may refer to the value. `section` is the content of the section with the code.
    /// Returns false if that is not understood.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn add_code<'d, R: ReadRef<'d>>(
        &mut self,
        object: &Object<'d, R>,
        section: &Part<'_>,
        from: &Relative,
    ) -> io::Result<bool> {
        let code = object.function(from.section, section, from.place)?;
        let Some(reference) = code.and_then(|code| code.reference(from.place)) else {
            return Ok(false);
        };
        // The distance is one from the next instruction.
        let address = from.target + i128::from(reference.rest_from(from.place));
        if address != i128::from(self.range.start) {
            return Ok(!self.touches(address));
        }
        let least = self.name.before + self.name.placeholder_len();
        let Some((length, places)) = operands::length(&reference, least..LONGEST_VALUE) else {
            return Ok(self.is_template && reference.is_address());
        };
        let mut offsets = places.iter().map(|place| section.range.start + place);
        let width = Width::Word;
        Ok(offsets.all(|offset| self.add_length(length, Length { offset, width })))
    }
}

/// Whether no other number in the objects `members` may be the length of one of `values`, among other names.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn are_all_known(names: &[Name], members: &[&Member<'_>]) -> io::Result<bool> {
    let lengths = Lengths::of(names.iter().filter(|name| name.is_value));
    if lengths.is_empty() {
        return Ok(true);
    }
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
                    Ok(place.is_multiple_of(width.bytes() as u64))
                }
            };
            if object.has(section, elf::SHF_ALLOC)
                && lengths.are_in(&content, width, may_be_length)?
            {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
