//! Asks the processor to fetch memory before it is needed. With a hundred thousand connections open, each packet finds its own in
//! memory, not in a cache, and waiting for that costs more than everything that is then done with it (perf/NOTES.md). Fetched
//! ahead for many packets at once, the waiting overlaps.

/// Octets that come from memory at once.
pub const LINE: usize = 64;

/// Asks for all octets of a value. Changes nothing but how long it takes to read it; does nothing on processors for which there is no
/// instruction here.
#[inline]
pub fn prefetch<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<i8>();
    for offset in (0..size_of::<T>()).step_by(LINE) {
        fetch_line(start.wrapping_add(offset));
    }
    // A value that does not begin with a line may end in one more.
    if align_of::<T>() < LINE.min(size_of::<T>()) {
        fetch_line(start.wrapping_add(size_of::<T>().saturating_sub(1)));
    }
}

/// The one place of the program where the compiler has to be told that something is safe: a prefetch takes any address, and only
/// hints.
#[cfg(target_arch = "x86_64")]
#[inline]
#[allow(
    unsafe_code,
    reason = "there is no safe function for it yet (rust-lang/rust#146941)"
)]
fn fetch_line(address: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: PREFETCHT0 reads nothing and cannot fault, whatever the address (Intel SDM volume 2).
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn fetch_line(_address: *const i8) {}
