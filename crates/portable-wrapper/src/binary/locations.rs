//! Source locations in linked files: the names of source files that panics and `Location::caller()` report.
//!
//! rustc writes a location (`core::panic::Location`) as a pointer to the name of the file, the length of the name, a
//! line and a column. In generated source, the name begins with the placeholder of a directory. It can get
//! another length if nothing but locations refers to it: each pointer is a dynamic relocation, and the length
//! behind it is changed too. A name that code refers to directly is not understood, because the code may know its
//! length. Only position-independent ELF files for `x86_64` are read: there, all pointers are relocations, and [`code`]
//! refers to data by offsets that can be searched for. (System V ABI, "Relocation", and its supplement for AMD64.)
//! [Values] of variables may be referred to by code as well.

pub(super) mod code;
mod loaded_sections;
pub(super) mod operands;
pub(super) mod templates;
mod values;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt as _;

use memchr::memmem;
use object::elf;
use serde::{Deserialize, Serialize};

use self::code::code_refers_to;
use self::loaded_sections::{Kind, Section, loaded_sections};
pub(super) use self::values::{BEFORE, LONGEST as LONGEST_VALUE, Lengths};
use super::super::path_map::Role;
use super::super::windows::{Part, Window};
use super::PLACEHOLDER_ROLES;

/// The name of a source file that begins with a placeholder, and the locations that refer to it; or the value of a variable. All
/// offsets are in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) role: Role,
    /// The offset of its first byte.
    pub(super) offset: u64,
    /// Whether it begins with the placeholder of a value.
    pub(super) is_value: bool,
    /// Its length in bytes, with the placeholder.
    pub(super) length: u64,
    /// The number of bytes of a text before the placeholder. The length fields include it.
    pub(super) before: u64,
    /// The number of bytes behind it that move with it: the rest of a template.
    pub(super) tail: u64,
    /// Its length fields. Empty if no location refers to it.
    pub(super) lengths: Vec<Length>,
    /// The flags of its section, if the linker merges the strings there.
    pub(super) merged: Option<SectionFlags>,
}

/// The flags of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SectionFlags {
    /// Where they are in the file, in 64 bits.
    pub(super) offset: u64,
    pub(super) flags: u64,
}

impl Name {
    /// The length of its placeholder in bytes.
    pub(super) fn placeholder_len(&self) -> u64 {
        let placeholder = if self.is_value {
            self.role.placeholder_in_value()
        } else {
            self.role.placeholder()
        };
        placeholder.len() as u64
    }
}

/// A field with the length of a name, little endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Length {
    pub(super) offset: u64,
    pub(super) width: Width,
}

/// The number of bits of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Width {
    /// 16: in a template.
    Half,
    /// 32: in an instruction.
    Word,
    /// 64: in a constant.
    Double,
}

impl Width {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Word => 4,
            Self::Double => 8,
        }
    }
}

/// The maximum length of a name, in bytes.
pub(super) const LONGEST: u64 = 4096;
/// The maximum number of pointers to addresses near the names.
const MOST_POINTERS: usize = 1 << 18;
/// The size of a dynamic relocation (`Elf64_Rela`) in bytes.
const RELOCATION: usize = 24;
/// The maximum size of a table of 32-bit offsets, in bytes.
const LARGEST_TABLE: i64 = 1 << 10;

/// The names of source files in a linked file that begin with a placeholder; `None` if a placeholder in a loaded section is not
/// such a name, or if anything but a location may refer to it.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn find(file: &File) -> io::Result<Option<Vec<Name>>> {
    let whole = Part::whole(file)?;
    let Some(sections) = loaded_sections(file, &whole) else {
        return Ok(None);
    };
    let mut names = placeholders(&sections, &whole)?;
    if names.is_empty() {
        return Ok(Some(Vec::new()));
    }
    names.sort_by_key(|name| name.address);
    let Some(pointers) = pointers_near(&names, &sections, &whole)? else {
        return Ok(None);
    };
    for pointer in &pointers {
        // The first name at or behind the address.
        let at = names.partition_point(|name| name.address < pointer.target);
        let name = names.get_mut(at);
        if let Some(name) = name.filter(|name| name.may_begin_at(pointer.target))
            && !name.add_location(pointer, &sections, file)?
        {
            return Ok(None);
        }
    }
    if names.iter().any(|name| name.name.is_value)
        && !values::complete(&mut names, &sections, &whole)?
    {
        return Ok(None);
    }
    for name in names.iter_mut().filter(|name| name.name.length == 0) {
        let Some(length) = length_of_unused(&name.name, &whole)? else {
            return Ok(None);
        };
        name.name.length = length;
    }
    let is_inside = |address| {
        name_at(&names, address).is_some_and(|name| {
            // Another constant may follow a value directly.
            let is_end = name.name.is_value && address == name.end();
            address > name.start() && !is_end
        })
    };
    if pointers.iter().any(|pointer| is_inside(pointer.target)) {
        return Ok(None);
    }
    let near = addresses(&names);
    let is_named = |address| {
        near.contains(&address) && name_at(&names, address).is_some_and(|name| !name.name.is_value)
    };
    let has_names = names.iter().any(|name| !name.name.is_value);
    if has_names && code_refers_to(&sections, &whole, is_named)? {
        return Ok(None);
    }
    // Only optimized code has lookup tables, and it has no values.
    let (values, names): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.name.is_value);
    // A lookup table selects between several names. Most constants that look like its entries are others.
    if have_several_texts(&names, file)? {
        let mut tables = BTreeSet::new();
        for section in sections
            .iter()
            .filter(|section| section.kind == Kind::Constants)
        {
            add_tables(&mut tables, &names, section, &whole)?;
        }
        if !tables.is_empty()
            && code_refers_to(&sections, &whole, |address| tables.contains(&address))?
        {
            return Ok(None);
        }
    }
    let all = values.into_iter().chain(names);
    Ok(Some(all.map(|name| name.name).collect()))
}

/// A name, and the address of its first byte.
struct Located {
    address: u64,
    name: Name,
}

impl Located {
    /// Whether the text that contains it may begin at this address, which is not behind it.
    fn may_begin_at(&self, address: u64) -> bool {
        let most = if self.name.is_value {
            values::BEFORE
        } else {
            0
        };
        self.address - address <= most
    }

    /// The address of the text that contains it.
    fn start(&self) -> u64 {
        self.address - self.name.before
    }

    /// The address behind it and everything that moves with it.
    fn end(&self) -> u64 {
        self.address + self.name.length + self.name.tail
    }
}

/// The placeholders in loaded sections. Their lengths are not known yet, and are 0.
fn placeholders(sections: &[Section], whole: &Part<'_>) -> io::Result<Vec<Located>> {
    let mut names = Vec::new();
    for role in PLACEHOLDER_ROLES {
        let placeholder = role.placeholder();
        let in_value = role.placeholder_in_value();
        let finder = memmem::Finder::new(&placeholder);
        for section in sections {
            let part = section.part(whole);
            part.visit(in_value.len(), |Window { bytes, at, new }| {
                for found in finder.find_iter(bytes).filter(|found| new.contains(found)) {
                    let offset = at + found as u64;
                    let name = Name {
                        role,
                        offset,
                        is_value: bytes[found..].starts_with(in_value.as_bytes()),
                        length: 0,
                        before: 0,
                        tail: 0,
                        lengths: Vec::new(),
                        merged: None,
                    };
                    names.push(Located {
                        address: section.address(offset),
                        name,
                    });
                }
                Ok(ControlFlow::<()>::Continue(()))
            })?;
        }
    }
    Ok(names)
}

/// The name that contains this address, or ends at it.
fn name_at(names: &[Located], address: u64) -> Option<&Located> {
    let after = names.partition_point(|name| name.address <= address);
    let name = names.get(after.checked_sub(1)?)?;
    (address <= name.end()).then_some(name)
}

/// The addresses from the first name to the maximum end of the last one.
fn addresses(names: &[Located]) -> Range<u64> {
    match (names.first(), names.last()) {
        (Some(first), Some(last)) => {
            first.address.saturating_sub(values::BEFORE)..last.address + values::LONGEST
        }
        _ => 0..0,
    }
}

/// A dynamic relocation.
struct Pointer {
    /// The address of the pointer.
    place: u64,
    /// The type of the relocation, and its symbol (`r_info`).
    info: u64,
    /// Where it points to.
    target: u64,
}

/// The pointers to addresses near the names; `None` if there are too many.
fn pointers_near(
    names: &[Located],
    sections: &[Section],
    whole: &Part<'_>,
) -> io::Result<Option<Vec<Pointer>>> {
    let near = addresses(names);
    let mut pointers = Vec::new();
    let relocations = sections
        .iter()
        .filter(|section| section.kind == Kind::Relocations);
    for section in relocations {
        let part = section.part(whole);
        part.visit(RELOCATION, |Window { bytes, at, new }| {
            let begin = at + new.start as u64 - part.range.start;
            let to_next = (RELOCATION as u64 - begin % RELOCATION as u64) % RELOCATION as u64;
            let first = new.start + usize::try_from(to_next).unwrap_or(0);
            let entries = bytes.get(first..).unwrap_or_default();
            let count = new.end.saturating_sub(first).div_ceil(RELOCATION);
            for entry in entries.chunks_exact(RELOCATION).take(count) {
                let [place, info, target] = [0, 8, 16].map(|at| word64(entry, at));
                if near.contains(&target) {
                    pointers.push(Pointer {
                        place,
                        info,
                        target,
                    });
                }
            }
            Ok(ControlFlow::<()>::Continue(()))
        })?;
    }
    Ok((pointers.len() <= MOST_POINTERS).then_some(pointers))
}

fn word64(bytes: &[u8], at: usize) -> u64 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |word| u64::from_le_bytes(*word))
}

impl Located {
    /// Adds the location with this pointer to the name. Returns false if the pointer is not that of a location. A pointer to an address
    /// before the name may be one to something else.
    fn add_location(
        &mut self,
        pointer: &Pointer,
        sections: &[Section],
        file: &File,
    ) -> io::Result<bool> {
        let section = sections.iter().find(|section| {
            section.kind == Kind::Variables && section.addresses.contains(&pointer.place)
        });
        let is_relative = pointer.info == u64::from(elf::R_X86_64_RELATIVE.0);
        let before = self.address - pointer.target;
        let Some(section) = section.filter(|_| is_relative) else {
            return Ok(before > 0);
        };
        let place = pointer.place + 8;
        if place + 8 > section.addresses.end {
            return Ok(before > 0);
        }
        let offset = place - section.addresses.start + section.offset;
        let mut length = [0; 8];
        file.read_exact_at(&mut length, offset)?;
        let length = u64::from_le_bytes(length);
        // The name of a file is longer than its directory.
        let least = self.name.placeholder_len() + u64::from(!self.name.is_value);
        let most = if self.name.is_value {
            values::LONGEST
        } else {
            LONGEST
        };
        if !(before + least..=most).contains(&length) {
            return Ok(before > 0);
        }
        let width = Width::Double;
        Ok(self.add_length(before, length, Length { offset, width }))
    }
}

impl Located {
    /// Adds a field with the length of the text that begins that many bytes `before` the name. Returns false if another field
    /// contradicts it.
    fn add_length(&mut self, before: u64, length: u64, field: Length) -> bool {
        let name = &mut self.name;
        let is_first = name.length == 0;
        if is_first {
            (name.before, name.length) = (before, length - before);
        }
        // Several instructions may share an operand.
        if !name.lengths.contains(&field) {
            name.lengths.push(field);
        }
        (name.before, name.before + name.length) == (before, length) && (is_first || name.tail == 0)
    }
}

/// The length of a name that no location refers to, in bytes; `None` if its end cannot be found. The linker of binutils merges equal
/// strings, and keeps those of functions that it removes. rustc writes a NUL byte behind a name (since 1.92).
fn length_of_unused(name: &Name, whole: &Part<'_>) -> io::Result<Option<u64>> {
    let most = usize::try_from(LONGEST).unwrap_or(usize::MAX);
    let text = whole.text_at(name.offset, most)?;
    let text = text.filter(|text| text.ends_with(b".rs") && !text.iter().any(u8::is_ascii_control));
    let length = text.map(|text| text.len() as u64);
    // The NUL byte is part of the file.
    Ok(length.filter(|length| name.offset + length < whole.range.end))
}

/// Whether the names are those of several source files: each linked object may have its own copy of a name.
fn have_several_texts(names: &[Located], file: &File) -> io::Result<bool> {
    let mut texts = BTreeSet::new();
    for Located { name, .. } in names {
        let mut text = vec![0; usize::try_from(name.length).unwrap_or_default()];
        file.read_exact_at(&mut text, name.offset)?;
        texts.insert(text);
    }
    Ok(texts.len() > 1)
}

/// Adds the address at which a table would begin of which a constant in `section` may be an entry, the offset from the beginning
/// of the table to a name. LLVM makes such tables of what a `match` returns ("relative lookup tables"). Code adds the offset to
/// the address of the table, so it has that address.
fn add_tables(
    tables: &mut BTreeSet<u64>,
    names: &[Located],
    section: &Section,
    whole: &Part<'_>,
) -> io::Result<()> {
    let part = section.part(whole);
    part.visit(4, |Window { bytes, at, new }| {
        let first = section.address(at + new.start as u64);
        let to_next = usize::try_from(first.wrapping_neg() % 4).unwrap_or(0);
        for nth in (new.start + to_next..new.end).step_by(4) {
            let Some(word) = bytes.get(nth..).and_then(|rest| rest.first_chunk()) else {
                break;
            };
            let address = section.address(at + nth as u64);
            let offset = i64::from(i32::from_le_bytes(*word));
            // The table begins before this entry, and not at the name.
            let table_of = |name: &Located| {
                let table = name.address.checked_add_signed(-offset)?;
                let end = address + 4;
                let is_apart = end <= name.address || table > name.address + name.name.length;
                let size = end.wrapping_sub(table).cast_signed();
                let is_table =
                    table % 4 == 0 && table <= address && is_apart && size <= LARGEST_TABLE;
                is_table.then_some(table)
            };
            // An offset to a name at another address implies a table at another address.
            let target = address.wrapping_add_signed(offset);
            let last = names.partition_point(|name| name.address <= target);
            let nearest = names.get(..last).unwrap_or_default().iter().rev();
            let is_near =
                |name: &&Located| target.wrapping_sub(name.address).cast_signed() <= LARGEST_TABLE;
            tables.extend(nearest.take_while(is_near).filter_map(table_of));
        }
        Ok(ControlFlow::<()>::Continue(()))
    })?;
    Ok(())
}
