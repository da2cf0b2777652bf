//! Where connections are kept, in few octets: the index has one of these for each, and every look-up reads one.

/// Where a connection is kept: as a whole, or as the only segment of it that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Among the whole ones.
    Full(u32),
    /// Among those of one SYN.
    Lone(u32),
    /// Among those that are over.
    Past(u32),
}

/// What a kept connection is found by at the end.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its number.
    pub id: u64,
    pub(super) slot: Slot,
}

/// A slot in four octets: the highest two bits tell which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed(u32);

const LONE: u32 = 1 << 31;
const PAST: u32 = 1 << 30;
const KIND: u32 = LONE | PAST;

/// The largest number of a slot.
pub const LARGEST: u32 = !KIND;

impl Packed {
    /// No slot: none is of two kinds.
    pub const NONE: Packed = Packed(u32::MAX);

    /// A slot, packed.
    pub const fn of(slot: Slot) -> Self {
        match slot {
            Slot::Full(slot) => Self(slot),
            Slot::Lone(slot) => Self(slot | LONE),
            Slot::Past(slot) => Self(slot | PAST),
        }
    }

    /// The slot.
    pub const fn get(self) -> Slot {
        let slot = self.0 & LARGEST;
        match self.0 & KIND {
            0 => Slot::Full(slot),
            LONE => Slot::Lone(slot),
            _ => Slot::Past(slot),
        }
    }
}
