//! How each kind of mark looks on a sheet: a colour for what it means, a shape for grey print.

use crate::tracking::verdict::Cause;
use crate::visualization::chart::palette;
use crate::visualization::chart::panel::Shape;
use crate::visualization::marks::MarkKind;
use plotters::style::RGBColor;

/// Colour and shape of a kind.
pub const fn look(kind: MarkKind) -> (RGBColor, Shape) {
    match kind {
        MarkKind::Sack => (palette::PURPLE, Shape::Dash),
        MarkKind::DuplicateAck => (palette::GREEN, Shape::Plus),
        MarkKind::Retransmission(cause) => match cause {
            Cause::Fast => (palette::VERMILLION, Shape::Cross),
            Cause::Rack => (palette::VERMILLION, Shape::Diamond),
            Cause::TailLossProbe => (palette::ORANGE, Shape::Up),
            Cause::Timeout => (palette::RED, Shape::Square),
            Cause::GoBackN => (palette::RED, Shape::OpenSquare),
            Cause::Syn | Cause::Fin => (palette::RED, Shape::Down),
            Cause::Probe => (palette::ORANGE, Shape::Plus),
            Cause::Unknown => (palette::VERMILLION, Shape::OpenDiamond),
        },
        MarkKind::Spurious => (palette::BLACK, Shape::Ring),
        MarkKind::Reordered => (palette::SKY, Shape::Diamond),
        MarkKind::Duplicate => (palette::GREY, Shape::Ring),
        MarkKind::ZeroWindow => (palette::RED, Shape::Dash),
        MarkKind::WindowProbe => (palette::ORANGE, Shape::OpenDiamond),
        MarkKind::KeepAlive => (palette::GREY, Shape::OpenDiamond),
        MarkKind::CongestionExperienced => (palette::PURPLE, Shape::Square),
        MarkKind::EcnEcho => (palette::PURPLE, Shape::Ring),
        MarkKind::WindowReduced => (palette::PURPLE, Shape::Down),
        MarkKind::Syn => (palette::BLACK, Shape::Up),
        MarkKind::Fin => (palette::BLACK, Shape::OpenSquare),
        MarkKind::Rst => (palette::RED, Shape::Cross),
    }
}

/// Whether it stands for octets that were sent: then their span is drawn, too.
pub const fn covers_octets(kind: MarkKind) -> bool {
    matches!(
        kind,
        MarkKind::Sack
            | MarkKind::Retransmission(_)
            | MarkKind::Reordered
            | MarkKind::Duplicate
            | MarkKind::WindowProbe
    )
}
