//! Where connections are kept, in few octets: the index has one of these for each, and every look-up reads one.

/// Where a connection is kept: as a whole, or as the only segment of it that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Among the whole ones.
    Full(u32),
    /// Among those of one SYN.
    Lone(u32),
}

/// What a kept connection is found by at the end.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its number.
    pub id: u64,
    pub(super) slot: Slot,
}

/// A slot in four octets: the highest bit tells which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed(u32);

/// The bit, and one more than the largest number of a slot.
pub const LONE: u32 = 1 << 31;

impl Packed {
    /// A slot, packed.
    pub const fn of(slot: Slot) -> Self {
        match slot {
            Slot::Full(slot) => Self(slot),
            Slot::Lone(slot) => Self(slot | LONE),
        }
    }

    /// The slot.
    pub const fn get(self) -> Slot {
        if self.0 & LONE == 0 {
            Slot::Full(self.0)
        } else {
            Slot::Lone(self.0 & !LONE)
        }
    }
}
