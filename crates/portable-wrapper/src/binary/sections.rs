//! The parts of compiled files: members of archives, sections of object files.

use std::fs::File;

use object::read::archive::ArchiveFile;
use object::read::elf::{FileHeader, SectionHeader as _};
use object::{Endianness, FileKind, Object as _, ObjectSection as _, ReadCache, ReadRef, elf};

use super::super::windows::Part;
use super::wasm;

/// A member of an archive.
pub(crate) struct Member<'a> {
    pub(crate) name: Vec<u8>,
    pub(crate) part: Part<'a>,
}

impl Member<'_> {
    /// Whether it is rustc's metadata in a library.
    pub(crate) fn is_metadata(&self) -> bool {
        self.name == b"lib.rmeta"
    }
}

/// The members of an archive; `None` if it is none.
pub(crate) fn members<'a>(part: &Part<'a>) -> Option<Vec<Member<'a>>> {
    let cache = ReadCache::new(part.file);
    let archive = ArchiveFile::parse(data(&cache, part)).ok()?;
    let members = archive.members().flatten();
    let in_archive = members.filter(|member| !member.is_thin());
    let members = in_archive.map(|member| {
        let (at, size) = member.file_range();
        Member {
            name: member.name().to_owned(),
            part: part.part(at..at.saturating_add(size)),
        }
    });
    Some(members.collect())
}

fn data<'a>(cache: &'a ReadCache<&'a File>, part: &Part<'_>) -> impl ReadRef<'a> {
    cache.range(part.range.start, part.range.end - part.range.start)
}

/// A section of an object file, with its name.
pub(crate) type Section<'a> = (String, Part<'a>);

/// The sections of an object file that have bytes; `None` if it is none.
pub(crate) fn sections<'a>(part: &Part<'a>) -> Option<Vec<Section<'a>>> {
    if wasm::is_module(part) {
        return wasm::sections(part);
    }
    let cache = ReadCache::new(part.file);
    let data = data(&cache, part);
    let section =
        |(name, (at, size)): (String, (u64, u64))| (name, part.part(at..at.saturating_add(size)));
    // For ELF files, only the headers are read, not the symbols.
    let found = match FileKind::parse(data).ok()? {
        FileKind::Elf64 => elf_sections::<elf::FileHeader64<Endianness>, _>(data)?,
        FileKind::Elf32 => elf_sections::<elf::FileHeader32<Endianness>, _>(data)?,
        _ => {
            let file = object::File::parse(data).ok()?;
            file.sections()
                .filter_map(|section| {
                    Some((section.name().ok()?.to_owned(), section.file_range()?))
                })
                .collect()
        }
    };
    Some(found.into_iter().map(section).collect())
}

fn elf_sections<'d, Header: FileHeader<Endian = Endianness>, R: ReadRef<'d>>(
    data: R,
) -> Option<Vec<(String, (u64, u64))>> {
    let header = Header::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, data).ok()?;
    let found = sections.iter().filter_map(|section| {
        let name = sections.section_name(endian, section).ok()?;
        let name = std::str::from_utf8(name).ok()?;
        Some((name.to_owned(), section.file_range(endian)?))
    });
    Some(found.collect())
}

/// The sections that are loaded when a program runs; `None` if it is not an object file.
pub(super) fn code<'a>(part: &Part<'a>) -> Option<Vec<Section<'a>>> {
    let mut sections = sections(part)?;
    sections.retain(|(name, _)| is_code(name));
    Some(sections)
}

/// Neither debug information, nor symbol names, nor rustc's metadata.
pub(super) fn is_code(name: &str) -> bool {
    let other = [
        ".debug", ".zdebug", "__debug", ".llvm", "__LLVM", ".strtab", ".symtab",
    ];
    !other.iter().any(|prefix| name.starts_with(prefix)) && !is_rustc(name)
}

fn is_rustc(name: &str) -> bool {
    matches!(name, ".rustc" | ".rmeta" | "rust_metadata")
}

/// A part of a file in which a string may be changed.
pub(crate) struct Writable<'a> {
    pub(crate) part: Part<'a>,
    /// Whether it has lists of strings that end with an empty one: the directories and files in line tables (DWARF 4, 6.2.4).
    pub(crate) has_lists: bool,
}

/// The parts of a file in which a string may be changed: an ELF file or module of WebAssembly, or those in an archive, without rustc's
/// metadata, which contains lengths and digests. None for other formats, which are signed or unknown.
pub(crate) fn writable_parts<'a>(file: &Part<'a>) -> Vec<Writable<'a>> {
    match members(file) {
        Some(members) => {
            let parts = members.iter();
            parts
                .flat_map(|member| writable_parts_of(&member.part))
                .collect()
        }
        None => writable_parts_of(file),
    }
}

fn writable_parts_of<'a>(part: &Part<'a>) -> Vec<Writable<'a>> {
    let is_elf = part.start(4).is_ok_and(|magic| magic == elf::ELFMAG);
    let is_known = is_elf || wasm::is_module(part);
    let sections = is_known.then(|| sections(part)).flatten();
    let sections = sections.unwrap_or_default();
    let is_writable = |(name, _): &Section<'_>| !is_rustc(name) && !name.starts_with(".llvm");
    sections
        .into_iter()
        .filter(is_writable)
        .map(|(name, part)| {
            let has_lists = name == ".debug_line";
            Writable { part, has_lists }
        })
        .collect()
}
