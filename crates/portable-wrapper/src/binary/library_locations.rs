//! The names of source files that panics and `Location::caller()` report, in a library for other crates. In its objects, each
//! reference to a name is a relocation, also one of code, so that it is known what refers to a name. As in a
//! [linked file](super::locations), a name can get another length if nothing but locations refers to it.
//! (System V ABI, "Relocation", and its supplement for AMD64.)

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use memchr::memmem;
use object::read::elf::{FileHeader as _, Rela as _, SectionHeader as _, Sym as _, SymbolTable};
use object::{Endianness, SectionIndex, SymbolIndex, elf};

use super::super::path_map::Role;
use super::super::windows::Part;
use super::locations::{LONGEST, Name};
use super::placeholder_sites::{self, PlaceholderSite};
use super::sections::{Member, is_code, members};
use super::{PLACEHOLDER_ROLES, is_rustcs};

type Header = elf::FileHeader64<Endianness>;
type Sections<'d> = object::read::elf::SectionTable<'d, Header>;

/// The maximum size of an object, in bytes.
const LARGEST_OBJECT: u64 = 64 << 20;
/// Compressed relocations (`SHT_CREL`).
const CREL: u32 = 0x4000_0014;
/// Sections with another form of the code, in which names are not found.
const OTHER_CODE: [&[u8]; 2] = [b".llvm", b".gnu.lto"];

/// The sites of the names of source files in the library `name` for other crates, and of the lengths of these. `None` if it is
/// none, or if they are not all known, or too many.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn sites(name: &str, file: &File) -> io::Result<Option<Vec<PlaceholderSite>>> {
    match members(&Part::whole(file)?) {
        Some(members) => sites_of(name, &members),
        None => Ok(None),
    }
}

/// As [`sites`], for a library with these members.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn sites_of(
    name: &str,
    members: &[Member<'_>],
) -> io::Result<Option<Vec<PlaceholderSite>>> {
    if Path::new(name).extension() != Some("rlib".as_ref()) {
        return Ok(None);
    }
    let objects = members.iter().filter(|member| is_rustcs(member));
    let objects: Vec<_> = objects.filter(|member| !member.is_metadata()).collect();
    Ok(find(&objects)?.and_then(placeholder_sites::few_of_names))
}

/// The names of source files in the objects `members` of a library that begin with a placeholder; `None` if a placeholder in a
/// section that may be loaded is not such a name, or if anything but a location may refer to it.
///
/// # Errors
/// If the file cannot be read.
fn find(members: &[&Member<'_>]) -> io::Result<Option<Vec<Name>>> {
    let mut found = Found::default();
    let placeholders = PLACEHOLDER_ROLES.map(Role::placeholder);
    let mut with_names = BTreeSet::new();
    for (nth, member) in members.iter().enumerate() {
        if !member.part.contains_any(&placeholders)? {
            continue;
        }
        let Some(bytes) = read(&member.part)? else {
            return Ok(None);
        };
        let names = found.names.len();
        if Object::parse(&bytes)
            .and_then(|object| found.add_names(nth, &object))
            .is_none()
        {
            return Ok(None);
        }
        if found.names.len() > names {
            with_names.insert(nth);
        }
    }
    for (nth, member) in members.iter().enumerate() {
        // A symbol of one object may be referred to by all others.
        if !with_names.contains(&nth) && found.exported.is_empty() {
            continue;
        }
        let Some(bytes) = read(&member.part)? else {
            return Ok(None);
        };
        if Object::parse(&bytes)
            .and_then(|object| found.add_references(nth, &object, member.part.range.start))
            .is_none()
        {
            return Ok(None);
        }
    }
    let names = found.names.into_iter();
    Ok(names
        .map(|located| {
            let start = members[located.member].part.range.start;
            located.finish(start)
        })
        .collect())
}

fn read(part: &Part<'_>) -> io::Result<Option<Vec<u8>>> {
    if part.len() > LARGEST_OBJECT {
        return Ok(None);
    }
    let all = usize::try_from(part.len()).map_err(io::Error::other)?;
    part.start(all).map(Some)
}

/// A relocatable object for `x86_64`.
struct Object<'d> {
    bytes: &'d [u8],
    endian: Endianness,
    sections: Sections<'d>,
    symbols: SymbolTable<'d, Header>,
}

impl<'d> Object<'d> {
    /// `None` if it is of another kind, or has what is not understood.
    fn parse(bytes: &'d [u8]) -> Option<Self> {
        let header = Header::parse(bytes).ok()?;
        let endian = header.endian().ok()?;
        let is_understood = endian == Endianness::Little
            && header.e_type(endian) == elf::ET_REL
            && header.e_machine(endian) == elf::EM_X86_64;
        let sections = is_understood.then(|| header.sections(endian, bytes).ok())??;
        for section in sections.iter() {
            let name = sections.section_name(endian, section).ok()?;
            let kind = section.sh_type(endian);
            let is_other = OTHER_CODE.iter().any(|prefix| name.starts_with(prefix));
            if is_other || kind == elf::SHT_REL || kind.0 == CREL {
                return None;
            }
        }
        let symbols = sections.symbols(endian, bytes, elf::SHT_SYMTAB).ok()?;
        Some(Self {
            bytes,
            endian,
            sections,
            symbols,
        })
    }

    fn section(&self, index: SectionIndex) -> Option<&'d elf::SectionHeader64<Endianness>> {
        self.sections.section(index).ok()
    }

    fn has(&self, section: &elf::SectionHeader64<Endianness>, flag: elf::SectionFlags) -> bool {
        section.sh_flags(self.endian).0 & flag.0 != 0
    }
}

/// A name, whose length is known once a location refers to it.
struct Located {
    member: usize,
    section: SectionIndex,
    /// The offset of its first byte in the section.
    start: u64,
    /// The end of the name if it is a string in its section, without the NUL byte; otherwise, the end of the section.
    end: u64,
    /// Whether it ends there in any case.
    is_string: bool,
    name: Name,
}

impl Located {
    /// Whether an address in its section is in the name, or at its end.
    fn touches(&self, at: i128) -> bool {
        (i128::from(self.start)..=i128::from(self.end)).contains(&at)
    }

    /// Adds the location whose length field is at this offset in the file. Returns false if the length is not that of the name.
    fn add_length(&mut self, length: u64, at: u64) -> bool {
        let whole = self.end - self.start;
        // A name without a NUL byte has a section of its own, which may end with one.
        let fits = length == whole || !self.is_string && length + 1 == whole;
        let is_of_a_file = length > self.name.role.placeholder().len() as u64 && length <= LONGEST;
        if !fits || !is_of_a_file || self.name.length > 0 && self.name.length != length {
            return false;
        }
        self.name.length = length;
        self.name.lengths.push(at);
        true
    }

    /// The name, in a file in which its object is at `start`. `None` if no location refers to it.
    fn finish(mut self, start: u64) -> Option<Name> {
        self.name.offset += start;
        (self.name.length > 0).then_some(self.name)
    }
}

#[derive(Default)]
struct Found {
    names: Vec<Located>,
    /// The symbols of names that other objects may refer to, with the index of the name and the offset in its section.
    exported: BTreeMap<Vec<u8>, (usize, u64)>,
}

impl Found {
    /// Adds the names of the object `member`. `None` if a placeholder is none.
    fn add_names(&mut self, member: usize, object: &Object<'_>) -> Option<()> {
        let first = self.names.len();
        for (index, section) in object.sections.enumerate() {
            let Some((offset, size)) = section.file_range(object.endian) else {
                continue;
            };
            let name = object.sections.section_name(object.endian, section).ok()?;
            let is_loaded = object.has(section, elf::SHF_ALLOC);
            if !is_loaded && !is_code(std::str::from_utf8(name).ok()?) {
                continue;
            }
            let [at, end] = [offset, offset.checked_add(size)?].map(usize::try_from);
            let bytes = object.bytes.get(at.ok()?..end.ok()?)?;
            for role in PLACEHOLDER_ROLES {
                for start in memmem::find_iter(bytes, &role.placeholder()) {
                    let is_constant = is_loaded
                        && section.sh_type(object.endian) == elf::SHT_PROGBITS
                        && !object.has(section, elf::SHF_EXECINSTR)
                        && !object.has(section, elf::SHF_WRITE);
                    if !is_constant {
                        return None;
                    }
                    let Range { start, end } = self::text(object, section, bytes, start)?;
                    let is_string = object.has(section, elf::SHF_MERGE);
                    self.names.push(Located {
                        member,
                        section: index,
                        start,
                        end,
                        is_string,
                        name: Name {
                            role,
                            offset: offset + start,
                            length: 0,
                            lengths: Vec::new(),
                        },
                    });
                }
            }
        }
        let names = self.names.get(first..)?;
        let overlap = |one: &Located, other: &Located| {
            one.section == other.section && one.touches(other.start.into())
        };
        for (nth, one) in names.iter().enumerate() {
            let mut others = names.iter().enumerate();
            if others.any(|(other_nth, other)| nth != other_nth && overlap(one, other)) {
                return None;
            }
        }
        for (index, symbol) in object.symbols.enumerate() {
            let section = object.symbols.symbol_section(object.endian, symbol, index);
            let Some(section) = section.ok()? else {
                continue;
            };
            let value = symbol.st_value(object.endian);
            let is_at = |name: &Located| name.section == section && name.touches(value.into());
            let Some(nth) = names.iter().position(is_at) else {
                continue;
            };
            if symbol.st_bind() != elf::STB_LOCAL {
                let name = object.symbols.symbol_name(object.endian, symbol).ok()?;
                self.exported.insert(name.to_owned(), (first + nth, value));
            }
        }
        Some(())
    }

    /// Adds the locations of the object `member`, which is at `start` in the file. `None` if anything else may refer to a name.
    fn add_references(&mut self, member: usize, object: &Object<'_>, start: u64) -> Option<()> {
        for (_, section) in object.sections.enumerate() {
            let Some((relocations, link)) = section.rela(object.endian, object.bytes).ok()? else {
                continue;
            };
            if link != object.symbols.section() {
                return None;
            }
            let from = object.section(section.info_link(object.endian))?;
            if !object.has(from, elf::SHF_ALLOC) {
                continue;
            }
            let places: BTreeSet<u64> = relocations
                .iter()
                .map(|relocation| relocation.r_offset(object.endian))
                .collect();
            for relocation in relocations {
                let Some(index) = relocation.symbol(object.endian, false) else {
                    continue;
                };
                let symbol = self.symbol(member, object, index)?;
                let addend = i128::from(relocation.r_addend(object.endian));
                let target = symbol.value + addend;
                let kind = relocation.r_type(object.endian, false);
                let is_pointer = kind == elf::R_X86_64_64 && !object.has(from, elf::SHF_EXECINSTR);
                let is_of_section =
                    |name: &&mut Located| symbol.section == Some((name.member, name.section));
                for name in self.names.iter_mut().filter(is_of_section) {
                    if is_pointer && target == i128::from(name.start) {
                        let place = relocation.r_offset(object.endian);
                        let is_apart = places.range(place + 1..place + 16).next().is_none();
                        let (at, size) = from.file_range(object.endian)?;
                        let field = place.checked_add(8)?;
                        let is_inside = field.checked_add(8)? <= size;
                        let offset = at.checked_add(field)?;
                        let from = usize::try_from(offset).ok()?;
                        let length = object.bytes.get(from..)?.first_chunk()?;
                        let length = u64::from_le_bytes(*length);
                        if !is_apart || !is_inside || !name.add_length(length, start + offset) {
                            return None;
                        }
                    } else if symbol.may_refer_to(kind, addend, is_pointer, name) {
                        return None;
                    }
                }
            }
        }
        Some(())
    }

    /// The symbol `index` of the object `member`.
    fn symbol(&self, member: usize, object: &Object<'_>, index: SymbolIndex) -> Option<Symbol> {
        let symbol = object.symbols.symbol(index).ok()?;
        if symbol.is_undefined(object.endian) {
            let name = object.symbols.symbol_name(object.endian, symbol).ok()?;
            let exported = self.exported.get(name);
            let name = exported.and_then(|(nth, _)| self.names.get(*nth));
            return Some(Symbol {
                section: name.map(|name| (name.member, name.section)),
                value: exported.map_or(0, |(_, value)| (*value).into()),
                is_section: false,
            });
        }
        let section = object.symbols.symbol_section(object.endian, symbol, index);
        Some(Symbol {
            section: section.ok()?.map(|section| (member, section)),
            value: symbol.st_value(object.endian).into(),
            is_section: symbol.st_type() == elf::STT_SECTION,
        })
    }
}

/// The text in `section` that begins with a placeholder at `start`: a string, or all of the section.
fn text(
    object: &Object<'_>,
    section: &elf::SectionHeader64<Endianness>,
    bytes: &[u8],
    start: usize,
) -> Option<Range<u64>> {
    let end = if object.has(section, elf::SHF_MERGE) {
        let is_of_strings = object.has(section, elf::SHF_STRINGS)
            && section.sh_entsize(object.endian) == 1
            && (start == 0 || bytes.get(start - 1) == Some(&0));
        let length = is_of_strings.then(|| memchr::memchr(0, bytes.get(start..)?))??;
        start + length
    } else {
        (start == 0).then_some(bytes.len())?
    };
    Some(start as u64..end as u64)
}

/// A symbol that a relocation refers to.
struct Symbol {
    /// The object and the section that has it, if one has names.
    section: Option<(usize, SectionIndex)>,
    value: i128,
    is_section: bool,
}

impl Symbol {
    /// Whether a relocation that is not the pointer of a location may refer to `name`.
    fn may_refer_to(
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
