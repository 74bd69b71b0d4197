//! Rewrites a linked program or shared library with other paths. In what is loaded, a path is not replaced, even by one of the
//! same length: its layout is fixed, code may contain its length, and the linker may have merged it with another string. Debug
//! information is not loaded: its strings (`.debug_str`, `.debug_line_str`) and line tables (`.debug_line`) are rewritten as in an
//! [object](super::rewrite). The linker has resolved the relocations, so the [references](super::references) are found by reading
//! the debug information. That of a program may be larger than the memory that the wrapper may use, so the file is [read in
//! parts](input): the units and line tables one by one, and strings in pieces.

mod input;

use std::io::{Read, Seek};
use std::ops::Range;

use self::input::{Found, Input};
use super::Moves;
use super::elf::{NOBITS, SECTION_HEADER, Section, named};
use super::references::{self, Reference, Text};
use super::rewrite::LARGEST_ALIGNMENT;
use super::strings::Strings;

/// Sections of debug information without references to its strings and line tables.
const WITHOUT_REFERENCES: [&[u8]; 13] = [
    b".debug_addr",
    b".debug_aranges",
    b".debug_frame",
    b".debug_gdb_scripts",
    b".debug_gnu_pubnames",
    b".debug_gnu_pubtypes",
    b".debug_loc",
    b".debug_loclists",
    b".debug_macinfo",
    b".debug_pubnames",
    b".debug_pubtypes",
    b".debug_ranges",
    b".debug_rnglists",
];
/// Prefixes of the names of all sections of debug information, also compressed, and of those with relocations for it.
const OF_DEBUG_INFORMATION: [&[u8]; 6] = [
    b".apple_",
    b".crel.debug",
    b".debug",
    b".rel.debug",
    b".rela.debug",
    b".zdebug",
];

/// The sections of debug information of a linked file.
#[derive(Default)]
struct DebugInformation {
    strings: Option<Section>,
    line_strings: Option<Section>,
    lines: Option<Section>,
    units: Option<Section>,
    abbreviations: Option<Section>,
    string_offsets: Option<Section>,
}

impl DebugInformation {
    /// `None` if there is a section that is not known, or two with one name, or if this is the debug information of another file,
    /// which may contain a checksum of it (`.gnu_debuglink`).
    fn find(sections: &[(Section, &[u8])]) -> Option<Self> {
        let mut found = Self::default();
        for (section, name) in sections.iter().copied() {
            let is_of_debug_information = || {
                OF_DEBUG_INFORMATION
                    .iter()
                    .any(|start| name.starts_with(start))
            };
            let place = match name {
                b".debug_str" => &mut found.strings,
                b".debug_line_str" => &mut found.line_strings,
                b".debug_line" => &mut found.lines,
                b".debug_info" => &mut found.units,
                b".debug_abbrev" => &mut found.abbreviations,
                b".debug_str_offsets" => &mut found.string_offsets,
                b".text" if section.kind == NOBITS => return None,
                name if WITHOUT_REFERENCES.contains(&name) => continue,
                _ if is_of_debug_information() => return None,
                _ => continue,
            };
            if section.is_loaded() || place.replace(section).is_some() {
                return None;
            }
        }
        let texts: Vec<_> = found.texts().map(|(_, section)| section.range()).collect();
        let mut pairs = texts
            .iter()
            .zip(texts.iter().skip(1))
            .chain(texts.first().zip(texts.last()));
        let is_apart = |(one, other): (&Range<usize>, &Range<usize>)| {
            one.end <= other.start || other.end <= one.start
        };
        let are_apart = texts.len() < 2 || pairs.all(is_apart);
        (are_apart && found.units.is_some() == found.abbreviations.is_some()).then_some(found)
    }

    /// The sections with paths.
    fn texts(&self) -> impl Iterator<Item = (Text, Section)> {
        let all = [
            (Text::Strings, self.strings),
            (Text::LineStrings, self.line_strings),
            (Text::Lines, self.lines),
        ];
        all.into_iter()
            .filter_map(|(text, section)| Some((text, section?)))
    }
}

/// A section that is rewritten.
struct Rewritten<'a> {
    text: Text,
    section: Section,
    /// The mapping of offsets, and the new content if it is a line table.
    new: Strings,
    /// The paths in the section.
    paths: &'a [Found<'a>],
}

/// Finds what has to be changed in the linked file `from`, and calls `write` with the offset and the bytes of each change, in an order
/// in which a later one counts. `None` if a path cannot be replaced, `from` cannot be read, or `write` returns `None`.
pub(super) fn change(
    from: impl Read + Seek,
    moves: &Moves,
    mut write: impl FnMut(usize, &[u8]) -> Option<()>,
) -> Option<()> {
    let mut input = Input::new(from)?;
    let found = input.find(moves)?;
    let mut left = found.iter().filter(|one| one.is_changed).count();
    if left == 0 {
        return Some(());
    }
    let (sections, names) = input.sections()?;
    let sections = named(sections, &names)?;
    if input.size > end_of(&sections) {
        return None;
    }
    let information = DebugInformation::find(&sections)?;
    let mut all = Vec::new();
    for (text, section) in information.texts() {
        let paths = in_range(&found, section.range());
        let count = paths.iter().filter(|one| one.is_changed).count();
        if count == 0 {
            continue;
        }
        left = left.checked_sub(count)?;
        let new = if text == Text::Lines {
            let old = input.read(section.range())?;
            let mut new = Strings::new(&old, &moves.pairs);
            new.change_lengths(&old)?;
            new
        } else {
            Strings::without_content(paths.iter().map(|one| (one.within(&section), one.to)))
        };
        all.push(Rewritten {
            text,
            section,
            new,
            paths,
        });
    }
    if left > 0 {
        return None;
    }
    if let (Some(units), Some(abbreviations)) = (information.units, information.abbreviations) {
        let abbreviations = input.read(abbreviations.range())?;
        input.change_parts(units.range(), &mut write, |unit| {
            let is_rewritten = |text| all.iter().any(|one| one.text == text);
            let of_unit = references::of_unit(unit, &abbreviations, is_rewritten)?;
            replace(unit, &all, of_unit)
        })?;
    }
    if let Some(lines) = information.lines {
        match all.iter().position(|one| one.text == Text::Lines) {
            // A line table may have paths and refer to them.
            Some(nth) => {
                let old = input.read(lines.range())?;
                let of_lines = references::of_line_tables(&old)?;
                let mut content = std::mem::take(&mut all[nth].new.content);
                let references = of_lines.into_iter().map(|reference| {
                    let at = usize::try_from(all[nth].new.offset(reference.at as u64)?).ok()?;
                    Some(Reference { at, ..reference })
                });
                replace(&mut content, &all, references.collect::<Option<_>>()?)?;
                all[nth].new.content = content;
            }
            None => input.change_parts(lines.range(), &mut write, |table| {
                let of_table = references::of_line_tables(table)?;
                replace(table, &all, of_table)
            })?,
        }
    }
    if let Some(offsets) = information.string_offsets {
        input.change_parts(offsets.range(), &mut write, |table| {
            let of_table = references::of_string_offsets(table)?;
            replace(table, &all, of_table)
        })?;
    }
    let mut end = input.size;
    for rewritten in &all {
        end = input.put(rewritten, end, &mut write)?;
    }
    Some(())
}

/// `bytes` with other paths; `None` if a path cannot be replaced.
pub(super) fn moved(bytes: &[u8], moves: &Moves) -> Option<Vec<u8>> {
    let mut new = bytes.to_vec();
    change(std::io::Cursor::new(bytes), moves, |at, part| {
        let end = at.checked_add(part.len())?;
        new.resize(new.len().max(end), 0);
        new[at..end].copy_from_slice(part);
        Some(())
    })?;
    Some(new)
}

/// Those of `found` that are in this range of the file.
fn in_range<'a>(found: &'a [Found<'a>], range: Range<usize>) -> &'a [Found<'a>] {
    let start = found.partition_point(|one| one.range.start < range.start);
    let end = found.partition_point(|one| one.range.end <= range.end);
    found.get(start..end).unwrap_or_default()
}

/// The end of all sections and their headers. Behind it may be an archive that the program finds from the end of its file.
fn end_of(sections: &[(Section, &[u8])]) -> usize {
    let ends = sections
        .iter()
        .flat_map(|(section, _)| [section.header + SECTION_HEADER, section.range().end]);
    ends.max().unwrap_or_default()
}

/// Writes the new offsets of `references` to `bytes`. Returns whether one has changed; `None` if there is no offset for one.
fn replace(bytes: &mut [u8], all: &[Rewritten<'_>], references: Vec<Reference>) -> Option<bool> {
    let mut has_changed = false;
    for Reference {
        at,
        width,
        text,
        to,
    } in references
    {
        let Some(rewritten) = all.iter().find(|one| one.text == text) else {
            continue;
        };
        let to = rewritten.new.offset(to)?.to_le_bytes();
        let (to, rest) = to.split_at_checked(width)?;
        if rest.iter().any(|byte| *byte != 0) {
            return None;
        }
        let place = bytes.get_mut(at..at + width)?;
        has_changed |= place != to;
        place.copy_from_slice(to);
    }
    Some(has_changed)
}
