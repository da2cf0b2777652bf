//! Where graphs are written: names that derive from the capture and the connection, PNG or SVG, whole or not at all.
//!
//! A name has the capture's own name, the time at which it began, and what is shown, so that no graph takes another capture's
//! place. It is made of letters, digits, dots, dashes and underscores alone: nothing in a file's or interface's name leads out
//! of the directory.

use super::sheet::Size;
use crate::utils::format;
use crate::utils::time::Timestamp;
use anyhow::{Context, Result};
use plotters::backend::{BitMapBackend, SVGBackend};
use std::path::{Path, PathBuf};

/// The kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// Pixels.
    #[default]
    Png,
    /// Vectors.
    Svg,
}

/// Where and how graphs are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The directory; made if it is missing.
    pub directory: PathBuf,
    /// PNG or SVG.
    pub format: Format,
    /// How large.
    pub size: Size,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("."),
            format: Format::default(),
            size: Size::default(),
        }
    }
}

impl Place {
    /// The path of a file about a capture: `directory/capture-20261124T065116Z-what.ending`.
    pub fn path(&self, source: &str, begin: Timestamp, what: &str, ending: &str) -> PathBuf {
        let time: String = format::date_and_time(begin)[..19]
            .replace(' ', "T")
            .chars()
            .filter(|c| !matches!(c, '-' | ':'))
            .collect();
        self.directory
            .join(format!("{}-{time}Z-{}.{ending}", stem(source), safe(what)))
    }

    /// Writes a file whole, or says what went wrong and leaves none behind.
    pub fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        std::fs::create_dir_all(&self.directory).with_context(|| {
            format!(
                "cannot make the directory {} for graphs",
                shown(&self.directory)
            )
        })?;
        std::fs::write(path, content)
            .inspect_err(|_| {
                let _ = std::fs::remove_file(path);
            })
            .with_context(|| format!("cannot write {}", shown(path)))?;
        eprintln!("tcp-monitor: wrote {}", shown(path));
        Ok(())
    }

    /// Draws a graph and writes it.
    pub fn draw<G: Drawing>(
        &self,
        source: &str,
        begin: Timestamp,
        what: &str,
        graph: &G,
    ) -> Result<PathBuf> {
        let (content, ending) = match self.format {
            Format::Png => (png(self.size, graph)?, "png"),
            Format::Svg => (svg(self.size, graph)?.into_bytes(), "svg"),
        };
        let path = self.path(source, begin, what, ending);
        self.write(&path, &content)?;
        Ok(path)
    }
}

fn shown(path: &Path) -> String {
    format::printable(&path.to_string_lossy()).into_owned()
}

/// The name of a capture without directory and ending, safe for a file name.
fn stem(source: &str) -> String {
    let name = source.rsplit('/').next().unwrap_or(source);
    let mut name = name;
    for ending in [
        ".gz", ".zst", ".xz", ".lz4", ".pcap", ".pcapng", ".cap", ".dmp",
    ] {
        name = name.strip_suffix(ending).unwrap_or(name);
    }
    let name = safe(name);
    if name.is_empty() {
        "capture".to_owned()
    } else {
        name
    }
}

/// Letters, digits, dots, dashes and underscores; everything else becomes an underscore. Never begins with a dot, nor with a dash,
/// which other programs would take for an option; never longer than 100 characters.
fn safe(text: &str) -> String {
    let clean = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
            c
        } else {
            '_'
        }
    };
    text.trim_start_matches(['.', '-'])
        .chars()
        .take(100)
        .map(clean)
        .collect()
}

/// Something that can be drawn on any backend.
pub trait Drawing {
    /// Draws it on a sheet.
    fn draw<DB: plotters_backend::DrawingBackend>(
        &self,
        sheet: &mut super::Sheet<DB>,
    ) -> Result<()>;
}

/// A drawing as the bytes of a PNG file.
pub fn png<G: Drawing>(size: Size, graph: &G) -> Result<Vec<u8>> {
    let mut pixels = vec![0u8; size.width as usize * size.height as usize * 3];
    {
        let backend = BitMapBackend::with_buffer(&mut pixels, (size.width, size.height));
        let mut sheet = super::Sheet::new(backend)?;
        graph.draw(&mut sheet)?;
        sheet.finish()?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().context("cannot encode a PNG")?;
    writer
        .write_image_data(&pixels)
        .context("cannot encode a PNG")?;
    writer.finish().context("cannot encode a PNG")?;
    Ok(bytes)
}

/// A drawing as the text of an SVG file.
pub fn svg<G: Drawing>(size: Size, graph: &G) -> Result<String> {
    let mut text = String::new();
    {
        let mut sheet = super::Sheet::new(SVGBackend::with_string(
            &mut text,
            (size.width, size.height),
        ))?;
        graph.draw(&mut sheet)?;
        sheet.finish()?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_capture_and_stay_in_the_directory() {
        let place = Place {
            directory: PathBuf::from("graphs"),
            ..Place::default()
        };
        let begin = Timestamp::from_parts(951_782_400, 1000);
        let path = |source| {
            place
                .path(source, begin, "connection-3", "png")
                .display()
                .to_string()
        };
        assert_eq!(
            path("/tmp/a b.pcap.gz"),
            "graphs/a_b-20000229T000000Z-connection-3.png"
        );
        assert_eq!(
            path("../../etc/.."),
            "graphs/capture-20000229T000000Z-connection-3.png"
        );
        assert_eq!(
            path("eth0\x1b[2J"),
            "graphs/eth0__2J-20000229T000000Z-connection-3.png"
        );
        assert!(path(&"x".repeat(5000)).len() < 200);
    }
}
