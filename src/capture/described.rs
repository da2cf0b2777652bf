//! How many interfaces a capture may describe, and at what length: files made of nothing else must not fill the memory.

use super::Interface;

/// How many interfaces a file may have, or several together. Each takes 88 octets of memory and its texts.
const INTERFACES: usize = 262_144;
/// Octets that their names and descriptions may have together.
///
/// A file at both limits takes 45 MB of memory (measured with names of 1 octet and descriptions of 31), and 15 to 60 MB more where
/// names are shown beside packets, the most where they are nothing but control characters.
const TEXTS: usize = 8 << 20;

/// Interfaces that were described.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Described {
    interfaces: usize,
    texts: usize,
}

impl Described {
    /// One more was described. Returns what is wrong with that, as a part of a sentence: `more than 262144 interfaces`.
    pub(super) fn add(&mut self, interface: &Interface) -> Result<(), String> {
        *self = self.and(Self::of(interface));
        if self.interfaces > INTERFACES {
            Err(format!("more than {INTERFACES} interfaces"))
        } else if self.texts > TEXTS {
            Err(format!(
                "interfaces whose names and descriptions take more than {TEXTS} octets together"
            ))
        } else {
            Ok(())
        }
    }

    /// These are held no longer.
    pub(super) fn remove(&mut self, interfaces: &[Interface]) {
        for gone in interfaces.iter().map(Self::of) {
            self.interfaces = self.interfaces.saturating_sub(gone.interfaces);
            self.texts = self.texts.saturating_sub(gone.texts);
        }
    }

    fn of(interface: &Interface) -> Self {
        let texts = [&interface.name, &interface.description];
        let lengths = texts.into_iter().flatten().map(String::len);
        Self {
            interfaces: 1,
            texts: lengths.fold(0, usize::saturating_add),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            interfaces: self.interfaces.saturating_add(other.interfaces),
            texts: self.texts.saturating_add(other.texts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Resolution;
    use super::*;
    use crate::analyzers::LinkType;

    #[test]
    fn texts_are_bounded_together() {
        let mut interface = Interface::new(LinkType(1), 0, Resolution::MICROSECONDS);
        interface.name = Some("n".repeat(200));
        interface.description = Some("d".repeat(56));
        let mut described = Described::default();
        for _ in 0..TEXTS / 256 {
            described.add(&interface).unwrap();
        }
        let wrong = described.add(&interface).unwrap_err();
        assert!(wrong.ends_with("take more than 8388608 octets together"));
        described.remove(&[interface.clone(), interface.clone()]);
        described.add(&interface).unwrap();
    }
}
