//! Places that are handed out, given back and handed out again, and never move: they live in chunks, so that growing copies nothing
//! (perf/NOTES.md: one big array took eight times the memory).

use crate::utils::prefetch::prefetch;

/// Places per chunk.
pub const CHUNK: usize = 256;

/// Values by the numbers of their places.
#[derive(Debug)]
pub struct Slab<T> {
    chunks: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            len: 0,
        }
    }
}

const fn place(number: u32) -> (usize, usize) {
    (number as usize / CHUNK, number as usize % CHUNK)
}

impl<T> Slab<T> {
    /// How many values there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Octets of memory that are reserved.
    pub fn reserved(&self) -> usize {
        let places: usize = self.chunks.iter().map(Vec::capacity).sum();
        places * size_of::<Option<T>>() + self.free.capacity() * size_of::<u32>()
    }

    /// Puts a value into a free place; returns its number.
    pub fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        if let Some(number) = self.free.pop() {
            let (chunk, at) = place(number);
            self.chunks[chunk][at] = Some(value);
            return number;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.len() - 1;
        self.chunks[chunk].push(Some(value));
        (chunk * CHUNK + self.chunks[chunk].len() - 1) as u32
    }

    /// The value in a place; `None` if it is free.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&T> {
        let (chunk, at) = place(number);
        self.chunks.get(chunk)?.get(at)?.as_ref()
    }

    /// The same, to be changed.
    #[inline]
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let (chunk, at) = place(number);
        self.chunks.get_mut(chunk)?.get_mut(at)?.as_mut()
    }

    /// Asks for the memory of a place.
    pub fn prefetch(&self, number: u32) {
        let (chunk, at) = place(number);
        if let Some(place) = self.chunks.get(chunk).and_then(|chunk| chunk.get(at)) {
            prefetch(place);
        }
    }

    /// Takes a value out; its place is free from then on.
    pub fn take(&mut self, number: u32) -> Option<T> {
        let (chunk, at) = place(number);
        let value = self.chunks.get_mut(chunk)?.get_mut(at)?.take()?;
        self.free.push(number);
        self.len -= 1;
        Some(value)
    }

    /// All values with the numbers of their places.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let all = self.chunks.iter().flatten().enumerate();
        all.filter_map(|(number, value)| Some((number as u32, value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_keep_their_numbers() {
        let mut slab = Slab::default();
        let numbers: Vec<_> = (0..3 * CHUNK as u32).map(|n| slab.insert(n)).collect();
        assert_eq!(slab.take(numbers[300]), Some(300));
        assert_eq!(slab.take(numbers[300]), None);
        assert_eq!(slab.get(numbers[300]), None);
        assert_eq!(slab.len(), 3 * CHUNK - 1);
        assert_eq!(slab.insert(7), numbers[300]);
        *slab.get_mut(numbers[301]).unwrap() += 1000;
        let sum: u32 = slab.iter().map(|(_, value)| value).sum();
        let all: u32 = (0..3 * CHUNK as u32).sum();
        assert_eq!(sum, all - 300 + 7 + 1000);
        assert!(
            slab.iter()
                .all(|(number, value)| *value == number || number == 300 || number == 301)
        );
        assert_eq!(slab.get(u32::MAX), None);
        assert_eq!(slab.take(u32::MAX), None);
    }
}
