//! The options at the end of pcapng blocks: code, length, value padded to four bytes. Read one at a time, nothing is allocated.

use super::bytes::ByteOrder;

/// The options in a slice of bytes. Ends at the end-of-options mark or where an option overruns.
pub(super) struct Options<'a> {
    order: ByteOrder,
    rest: &'a [u8],
}

impl<'a> Options<'a> {
    pub(super) fn new(order: ByteOrder, bytes: &'a [u8]) -> Self {
        Self { order, rest: bytes }
    }
}

impl<'a> Iterator for Options<'a> {
    /// Code and value.
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (header, rest) = self.rest.split_first_chunk::<4>()?;
        let code = self.order.u16_at(header, 0);
        let len = usize::from(self.order.u16_at(header, 2));
        if code == 0 {
            return None;
        }
        let value = rest.get(..len)?;
        self.rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_padded_and_end() {
        let bytes = [
            0, 2, 0, 1, b'x', 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0,
        ];
        let got: Vec<_> = Options::new(ByteOrder::Big, &bytes).collect();
        assert_eq!(got, [(2, &b"x"[..]), (9, &b""[..])]);
    }

    #[test]
    fn an_overrun_ends_them() {
        assert_eq!(
            Options::new(ByteOrder::Little, &[2, 0, 5, 0, 1, 2, 3, 4]).count(),
            0
        );
        assert_eq!(
            Options::new(ByteOrder::Little, &[2, 0, 2, 0, 1, 2]).count(),
            1
        );
    }
}
