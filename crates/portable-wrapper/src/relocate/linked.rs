//! Rewrites a linked program or shared library with other paths. In what is loaded, a path is not replaced, even by one of the
//! same length: its layout is fixed, code may contain its length, and the linker may have merged it with another string. Debug
//! information is not loaded: its strings (`.debug_str`, `.debug_line_str`) and line tables (`.debug_line`) are rewritten as in an
//! [object](super::rewrite). The linker has resolved the relocations, so the [references](super::references) are found by reading
//! the debug information.

use std::ops::Range;

use memchr::memmem;

use super::elf::{NOBITS, SECTION_HEADER, Section, named_sections};
use super::references::{self, Reference, Text};
use super::rewrite::put;
use super::strings::Strings;
use super::{Moves, find};

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
        (found.units.is_some() == found.abbreviations.is_some()).then_some(found)
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

/// A section that is rewritten, and its new content.
struct Rewritten {
    text: Text,
    section: Section,
    new: Strings,
}

/// `bytes` with other paths; `None` if a path cannot be replaced.
pub(super) fn moved(mut bytes: Vec<u8>, moves: &Moves) -> Option<Vec<u8>> {
    let mut found = find(&moves.pairs, &bytes);
    found.retain(|one| bytes[one.range.clone()] != *one.to.as_bytes());
    let known: Vec<_> = found.iter().map(|one| one.range.clone()).collect();
    let changed = moves.pairs.iter().filter(|(from, to)| from != to);
    let mut occurrences = changed.flat_map(|(from, _)| {
        let all = memmem::find_iter(&bytes, from.as_bytes());
        all.map(|at| at..at + from.len())
    });
    // `find` skips a path that is part of a URL, or of a string without an end, as in Rust.
    let is_replaced = |one: Range<usize>| {
        let nth = known.partition_point(|other| other.start <= one.start);
        nth.checked_sub(1)
            .is_some_and(|before| one.end <= known[before].end)
    };
    if !occurrences.all(is_replaced) {
        return None;
    }
    if found.is_empty() {
        return Some(bytes);
    }
    let sections = named_sections(&bytes)?;
    if bytes.len() > end_of(&sections) {
        return None;
    }
    let information = DebugInformation::find(&sections)?;
    let mut all = Vec::new();
    for (text, section) in information.texts() {
        let range = section.range();
        let before = found.len();
        found.retain(|one| one.range.start < range.start || range.end < one.range.end);
        if found.len() == before {
            continue;
        }
        let old = &bytes[range];
        let mut new = Strings::new(old, &moves.pairs);
        if text == Text::Lines {
            new.change_lengths(old)?;
        }
        all.push(Rewritten { text, section, new });
    }
    if !found.is_empty() {
        return None;
    }
    if let (Some(units), Some(abbreviations)) = (information.units, information.abbreviations) {
        let mut at = 0;
        while at < units.size {
            let (of_unit, end) =
                references::of_unit(&bytes[units.range()], &bytes[abbreviations.range()], at)?;
            write(&mut bytes, &mut all, units, of_unit)?;
            at = end;
        }
    }
    if let Some(lines) = information.lines {
        let of_lines = references::of_line_tables(&bytes[lines.range()])?;
        write(&mut bytes, &mut all, lines, of_lines)?;
    }
    if let Some(offsets) = information.string_offsets {
        let of_offsets = references::of_string_offsets(&bytes[offsets.range()])?;
        write(&mut bytes, &mut all, offsets, of_offsets)?;
    }
    for Rewritten { section, new, .. } in &all {
        put(&mut bytes, section, &new.content)?;
    }
    Some(bytes)
}

/// The end of all sections and their headers. Behind it may be an archive that the program finds from the end of its file.
fn end_of(sections: &[(Section, &[u8])]) -> usize {
    let ends = sections
        .iter()
        .flat_map(|(section, _)| [section.header + SECTION_HEADER, section.range().end]);
    ends.max().unwrap_or_default()
}

/// Writes the new offsets of `references`, which are in the section `from`.
fn write(
    bytes: &mut [u8],
    all: &mut [Rewritten],
    from: Section,
    references: Vec<Reference>,
) -> Option<()> {
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
        // A line table may have paths and refer to them.
        let of_rewritten = all.iter_mut().find(|one| one.section.at == from.at);
        let place = match of_rewritten {
            Some(Rewritten { new, .. }) => {
                let at = usize::try_from(new.offset(at as u64)?).ok()?;
                new.content.get_mut(at..at + width)?
            }
            None => bytes.get_mut(from.at + at..from.at + at + width)?,
        };
        place.copy_from_slice(to);
    }
    Some(())
}
