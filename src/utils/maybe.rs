//! An optional number in the space of the number: half of an `Option`, which counts where there are a hundred thousand
//! connections. The smallest value stands for "none"; neither a stream offset nor a time of a capture comes near it.

use super::time::Timestamp;

/// A type with a value that never occurs.
pub trait Sentinel: Copy + PartialEq {
    /// The value that stands for none.
    const NONE: Self;
}

impl Sentinel for i64 {
    const NONE: Self = i64::MIN;
}

impl Sentinel for Timestamp {
    const NONE: Self = Timestamp::from_nanos(i64::MIN);
}

/// A value or none, read like an `Option`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Maybe<T>(T);

impl<T: Sentinel> Maybe<T> {
    /// The value.
    #[inline]
    pub fn get(self) -> Option<T> {
        (self.0 != T::NONE).then_some(self.0)
    }

    /// Whether there is one.
    #[inline]
    pub fn is_some(self) -> bool {
        self.0 != T::NONE
    }

    /// Whether there is none.
    #[inline]
    pub fn is_none(self) -> bool {
        self.0 == T::NONE
    }

    /// Whether there is one and the condition holds for it.
    #[inline]
    pub fn is_some_and(self, condition: impl FnOnce(T) -> bool) -> bool {
        self.get().is_some_and(condition)
    }

    /// Whether there is none or the condition holds for it.
    #[inline]
    pub fn is_none_or(self, condition: impl FnOnce(T) -> bool) -> bool {
        self.get().is_none_or(condition)
    }

    /// The value, or another one.
    #[inline]
    pub fn unwrap_or(self, other: T) -> T {
        self.get().unwrap_or(other)
    }

    /// Keeps a value that is there already; takes this one otherwise.
    #[inline]
    pub fn set_if_none(&mut self, value: T) {
        if self.is_none() {
            self.0 = value;
        }
    }
}

impl<T: Sentinel> Default for Maybe<T> {
    fn default() -> Self {
        Self(T::NONE)
    }
}

impl<T> From<T> for Maybe<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Sentinel> PartialEq<Option<T>> for Maybe<T> {
    fn eq(&self, other: &Option<T>) -> bool {
        self.get() == *other
    }
}

impl<T: Sentinel + std::fmt::Debug> std::fmt::Debug for Maybe<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_an_option_in_half_the_space() {
        let none = Maybe::<i64>::default();
        assert!(none.is_none() && none == None && none.unwrap_or(3) == 3);
        let mut some = Maybe::from(5);
        some.set_if_none(6);
        assert!(
            some == Some(5)
                && some.is_some_and(|value| value > 4)
                && !some.is_none_or(|value| value > 5)
        );
        assert_eq!(size_of::<Maybe<Timestamp>>(), 8);
    }
}
