//! Instructions that refer to data, by a 32-bit offset from the next instruction. (Intel's manual, volume 2, section 2.2.1.6.)

use std::cell::OnceCell;
use std::io;
use std::ops::ControlFlow;

use gimli::{BaseAddresses, EhFrameHdr, LittleEndian};
use iced_x86::{Decoder, DecoderOptions};

use super::{Kind, Section};
use crate::windows::{Part, Window};

/// The maximum size of code that is decoded up to an instruction, in bytes.
const LARGEST_FUNCTION: u64 = 1 << 20;
/// The maximum length of an instruction in bytes.
const LONGEST: u64 = 15;
/// The size of an offset in bytes.
const OFFSET: u64 = 4;

/// Whether an instruction refers to an address for which `is_wanted` returns true. If the function that contains bytes that look like
/// such an instruction cannot be found or decoded, they count as well.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn code_refers_to(
    sections: &[Section],
    whole: &Part<'_>,
    is_wanted: impl Fn(u64) -> bool,
) -> io::Result<bool> {
    let functions = OnceCell::new();
    for section in sections.iter().filter(|section| section.kind == Kind::Code) {
        let found = section.part(whole).visit(8, |Window { bytes, at, new }| {
            for (nth, window) in bytes.windows(6).enumerate() {
                let [opcode, mode, offset @ ..] = window else {
                    continue;
                };
                // The byte before an offset from the next instruction (ModRM) has these bits.
                if mode & 0xc7 != 0x05 || !new.contains(&nth) {
                    continue;
                }
                let offset = offset
                    .first_chunk()
                    .map_or(0, |bytes| i32::from_le_bytes(*bytes));
                let place = section.address(at + nth as u64 + 2);
                let target = (place + OFFSET).wrapping_add_signed(offset.into());
                // An immediate operand of up to four bytes may follow, but not after `lea`, which loads an address.
                let behind: &[u64] = if *opcode == 0x8d { &[0] } else { &[0, 1, 2, 4] };
                let mut targets = behind.iter().map(|behind| target.wrapping_add(*behind));
                if targets.any(&is_wanted) {
                    let functions = functions.get_or_init(|| functions_of(sections, whole));
                    let function = function_of(place, functions, section, whole)?;
                    if function.is_none_or(|code| code.may_refer_to(place, &is_wanted)) {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The addresses at which functions begin, in order. Empty if there is no table of them.
fn functions_of(sections: &[Section], whole: &Part<'_>) -> Vec<u64> {
    let listed = || {
        let section = sections.iter().find(|it| it.kind == Kind::Functions)?;
        let part = section.part(whole);
        let bytes = part.start(usize::try_from(part.len()).ok()?).ok()?;
        let bases = BaseAddresses::default().set_eh_frame_hdr(section.addresses.start);
        let header = EhFrameHdr::new(&bytes, LittleEndian);
        let header = header.parse(&bases, 8).ok()?;
        let table = header.table()?;
        let mut entries = table.iter(&bases);
        let mut functions = Vec::new();
        while let Some((function, _)) = entries.next().ok()? {
            functions.push(function.direct().ok()?);
        }
        functions.is_sorted().then_some(functions)
    };
    listed().unwrap_or_default()
}

/// The start of a function.
struct Code {
    address: u64,
    bytes: Vec<u8>,
}

/// The function that contains `place`, up to there; `None` if it is not known or too large.
fn function_of(
    place: u64,
    functions: &[u64],
    section: &Section,
    whole: &Part<'_>,
) -> io::Result<Option<Code>> {
    let after = functions.partition_point(|function| *function <= place);
    let function = after.checked_sub(1).and_then(|at| functions.get(at));
    let start = section.addresses.start;
    let is_usable = |address: &&u64| **address >= start && place - **address <= LARGEST_FUNCTION;
    let Some(&address) = function.filter(is_usable) else {
        return Ok(None);
    };
    let part = section.part(whole);
    let part = part.part(address - start..place - start + LONGEST);
    let bytes = part.start(usize::try_from(part.len()).unwrap_or_default())?;
    Ok(Some(Code { address, bytes }))
}

impl Code {
    /// Whether the offset at `place` belongs to an instruction that refers to an address for which `is_wanted` returns true; also if
    /// that is not known.
    fn may_refer_to(&self, place: u64, is_wanted: impl Fn(u64) -> bool) -> bool {
        let options = DecoderOptions::NONE;
        let mut decoder = Decoder::with_ip(64, &self.bytes, self.address, options);
        while decoder.can_decode() {
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                return true;
            }
            if decoder.ip() > place {
                let offsets = decoder.get_constant_offsets(&instruction);
                let offset = instruction.ip() + offsets.displacement_offset() as u64;
                return instruction.ip() <= place
                    && instruction.is_ip_rel_memory_operand()
                    && offset == place
                    && is_wanted(instruction.ip_rel_memory_address());
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `shr edx, 6; cmp eax, 0x800`, which contains the bytes of an instruction with an offset.
    const NONE: &[u8] = b"\xc1\xea\x06\x3d\x00\x08\x00\x00";
    /// `lea rdi, [rip + 0x800]`.
    const ONE: &[u8] = b"\x48\x8d\x3d\x00\x08\x00\x00";

    #[rstest::rstest]
    #[case::of_two_instructions(NONE, 4, &[0x1408, 0x1409, 0x140a, 0x140c], false)]
    #[case::of_one(ONE, 3, &[0x1407], true)]
    #[case::to_another_address(ONE, 3, &[0x1408], false)]
    #[case::not_known(b"\x06\x48\x8d\x3d\x00\x08\x00\x00", 4, &[], true)]
    fn an_offset_is_that_of_an_instruction(
        #[case] bytes: &[u8],
        #[case] offset: u64,
        #[case] wanted: &[u64],
        #[case] expected: bool,
    ) {
        let address = 0xc00;
        let bytes = bytes.to_vec();
        let code = Code { address, bytes };
        let refers = code.may_refer_to(address + offset, |target| wanted.contains(&target));
        assert_eq!(refers, expected);
    }
}
