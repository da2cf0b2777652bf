//! Where in a list a thing stands, found in constant time: files may describe any number of interfaces and names, each of which is
//! to be kept once and in its order.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

/// The places of the things in a list, all different. The list itself stays with its owner, who only adds to it through this.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// By the hash of the thing; where another thing has that already, by the next number that is free. The things stand in the
    /// list alone.
    by_hash: HashMap<u64, u32>,
    /// Keyed at random: no file can be made so that all its things have one hash.
    hasher: RandomState,
}

impl Places {
    /// The place of a thing in the list, if it is in it.
    pub(super) fn find<T: Hash + Eq>(&self, list: &[T], thing: &T) -> Option<u32> {
        self.look_up(list, thing).ok()
    }

    /// The place of a thing in the list. It is added at the end if it is not in it yet.
    pub(super) fn place<T: Hash + Eq>(&mut self, list: &mut Vec<T>, thing: T) -> u32 {
        self.look_up(list, &thing).unwrap_or_else(|free| {
            let place = list.len() as u32;
            self.by_hash.insert(free, place);
            list.push(thing);
            place
        })
    }

    /// The place of a thing, or the number under which it is to be noted.
    fn look_up<T: Hash + Eq>(&self, list: &[T], thing: &T) -> Result<u32, u64> {
        let mut number = self.hasher.hash_one(thing);
        while let Some(&place) = self.by_hash.get(&number) {
            if list.get(place as usize) == Some(thing) {
                return Ok(place);
            }
            number = number.wrapping_add(1);
        }
        Err(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::hash::Hasher;
    use std::rc::Rc;

    /// A number that counts how often it is compared.
    #[derive(Clone, Debug)]
    struct Counting(u32, Rc<Cell<usize>>);

    impl PartialEq for Counting {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(self.1.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Counting {}

    impl Hash for Counting {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    #[test]
    fn each_thing_is_compared_about_once_however_many_there_are() {
        let comparisons = Rc::new(Cell::new(0));
        let (mut places, mut list) = (Places::default(), Vec::new());
        for _ in 0..2 {
            for n in 0..10_000 {
                let thing = Counting(n, Rc::clone(&comparisons));
                assert_eq!(places.place(&mut list, thing), n);
            }
        }
        assert_eq!(list.len(), 10_000);
        assert!(comparisons.get() < 15_000);
    }
}
