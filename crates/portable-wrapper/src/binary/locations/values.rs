//! The values of variables in a program: texts that begin with the [placeholder](crate::path_map) of a value. Code that is compiled
//! without optimization refers to a text in three ways: by a constant with a pointer and a length, as the one of a location; by an
//! instruction that loads the address, next to one with the [length](operands); or by a [template](templates) that contains the
//! text. The length must be known everywhere: a program in which another number may be one is not understood.

use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;

use super::code::{function_of, functions_of, visit_references};
use super::{Kind, Length, Located, Name, Section, Width, operands, templates};
use crate::windows::{Part, Window};

/// The maximum length of a text with a value, in bytes.
pub(in super::super) const LONGEST: u64 = 0x3fff;
/// The maximum number of bytes of a text before a value.
pub(in super::super) const BEFORE: u64 = 512;

/// Adds the lengths of the values among `names` that no constant has. Returns false if a value is not understood.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn complete(
    names: &mut [Located],
    sections: &[Section],
    whole: &Part<'_>,
) -> io::Result<bool> {
    for at in 0..names.len() {
        let end = names.get(at + 1).map_or(u64::MAX, |next| next.address);
        let name = &mut names[at];
        if name.name.is_value && name.name.length == 0 {
            add_template(name, end, sections, whole)?;
        }
    }
    let mut found = Vec::new();
    // Without a length, a value may have any.
    let end = |name: &Located| match name.name.length {
        0 => name.address + LONGEST,
        _ => name.end(),
    };
    let of_value = |address: u64| {
        // The first value behind the address, if a text with it may begin there, or the one around it.
        let behind = names.partition_point(|name| name.address < address);
        let is_value = |name: &&Located| name.name.is_value;
        let next = names.get(behind).filter(is_value);
        let last = behind.checked_sub(1).and_then(|last| names.get(last));
        let is_around = |name: &&Located| name.name.is_value && address < end(name);
        next.filter(|name| name.may_begin_at(address))
            .or(last.filter(is_around))
    };
    let is_unknown = visit_references(
        sections,
        whole,
        &|address| of_value(address).is_some(),
        |section, reference| {
            let target = reference.target;
            let value = of_value(target).filter(|value| target <= value.address);
            let Some(value) = value else {
                // It may refer to what is behind a value.
                found.push((target, None));
                return true;
            };
            let before = value.address - target;
            let least = before + value.name.placeholder_len();
            let length = operands::length(reference, least..LONGEST);
            let is_known = length.is_some() || before > 0;
            let fields = length.map(|(length, places)| {
                let width = Width::Word;
                let offsets = places.into_iter().map(|place| section.offset_of(place));
                let fields: Vec<_> = offsets.map(|offset| Length { offset, width }).collect();
                (value.address, length, fields)
            });
            found.push((target, fields));
            is_known
        },
    )?;
    if is_unknown {
        return Ok(false);
    }
    for (target, fields) in &found {
        let Some((address, length, fields)) = fields else {
            continue;
        };
        let value = names.iter_mut().find(|name| name.address == *address);
        let Some(value) = value else {
            return Ok(false);
        };
        for field in fields {
            if !value.add_length(address - target, *length, *field) {
                return Ok(false);
            }
        }
    }
    let values: Vec<_> = names.iter().filter(|name| name.name.is_value).collect();
    let is_inside = |address: u64| {
        let mut values = values.iter();
        values.any(|value| address > value.start() && address < value.end())
    };
    let overlap = names.windows(2).any(|pair| pair[0].end() > pair[1].start());
    Ok(values.iter().all(|value| value.name.length > 0)
        && !overlap
        && !found.iter().any(|(target, _)| is_inside(*target))
        && are_all_known(&values, sections, whole)?)
}

/// Adds the length of a text with the value that is part of a template, and what is behind the text there. The next value begins at
/// the address `next`.
///
/// # Errors
/// If the file cannot be read.
fn add_template(
    value: &mut Located,
    next: u64,
    sections: &[Section],
    whole: &Part<'_>,
) -> io::Result<()> {
    let section = sections
        .iter()
        .find(|section| section.addresses.contains(&value.address));
    let Some(section) = section else {
        return Ok(());
    };
    let most = BEFORE + templates::LENGTH;
    let from = value
        .address
        .saturating_sub(most)
        .max(section.addresses.start);
    let to = (value.address + LONGEST)
        .min(section.addresses.end)
        .min(next);
    let part = Part {
        file: whole.file,
        range: section.offset_of(from)..section.offset_of(to),
    };
    let bytes = part.start(usize::try_from(part.len()).unwrap_or_default())?;
    let at = usize::try_from(value.address - from).unwrap_or_default();
    let least = usize::try_from(value.name.placeholder_len()).unwrap_or_default();
    let mut texts = templates::texts_around(&bytes, at, least);
    if let (Some(text), None) = (texts.next(), texts.next()) {
        let [before, length] = [at - text.start, text.end - text.start].map(|it| it as u64);
        let field = Length {
            offset: part.range.start + text.start as u64 - 2,
            width: Width::Half,
        };
        value.add_length(before, length, field);
        value.name.tail = text.rest as u64;
    }
    Ok(())
}

/// Whether no other number in the program may be the length of a value.
fn are_all_known(values: &[&Located], sections: &[Section], whole: &Part<'_>) -> io::Result<bool> {
    let lengths = Lengths::of(values.iter().map(|value| &value.name));
    let functions = functions_of(sections, whole);
    for section in sections {
        let width = match section.kind {
            Kind::Code => Width::Word,
            Kind::Constants | Kind::Variables => Width::Double,
            Kind::Relocations | Kind::Functions | Kind::Other => continue,
        };
        let may_be_length = |offset: u64| {
            let address = section.address(offset);
            if section.kind == Kind::Code {
                let code = function_of(address, &functions, section, whole)?;
                Ok(code.is_none_or(|code| code.may_be_operand(address)))
            } else {
                Ok(address % width.bytes() as u64 == 0)
            }
        };
        if lengths.are_in(&section.part(whole), width, may_be_length)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The lengths of values, with the texts before them.
pub(in super::super) struct Lengths {
    numbers: BTreeSet<u64>,
    /// The offsets of their fields in the file.
    fields: BTreeSet<u64>,
}

impl Lengths {
    pub(in super::super) fn of<'n>(values: impl Iterator<Item = &'n Name>) -> Self {
        let (mut numbers, mut fields) = (BTreeSet::new(), BTreeSet::new());
        for value in values {
            numbers.insert(value.before + value.length);
            fields.extend(value.lengths.iter().map(|field| field.offset));
        }
        Self { numbers, fields }
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Whether one of them is in the part, in a field of this width that is none of theirs, and that `may_be_length`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(in super::super) fn are_in(
        &self,
        part: &Part<'_>,
        width: Width,
        may_be_length: impl Fn(u64) -> io::Result<bool>,
    ) -> io::Result<bool> {
        let (Some(least), Some(most)) = (self.numbers.first(), self.numbers.last()) else {
            return Ok(false);
        };
        let is_one =
            |number: u64| (*least..=*most).contains(&number) && self.numbers.contains(&number);
        let size = width.bytes();
        let found = part.visit(size, |Window { bytes, at, new }| {
            for (nth, window) in bytes.windows(size).enumerate().skip(new.start) {
                let number = match window.first_chunk() {
                    Some(number) => u64::from_le_bytes(*number),
                    None => window
                        .first_chunk()
                        .map_or(0, |word| u32::from_le_bytes(*word).into()),
                };
                let offset = at + nth as u64;
                let is_unknown =
                    new.contains(&nth) && is_one(number) && !self.fields.contains(&offset);
                if is_unknown && may_be_length(offset)? {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found.is_some())
    }
}
