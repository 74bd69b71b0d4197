//! Replaces paths in relocatable objects, and in archives of them, by paths of another length.
//!
//! A C compiler writes a path into a section of strings: those of debug information (`.debug_str`,
//! `.debug_line_str`), and those that the program uses (`.rodata.str1.1`). The linker may merge these
//! sections, so nothing refers into them but symbols and relocations, which can be changed:
//!
//! 1. The section is written anew with the other paths. A longer one is moved to the end of the file.
//! 2. Each symbol in the section gets the new offset of its text.
//! 3. So does the addend of each relocation that refers to the section itself.
//!
//! Only debug information is written anew. The code may know the length of a text: `fputs("…", file)` becomes
//! `fwrite("…", 1, 42, file)`. The texts of a program are written anew only for packages that were reviewed
//! ([`Moves::with_texts`]).
//!
//! Before DWARF 5, the line table (`.debug_line`) contains the names of directories itself. It is written anew in
//! the same way, with the lengths in its headers changed, and the offsets of the relocations in it.
//!
//! For a link ([`Moves::for_linking`]), the texts of a program get a placeholder of their own, and leave their section
//! of merged strings: the linker would let another text end in theirs. So the linked program can get a shorter
//! path ([`binary`](super::binary)).
//!
//! Anywhere else, a path is replaced only by one of the same length. What is not understood is refused:
//! other formats and machines, link-time optimization, a reference into the middle of a path.
//! (System V ABI, "Object Files"; supplements for AMD64 and `AArch64`; DWARF 4 and 5, section 6.2.4; `ar(5)`.)

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::ops::Range;

use memchr::memmem;

/// Objects, and members of archives, that are larger are refused. In bytes.
const LARGEST_OBJECT: u64 = 24 << 20;

/// A text of a program is shorter than this from its first placeholder on. In bytes.
pub(super) const LONGEST_TEXT: usize = 4 << 10;

/// Directories to replace, and by which.
type Pairs = Vec<(String, String)>;

/// The directories to replace, and by which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moves {
    pairs: Pairs,
    texts: Texts,
}

/// What may be done with paths in the texts of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Texts {
    /// They keep their length: code may depend on it.
    #[default]
    OfSameLength,
    /// They are replaced like all others.
    Plain,
    /// They get these placeholders.
    Placeholders(Pairs),
}

/// A path that was found: where, and by what it is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Occurrence<'a> {
    range: Range<usize>,
    to: &'a str,
}

impl Moves {
    /// From pairs of directories. Those that stay the same count where one is below another.
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        Self {
            pairs,
            texts: Texts::OfSameLength,
        }
    }

    /// The same, for objects in which no code depends on the length of a path, nor on anything else that is
    /// computed from it.
    pub(super) fn with_texts(self) -> Self {
        Self {
            texts: Texts::Plain,
            ..self
        }
    }

    /// The same for objects that are about to be linked: if their [texts are plain](Self::with_texts), those get other
    /// `placeholders`.
    pub(super) fn for_linking(self, placeholders: Pairs) -> Self {
        Self {
            texts: match self.texts {
                Texts::OfSameLength => Texts::OfSameLength,
                Texts::Plain | Texts::Placeholders(_) => Texts::Placeholders(placeholders),
            },
            ..self
        }
    }

    /// Those for a section that is loaded, or not.
    fn of_section(&self, section: &Section) -> &Pairs {
        match &self.texts {
            Texts::Placeholders(pairs) if section.is_loaded() => pairs,
            _ => &self.pairs,
        }
    }

    /// Whether all directories stay the same.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.iter().all(|(from, to)| from == to)
    }
}

/// The directories of `pairs` in `bytes`, in order. Of two that begin at the same place, the longer counts.
fn find<'a>(pairs: &'a Pairs, bytes: &[u8]) -> Vec<Occurrence<'a>> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut found = Vec::new();
    for (from, to) in pairs {
        for at in memmem::find_iter(bytes, from.as_bytes()) {
            let end = at + from.len();
            // `/w` is not in `/usr/w`.
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            let is_inside = before.is_some_and(|byte| b"/.".contains(byte));
            if !is_inside && !bytes.get(end).is_some_and(is_name) {
                found.push(Occurrence { range: at..end, to });
            }
        }
    }
    found.sort_by_key(|one| (one.range.start, std::cmp::Reverse(one.range.end)));
    let mut end = 0;
    found.retain(|one| {
        let is_next = one.range.start >= end;
        if is_next {
            end = one.range.end;
        }
        is_next
    });
    found
}

/// Whether a file that begins like this is an object or an archive.
pub(super) fn is_object(start: &[u8]) -> bool {
    start.starts_with(ARCHIVE) || is_relocatable(start)
}

const ARCHIVE: &[u8] = b"!<arch>\n";
/// The length of the header of a member.
const HEADER: usize = 60;

/// Writes the object or archive `from` to `to` with other paths. `Ok(false)` if that is not possible.
pub(super) fn copy_moved(mut from: impl Read, to: File, moves: &Moves) -> io::Result<bool> {
    let mut magic = [0; ARCHIVE.len()];
    from.read_exact(&mut magic)?;
    if magic == ARCHIVE {
        return copy_archive(from, to, moves);
    }
    let mut bytes = magic.to_vec();
    from.take(LARGEST_OBJECT).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_OBJECT {
        return Ok(false);
    }
    let Some(bytes) = moved(bytes, moves) else {
        return Ok(false);
    };
    let mut to = to;
    to.write_all(&bytes)?;
    Ok(true)
}

/// Whether nothing in the object or archive `from` hides one of `directories`: compressed debug information, wide
/// letters, or code that puts a text together from parts.
pub(super) fn is_legible(mut from: impl Read, directories: &[&str]) -> bool {
    let mut magic = [0; ARCHIVE.len()];
    if from.read_exact(&mut magic).is_err() {
        return true;
    }
    if magic != ARCHIVE {
        let mut bytes = magic.to_vec();
        let read = from.take(LARGEST_OBJECT).read_to_end(&mut bytes);
        return read.is_ok() && is_legible_object(&bytes, directories).unwrap_or(false);
    }
    let mut header = [0; HEADER];
    while matches!(read_all_or_nothing(&mut from, &mut header), Ok(true)) {
        let size = std::str::from_utf8(&header[48..58]).ok();
        let Some(size) = size.and_then(|size| size.trim().parse::<u64>().ok()) else {
            return false;
        };
        let mut data = Vec::new();
        let read = (&mut from)
            .take(size.next_multiple_of(2))
            .read_to_end(&mut data);
        let is_legible = size <= LARGEST_OBJECT
            && read.is_ok()
            && (!data.starts_with(b"\x7fELF")
                || is_legible_object(&data, directories).unwrap_or(false));
        if !is_legible {
            return false;
        }
    }
    true
}

/// Whether `bytes` contain one of `directories` in letters of two or four bytes, such as `wchar_t`.
fn contains_wide(bytes: &[u8], directories: &[&str]) -> bool {
    let wide = |text: &str, width: usize| -> Vec<u8> {
        let letters = text.encode_utf16().map(u32::from);
        letters
            .flat_map(|letter| letter.to_le_bytes().into_iter().take(width))
            .collect()
    };
    let is_in = |text: &&str| {
        [2, 4]
            .iter()
            .any(|width| memmem::find(bytes, &wide(text, *width)).is_some())
    };
    directories.iter().any(is_in)
}

/// `None` if the object is not understood.
fn is_legible_object(bytes: &[u8], directories: &[&str]) -> Option<bool> {
    /// As many letters as one instruction can contain.
    const PART: usize = 8;
    if !is_relocatable(bytes) || contains_wide(bytes, directories) {
        return Some(false);
    }
    for section in sections(bytes)? {
        if section.flags & COMPRESSED != 0 {
            return Some(false);
        }
        if section.flags & EXECUTABLE == 0 {
            continue;
        }
        let code = bytes.get(section.range())?;
        let is_in = |part: &[u8]| memmem::find(code, part).is_some();
        let mut parts = directories
            .iter()
            .flat_map(|directory| directory.as_bytes().windows(PART));
        if parts.any(is_in) {
            return Some(false);
        }
    }
    Some(true)
}

/// Copies an archive in the format of System V and GNU, member by member.
fn copy_archive(mut from: impl Read, mut to: File, moves: &Moves) -> io::Result<bool> {
    to.write_all(ARCHIVE)?;
    let (mut read, mut written) = (ARCHIVE.len() as u64, ARCHIVE.len() as u64);
    // The old and the new offset of each member's header.
    let mut offsets = std::collections::BTreeMap::new();
    let mut symbols = None;
    loop {
        let mut header = [0; HEADER];
        if !read_all_or_nothing(&mut from, &mut header)? {
            break;
        }
        let text = |range: Range<usize>| std::str::from_utf8(&header[range]).unwrap_or("").trim();
        let (name, size) = (text(0..16).to_owned(), text(48..58).parse::<u64>());
        let Ok(size) = size.map_err(drop) else {
            return Ok(false);
        };
        if header[58..] != *b"`\n" || name.starts_with("#1/") || size > LARGEST_OBJECT {
            return Ok(false);
        }
        let mut data = Vec::new();
        (&mut from).take(size).read_to_end(&mut data)?;
        if data.len() as u64 != size {
            return Ok(false);
        }
        if size % 2 == 1 {
            let mut padding = [0];
            read_all_or_nothing(&mut from, &mut padding)?;
        }
        offsets.insert(read, written);
        read += HEADER as u64 + size.next_multiple_of(2);
        if name == "/" || name == "/SYM64/" {
            symbols = Some((written + HEADER as u64, data.clone(), name == "/SYM64/"));
        } else if name != "//" {
            let Some(rewritten) = moved(data, moves) else {
                return Ok(false);
            };
            data = rewritten;
        }
        let size = format!("{:<10}", data.len());
        if size.len() != 10 {
            return Ok(false);
        }
        header[48..58].copy_from_slice(size.as_bytes());
        to.write_all(&header)?;
        to.write_all(&data)?;
        if data.len() % 2 == 1 {
            to.write_all(b"\n")?;
        }
        written += (HEADER + data.len().next_multiple_of(2)) as u64;
    }
    let Some((at, table, is_wide)) = symbols else {
        return Ok(true);
    };
    match moved_symbols(table, is_wide, &offsets) {
        Some(table) => {
            to.seek(SeekFrom::Start(at))?;
            to.write_all(&table)?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// The table of an archive's symbols, with the new offsets of members.
fn moved_symbols(
    mut table: Vec<u8>,
    is_wide: bool,
    offsets: &std::collections::BTreeMap<u64, u64>,
) -> Option<Vec<u8>> {
    let width = if is_wide { 8 } else { 4 };
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let count = usize::try_from(number(table.get(..width)?)).ok()?;
    for nth in 1..=count {
        let place = table.get_mut(nth * width..(nth + 1) * width)?;
        let new = *offsets.get(&number(place))?;
        let new = new.to_be_bytes();
        if new[..8 - width].iter().any(|byte| *byte != 0) {
            return None;
        }
        place.copy_from_slice(&new[8 - width..]);
    }
    Some(table)
}

/// Returns false at the end of the file.
fn read_all_or_nothing(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result.map(|()| true),
    }
}

// Offsets and values of ELF for 64 bits, little endian.
const RELOCATABLE: u64 = 1;
const X86_64: u64 = 62;
const AARCH64: u64 = 183;
const SECTION_HEADER: usize = 64;
const SYMBOL: usize = 24;
const RELOCATION: usize = 24;
const PROGBITS: u64 = 1;
const SYMTAB: u64 = 2;
const RELA: u64 = 4;
const REL: u64 = 9;
const SYMTAB_SHNDX: u64 = 18;
const CREL: u64 = 0x4000_0014;
const ALLOCATED: u64 = 0x2;
const EXECUTABLE: u64 = 0x4;
const COMPRESSED: u64 = 0x800;
const MERGED_STRINGS: u64 = 0x30;
const SECTION_SYMBOL: u8 = 3;
const LINE_TABLE: &[u8] = b".debug_line\0";

fn is_relocatable(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF\x02\x01") && number(bytes, 16, 2) == Some(RELOCATABLE)
}

/// The number of `width` bytes at `at`.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    let digits = bytes.iter().rev();
    Some(digits.fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn set(bytes: &mut [u8], at: usize, value: u64) -> Option<()> {
    let place = bytes.get_mut(at..at.checked_add(8)?)?;
    place.copy_from_slice(&value.to_le_bytes());
    Some(())
}

/// A section header.
#[derive(Debug, Clone, Copy)]
struct Section {
    /// The offset of the header in the file.
    header: usize,
    name: usize,
    kind: u64,
    flags: u64,
    /// The offset and the size of the content. Both are 0 if it has none in the file.
    at: usize,
    size: usize,
    link: usize,
    info: usize,
    align: usize,
    entry_size: u64,
}

impl Section {
    fn range(&self) -> Range<usize> {
        self.at..self.at + self.size
    }

    /// Whether it is in memory when the program runs.
    fn is_loaded(&self) -> bool {
        self.flags & ALLOCATED != 0
    }
}

fn sections(bytes: &[u8]) -> Option<Vec<Section>> {
    let usize_at = |at, width| usize::try_from(number(bytes, at, width)?).ok();
    let (table, count) = (usize_at(40, 8)?, usize_at(60, 2)?);
    if usize_at(58, 2)? != SECTION_HEADER || count == 0 {
        return None;
    }
    let mut all = Vec::with_capacity(count);
    for nth in 0..count {
        let header = table.checked_add(nth * SECTION_HEADER)?;
        let kind = number(bytes, header + 4, 4)?;
        // NOBITS and NULL have no content.
        let is_empty = kind == 8 || kind == 0;
        let content = |at| if is_empty { Some(0) } else { usize_at(at, 8) };
        let section = Section {
            header,
            name: usize_at(header, 4)?,
            kind,
            flags: number(bytes, header + 8, 8)?,
            at: content(header + 24)?,
            size: content(header + 32)?,
            link: usize_at(header + 40, 4)?,
            info: usize_at(header + 44, 4)?,
            align: usize_at(header + 48, 8)?,
            entry_size: number(bytes, header + 56, 8)?,
        };
        bytes.get(section.at..section.at.checked_add(section.size)?)?;
        all.push(section);
    }
    Some(all)
}

/// `bytes` with other paths; `None` if a path cannot be replaced.
fn moved(bytes: Vec<u8>, moves: &Moves) -> Option<Vec<u8>> {
    let found = find(&moves.pairs, &bytes);
    if found.is_empty() {
        return Some(bytes);
    }
    if !is_relocatable(&bytes) {
        return replaced_in_place(bytes, &found);
    }
    let sections = sections(&bytes)?;
    let names = sections.get(usize::try_from(number(&bytes, 62, 2)?).ok()?)?;
    let has_intermediate_code = sections.iter().any(|section| {
        let name = bytes.get(names.at + section.name..).unwrap_or_default();
        let prefixes: [&[u8]; 3] = [b".gnu.lto", b".gnu.debuglto", b".llvm"];
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    });
    if has_intermediate_code {
        return None;
    }
    let can_grow = |section: &Section| {
        let name = bytes.get(names.at + section.name..).unwrap_or_default();
        let is_strings =
            section.flags & MERGED_STRINGS == MERGED_STRINGS && section.entry_size == 1;
        section.kind == PROGBITS
            && (moves.texts != Texts::OfSameLength || !section.is_loaded())
            && (is_strings || name.starts_with(LINE_TABLE))
    };
    let mut in_place = Vec::new();
    let mut to_rewrite = Vec::new();
    for one in found {
        let is_in = |(_, section): &(usize, &Section)| {
            section.range().start <= one.range.start && one.range.end <= section.range().end
        };
        let section = sections.iter().enumerate().find(is_in);
        let path = &bytes[one.range.clone()];
        let has_placeholder_of_text = section.is_some_and(|(_, section)| {
            let mut pairs = moves.of_section(section).iter();
            !pairs.any(|(from, to)| from.as_bytes() == path && to == one.to)
        });
        if one.range.len() == one.to.len() && !has_placeholder_of_text {
            in_place.push(one);
            continue;
        }
        let (nth, _) = section.filter(|(_, section)| can_grow(section))?;
        if !to_rewrite.contains(&nth) {
            to_rewrite.push(nth);
        }
    }
    // Those in a section that is written anew are replaced there.
    in_place.retain(|one| {
        let is_in = |nth: &usize| sections[*nth].range().contains(&one.range.start);
        !to_rewrite.iter().any(is_in)
    });
    let mut rewritten = replaced_in_place(bytes, &in_place)?;
    for nth in to_rewrite {
        rewrite(&mut rewritten, &sections, nth, moves)?;
    }
    Some(rewritten)
}

/// Replaces paths by those of the same length.
fn replaced_in_place(mut bytes: Vec<u8>, found: &[Occurrence<'_>]) -> Option<Vec<u8>> {
    for one in found {
        if one.range.len() != one.to.len() {
            return None;
        }
        bytes[one.range.clone()].copy_from_slice(one.to.as_bytes());
    }
    Some(bytes)
}

/// The new content of a section of strings, and where everything in it went.
struct Strings {
    content: Vec<u8>,
    /// The end of each path: old and new offset; and its old and new start.
    paths: Vec<(Range<usize>, Range<usize>)>,
    /// The old offsets of the rests of texts, behind paths, if nothing may refer to them.
    rests: Vec<Range<usize>>,
}

impl Strings {
    fn new(content: &[u8], pairs: &Pairs) -> Self {
        let mut new = Self {
            content: Vec::with_capacity(content.len()),
            paths: Vec::new(),
            rests: Vec::new(),
        };
        let mut done = 0;
        for one in find(pairs, content) {
            new.content.extend(&content[done..one.range.start]);
            let start = new.content.len();
            new.content.extend(one.to.as_bytes());
            done = one.range.end;
            new.paths.push((one.range, start..new.content.len()));
        }
        new.content.extend(&content[done..]);
        new
    }

    /// Forbids references to what stands behind a path in the same text, because it will move once more. `None` if a
    /// text is too long for that.
    fn pin_rests(&mut self, old: &[u8]) -> Option<()> {
        for (path, new) in &self.paths {
            let length = memchr::memchr(0, self.content.get(new.start..)?)?;
            if length >= LONGEST_TEXT {
                return None;
            }
            let end = path.end + memchr::memchr(0, old.get(path.end..)?)?;
            self.rests.push(path.end..end + 1);
        }
        Some(())
    }

    /// Changes the lengths in the headers of a line table, whose old content is `old`. `None` if a path is
    /// not in a header.
    fn change_lengths(&mut self, old: &[u8]) -> Option<()> {
        let mut headers = Vec::new();
        let mut start = 0;
        while start < old.len() {
            let length = usize::try_from(number(old, start, 4)?).ok()?;
            let version = number(old, start + 4, 2)?;
            // The position of the second length: in DWARF 5, the sizes of addresses stand before it.
            let field = match version {
                2..=4 => start + 6,
                5 => start + 8,
                _ => return None,
            };
            let header = usize::try_from(number(old, field, 4)?).ok()?;
            let (header_end, end) = (field + 4 + header, start + 4 + length);
            // 64-bit DWARF begins with a length that is too large.
            if header_end > end || end > old.len() {
                return None;
            }
            headers.push(field + 4..header_end);
            for (field, from, to) in [(start, start + 4, end), (field, field + 4, header_end)] {
                let new = |old: usize| self.offset(old as u64);
                let length = u32::try_from(new(to)?.checked_sub(new(from)?)?).ok()?;
                let at = usize::try_from(new(field)?).ok()?;
                let place = self.content.get_mut(at..at + 4)?;
                place.copy_from_slice(&length.to_le_bytes());
            }
            start = end;
        }
        let is_in_header = |(path, _): &(Range<usize>, Range<usize>)| {
            let is_in =
                |header: &Range<usize>| header.start <= path.start && path.end <= header.end;
            headers.iter().any(is_in)
        };
        self.paths.iter().all(is_in_header).then_some(())
    }

    /// The new offset of what was at `old`; `None` inside a path.
    fn offset(&self, old: u64) -> Option<u64> {
        let old = usize::try_from(old).ok()?;
        if self.rests.iter().any(|rest| rest.contains(&old)) {
            return None;
        }
        let before = self.paths.partition_point(|(range, _)| range.start < old);
        let Some((was, is)) = before.checked_sub(1).map(|nth| &self.paths[nth]) else {
            return u64::try_from(old).ok();
        };
        let behind = old.checked_sub(was.end)?;
        u64::try_from(is.end + behind).ok()
    }
}

/// Writes the section `nth` of an object anew, and changes what refers to it.
fn rewrite(bytes: &mut Vec<u8>, sections: &[Section], nth: usize, moves: &Moves) -> Option<()> {
    let section = sections[nth];
    let is_line_table = section.flags & MERGED_STRINGS != MERGED_STRINGS;
    let old = bytes.get(section.range())?;
    let mut strings = Strings::new(old, moves.of_section(&section));
    let becomes_placeholder = section.is_loaded() && matches!(moves.texts, Texts::Placeholders(_));
    if becomes_placeholder {
        strings.pin_rests(old)?;
    }
    if is_line_table {
        let old = old.to_vec();
        strings.change_lengths(&old)?;
    }
    let machine = number(bytes, 18, 2)?;
    let is_known = |section: &Section| ![REL, CREL, SYMTAB_SHNDX].contains(&section.kind);
    if !sections.iter().all(is_known) {
        return None;
    }
    let old_symbols: Vec<(usize, usize, Vec<u8>)> = sections
        .iter()
        .enumerate()
        .filter(|(_, section)| section.kind == SYMTAB)
        .map(|(nth, section)| (nth, section.at, bytes[section.range()].to_vec()))
        .collect();
    for (_, at, symbols) in &old_symbols {
        for (nth_symbol, symbol) in symbols.chunks_exact(SYMBOL).enumerate() {
            if number(symbol, 6, 2)? != nth as u64 {
                continue;
            }
            let (value, size) = (number(symbol, 8, 8)?, number(symbol, 16, 8)?);
            let new = strings.offset(value)?;
            let place = at + nth_symbol * SYMBOL;
            set(bytes, place + 8, new)?;
            if size > 0 {
                let end = strings.offset(value.checked_add(size)?)?;
                set(bytes, place + 16, end.checked_sub(new)?)?;
            }
        }
    }
    for relocations in sections.iter().filter(|section| section.kind == RELA) {
        if relocations.info == nth {
            if !is_line_table {
                return None;
            }
            for at in relocations.range().step_by(RELOCATION) {
                let place = number(bytes, at, 8)?;
                set(bytes, at, strings.offset(place)?)?;
            }
        }
        let (_, _, symbols) = old_symbols
            .iter()
            .find(|(table, _, _)| *table == relocations.link)?;
        for at in relocations.range().step_by(RELOCATION) {
            let info = number(bytes, at + 8, 8)?;
            let index = usize::try_from(info >> 32).ok()?;
            let symbol = symbols.get(index * SYMBOL..(index + 1) * SYMBOL)?;
            if number(symbol, 6, 2)? != nth as u64 {
                continue;
            }
            let addend = number(bytes, at + 16, 8)?.cast_signed();
            let value = number(symbol, 8, 8)?;
            let is_of_section = symbol[4] & 0xf == SECTION_SYMBOL;
            match Reference::of(machine, info & 0xffff_ffff) {
                Reference::Absolute => {
                    let old = value.checked_add_signed(addend)?;
                    let new = strings.offset(old)?.wrapping_sub(strings.offset(value)?);
                    set(bytes, at + 16, new)?;
                }
                // The addend is the distance from the end of the instruction, for the start of a text.
                Reference::Relative if !is_of_section && (-8..=-4).contains(&addend) => {}
                Reference::Relative | Reference::Other => return None,
            }
        }
    }
    bytes[section.range()].fill(0);
    let mut start = section.at;
    if strings.content.len() > section.size {
        start = bytes.len().next_multiple_of(section.align.max(1));
        bytes.resize(start, 0);
        bytes.extend(&strings.content);
        set(bytes, section.header + 24, start as u64)?;
    } else {
        bytes[start..start + strings.content.len()].copy_from_slice(&strings.content);
    }
    if becomes_placeholder {
        set(bytes, section.header + 8, section.flags & !MERGED_STRINGS)?;
        set(bytes, section.header + 56, 0)?;
    }
    set(bytes, section.header + 32, strings.content.len() as u64)
}

/// How a relocation refers to its symbol.
enum Reference {
    /// By the sum of symbol and addend.
    Absolute,
    /// Relative to the instruction, whose length is in the addend.
    Relative,
    Other,
}

impl Reference {
    fn of(machine: u64, kind: u64) -> Self {
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use object::{Object as _, ObjectSection as _};
    use sccfg_util::fsio;

    use super::*;
    use crate::binary;
    use crate::native_text::{self, Fill};
    use crate::path_map::{PathMap, Role, placeholder_of_text};

    const SOURCE: &str = r#"
        static const char other[] = "x";
        const char *const table[] = { "first", DIRECTORY "/share", "last" };
        const char *middle(void) { return DIRECTORY "/lib/engines"; }
        const char *name(int i) { return table[i]; }
        const char *end(void) { return other; }
        const char *file(void) { return __FILE__; }
    "#;
    const MAIN: &str = r#"
        #include <stdio.h>
        const char *middle(void); const char *name(int); const char *end(void); const char *file(void);
        int main(void) {
            printf("%s %s %s %s %s %s\n", name(0), name(1), name(2), middle(), end(), file());
            return 0;
        }
    "#;

    /// Compiles [`SOURCE`] in `directory` to an archive, and returns it.
    fn archive(directory: &Path, flags: &[&str]) -> Vec<u8> {
        fsio::create_dir_all(directory).unwrap();
        let source = directory.join("some_source_with_a_long_name.c");
        fsio::replace(&source, SOURCE.as_bytes()).unwrap();
        fsio::replace(&directory.join("other.c"), b"int unrelated;").unwrap();
        let define = format!("-DDIRECTORY=\"{}\"", directory.display());
        for (source, object) in [
            (source.as_path(), "a.o"),
            (&directory.join("other.c"), "b.o"),
        ] {
            let mut args = flags.to_vec();
            let (source, object) = (source.to_str().unwrap(), directory.join(object));
            args.extend([&*define, "-c", source, "-o", object.to_str().unwrap()]);
            run(directory, "cc", &args);
        }
        run(directory, "ar", &["rcs", "liba.a", "b.o", "a.o"]);
        fsio::read_artifact(directory.join("liba.a")).unwrap()
    }

    fn run(directory: &Path, program: &str, args: &[&str]) -> String {
        let output = sccfg_util::proc::output(program, args, directory).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Links `archive` with [`MAIN`], and runs the program.
    fn printed(directory: &Path, archive: &[u8]) -> String {
        printed_by(MAIN, directory, archive)
    }

    fn printed_by(main: &str, directory: &Path, archive: &[u8]) -> String {
        fsio::replace(&directory.join("libm.a"), archive).unwrap();
        fsio::replace(&directory.join("main.c"), main.as_bytes()).unwrap();
        run(directory, "cc", &["main.c", "libm.a", "-o", "main"]);
        run(directory, "./main", &[])
    }

    fn moved_archive(archive: &[u8], moves: &Moves) -> Option<Vec<u8>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let to = file.reopen().unwrap();
        let fits = copy_moved(io::Cursor::new(archive), to, moves).unwrap();
        fits.then(|| fsio::read_artifact(file.path()).unwrap())
    }

    /// What `readelf` and `objdump` print of debug information, without offsets into sections.
    fn debug_info(directory: &Path, archive: &[u8]) -> Vec<String> {
        fsio::replace(&directory.join("d.a"), archive).unwrap();
        let text = run(directory, "objdump", &["-W", "-s", "-j", ".comment", "d.a"]);
        // The texts in `.debug_str` have another order.
        let names = text
            .lines()
            .filter(|line| line.contains('/') && !line.contains("  0x0"));
        let without_offset = |line: &str| match line.split_once("): ") {
            Some((_, name)) => name.to_owned(),
            None => line.trim().to_owned(),
        };
        names.map(without_offset).collect()
    }

    #[rstest::rstest]
    #[case::release(&["-O2"])]
    #[case::debug(&["-O1", "-g"])]
    #[case::dwarf_4(&["-O1", "-gdwarf-4"])]
    #[case::dwarf_4_optimized(&["-O2", "-gdwarf-4", "-fPIC", "-ffunction-sections", "-fdata-sections"])]
    #[case::dwarf_5(&["-O2", "-gdwarf-5", "-fPIC"])]
    #[case::without_pic(&["-O1", "-fno-pic", "-mcmodel=large"])]
    fn an_archive_is_as_if_compiled_elsewhere(#[case] flags: &[&str]) {
        let root = tempfile::tempdir().unwrap();
        let short = root.path().join("here");
        let long = root.path().join("somewhere/else/with/a/longer/name");
        let (at_short, at_long) = (archive(&short, flags), archive(&long, flags));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        for (from, to, old, new) in [
            (&short, &long, &at_short, &at_long),
            (&long, &short, &at_long, &at_short),
        ] {
            let moves = Moves::new(vec![(text(from), text(to))]).with_texts();
            let moved = moved_archive(old, &moves).expect("it fits");
            assert_eq!(memmem::find(&moved, text(from).as_bytes()), None);
            assert_eq!(printed(to, &moved), printed(to, new));
            assert_eq!(debug_info(to, &moved), debug_info(to, new));
            // As good as new: it can be moved back.
            let back = Moves::new(vec![(text(to), text(from))]).with_texts();
            let back = moved_archive(&moved, &back).expect("it fits");
            assert_eq!(printed(from, &back), printed(from, old));
        }
    }

    /// What the linker is given, and what the program becomes that it makes of it.
    #[rstest::rstest]
    #[case::release(&["-O2"])]
    #[case::debug(&["-O1", "-g"])]
    #[case::dwarf_4(&["-O2", "-gdwarf-4", "-fPIC"])]
    fn a_program_gets_a_shorter_path_in_its_texts(#[case] flags: &[&str]) {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().join("here/there");
        let from = here.to_str().unwrap().to_owned();
        let archive = archive(&here, flags);
        let mut path_map = PathMap::default();
        path_map.add(&here, Role::Target).unwrap();
        let moves = Moves::new(vec![(from.clone(), Role::Target.placeholder())]).with_texts();
        let moves = moves.for_linking(vec![(from.clone(), placeholder_of_text())]);
        let for_linking = moved_archive(&archive, &moves).expect("it fits");
        assert_eq!(memmem::find(&for_linking, from.as_bytes()), None);
        // Other texts of the program would end in those of the archive.
        let main = format!("{MAIN}\nconst char *const ends[] = {{ \"/engines\", \"share\" }};");
        let said = printed_by(&main, &here, &archive);
        // As it is delivered, anything can link it. What the wrapper links of that is what it links of the stored one.
        let delivered = here.join("delivered.a");
        fsio::replace(&delivered, &for_linking).unwrap();
        native_text::write_paths(&delivered, &path_map, Fill::Mark).unwrap();
        let delivered = fsio::read_artifact(delivered).unwrap();
        assert_eq!(printed_by(&main, &here, &delivered), said);
        let program = here.join("main");
        assert!(native_text::write_placeholders(&program, &path_map, Fill::Mark).unwrap());
        let stored = fsio::read_artifact(&program).unwrap();
        assert_eq!(memmem::find(&stored, from.as_bytes()), None);
        printed_by(&main, &here, &for_linking);
        binary::write_paths_in(&here.join("main"), &path_map).unwrap();
        assert_eq!(run(&here, "./main", &[]), said);
        let program = fsio::read_artifact(here.join("main")).unwrap();
        assert_eq!(memmem::find(&program, b"/sccfg-"), None);
        assert!(memmem::find(&program, format!("{from}/lib/engines\0").as_bytes()).is_some());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().join("here");
        let from = here.to_str().unwrap().to_owned();
        let longer = Moves::new(vec![(from.clone(), format!("{from}/there"))]).with_texts();
        // A constant array is no section of strings, and other code may know its size.
        let array = format!("const char array[] = \"{from}/x\";");
        // Without optimization, texts are in a section with other constants.
        let text = format!("const char *f(void) {{ return \"{from}/x\"; }}");
        // Code for the linker is compressed or packed.
        for (source, flags) in [(array, "-O2"), (text.clone(), "-O0"), (text, "-flto")] {
            fsio::create_dir_all(&here).unwrap();
            fsio::replace(&here.join("x.c"), source.as_bytes()).unwrap();
            run(
                &here,
                "cc",
                &[flags, "-ffat-lto-objects", "-c", "x.c", "-o", "x.o"],
            );
            let object = fsio::read_artifact(here.join("x.o")).unwrap();
            assert_eq!(moved_archive(&object, &longer), None, "{flags}");
        }
        assert_eq!(
            moved_archive(format!("{from} as text").as_bytes(), &longer),
            None
        );
    }

    /// gcc makes `fwrite` with a length of it.
    #[test]
    fn texts_of_unknown_programs_keep_their_length() {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().join("here");
        fsio::create_dir_all(&here).unwrap();
        let from = here.to_str().unwrap().to_owned();
        let source =
            format!("#include <stdio.h>\nvoid f(void) {{ fputs(\"{from}/share\", stdout); }}\n");
        fsio::replace(&here.join("x.c"), source.as_bytes()).unwrap();
        let args = ["-O2", "-g", "-c", "x.c", "-o", "x.o"];
        run(&here, "cc", &args);
        let object = fsio::read_artifact(here.join("x.o")).unwrap();
        for (to, fits) in [
            (format!("{from}/there"), false),
            (from.replace("/here", "/home"), true),
        ] {
            let moves = Moves::new(vec![(from.clone(), to)]);
            assert_eq!(moved_archive(&object, &moves).is_some(), fits);
        }
    }

    /// A text on the stack is put together from numbers; compressed debug information is not read.
    #[test]
    fn hidden_paths_are_noticed() {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().join("a/directory/with/a/name");
        fsio::create_dir_all(&here).unwrap();
        let from = here.to_str().unwrap().to_owned();
        let on_stack = format!(
            "void g(char *);\nvoid f(void) {{ char text[] = \"{from}/share\"; g(text); }}\n"
        );
        let plain = format!("const char *f(void) {{ return \"{from}\"; }}\n");
        let wide = format!("const void *f(void) {{ return L\"{from}\"; }}\n");
        let wide_16 = wide.replace("L\"", "u\"");
        for (source, flag, is_fine) in [
            (&plain, "-O2", true),
            (&on_stack, "-O0", false),
            (&plain, "-gz", false),
            (&wide, "-O2", false),
            (&wide_16, "-O2", false),
        ] {
            fsio::replace(&here.join("x.c"), source.as_bytes()).unwrap();
            let args = [flag, "-g", "-c", "x.c", "-o", "x.o"];
            run(&here, "cc", &args);
            let object = fsio::read_artifact(here.join("x.o")).unwrap();
            assert_eq!(is_legible(&*object, &[&from]), is_fine, "{flag} {source}");
        }
    }

    #[test]
    fn paths_of_the_same_length_are_replaced_anywhere() {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().join("here");
        let array = archive(&here, &["-O0", "-g"]);
        let from = here.to_str().unwrap();
        let to = from.replace("/here", "/copy");
        let moves = Moves::new(vec![(from.to_owned(), to.clone())]);
        let elsewhere = moved_archive(&array, &moves).expect("it fits");
        assert_eq!(elsewhere.len(), array.len());
        assert!(printed(&here, &elsewhere).contains(&format!("{to}/share")));
    }

    #[test]
    fn sections_keep_their_alignment() {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().join("here");
        archive(&here, &["-O2", "-g"]);
        let object = fsio::read_artifact(here.join("a.o")).unwrap();
        let from = here.to_str().unwrap().to_owned();
        let moves = Moves::new(vec![(from.clone(), format!("{from}{:y<100}", "/"))]).with_texts();
        let elsewhere = moved(object, &moves).expect("it fits");
        let file = object::File::parse(&*elsewhere).unwrap();
        for section in file.sections() {
            if let Some((at, _)) = section.file_range() {
                assert_eq!(at % section.align().max(1), 0, "{:?}", section.name());
            }
        }
    }
}
