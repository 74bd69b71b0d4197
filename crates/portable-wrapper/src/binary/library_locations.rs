//! The names of source files that panics and `Location::caller()` report, in a library for other crates. In its objects, each
//! reference to a name is a relocation, also one of code, so that it is known what refers to a name. As in a
//! [linked file](super::locations), a name can get another length if nothing but locations refers to it. The [values] of variables
//! are found as well.
//! (System V ABI, "Relocation", and its supplement for AMD64.)

mod relocatable;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use memchr::memmem;
use object::read::elf::{Rela as _, SectionHeader as _, Sym as _};
use object::{Endianness, ReadCache, ReadRef, SectionIndex, SymbolIndex, elf};

use self::relocatable::{Object, Symbol};
use self::values::Relative;
use super::super::path_map::Role;
use super::super::windows::{Part, Window};
use super::locations::{LONGEST, LONGEST_VALUE, Length, Name, Width};
use super::placeholder_sites::{self, PlaceholderSite};
use super::sections::{Member, is_code, members};
use super::{PLACEHOLDER_ROLES, is_rustcs};

/// The sites of the names of source files and of the values of variables in the library `name` for other crates, and of their lengths.
/// `None` if it is none, or if they are not all known, or too many.
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
    let own = members.iter().filter(|member| is_rustcs(member));
    let (metadata, objects): (Vec<_>, Vec<_>) = own.partition(|member| member.is_metadata());
    let Some(names) = find(&objects)? else {
        return Ok(None);
    };
    if names.iter().any(|name| name.is_value) {
        let placeholders = PLACEHOLDER_ROLES.map(Role::placeholder_in_value);
        for metadata in metadata {
            // Crates above may evaluate such a value, or compile code with it.
            if metadata.part.contains_any(&placeholders)? {
                return Ok(None);
            }
        }
    }
    Ok(placeholder_sites::few_of_names(names))
}

/// The names of source files in the objects of a static library for other languages; empty if they are not all known.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn names_in_static_library(file: &File) -> io::Result<Vec<Name>> {
    let whole = Part::whole(file)?;
    let members = members(&whole).unwrap_or_default();
    let objects: Vec<_> = members.iter().filter(|member| is_rustcs(member)).collect();
    Ok(find(&objects)?.unwrap_or_default())
}

/// The names of source files and the values of variables in the objects `members` of a library; `None` if a placeholder in a section that
/// may be loaded is none of these, or if anything that is not understood may refer to one.
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
        let names = found.names.len();
        let cache = ReadCache::new(member.part.file);
        let size = member.part.len();
        let data = cache.range(member.part.range.start, size);
        match Object::parse(&member.part, data) {
            Some(object) if found.add_names(nth, &object)?.is_some() => {}
            _ => return Ok(None),
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
        let cache = ReadCache::new(member.part.file);
        let data = cache.range(member.part.range.start, member.part.len());
        match Object::parse(&member.part, data) {
            Some(object) if found.add_references(nth, &object)?.is_some() => {}
            _ => return Ok(None),
        }
    }
    let names: Option<Vec<_>> = found.names.into_iter().map(Located::finish).collect();
    match names {
        Some(names) if !values::are_all_known(&names, members)? => Ok(None),
        names => Ok(names),
    }
}

/// A name or value, whose length is known once something refers to it.
struct Located {
    member: usize,
    section: SectionIndex,
    /// Its offsets in the section: without the NUL byte, if it is a string there; otherwise up to the end of the section.
    range: Range<u64>,
    /// Whether it ends there in any case.
    is_string: bool,
    /// Whether the text is a template, which contains its length.
    is_template: bool,
    name: Name,
}

impl Located {
    /// Whether an address in its section is in the name, or at its end.
    fn touches(&self, at: i128) -> bool {
        (i128::from(self.range.start)..=i128::from(self.range.end)).contains(&at)
    }

    /// Adds the location with this length field. Returns false if the length is not that of the name.
    fn add_length(&mut self, length: u64, field: Length) -> bool {
        let whole = self.range.end - self.range.start;
        // A name without a NUL byte has a section of its own, which may end with one.
        let fits = length == whole || !self.is_string && length + 1 == whole;
        let name = &mut self.name;
        let least = name.before + name.placeholder_len() + u64::from(!name.is_value);
        let most = if name.is_value {
            LONGEST_VALUE
        } else {
            LONGEST
        };
        if !fits || !(least..=most).contains(&length) || self.is_template {
            return false;
        }
        let behind = length - name.before;
        if name.length > 0 && name.length != behind {
            return false;
        }
        name.length = behind;
        // Several instructions may share an operand.
        if !name.lengths.contains(&field) {
            name.lengths.push(field);
        }
        true
    }

    /// The name. `None` if no location refers to it.
    fn finish(self) -> Option<Name> {
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
    fn add_names<'d, R: ReadRef<'d>>(
        &mut self,
        member: usize,
        object: &Object<'d, R>,
    ) -> io::Result<Option<()>> {
        let first = self.names.len();
        for (index, section) in object.sections.enumerate() {
            let Some(content) = object.content(section) else {
                continue;
            };
            let name = object.sections.section_name(object.endian, section);
            let name = name.ok().and_then(|name| std::str::from_utf8(name).ok());
            let is_loaded = object.has(section, elf::SHF_ALLOC);
            if !is_loaded && name.is_some_and(|name| !is_code(name)) {
                continue;
            }
            let is_constant = is_loaded
                && section.sh_type(object.endian) == elf::SHT_PROGBITS
                && !object.has(section, elf::SHF_EXECINSTR)
                && !object.has(section, elf::SHF_WRITE);
            let is_merged = object.has(section, elf::SHF_MERGE);
            for role in PLACEHOLDER_ROLES {
                for (start, is_value) in placeholders(&content, role)? {
                    let text = object.text(section, &content, start, is_value)?;
                    let Some(text) = text.filter(|_| is_constant) else {
                        return Ok(None);
                    };
                    let before = content.range.start;
                    let mut name = Located {
                        member,
                        section: index,
                        range: text.start - before..text.end - before,
                        is_string: is_merged,
                        is_template: false,
                        name: Name {
                            role,
                            offset: start,
                            is_value,
                            length: 0,
                            before: start - text.start,
                            tail: 0,
                            lengths: Vec::new(),
                            merged: None,
                        },
                    };
                    if is_value && !values::add_template(&mut name, &content)? && is_merged {
                        return Ok(None);
                    }
                    if is_value && is_merged {
                        name.name.merged = object.flags_of(index);
                    }
                    self.names.push(name);
                }
            }
        }
        Ok(self.add_symbols(first, object))
    }

    /// Adds the symbols that other objects may refer to, of the names from the `first` on, which are those of `object`. `None` if
    /// names overlap.
    fn add_symbols<'d, R: ReadRef<'d>>(
        &mut self,
        first: usize,
        object: &Object<'d, R>,
    ) -> Option<()> {
        let names = self.names.get(first..)?;
        for (nth, one) in names.iter().enumerate() {
            let overlaps = |(other_nth, other): (usize, &Located)| {
                nth != other_nth
                    && one.section == other.section
                    && one.touches(other.range.start.into())
            };
            if names.iter().enumerate().any(overlaps) {
                return None;
            }
        }
        for (index, symbol) in object.symbols.enumerate() {
            if symbol.st_bind() == elf::STB_LOCAL {
                continue;
            }
            let section = object.symbols.symbol_section(object.endian, symbol, index);
            let Some(section) = section.ok()? else {
                continue;
            };
            let value = symbol.st_value(object.endian);
            let is_at = |name: &Located| name.section == section && name.touches(value.into());
            if let Some(nth) = names.iter().position(is_at) {
                let name = object.symbols.symbol_name(object.endian, symbol).ok()?;
                self.exported.insert(name.to_owned(), (first + nth, value));
            }
        }
        Some(())
    }

    /// Adds the locations of the object `member`. `None` if anything else may refer to a name.
    fn add_references<'d, R: ReadRef<'d>>(
        &mut self,
        member: usize,
        object: &Object<'d, R>,
    ) -> io::Result<Option<()>> {
        for section in object.sections.iter() {
            let Ok(relocations) = section.rela(object.endian, object.data) else {
                return Ok(None);
            };
            let Some((relocations, link)) = relocations else {
                continue;
            };
            let index_of_from = section.info_link(object.endian);
            let from = object.sections.section(index_of_from);
            let (Ok(from), true) = (from, link == object.symbols.section()) else {
                return Ok(None);
            };
            if !object.has(from, elf::SHF_ALLOC) {
                continue;
            }
            let Some(content) = object.content(from) else {
                return Ok(None);
            };
            let place = |relocation: &elf::Rela64<Endianness>| relocation.r_offset(object.endian);
            let mut places: Option<BTreeSet<u64>> = None;
            for relocation in relocations {
                let Some(index) = relocation.symbol(object.endian, false) else {
                    continue;
                };
                let Some(symbol) = self.symbol(member, object, index) else {
                    return Ok(None);
                };
                let addend = i128::from(relocation.r_addend(object.endian));
                let target = symbol.value + addend;
                let kind = relocation.r_type(object.endian, false);
                let is_pointer = kind == elf::R_X86_64_64 && !object.has(from, elf::SHF_EXECINSTR);
                let is_of_section =
                    |name: &&mut Located| symbol.section == Some((name.member, name.section));
                for name in self.names.iter_mut().filter(is_of_section) {
                    if is_pointer && target == i128::from(name.range.start) {
                        let all = || relocations.iter().map(place).collect();
                        let places = places.get_or_insert_with(all);
                        let at = place(relocation);
                        let is_apart = places
                            .range(at.saturating_add(1)..at.saturating_add(16))
                            .next()
                            .is_none();
                        let field = content.range.start.saturating_add(at).saturating_add(8);
                        if !is_apart || field.saturating_add(8) > content.range.end {
                            return Ok(None);
                        }
                        let mut length = [0; 8];
                        content.file.read_exact_at(&mut length, field)?;
                        let width = Width::Double;
                        let offset = field;
                        if !name.add_length(u64::from_le_bytes(length), Length { offset, width }) {
                            return Ok(None);
                        }
                    } else if symbol.may_refer_to(kind, addend, is_pointer, name) {
                        let from_code = Relative {
                            section: index_of_from,
                            place: place(relocation),
                            target,
                        };
                        let is_known = name.name.is_value
                            && kind == elf::R_X86_64_PC32
                            && object.has(from, elf::SHF_EXECINSTR)
                            && name.add_code(object, &content, &from_code)?;
                        if !is_known {
                            return Ok(None);
                        }
                    }
                }
            }
        }
        Ok(Some(()))
    }

    /// The symbol `index` of the object `member`.
    fn symbol<'d, R: ReadRef<'d>>(
        &self,
        member: usize,
        object: &Object<'d, R>,
        index: SymbolIndex,
    ) -> Option<Symbol> {
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

/// The offsets in the file of the placeholders for `role` in this part, and whether each is that of a value.
fn placeholders(part: &Part<'_>, role: Role) -> io::Result<Vec<(u64, bool)>> {
    let (placeholder, longer) = (role.placeholder(), role.placeholder_in_value());
    let finder = memmem::Finder::new(&placeholder);
    let mut found = Vec::new();
    part.visit(longer.len(), |Window { bytes, at, new }| {
        let begins = finder.find_iter(bytes).filter(|begin| new.contains(begin));
        let is_value = |begin: usize| bytes[begin..].starts_with(longer.as_bytes());
        found.extend(begins.map(|begin| (at + begin as u64, is_value(begin))));
        Ok(ControlFlow::<()>::Continue(()))
    })?;
    Ok(found)
}
