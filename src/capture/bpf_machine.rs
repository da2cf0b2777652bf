//! The machine that runs a compiled filter: classic BPF (McCanne and Jacobson, USENIX 1993), as libpcap's compiler writes it.
//!
//! Our own, because the pcap crate's `BpfProgram::filter` tells libpcap that a frame was as long on the wire as it was captured,
//! which makes `len`, `greater` and `less` wrong for frames cut by the snap length. A read outside the captured bytes rejects the
//! frame, as it does in libpcap and in the kernel.

use anyhow::{Result, bail};

/// One instruction; the names are those of the paper.
#[derive(Clone, Copy, Debug)]
struct Instruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    k: u32,
}

impl Instruction {
    /// Whether it loads from the offsets beyond 2^31 where Linux keeps what is not in the frame.
    fn asks_the_kernel(&self) -> bool {
        matches!(self.code & 0xe7, 0x20 | 0x40) && self.k >= 1 << 31
    }
}

/// A compiled filter.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    program: Vec<Instruction>,
}

/// How many instructions a frame may cost. Only `protochain` loops, and a frame has no thousand headers.
const PATIENCE: usize = 100_000;
const SCRATCH: usize = 16;

/// The state that instructions work on.
struct Registers {
    accumulator: u32,
    index: u32,
    memory: [u32; SCRATCH],
}

impl Machine {
    /// Reads a program from the lines that `tcpdump -ddd` and the pcap crate print: code, jump if true, jump if false, k.
    pub(super) fn from_lines(lines: impl Iterator<Item = String>) -> Result<Self> {
        let program: Option<Vec<_>> = lines.map(|line| instruction(&line)).collect();
        match program {
            Some(program) if program.iter().any(Instruction::asks_the_kernel) => {
                bail!("only a live capture can tell (inbound, outbound and the like)")
            }
            Some(program) if !program.is_empty() => Ok(Self { program }),
            _ => bail!("libpcap compiled it to something that is not a BPF program"),
        }
    }

    /// Whether a frame passes: `bytes` are what was captured of `wire_len` octets. `first_word`, if there is one, is read in place
    /// of the frame's first four octets.
    pub(super) fn accepts(&self, bytes: &[u8], wire_len: u32, first_word: Option<u32>) -> bool {
        self.run(bytes, wire_len, first_word)
            .is_some_and(|accepted| accepted > 0)
    }

    /// The number the program returns; `None` if it reads outside the frame, divides by zero or does not end.
    fn run(&self, bytes: &[u8], wire_len: u32, first_word: Option<u32>) -> Option<u32> {
        let mut registers = Registers {
            accumulator: 0,
            index: 0,
            memory: [0; SCRATCH],
        };
        let mut position = 0usize;
        for _ in 0..PATIENCE {
            let instruction = *self.program.get(position)?;
            position = position.checked_add(1)?;
            match instruction.code & 0x07 {
                0x00 if first_word.is_some() && (instruction.code, instruction.k) == (0x20, 0) => {
                    registers.accumulator = first_word?;
                }
                0x00 => registers.accumulator = registers.load(instruction, bytes, wire_len)?,
                0x01 => registers.index = registers.load_index(instruction, bytes, wire_len)?,
                0x02 => *registers.memory.get_mut(instruction.k as usize)? = registers.accumulator,
                0x03 => *registers.memory.get_mut(instruction.k as usize)? = registers.index,
                0x04 => registers.accumulator = registers.compute(instruction)?,
                // The distance of an unconditional jump is signed: `protochain` jumps back.
                0x05 if instruction.code & 0xf0 == 0 => {
                    position = position.checked_add_signed(instruction.k as i32 as isize)?;
                }
                0x05 => position = position.checked_add(registers.jump(instruction)?)?,
                0x06 if instruction.code & 0x18 == 0x10 => return Some(registers.accumulator),
                0x06 => return Some(instruction.k),
                _ if instruction.code & 0x80 == 0 => registers.index = registers.accumulator,
                _ => registers.accumulator = registers.index,
            }
        }
        None
    }
}

fn instruction(line: &str) -> Option<Instruction> {
    let mut numbers = line.split_ascii_whitespace();
    Some(Instruction {
        code: numbers.next()?.parse().ok()?,
        jump_true: numbers.next()?.parse().ok()?,
        jump_false: numbers.next()?.parse().ok()?,
        k: numbers.next()?.parse().ok()?,
    })
}

/// The big-endian number of 4, 2 or 1 bytes, as the instruction's size bits say.
fn read(code: u16, bytes: &[u8], offset: u32) -> Option<u32> {
    let rest = bytes.get(offset as usize..)?;
    match code & 0x18 {
        0x00 => rest.first_chunk().map(|chunk| u32::from_be_bytes(*chunk)),
        0x08 => rest
            .first_chunk()
            .map(|chunk| u16::from_be_bytes(*chunk).into()),
        0x10 => rest.first().map(|byte| u32::from(*byte)),
        _ => None,
    }
}

impl Registers {
    fn load(&self, instruction: Instruction, bytes: &[u8], wire_len: u32) -> Option<u32> {
        match instruction.code & 0xe0 {
            0x00 => Some(instruction.k),
            0x20 => read(instruction.code, bytes, instruction.k),
            0x40 => read(
                instruction.code,
                bytes,
                self.index.checked_add(instruction.k)?,
            ),
            0x60 => self.memory.get(instruction.k as usize).copied(),
            0x80 => Some(wire_len),
            _ => None,
        }
    }

    fn load_index(&self, instruction: Instruction, bytes: &[u8], wire_len: u32) -> Option<u32> {
        match instruction.code & 0xe0 {
            0x00 => Some(instruction.k),
            0x60 => self.memory.get(instruction.k as usize).copied(),
            0x80 => Some(wire_len),
            // The length of an IPv4 header, from its first octet.
            0xa0 => bytes
                .get(instruction.k as usize)
                .map(|byte| u32::from(byte & 0x0f) << 2),
            _ => None,
        }
    }

    fn operand(&self, instruction: Instruction) -> u32 {
        if instruction.code & 0x08 == 0 {
            instruction.k
        } else {
            self.index
        }
    }

    fn compute(&self, instruction: Instruction) -> Option<u32> {
        let (left, right) = (self.accumulator, self.operand(instruction));
        match instruction.code & 0xf0 {
            0x00 => Some(left.wrapping_add(right)),
            0x10 => Some(left.wrapping_sub(right)),
            0x20 => Some(left.wrapping_mul(right)),
            0x30 => left.checked_div(right),
            0x40 => Some(left | right),
            0x50 => Some(left & right),
            0x60 => Some(left.checked_shl(right).unwrap_or(0)),
            0x70 => Some(left.checked_shr(right).unwrap_or(0)),
            0x80 => Some(left.wrapping_neg()),
            0x90 => left.checked_rem(right),
            0xa0 => Some(left ^ right),
            _ => None,
        }
    }

    /// How far a conditional jump goes.
    fn jump(&self, instruction: Instruction) -> Option<usize> {
        let (left, right) = (self.accumulator, self.operand(instruction));
        let holds = match instruction.code & 0xf0 {
            0x10 => left == right,
            0x20 => left > right,
            0x30 => left >= right,
            0x40 => left & right != 0,
            _ => return None,
        };
        Some(
            if holds {
                instruction.jump_true
            } else {
                instruction.jump_false
            }
            .into(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn machine(lines: &[&str]) -> Machine {
        Machine::from_lines(lines.iter().map(|line| (*line).to_owned())).unwrap()
    }

    #[test]
    fn the_program_of_the_paper() {
        // `ip` on Ethernet, as `tcpdump -ddd ip` prints it.
        let ip = machine(&["40 0 0 12", "21 0 1 2048", "6 0 0 262144", "6 0 0 0"]);
        let mut frame = [0; 14];
        assert!(!ip.accepts(&frame, 14, None));
        frame[12] = 8;
        assert!(ip.accepts(&frame, 14, None));
        assert!(
            !ip.accepts(&frame[..13], 14, None),
            "a read outside rejects"
        );
    }

    #[test]
    fn the_length_is_that_on_the_wire() {
        let greater_99 = machine(&["128 0 0 0", "53 0 1 100", "6 0 0 1", "6 0 0 0"]);
        assert!(greater_99.accepts(&[0; 10], 100, None));
        assert!(!greater_99.accepts(&[0; 10], 99, None));
    }

    #[test]
    fn arithmetic_never_fails() {
        assert_eq!(
            machine(&["0 0 0 5", "52 0 0 0", "22 0 0 0"]).run(&[], 0, None),
            None,
            "division by zero"
        );
        assert_eq!(
            machine(&["0 0 0 1", "100 0 0 40", "22 0 0 0"]).run(&[], 0, None),
            Some(0),
            "shift by more than there is"
        );
        assert_eq!(
            machine(&["0 0 0 3", "7 0 0 0", "12 0 0 0", "22 0 0 0"]).run(&[], 0, None),
            Some(6)
        );
    }

    #[test]
    fn an_endless_loop_ends() {
        assert_eq!(machine(&["5 0 0 4294967295"]).run(&[], 0, None), None);
    }

    #[test]
    fn what_only_the_kernel_knows_is_refused() {
        // `inbound` on Ethernet: the packet type is at -4092.
        let lines = ["40 0 0 4294963204", "6 0 0 1"].map(str::to_owned);
        assert!(Machine::from_lines(lines.into_iter()).is_err());
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(Machine::from_lines(["1 2 3".to_owned()].into_iter()).is_err());
        assert!(Machine::from_lines(std::iter::empty()).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_programs_end(
            program in proptest::collection::vec((0..256u16, 0..4u8, 0..4u8, prop_oneof![0..64u32, any::<u32>()]), 1..20),
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let lines = program.iter().map(|(code, yes, no, k)| format!("{code} {yes} {no} {k}"));
            if let Ok(machine) = Machine::from_lines(lines) {
                machine.run(&bytes, 1500, None);
            }
        }
    }
}
