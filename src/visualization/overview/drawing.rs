//! The drawing of all connections.

use super::{Bar, Fate, OverviewDrawing};
use crate::utils::format;
use crate::visualization::chart::axis::{moment_ticks, time_ticks};
use crate::visualization::chart::file::Drawing;
use crate::visualization::chart::legend::{Key, heading};
use crate::visualization::chart::panel::{Shape, draw_shape};
use crate::visualization::chart::sheet::{Anchor, Rect, Sheet};
use crate::visualization::chart::{Panel, palette};
use crate::visualization::style::shorten;
use anyhow::Result;
use plotters::style::Color;
use plotters_backend::DrawingBackend;

impl Drawing for OverviewDrawing<'_> {
    fn draw<DB: DrawingBackend>(&self, sheet: &mut Sheet<DB>) -> Result<()> {
        let top = self.heading(sheet)?;
        let unit = sheet.unit();
        let rect = Rect {
            left: (sheet.width() / 4).min(unit * 20),
            top,
            right: sheet.width() - unit * 2,
            bottom: sheet.height() - unit * 4,
        };
        let room = ((self.times.end - self.times.start) * 0.01).max(5e-4);
        let panel = Panel::new(
            rect,
            self.times.start - room..self.times.end + room,
            0.0..1.0,
        );
        let number = (sheet.width() / (unit * 13)).clamp(2, 12) as usize;
        let ticks = time_ticks(panel.x.start, panel.x.end, number);
        panel.axes(sheet, &ticks, true, &[])?;
        let bounds = sheet.bounds();
        for (time, label) in moment_ticks(self.begin, panel.x.start, panel.x.end, number) {
            if panel.has_time(time) {
                let at = (panel.column(time), rect.bottom + unit * 2);
                sheet.text_if_room(&label, at, Anchor::TopCenter, palette::GREY, &bounds)?;
            }
        }
        self.bars(sheet, &panel)
    }
}

impl OverviewDrawing<'_> {
    fn heading<DB: DrawingBackend>(&self, sheet: &mut Sheet<DB>) -> Result<i32> {
        let total: usize = self.counts.iter().sum();
        let mut text = format!(
            "{} to {} in {}, {}",
            format::counted(total as u64, "connection"),
            format::counted(self.groups.len() as u64, "server"),
            format::duration(((self.times.end - self.times.start) * 1e9) as i64),
            format::counted(self.losses, "retransmission")
        );
        if self.evicted > 0 {
            text.push_str(&format!(
                "; {} left to make room and are not drawn",
                format::count(self.evicted)
            ));
        }
        let fates = Fate::ALL
            .iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0);
        let mut entries: Vec<(Key, String)> = fates
            .map(|((_, name, color), count)| {
                let name = format!("{name} ({})", format::count(count as u64));
                (Key::Block(*color), name)
            })
            .collect();
        if self.losses > 0 {
            let key = Key::Mark(palette::BLACK, Shape::Diamond);
            entries.push((key, "retransmissions".to_owned()));
        }
        let title = format!("Connections of {}", self.source);
        Ok(heading(sheet, &title, &text, &entries)? + sheet.unit() / 2)
    }

    fn bars<DB: DrawingBackend>(&self, sheet: &mut Sheet<DB>, panel: &Panel) -> Result<()> {
        let lanes: usize = self.groups.iter().map(|group| group.lanes.len()).sum();
        let height = f64::from(panel.rect.bottom - panel.rect.top);
        let unit = sheet.unit();
        // A lane is never higher than a line of text: few connections shall not look like walls.
        let step = (height / lanes.max(1) as f64).min(f64::from(unit * 5 / 2));
        let mut lane = 0;
        let mut unnamed = 0;
        for group in &self.groups {
            let row = |lane: usize| panel.rect.top + (lane as f64 * step) as i32;
            for bars in &group.lanes {
                self.lane(
                    sheet,
                    panel,
                    bars,
                    row(lane)..row(lane + 1).max(row(lane) + 1),
                )?;
                lane += 1;
            }
            let middle = (row(lane - group.lanes.len()) + row(lane)) / 2;
            let name = if group.connections > 1 {
                format!(
                    "{} × {}",
                    group.name,
                    format::count(group.connections as u64)
                )
            } else {
                group.name.clone()
            };
            let name = self.shortened(sheet, name, panel.rect.left - unit * 3 / 2)?;
            let bounds = Rect {
                top: panel.rect.top - unit,
                bottom: panel.rect.bottom + unit,
                ..sheet.bounds()
            };
            let at = (panel.rect.left - unit / 2, middle);
            if !sheet.text_if_room(&name, at, Anchor::Right, palette::BLACK, &bounds)? {
                unnamed += 1;
            }
        }
        if unnamed > 0 {
            let text = format!("{} servers without room for a name", format::count(unnamed));
            let bounds = sheet.bounds();
            let at = (unit, panel.rect.bottom + unit * 2);
            sheet.text_if_room(&text, at, Anchor::TopLeft, palette::GREY, &bounds)?;
        }
        Ok(())
    }

    fn shortened<DB: DrawingBackend>(
        &self,
        sheet: &Sheet<DB>,
        name: String,
        width: i32,
    ) -> Result<String> {
        let mut characters = name.chars().count();
        let mut name = name;
        while sheet.measure(&name, sheet.unit())?.0 > width && characters > 8 {
            characters -= 2;
            name = shorten(&name, characters);
        }
        Ok(name)
    }

    fn lane<DB: DrawingBackend>(
        &self,
        sheet: &Sheet<DB>,
        panel: &Panel,
        bars: &[Bar],
        rows: std::ops::Range<i32>,
    ) -> Result<()> {
        let gap = if rows.len() > 4 { 1 } else { 0 };
        let mut order: Vec<&Bar> = bars.iter().collect();
        order.sort_by_key(|bar| bar.fate);
        for bar in order {
            let (left, right) = (panel.column(bar.from), panel.column(bar.to));
            let corners = [
                (left, rows.start + gap),
                (right.max(left + 3), rows.end - gap),
            ];
            sheet.draw(&plotters::element::Rectangle::new(
                corners,
                bar.fate.color().filled(),
            ))?;
            let size = (rows.len() as i32 / 3).min(sheet.unit() / 3).max(1);
            for &time in &bar.losses {
                let at = (panel.column(time), (rows.start + rows.end) / 2);
                draw_shape(sheet, at, Shape::Diamond, palette::BLACK, size)?;
            }
        }
        Ok(())
    }
}
