//! `--overview`: every connection as a bar from its first packet to its last, grouped by server, coloured by how it ended, with
//! its losses marked. It shows at once which server was slow, refused, or reset, among thousands.
//!
//! Bars that do not meet in time share a lane. Where there are still more lanes than rows of pixels, neighbouring lanes are drawn
//! over each other: what went wrong is drawn last.

mod drawing;

use super::chart::file::Place;
use super::chart::palette;
use super::style::Style;
use super::trace::Window;
use super::{Output, Seen, Summary, terminal};
use crate::tracking::connection::Ending;
use crate::tracking::{Connection, ConnectionTracker, Verdict};
use crate::utils::addressing::Endpoint;
use crate::utils::time::{Timestamp, seconds};
use anyhow::Result;
use plotters::style::RGBColor;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;

/// Draws all connections at the end.
#[derive(Debug)]
pub struct Overview {
    /// Where the file is written.
    pub place: Place,
    /// Draw into the terminal instead.
    pub terminal: Option<Style>,
    /// Seconds of the capture to show, from and to.
    pub asked: (Option<f64>, Option<f64>),
    losses: Losses,
}

/// When segments were sent again, by connection.
type Losses = HashMap<u64, Vec<Timestamp>>;

/// Times that are kept of a connection; beyond that every second one is let go.
const MOST_LOSSES: usize = 64;

impl Overview {
    /// Nothing collected yet.
    pub fn new(place: Place, terminal: Option<Style>, asked: (Option<f64>, Option<f64>)) -> Self {
        Self {
            place,
            terminal,
            asked,
            losses: Losses::new(),
        }
    }
}

impl Output for Overview {
    fn wants_packets(&self) -> bool {
        true
    }

    fn wants_measurements(&self) -> bool {
        false
    }

    fn wants_accounts(&self) -> bool {
        false
    }

    /// What leaves is not drawn: its losses go with it.
    fn wants_closed(&self) -> bool {
        true
    }

    fn packet(&mut self, seen: &Seen<'_>, _to: &mut dyn Write) -> Result<()> {
        if let Some(event) = seen.event
            && event.judgement.has(Verdict::Retransmission)
        {
            let times = self.losses.entry(event.connection.id).or_default();
            if times.len() >= MOST_LOSSES {
                let mut at = 0;
                times.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
            }
            times.push(seen.frame.time);
        }
        Ok(())
    }

    fn closed(
        &mut self,
        connection: &Connection,
        _summary: &Summary,
        _to: &mut dyn Write,
    ) -> Result<()> {
        self.losses.remove(&connection.id);
        Ok(())
    }

    fn finish(
        &mut self,
        tracker: &ConnectionTracker,
        summary: &Summary,
        to: &mut dyn Write,
    ) -> Result<()> {
        if tracker.kept() == 0 {
            eprintln!("tcp-monitor: no connections, so no overview");
            return Ok(());
        }
        let begin = summary.totals.first.unwrap_or_default();
        let window = Window::asked(self.asked, begin);
        let connections = tracker.all();
        let drawing =
            OverviewDrawing::of(connections, &self.losses, begin, window, &summary.source);
        if drawing.groups.is_empty() {
            eprintln!("tcp-monitor: no connections between --from and --to, so no overview");
            return Ok(());
        }
        let drawing = OverviewDrawing {
            evicted: tracker.evicted(),
            ..drawing
        };
        match self.terminal {
            Some(style) => terminal::draw(&drawing, style, to),
            None => self
                .place
                .draw(&summary.source, begin, "overview", &drawing)
                .map(|_| ()),
        }
    }
}

/// How a connection ended, as far as its colour goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Finished,
    Open,
    Unanswered,
    Aborted,
    Refused,
    Reset,
}

impl Fate {
    const ALL: [(Fate, &'static str, RGBColor); 6] = [
        (Fate::Finished, "finished", palette::GREEN),
        (Fate::Open, "still open at the end", palette::BLUE),
        (Fate::Unanswered, "unanswered SYN", palette::LIGHT_GREY),
        (Fate::Aborted, "handshake aborted", palette::ORANGE),
        (Fate::Refused, "refused", palette::PURPLE),
        (Fate::Reset, "reset", palette::VERMILLION),
    ];

    fn of(connection: &Connection) -> Self {
        match connection.ending {
            Some(Ending::Finished(_)) => Fate::Finished,
            Some(Ending::Reset(_) | Ending::FinishedThenReset(_)) => Fate::Reset,
            Some(Ending::Refused) => Fate::Refused,
            Some(Ending::HandshakeAborted(_)) => Fate::Aborted,
            None if connection.flows.0[1].counts.packets == 0
                && connection.handshake.syn.is_some() =>
            {
                Fate::Unanswered
            }
            None => Fate::Open,
        }
    }

    fn color(self) -> RGBColor {
        Self::ALL[self as usize].2
    }
}

/// One connection's bar.
#[derive(Clone, Debug)]
struct Bar {
    from: f64,
    to: f64,
    fate: Fate,
    /// When segments were sent again.
    losses: Vec<f64>,
}

/// What is kept of a connection until all are known: a fraction of what the tracking knows of it.
#[derive(Debug)]
struct Part {
    id: u64,
    server: Endpoint,
    service: Option<&'static str>,
    bar: Bar,
}

/// A server's bars, lane by lane.
#[derive(Debug)]
struct Group {
    name: String,
    lanes: Vec<Vec<Bar>>,
    connections: usize,
}

/// All connections, ready to be drawn.
#[derive(Debug)]
pub struct OverviewDrawing<'a> {
    groups: Vec<Group>,
    counts: [usize; Fate::ALL.len()],
    losses: u64,
    begin: Timestamp,
    /// Seconds of the capture of the first and the last packet of any connection.
    times: std::ops::Range<f64>,
    source: &'a str,
    evicted: u64,
}

impl<'a> OverviewDrawing<'a> {
    /// Groups the connections in the window by server, the one with most connections first, and gives their bars lanes. Looks at
    /// one connection after the other: all at once would take many times what is drawn of them.
    pub fn of(
        connections: impl Iterator<Item = impl AsRef<Connection>>,
        losses: &Losses,
        begin: Timestamp,
        window: Window,
        source: &'a str,
    ) -> Self {
        let mut retransmissions = 0;
        let mut parts = Vec::new();
        for connection in connections {
            let connection = connection.as_ref();
            if connection.last >= window.from && connection.start <= window.to {
                retransmissions += u64::from(connection.count(Verdict::Retransmission));
                parts.push(Part::of(connection, losses, begin, window));
            }
        }
        let mut counts = [0; Fate::ALL.len()];
        let (mut start, mut end) = (f64::INFINITY, 0.0f64);
        for Part { bar, .. } in &parts {
            counts[bar.fate as usize] += 1;
            (start, end) = (start.min(bar.from), end.max(bar.to));
        }
        let total = parts.len().max(LANES);
        // Those of one server stay in the order of their numbers.
        parts.sort_unstable_by_key(|part| (part.server, part.id));
        let same_server = |a: &Part, b: &Part| a.server == b.server;
        let by_host = parts.chunk_by(same_server).count() > MOST_SERVERS;
        if by_host {
            parts.iter_mut().for_each(|part| part.server.port = 0);
            parts.sort_unstable_by_key(|part| (part.server, part.id));
        }
        let sizes: Vec<_> = parts.chunk_by(same_server).map(<[Part]>::len).collect();
        let mut groups: Vec<Group> = Vec::with_capacity(sizes.len());
        let mut parts = parts.into_iter();
        for connections in sizes {
            let mut bars = Vec::with_capacity(connections);
            let mut name = String::new();
            for part in parts.by_ref().take(connections) {
                if bars.is_empty() {
                    name = part.name(by_host);
                }
                bars.push(part.bar);
            }
            groups.push(Group {
                name,
                connections,
                lanes: lanes(bars, (connections * LANES / total).max(1)),
            });
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.connections));
        Self {
            groups,
            counts,
            losses: retransmissions,
            begin,
            times: start.min(end)..end,
            source,
            evicted: 0,
        }
    }
}

/// Lanes that are wanted in all: while there are fewer connections, each has one of its own.
const LANES: usize = 240;
/// Servers that are told apart by their ports, too; beyond that a group is a host.
const MOST_SERVERS: usize = 60;

impl Part {
    fn of(connection: &Connection, losses: &Losses, begin: Timestamp, window: Window) -> Self {
        let at = |time: Timestamp| seconds(time.since(begin));
        let losses = losses.get(&connection.id).into_iter().flatten();
        Self {
            id: connection.id,
            server: connection.server,
            service: connection.service(),
            bar: Bar {
                from: at(connection.start.max(window.from)),
                to: at(connection.last.min(window.to)),
                fate: Fate::of(connection),
                losses: losses
                    .filter(|time| window.has(**time))
                    .map(|&time| at(time))
                    .collect(),
            },
        }
    }

    /// What its group is called.
    fn name(&self, by_host: bool) -> String {
        let service = self
            .service
            .map_or(String::new(), |name| format!(" ({name})"));
        match by_host {
            true => self.server.address.to_string(),
            false => format!("{}{service}", self.server),
        }
    }
}

/// Gives every bar a lane of its own while there are fewer than `wanted`, and then the one that has been free for longest when it
/// begins, or another one if none is free.
fn lanes(mut bars: Vec<Bar>, wanted: usize) -> Vec<Vec<Bar>> {
    bars.sort_by(|a, b| a.from.total_cmp(&b.from));
    let mut lanes: Vec<Vec<Bar>> = Vec::new();
    // Lanes by the time at which they become free; a heap would forget which lane it was.
    let mut free: BTreeMap<(i64, usize), ()> = BTreeMap::new();
    for bar in bars {
        let from = (bar.from * 1e9) as i64;
        let lane = match free.first_key_value() {
            Some((&(until, lane), ())) if until < from && lanes.len() >= wanted => {
                free.remove(&(until, lane));
                lane
            }
            _ => {
                // Most lanes of very many have one bar.
                lanes.push(Vec::with_capacity(1));
                lanes.len() - 1
            }
        };
        free.insert(((bar.to * 1e9) as i64, lane), ());
        lanes[lane].push(bar);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::tcp::Flags;
    use crate::tracking::Segment;
    use crate::visualization::chart::file::{Drawing, svg};
    use crate::visualization::chart::sheet::{Sheet, Size, check};
    use plotters::backend::SVGBackend;

    fn bar(from: f64, to: f64) -> Bar {
        Bar {
            from,
            to,
            fate: Fate::Finished,
            losses: Vec::new(),
        }
    }

    #[test]
    fn bars_share_a_lane_only_one_after_the_other() {
        let bars = vec![bar(0.0, 1.0), bar(0.5, 2.0), bar(1.5, 3.0), bar(2.5, 4.0)];
        for (wanted, number) in [(1, 2), (3, 3), (9, 4)] {
            let lanes = lanes(bars.clone(), wanted);
            assert_eq!(lanes.len(), number);
            for lane in &lanes {
                assert!(lane.windows(2).all(|pair| pair[0].to < pair[1].from));
            }
        }
    }

    /// A tracker with so many connections to so many servers, one SYN each.
    fn tracker(connections: u32, servers: u32) -> ConnectionTracker {
        let mut tracker = ConnectionTracker::new(10_000);
        for at in 0..connections {
            let segment = Segment {
                frame: u64::from(at) + 1,
                time: Timestamp::from_nanos(i64::from(at) * 10_000_000),
                flags: Flags::SYN,
                ..Segment::example()
            };
            let client = Endpoint::new([10, 0, 0, 1].into(), 10_000 + at as u16);
            let address = std::net::Ipv6Addr::from(
                u128::from(at % servers) << 64 | 0x2001_0db8 << 96 | 0xffff,
            );
            tracker.observe(client, Endpoint::new(address.into(), 443), &segment);
        }
        tracker
    }

    #[test]
    fn readable_from_one_connection_to_thousands() {
        for (connections, servers) in [(1, 1), (30, 7), (300, 40), (5000, 400)] {
            let tracker = tracker(connections, servers);
            let begin = Timestamp::from_nanos(0);
            let losses = Losses::from([(0, vec![begin.plus(5_000_000)])]);
            let drawing = OverviewDrawing {
                evicted: 3,
                ..OverviewDrawing::of(
                    tracker.all(),
                    &losses,
                    begin,
                    Window::default(),
                    "a capture",
                )
            };
            for (width, height) in [(400, 300), (1600, 1000)] {
                let mut text = String::new();
                let backend = SVGBackend::with_string(&mut text, (width, height));
                let mut sheet = Sheet::new(backend).unwrap();
                drawing.draw(&mut sheet).unwrap();
                check::texts_are_readable(&sheet);
            }
            let text = svg(Size::default(), &drawing).unwrap();
            assert!(text.contains("unanswered SYN") && text.contains("3 left to make room"));
            // Every connection has its bar: nothing is left out, however many there are.
            let bars = text.matches("#C4C4C4").count();
            assert!(bars >= connections as usize, "{bars} bars of {connections}");
        }
    }

    #[test]
    fn what_leaves_takes_its_losses_along() {
        let mut overview = Overview::new(Place::default(), None, (None, None));
        assert!(overview.wants_closed());
        for connection in tracker(100, 1).all() {
            let times = vec![connection.start];
            overview.losses.insert(connection.id, times);
            if connection.id != 7 {
                overview
                    .closed(&connection, &Summary::default(), &mut Vec::new())
                    .unwrap();
            }
        }
        assert_eq!(overview.losses.keys().collect::<Vec<_>>(), [&7]);
    }

    #[test]
    fn connections_are_looked_at_one_by_one() {
        use std::cell::Cell;

        /// Counts how many of it there are.
        struct Counted<'a>(&'a Connection, &'a Cell<u32>);
        impl AsRef<Connection> for Counted<'_> {
            fn as_ref(&self) -> &Connection {
                self.0
            }
        }
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.1.set(self.1.get() - 1);
            }
        }
        let (tracker, alive) = (tracker(500, 3), Cell::new(0));
        let (kept, most) = (tracker.connections(), Cell::new(0));
        let counted = kept.iter().map(|connection| {
            alive.set(alive.get() + 1);
            most.set(most.get().max(alive.get()));
            Counted(connection, &alive)
        });
        let begin = Timestamp::default();
        let drawing = OverviewDrawing::of(
            counted,
            &Losses::new(),
            begin,
            Window::default(),
            "a capture",
        );
        assert_eq!((most.get(), drawing.counts.iter().sum()), (1, 500));
        assert!(size_of::<Part>() * 8 < size_of::<Connection>());
    }

    #[test]
    fn the_table_of_fates_is_in_their_order() {
        for (at, (fate, ..)) in Fate::ALL.iter().enumerate() {
            assert_eq!(*fate as usize, at);
        }
    }
}
