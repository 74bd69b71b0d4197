//! Rewrites an object with other paths.

use super::elf::{
    CREL, LINE_TABLE, MERGED_STRINGS, PROGBITS, REL, RELA, RELOCATION, Reference, SECTION_SYMBOL,
    SYMBOL, SYMTAB, SYMTAB_SHNDX, Section, is_relocatable, machine, named_sections, number, set,
};
use super::strings::Strings;
use super::{Moves, Occurrence, Texts, find};

/// The largest alignment of a section that is moved, in bytes. No page is larger.
pub(super) const LARGEST_ALIGNMENT: usize = 1 << 21;

/// `bytes` with other paths; `None` if a path cannot be replaced.
pub(super) fn moved(bytes: Vec<u8>, moves: &Moves) -> Option<Vec<u8>> {
    let found = find(&moves.pairs, &bytes);
    if found.is_empty() {
        return Some(bytes);
    }
    if !is_relocatable(&bytes) {
        return replaced_in_place(bytes, &found);
    }
    let named = named_sections(&bytes)?;
    let has_intermediate_code = named.iter().any(|(_, name)| {
        let prefixes: [&[u8]; 3] = [b".gnu.lto", b".gnu.debuglto", b".llvm"];
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    });
    if has_intermediate_code {
        return None;
    }
    let can_grow = |nth: usize| {
        let (section, name) = named[nth];
        let is_strings =
            section.flags & MERGED_STRINGS == MERGED_STRINGS && section.entry_size == 1;
        // In separate debug information, no relocations refer to them.
        section.kind == PROGBITS
            && !name.ends_with(b".dwo")
            && (moves.texts != Texts::OfSameLength || !section.is_loaded())
            && (is_strings || name == LINE_TABLE)
    };
    let sections: Vec<Section> = named.iter().map(|(section, _)| *section).collect();
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
        let (nth, _) = section.filter(|(nth, _)| can_grow(*nth))?;
        if !to_rewrite.contains(&nth) {
            to_rewrite.push(nth);
        }
    }
    // Paths in a rewritten section are replaced there.
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

/// Rewrites the section `nth` of an object, and changes the symbols and relocations that refer to it.
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
    let machine = machine(bytes)?;
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
                // The addend of a reference to the start of a string is the negative distance to the end of the instruction.
                Reference::Relative if !is_of_section && (-8..=-4).contains(&addend) => {}
                Reference::Relative | Reference::Other => return None,
            }
        }
    }
    put(bytes, &section, &strings.content)?;
    if becomes_placeholder {
        set(bytes, section.header + 8, section.flags & !MERGED_STRINGS)?;
        set(bytes, section.header + 56, 0)?;
    }
    Some(())
}

/// Gives a section of an object another content. A longer one is moved to the end of the file.
fn put(bytes: &mut Vec<u8>, section: &Section, content: &[u8]) -> Option<()> {
    if section.align > LARGEST_ALIGNMENT {
        return None;
    }
    bytes.get_mut(section.range())?.fill(0);
    let mut start = section.at;
    if content.len() > section.size {
        start = bytes.len().next_multiple_of(section.align.max(1));
        bytes.resize(start, 0);
        bytes.extend(content);
        set(bytes, section.header + 24, start as u64)?;
    } else {
        bytes[start..start + content.len()].copy_from_slice(content);
    }
    set(bytes, section.header + 32, content.len() as u64)
}
