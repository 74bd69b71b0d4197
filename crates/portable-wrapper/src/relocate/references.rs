//! References in the debug information of a linked file to its strings and line tables.

use gimli::{
    AttributeValue, DebugAbbrev, DebugInfo, DebugInfoOffset, DwForm, EndianSlice, LittleEndian,
    Reader as _,
};

type Slice<'b> = EndianSlice<'b, LittleEndian>;

/// A section with paths that can be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// `.debug_str`
    Strings,
    /// `.debug_line_str`
    LineStrings,
    /// `.debug_line`
    Lines,
}

/// A reference to an offset in a section with paths.
#[derive(Debug)]
pub(super) struct Reference {
    /// The offset of the reference in its section, or in its part of it.
    pub(super) at: usize,
    /// Its size in bytes.
    pub(super) width: usize,
    pub(super) text: Text,
    /// The offset that it refers to.
    pub(super) to: u64,
}

/// The references of the attributes of one unit of `.debug_info` to sections for which `is_wanted`. `None` if it is not understood.
/// (DWARF 5, section 7.5.)
pub(super) fn of_unit(
    unit: &[u8],
    abbreviations: &[u8],
    is_wanted: impl Fn(Text) -> bool,
) -> Option<Vec<Reference>> {
    let units = DebugInfo::new(unit, LittleEndian);
    let unit = units.header_from_offset(DebugInfoOffset(0)).ok()?;
    let abbreviations = DebugAbbrev::new(abbreviations, LittleEndian);
    let abbreviations = unit.abbreviations(&abbreviations).ok()?;
    let mut entries = unit.entries_raw(&abbreviations, None).ok()?;
    let mut found = Vec::new();
    while !entries.is_empty() {
        let Some(abbreviation) = entries.read_abbreviation().ok()? else {
            continue;
        };
        for specification in abbreviation.attributes() {
            if specification.form() == gimli::DW_FORM_indirect {
                return None;
            }
            let at = entries.next_offset().0;
            let attribute = entries.read_attribute(*specification).ok()?;
            let (text, to) = match attribute.value() {
                AttributeValue::DebugStrRef(to) => (Text::Strings, to.0),
                AttributeValue::DebugLineStrRef(to) => (Text::LineStrings, to.0),
                AttributeValue::DebugLineRef(to) => (Text::Lines, to.0),
                _ => continue,
            };
            if is_wanted(text) {
                found.push(Reference {
                    at,
                    width: unit.format().word_size().into(),
                    text,
                    to: to as u64,
                });
            }
        }
    }
    Some(found)
}

/// The references of all line tables in `.debug_line`. `None` if one is not understood. (DWARF 5, section 6.2.4. Before, a line
/// table contains its strings.)
pub(super) fn of_line_tables(tables: &[u8]) -> Option<Vec<Reference>> {
    let all = Slice::new(tables, LittleEndian);
    let mut rest = all;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (length, format) = rest.read_initial_length().ok()?;
        let mut table = rest.split(length).ok()?;
        match table.read_u16().ok()? {
            2..=4 => continue,
            5 => {}
            _ => return None,
        }
        let _size_of_addresses = table.read_u8().ok()?;
        let _size_of_segments = table.read_u8().ok()?;
        let length = table.read_length(format).ok()?;
        let mut header = table.split(length).ok()?;
        let _numbers: [u8; 5] = [(); 5].map(|()| header.read_u8().unwrap_or_default());
        let opcodes = header.read_u8().ok()?;
        header.skip(opcodes.checked_sub(1)?.into()).ok()?;
        // Directories, then files.
        for _ in 0..2 {
            let mut forms = Vec::new();
            for _ in 0..header.read_u8().ok()? {
                let _content = header.read_uleb128().ok()?;
                forms.push(DwForm(header.read_uleb128_u16().ok()?));
            }
            let count = header.read_uleb128().ok()?;
            if forms.is_empty() && count > 0 {
                return None;
            }
            for _ in 0..count {
                for form in &forms {
                    let at = header.offset_from(all);
                    let text = match *form {
                        gimli::DW_FORM_strp => Text::Strings,
                        gimli::DW_FORM_line_strp => Text::LineStrings,
                        other => {
                            skip(&mut header, other)?;
                            continue;
                        }
                    };
                    found.push(Reference {
                        at,
                        width: format.word_size().into(),
                        text,
                        to: header.read_offset(format).ok()? as u64,
                    });
                }
            }
        }
    }
    Some(found)
}

/// Skips a value of a form that is allowed in the header of a line table and refers to no string.
fn skip(header: &mut Slice<'_>, form: DwForm) -> Option<()> {
    let size = match form {
        gimli::DW_FORM_string => return header.read_null_terminated_slice().ok().map(drop),
        gimli::DW_FORM_udata => return header.read_uleb128().ok().map(drop),
        gimli::DW_FORM_block => usize::try_from(header.read_uleb128().ok()?).ok()?,
        gimli::DW_FORM_data1 => 1,
        gimli::DW_FORM_data2 => 2,
        gimli::DW_FORM_data4 => 4,
        gimli::DW_FORM_data8 => 8,
        gimli::DW_FORM_data16 => 16,
        _ => return None,
    };
    header.skip(size).ok()
}

/// The references of `.debug_str_offsets`. `None` if it is not understood. (DWARF 5, section 7.26.)
pub(super) fn of_string_offsets(offsets: &[u8]) -> Option<Vec<Reference>> {
    let all = Slice::new(offsets, LittleEndian);
    let mut rest = all;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (length, format) = rest.read_initial_length().ok()?;
        let mut table = rest.split(length).ok()?;
        let (version, _padding) = (table.read_u16().ok()?, table.read_u16().ok()?);
        if version != 5 {
            return None;
        }
        while !table.is_empty() {
            let at = table.offset_from(all);
            let to = table.read_offset(format).ok()? as u64;
            let (width, text) = (format.word_size().into(), Text::Strings);
            found.push(Reference {
                at,
                width,
                text,
                to,
            });
        }
    }
    Some(found)
}
