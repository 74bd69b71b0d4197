//! Instructions that refer to data, by a 32-bit offset from the next instruction. (Intel's manual, volume 2, section 2.2.1.6.)

use std::cell::OnceCell;
use std::io;
use std::ops::ControlFlow;

use gimli::{BaseAddresses, EhFrameHdr, LittleEndian};
use iced_x86::{ConstantOffsets, Decoder, DecoderOptions, Instruction, Register};

use super::{Kind, Section};
use crate::windows::{Part, Window};

/// The maximum size of code that is decoded up to an instruction, in bytes.
const LARGEST_FUNCTION: u64 = 1 << 20;
/// The number of bytes that are decoded behind the offset of an instruction.
const BEHIND: u64 = 256;
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
    visit_references(sections, whole, &is_wanted, |_, _| false)
}

/// Calls `is_understood` for each instruction that refers to an address for which `is_wanted` returns true, with the section and the
/// code up to the instruction and behind it, until it returns false, and returns whether it did; also if such an instruction
/// cannot be found or decoded.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn visit_references(
    sections: &[Section],
    whole: &Part<'_>,
    is_wanted: &dyn Fn(u64) -> bool,
    mut is_understood: impl FnMut(&Section, &Reference) -> bool,
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
                if targets.any(is_wanted) {
                    let functions = functions.get_or_init(|| functions_of(sections, whole));
                    let Some(code) = function_of(place, functions, section, whole)? else {
                        return Ok(ControlFlow::Break(()));
                    };
                    let is_understood = match code.reference_at(place) {
                        Found::None => true,
                        Found::Reference(found) if !is_wanted(found.target) => true,
                        Found::Reference(found) => is_understood(section, &found),
                        Found::Unknown => false,
                    };
                    if !is_understood {
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
pub(super) fn functions_of(sections: &[Section], whole: &Part<'_>) -> Vec<u64> {
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

/// The start of a function, and some bytes behind the place that is looked at.
pub(in super::super) struct Code {
    address: u64,
    bytes: Vec<u8>,
}

/// The function that contains `place`, up to there; `None` if it is not known or too large.
pub(super) fn function_of(
    place: u64,
    functions: &[u64],
    section: &Section,
    whole: &Part<'_>,
) -> io::Result<Option<Code>> {
    let after = functions.partition_point(|function| *function <= place);
    let function = after.checked_sub(1).and_then(|at| functions.get(at));
    let start = section.addresses.start;
    let function = function.and_then(|function| function.checked_sub(start));
    let Some(function) = function else {
        return Ok(None);
    };
    let code = Code::read(function, place - start, &section.part(whole))?;
    Ok(code.map(|code| Code {
        address: start + code.address,
        ..code
    }))
}

/// An instruction that refers to data, and those behind it.
pub(in super::super) struct Reference {
    /// The address to which it refers.
    pub(super) target: u64,
    /// The instruction.
    pub(super) instruction: Instruction,
    /// The instructions behind it up to the end of the [code that is read](BEHIND), and the offsets in them.
    pub(super) following: Vec<(Instruction, ConstantOffsets)>,
}

impl Reference {
    /// Whether the instruction loads the address, and nothing else.
    pub(in super::super) fn is_address(&self) -> bool {
        self.instruction.code() == iced_x86::Code::Lea_r64_m
    }

    /// The number of bytes from `place`, which is in the instruction, to the next one.
    pub(in super::super) fn rest_from(&self, place: u64) -> u64 {
        self.instruction.next_ip().saturating_sub(place)
    }
}

/// What is at the place of an offset.
enum Found {
    /// The offset belongs to no instruction that refers to data by it.
    None,
    Reference(Box<Reference>),
    Unknown,
}

impl Code {
    /// The function at the offset `function` of `section`, up to `place`; `None` if it is too large.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(in super::super) fn read(
        function: u64,
        place: u64,
        section: &Part<'_>,
    ) -> io::Result<Option<Self>> {
        let size = place.saturating_sub(function);
        if size > LARGEST_FUNCTION {
            return Ok(None);
        }
        let part = section.part(function..place + BEHIND);
        let bytes = part.start(usize::try_from(part.len()).unwrap_or_default())?;
        Ok(Some(Self {
            address: function,
            bytes,
        }))
    }

    /// The reference to which the offset at `place` belongs; `None` if it is none, or not known.
    pub(in super::super) fn reference(&self, place: u64) -> Option<Reference> {
        match self.reference_at(place) {
            Found::Reference(reference) => Some(*reference),
            Found::None | Found::Unknown => None,
        }
    }

    /// The instruction to which the offset at `place` belongs.
    fn reference_at(&self, place: u64) -> Found {
        let Some((instruction, offsets, decoder)) = self.instruction_at(place) else {
            return Found::Unknown;
        };
        let offset = instruction.ip() + offsets.displacement_offset() as u64;
        let refers =
            instruction.ip() <= place && instruction.is_ip_rel_memory_operand() && offset == place;
        if !refers {
            return Found::None;
        }
        Found::Reference(Box::new(Reference {
            target: instruction.ip_rel_memory_address(),
            instruction,
            following: following(decoder),
        }))
    }

    /// Whether the bytes at `place` are the immediate operand of an instruction; also if that is not known.
    pub(in super::super) fn may_be_operand(&self, place: u64) -> bool {
        let Some((instruction, offsets, _)) = self.instruction_at(place) else {
            return true;
        };
        let begins_at = |offset: usize| instruction.ip() + offset as u64 == place;
        let is_operand = offsets.has_immediate() && begins_at(offsets.immediate_offset())
            || offsets.has_immediate2() && begins_at(offsets.immediate_offset2());
        // The distance to the target of a jump or call is stored like a number. Others are sizes of stack frames.
        let is_distance = instruction.near_branch_target() != 0;
        let is_of_frame = instruction.op0_register() == Register::RSP;
        is_operand && !is_distance && !is_of_frame
    }

    /// The instruction that contains the byte at `place`, the offsets in it, and the decoder behind it. `None` if the code up to there
    /// cannot be decoded.
    fn instruction_at(&self, place: u64) -> Option<(Instruction, ConstantOffsets, Decoder<'_>)> {
        let mut decoder = self.decoder();
        while decoder.can_decode() {
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                return None;
            }
            if decoder.ip() > place {
                let offsets = decoder.get_constant_offsets(&instruction);
                return Some((instruction, offsets, decoder));
            }
        }
        None
    }

    fn decoder(&self) -> Decoder<'_> {
        Decoder::with_ip(64, &self.bytes, self.address, DecoderOptions::NONE)
    }
}

/// The next instructions.
fn following(mut decoder: Decoder<'_>) -> Vec<(Instruction, ConstantOffsets)> {
    let mut found = Vec::new();
    while decoder.can_decode() {
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            break;
        }
        found.push((instruction, decoder.get_constant_offsets(&instruction)));
    }
    found
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
        let refers = match code.reference_at(address + offset) {
            Found::None => false,
            Found::Reference(found) => wanted.contains(&found.target),
            Found::Unknown => true,
        };
        assert_eq!(refers, expected);
    }
}
