//! Rewrites a linked program or shared library with other paths. What is loaded has a fixed layout, and the linker merges a
//! string with the end of another one, so a path in it is not replaced. Debug information is not loaded: its strings
//! (`.debug_str`, `.debug_line_str`) and line tables (`.debug_line`) are rewritten as in an [object](super::rewrite). The linker
//! has resolved the relocations, so the [references](super::references) are found by reading the debug information.

use super::elf::{Section, named_sections};
use super::references::{self, Reference, Text};
use super::rewrite::put;
use super::strings::Strings;
use super::{Moves, find};

/// Sections that may refer to sections with paths, and are not read.
const UNKNOWN: [&[u8]; 6] = [
    b".debug_macro",
    b".debug_names",
    b".debug_types",
    b".rela.debug_info",
    b".rela.debug_line",
    b".rela.debug_str_offsets",
];

/// The sections of debug information of a linked file.
#[derive(Default)]
struct DebugInformation {
    texts: Vec<(Text, Section)>,
    units: Option<Section>,
    abbreviations: Option<Section>,
    string_offsets: Option<Section>,
    has_unknown: bool,
}

impl DebugInformation {
    fn find(bytes: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        for (section, name) in named_sections(bytes)? {
            match name {
                b".debug_str" => found.texts.push((Text::Strings, section)),
                b".debug_line_str" => found.texts.push((Text::LineStrings, section)),
                b".debug_line" => found.texts.push((Text::Lines, section)),
                b".debug_info" => found.units = Some(section),
                b".debug_abbrev" => found.abbreviations = Some(section),
                b".debug_str_offsets" => found.string_offsets = Some(section),
                name => found.has_unknown |= UNKNOWN.contains(&name),
            }
        }
        found.texts.retain(|(_, section)| !section.is_loaded());
        Some(found)
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
    if found.is_empty() {
        return Some(bytes);
    }
    let information = DebugInformation::find(&bytes)?;
    let mut all = Vec::new();
    let all_texts = information.texts;
    for (text, section) in all_texts.iter().copied() {
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
    if !found.is_empty() || information.has_unknown {
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
    let lines = all_texts.iter().find(|(text, _)| *text == Text::Lines);
    if let Some((_, lines)) = lines.copied() {
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
