//! The length of a text that code loads the address of. Code that is compiled without optimization passes a text as two values, the
//! address and the length: in two registers, or in two fields in memory, one after the other. (System V ABI, supplement for
//! AMD64, "Parameter Passing".)

use std::ops::Range;

use iced_x86::{
    Code, ConstantOffsets, FlowControl, Instruction, InstructionInfoFactory, OpAccess, OpKind,
    Register,
};

use super::code::Reference;

/// Registers in which two values are passed to a function or, in the last pair, returned from it. The address is in the first one.
const PAIRS: [(Register, Register); 6] = [
    (Register::RDI, Register::RSI),
    (Register::RSI, Register::RDX),
    (Register::RDX, Register::RCX),
    (Register::RCX, Register::R8),
    (Register::R8, Register::R9),
    (Register::RAX, Register::RDX),
];

/// The length of the text that `reference` loads the address of, which is in `range`, and the addresses of the 32-bit operands with
/// it. `None` if it is not known what the code does.
pub(in super::super) fn length(
    reference: &Reference,
    range: Range<u64>,
) -> Option<(u64, Vec<u64>)> {
    let load = &reference.instruction;
    if !reference.is_address() {
        return None;
    }
    let register = load.op0_register();
    let pair = PAIRS.iter().find(|(first, _)| *first == register);
    let mut info = InstructionInfoFactory::new();
    let mut state = State {
        is_loaded: true,
        fields: Vec::new(),
        numbers: Vec::new(),
    };
    // The operand that goes to the second register of a pair, and the one that is stored behind the address.
    let (mut passed, mut stored) = (None, Vec::new());
    let mut is_passed = false;
    for (instruction, offsets) in &reference.following {
        let number = operand(instruction, *offsets).filter(|(_, it)| range.contains(it));
        let written = written_by(instruction);
        match written {
            Some(Written::NumberIn(to)) if state.is_behind(to) => stored.extend(number),
            Some(Written::Copy(to, from)) if state.is_behind(to) => {
                stored.extend(state.number_in(from));
            }
            Some(Written::Copy(to, from)) if from == register && state.is_loaded => {
                state.fields.push(to);
                continue;
            }
            _ => {}
        }
        match instruction.flow_control() {
            FlowControl::Next => {}
            flow => {
                is_passed = match register {
                    Register::RAX => flow == FlowControl::Return,
                    _ => matches!(flow, FlowControl::Call | FlowControl::IndirectCall),
                };
                break;
            }
        }
        for used in info.info(instruction).used_registers() {
            if !matches!(used.access(), OpAccess::Read | OpAccess::CondRead) {
                let changed = used.register().full_register();
                state.forget(changed, register);
                if pair.is_some_and(|(first, second)| [*first, *second].contains(&changed)) {
                    passed = None;
                }
            }
        }
        if let (Some(Written::Number(to)), Some(number)) = (written, number) {
            state.numbers.push((to, number));
            let is_second = pair.is_some_and(|(_, second)| *second == to);
            passed = Some(number).filter(|_| is_second && state.is_loaded);
        }
    }
    // An operand in a register may be stored as well.
    stored.extend(passed.filter(|_| is_passed));
    let (_, length) = *stored.first()?;
    let is_same = stored.iter().all(|(_, other)| *other == length);
    let places = stored.iter().map(|(place, _)| *place).collect();
    is_same.then_some((length, places))
}

/// What is known behind an instruction.
struct State {
    /// Whether the address of the text is in the register into which it was loaded.
    is_loaded: bool,
    /// Where it is in memory.
    fields: Vec<Field>,
    /// The registers with a number, and the operands that have these.
    numbers: Vec<(Register, (u64, u64))>,
}

impl State {
    /// Whether the field `to` is behind one with the address.
    fn is_behind(&self, to: Field) -> bool {
        self.fields.iter().any(|field| to == field.next())
    }

    fn number_in(&self, register: Register) -> Option<(u64, u64)> {
        let mut numbers = self.numbers.iter();
        numbers
            .find(|(in_it, _)| *in_it == register)
            .map(|(_, number)| *number)
    }

    /// `register` is written to. `loaded` is the one into which the address was loaded.
    fn forget(&mut self, register: Register, loaded: Register) {
        self.is_loaded &= register != loaded;
        self.fields.retain(|field| field.base != register);
        self.numbers.retain(|(in_it, _)| *in_it != register);
    }
}

/// A field in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    base: Register,
    displacement: u64,
}

impl Field {
    /// The next field of 64 bits.
    fn next(self) -> Self {
        Self {
            displacement: self.displacement.wrapping_add(8),
            ..self
        }
    }
}

/// The field that an instruction writes, if its address is that of a register and a number.
fn field(instruction: &Instruction) -> Option<Field> {
    let is_plain = instruction.memory_index() == Register::None
        && instruction.segment_prefix() == Register::None
        && !instruction.is_ip_rel_memory_operand();
    is_plain.then(|| Field {
        base: instruction.memory_base().full_register(),
        displacement: instruction.memory_displacement64(),
    })
}

/// What an instruction writes, and where.
#[derive(Clone, Copy)]
enum Written {
    /// A number of 32 bits in a register.
    Number(Register),
    /// Such a number in memory.
    NumberIn(Field),
    /// The content of a register in memory.
    Copy(Field, Register),
}

fn written_by(instruction: &Instruction) -> Option<Written> {
    match (instruction.code(), instruction.op0_kind()) {
        (Code::Mov_r32_imm32, _) | (Code::Mov_rm64_imm32, OpKind::Register) => {
            Some(Written::Number(instruction.op0_register().full_register()))
        }
        (Code::Mov_rm64_imm32, OpKind::Memory) => field(instruction).map(Written::NumberIn),
        (Code::Mov_rm64_r64, OpKind::Memory) => {
            let to = field(instruction)?;
            Some(Written::Copy(to, instruction.op1_register()))
        }
        _ => None,
    }
}

/// The address of the number that an instruction [writes](Written), and the number.
fn operand(instruction: &Instruction, offsets: ConstantOffsets) -> Option<(u64, u64)> {
    let number = instruction.try_immediate(1).ok()?;
    let address = instruction.ip() + offsets.immediate_offset() as u64;
    Some((address, number))
}
