//! The ladder as a graph, for connections short enough to be read on one page.

use super::{Rung, Rungs};
use crate::tracking::{Connection, Direction};
use crate::utils::time::{Timestamp, seconds};
use crate::visualization::chart::file::Drawing;
use crate::visualization::chart::palette;
use crate::visualization::chart::sheet::{Anchor, Sheet};
use crate::visualization::style::{Tone, tone_of};
use crate::visualization::trace::ConnectionTrace;
use anyhow::Result;
use plotters::element::{PathElement, Polygon};
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;

/// Whether a connection's ladder fits onto a page.
pub fn is_readable(rungs: &Rungs) -> bool {
    !rungs.is_empty() && rungs.last().1 == 0
}

/// A connection's ladder, ready to be drawn.
#[derive(Debug)]
pub struct LadderDrawing<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// What was collected.
    pub trace: &'a ConnectionTrace,
    /// The first moment of the capture, from which times count.
    pub begin: Timestamp,
}

/// Where the two hosts stand, and how high a step is.
struct Frame {
    left: i32,
    right: i32,
    top: i32,
    step: i32,
}

impl Drawing for LadderDrawing<'_> {
    fn draw<DB: DrawingBackend>(&self, sheet: &mut Sheet<DB>) -> Result<()> {
        let (unit, width) = (sheet.unit(), sheet.width());
        let title = format!(
            "Connection {}: {} → {}",
            self.connection.id, self.connection.client, self.connection.server
        );
        sheet.text_within(
            &title,
            (unit, unit / 2),
            unit * 3 / 2,
            palette::BLACK,
            width - 2 * unit,
        )?;
        let rungs: Vec<&Rung> = self
            .trace
            .rungs
            .first()
            .iter()
            .chain(self.trace.rungs.last().0)
            .collect();
        let top = unit * 6;
        let room = sheet.height() - top - unit * 2;
        let frame = Frame {
            left: unit * 22,
            right: width - unit * 22,
            top,
            step: (room / (rungs.len() as i32 + 1)).clamp(unit * 3 / 2, unit * 4),
        };
        self.hosts(sheet, &frame, rungs.len())?;
        for (at, rung) in rungs.iter().enumerate() {
            self.rung(sheet, &frame, rung, at)?;
        }
        Ok(())
    }
}

impl LadderDrawing<'_> {
    fn hosts<DB: DrawingBackend>(
        &self,
        sheet: &mut Sheet<DB>,
        frame: &Frame,
        rungs: usize,
    ) -> Result<()> {
        let bottom =
            (frame.top + frame.step * (rungs as i32 + 1)).min(sheet.height() - sheet.unit());
        let hosts = [
            (frame.left, format!("client {}", self.connection.client)),
            (frame.right, format!("server {}", self.connection.server)),
        ];
        let unit = sheet.unit();
        for (x, name) in hosts {
            sheet.draw(&PathElement::new(
                vec![(x, frame.top), (x, bottom)],
                palette::BLACK.stroke_width(2),
            ))?;
            let bounds = sheet.bounds();
            sheet.text_if_room(
                &name,
                (x, frame.top - unit / 2),
                Anchor::BottomCenter,
                palette::BLACK,
                &bounds,
            )?;
        }
        Ok(())
    }

    fn rung<DB: DrawingBackend>(
        &self,
        sheet: &mut Sheet<DB>,
        frame: &Frame,
        rung: &Rung,
        at: usize,
    ) -> Result<()> {
        let unit = sheet.unit();
        // An arrow slopes down, as time does; but never into the next one's label.
        let y = frame.top + frame.step * (at as i32 + 1);
        let slope = (frame.step / 4).min(unit / 2);
        let (from, to) = match rung.direction {
            Direction::ToServer => (frame.left, frame.right),
            Direction::ToClient => (frame.right, frame.left),
        };
        let color = color(rung);
        sheet.draw(&PathElement::new(
            vec![(from, y - slope), (to, y)],
            color.stroke_width(2),
        ))?;
        let back = if to > from { -1 } else { 1 };
        let head = vec![
            (to, y),
            (to + back * unit, y - unit / 2),
            (to + back * unit, y + unit / 4),
        ];
        sheet.draw(&Polygon::new(head, color.filled()))?;
        let mut label = rung.label();
        if !rung.verdicts.is_empty() {
            label.push_str(
                &format!("   {}", rung.verdicts)
                    .replace(',', ", ")
                    .replace('_', " "),
            );
        }
        let middle = (frame.left + frame.right) / 2;
        let within = frame.right - frame.left - unit * 2;
        while sheet.measure(&label, unit)?.0 > within && label.chars().count() > 8 {
            label = label
                .chars()
                .take(label.chars().count() - 4)
                .collect::<String>()
                + "…";
        }
        let bounds = sheet.bounds();
        sheet.text_if_room(
            &label,
            (middle, y - slope - 2),
            Anchor::BottomCenter,
            color,
            &bounds,
        )?;
        let time = format!("{:.6} s", seconds(rung.time.since(self.begin)));
        sheet.text_if_room(
            &time,
            (unit, y - slope),
            Anchor::Left,
            palette::GREY,
            &bounds,
        )?;
        let ends = [
            (Direction::ToServer, frame.left - unit, Anchor::Right),
            (Direction::ToClient, frame.right + unit, Anchor::Left),
        ];
        for (end, x, anchor) in ends {
            if let Some(state) = rung.new_state(end, at == 0) {
                let row = if end == rung.direction { y - slope } else { y };
                sheet.text_if_room(state.name(), (x, row), anchor, palette::BLUE, &bounds)?;
            }
        }
        Ok(())
    }
}

fn color(rung: &Rung) -> RGBColor {
    let tone = rung.verdicts.iter().next().map(tone_of);
    match tone {
        Some(Tone::Bad) => palette::RED,
        Some(Tone::Warning) => palette::VERMILLION,
        Some(_) => palette::GREY,
        None => palette::BLACK,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FIRST, LAST, tests::rung};
    use super::*;
    use crate::analyzers::tcp::Flags;
    use crate::tracking::{ConnectionTracker, Segment, Verdict};
    use crate::utils::addressing::Endpoint;
    use crate::visualization::chart::file::svg;
    use crate::visualization::chart::sheet::{Size, check};
    use plotters::backend::SVGBackend;

    /// Draws a ladder of so many rungs with a check of its texts.
    fn drawn(rungs: usize, check: impl Fn(&LadderDrawing<'_>)) {
        let mut tracker = ConnectionTracker::new(10);
        let long = |last| Endpoint::new([0x2001, 0xdb8, 1, 2, 3, 4, 5, last].into(), 65_535);
        tracker.observe(long(1), long(2), &Segment::example());
        let mut trace = ConnectionTrace::default();
        for at in 0..rungs {
            let direction = Direction::BOTH[at % 2];
            let mut rung = rung(at as u64, direction, Flags::PSH.with(Flags::ACK));
            (rung.len, rung.ack) = (1460, u32::MAX);
            rung.verdicts = [Verdict::Retransmission, Verdict::SpuriousRetransmission]
                .into_iter()
                .take(at % 3)
                .collect();
            trace.rungs.push(rung);
        }
        check(&LadderDrawing {
            connection: &tracker.connections()[0],
            trace: &trace,
            begin: Timestamp::from_nanos(0),
        });
    }

    #[test]
    fn every_text_is_readable_at_every_size() {
        for rungs in [1, 10, FIRST + LAST] {
            drawn(rungs, |ladder| {
                for (width, height) in [(400, 300), (1600, 1000)] {
                    let mut text = String::new();
                    let backend = SVGBackend::with_string(&mut text, (width, height));
                    let mut sheet = Sheet::new(backend).unwrap();
                    ladder.draw(&mut sheet).unwrap();
                    check::texts_are_readable(&sheet);
                }
            });
        }
    }

    #[test]
    fn rungs_carry_their_labels_and_verdicts() {
        drawn(9, |ladder| {
            let text = svg(Size::default(), ladder).unwrap();
            for word in [
                "seq=8 ack=4294967295 len=1460",
                "spurious retransmission",
                "0.008000 s",
                "ESTABLISHED",
            ] {
                assert!(text.contains(word), "{word} is missing");
            }
        });
    }
}
