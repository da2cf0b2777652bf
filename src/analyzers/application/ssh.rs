//! SSH: the one line by which each side begins (RFC 4253 §4.2).

use super::{Context, Introduction, Reading, may_begin_with, text};

/// The longest identification, its line end included.
const LONGEST: usize = 255;

/// An identification such as `SSH-2.0-OpenSSH_10.0`.
pub fn read(bytes: &[u8], context: Context) -> Reading {
    if !may_begin_with(bytes, b"SSH-") {
        return Reading::Unknown;
    }
    let line = &bytes[..bytes.len().min(LONGEST)];
    match line.iter().position(|&byte| byte == b'\n') {
        Some(end) => Reading::Is(Introduction::Ssh(text(line[..end].trim_ascii_end()))),
        None if line.len() == LONGEST || context.last && line.len() > 4 => {
            Reading::Is(Introduction::Ssh(text(line)))
        }
        None => Reading::NeedsMore,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_is_one_line() {
        let banner = |text: &str| Reading::Is(Introduction::Ssh(text.to_owned()));
        let context = Context::default();
        assert_eq!(
            read(b"SSH-2.0-OpenSSH_10.0 Debian\r\n\x00\x00", context),
            banner("SSH-2.0-OpenSSH_10.0 Debian")
        );
        assert_eq!(read(b"SSH-2.0-x", context), Reading::NeedsMore);
        assert_eq!(read(b"SS", context), Reading::NeedsMore);
        assert_eq!(read(b"SMTP", context), Reading::Unknown);
        let long = [b"SSH-2.0-".as_slice(), &[b'a'; 500]].concat();
        assert_eq!(
            read(&long, context),
            banner(&format!("SSH-2.0-{}", "a".repeat(247)))
        );
    }
}
