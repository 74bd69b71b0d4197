//! Source locations in linked files: the names of source files that panics and `Location::caller()` report.
//!
//! rustc writes a location (`core::panic::Location`) as a pointer to the name of the file, the length of the name, a
//! line and a column. In generated source, the name begins with the placeholder of a directory. It can get
//! another length if nothing but locations refers to it: each pointer is a dynamic relocation, and the length
//! behind it is changed too. A name that code refers to directly is not understood, because the code may know its
//! length. Only position-independent ELF files for `x86_64` are read: there, all pointers are relocations, and [`code`]
//! refers to data by offsets that can be searched for. (System V ABI, "Relocation", and its supplement for AMD64.)

mod code;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt as _;

use memchr::memmem;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{Endianness, ReadCache, elf};

use self::code::code_refers_to;
use super::super::path_map::Role;
use super::super::windows::{Part, Window};
use super::PLACEHOLDER_ROLES;

/// The name of a source file that begins with a placeholder, and the locations that refer to it. All offsets are
/// in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) role: Role,
    /// The offset of its first byte.
    pub(super) offset: u64,
    /// Its length in bytes, with the placeholder.
    pub(super) length: u64,
    /// The offsets of its length fields: 64 bits, little endian. Empty if no location refers to it.
    pub(super) lengths: Vec<u64>,
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
        let at = names.binary_search_by_key(&pointer.target, |name| name.address);
        if let Ok(at) = at
            && !names[at].add_location(pointer, &sections, file)?
        {
            return Ok(None);
        }
    }
    for name in names.iter_mut().filter(|name| name.name.length == 0) {
        let Some(length) = length_of_unused(&name.name, &whole)? else {
            return Ok(None);
        };
        name.name.length = length;
    }
    let is_inside = |address| name_at(&names, address).is_some_and(|name| name.address != address);
    if pointers.iter().any(|pointer| is_inside(pointer.target)) {
        return Ok(None);
    }
    let near = addresses(&names);
    let is_named = |address| near.contains(&address) && name_at(&names, address).is_some();
    if code_refers_to(&sections, &whole, is_named)? {
        return Ok(None);
    }
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
    Ok(Some(names.into_iter().map(|name| name.name).collect()))
}

/// A section that is loaded when the program runs.
struct Section {
    addresses: Range<u64>,
    /// The offset of its content in the file.
    offset: u64,
    kind: Kind,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Code,
    Constants,
    /// Also constants with pointers, which are written when the program starts.
    Variables,
    Relocations,
    /// The table of the functions (`.eh_frame_hdr`), by which a program is unwound.
    Functions,
}

impl Section {
    fn part<'a>(&self, whole: &Part<'a>) -> Part<'a> {
        let length = self.addresses.end - self.addresses.start;
        whole.part(self.offset..self.offset.saturating_add(length))
    }

    /// The address of an offset in the file.
    fn address(&self, offset: u64) -> u64 {
        offset - self.offset + self.addresses.start
    }
}

/// The loaded sections that have content in the file; `None` if the file is not a position-independent ELF file for `x86_64`,
/// or has packed relocations.
fn loaded_sections(file: &File, whole: &Part<'_>) -> Option<Vec<Section>> {
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
        let kind = match section.sh_type(endian) {
            elf::SHT_RELR => return None,
            elf::SHT_RELA => Kind::Relocations,
            _ if sections.section_name(endian, section) == Ok(b".eh_frame_hdr") => Kind::Functions,
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

/// A name, and the address of its first byte.
struct Located {
    address: u64,
    name: Name,
}

/// The placeholders in loaded sections. Their lengths are not known yet, and are 0.
fn placeholders(sections: &[Section], whole: &Part<'_>) -> io::Result<Vec<Located>> {
    let mut names = Vec::new();
    for role in PLACEHOLDER_ROLES {
        let placeholder = role.placeholder();
        let finder = memmem::Finder::new(&placeholder);
        for section in sections {
            let part = section.part(whole);
            part.visit(placeholder.len(), |Window { bytes, at, new }| {
                for found in finder.find_iter(bytes).filter(|found| new.contains(found)) {
                    let offset = at + found as u64;
                    let name = Name {
                        role,
                        offset,
                        length: 0,
                        lengths: Vec::new(),
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
    (address <= name.address + name.name.length).then_some(name)
}

/// The addresses from the first name to the maximum end of the last one.
fn addresses(names: &[Located]) -> Range<u64> {
    match (names.first(), names.last()) {
        (Some(first), Some(last)) => first.address..last.address + LONGEST,
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
    /// Adds the location with this pointer to the name. Returns false if the pointer is not that of a location.
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
        let Some(section) = section.filter(|_| is_relative) else {
            return Ok(false);
        };
        let place = pointer.place + 8;
        if place + 8 > section.addresses.end {
            return Ok(false);
        }
        let offset = place - section.addresses.start + section.offset;
        let mut length = [0; 8];
        file.read_exact_at(&mut length, offset)?;
        let length = u64::from_le_bytes(length);
        let name = &mut self.name;
        let is_of_a_file = length > name.role.placeholder().len() as u64 && length <= LONGEST;
        if !is_of_a_file || (name.length > 0 && name.length != length) {
            return Ok(false);
        }
        name.length = length;
        name.lengths.push(offset);
        Ok(true)
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
