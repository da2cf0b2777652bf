//! What was meant by the command line: where results go, how they look, and when to stop.

use crate::cli::{Arguments, PlotFormat, Sort};
use crate::utils::time::NANOS_PER_SECOND;
use crate::visualization::Output;
use crate::visualization::chart::file::{Format, Place};
use crate::visualization::connection_detail::ConnectionDetail;
use crate::visualization::connection_graphs::{ConnectionGraphs, Product};
use crate::visualization::connection_table::{ConnectionTable, Order};
use crate::visualization::findings::Findings;
use crate::visualization::json_lines::JsonLines;
use crate::visualization::onion::Onion;
use crate::visualization::only::Only;
use crate::visualization::overview::Overview;
use crate::visualization::packet_lines::PacketLines;
use crate::visualization::report::Report;
use crate::visualization::style::Style;
use crate::visualization::traces::Choice;
use crate::visualization::traffic_graph::TrafficGraph;
use crate::visualization::udp_table::UdpTable;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

/// Seconds of a live capture unless -d says otherwise.
const DEFAULT_SECONDS: f64 = 60.0;

/// When enough was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Packets that pass the filters.
    pub packets: Option<u64>,
    /// Time of the clock for a live capture.
    pub duration_live: Option<Duration>,
    /// Nanoseconds of the capture's own time for a file.
    pub duration_of_file: Option<i64>,
}

impl Wanted {
    /// Whether no packet that there is comes too late.
    pub const fn is_unlimited(&self) -> bool {
        self.packets.is_none() && self.duration_of_file.is_none()
    }
}

/// What was meant.
pub struct Settings {
    /// From an interface, not from a file.
    pub live: bool,
    /// A line or an object per packet was asked for.
    pub verbose: bool,
    /// Standard output carries the saved packets; the report goes to standard error.
    pub report_to_stderr: bool,
    /// A progress line is wanted.
    pub progress: bool,
    /// When enough was seen.
    pub wanted: Wanted,
    /// What shows results, in the order in which they print.
    pub outputs: Vec<Box<dyn Output>>,
}

impl Settings {
    /// Works out what was meant.
    pub fn of(arguments: &Arguments) -> Self {
        let live = arguments.file.is_empty();
        let report_to_stderr = arguments.output.as_deref() == Some(Path::new("-"));
        let on_terminal = if report_to_stderr {
            std::io::stderr().is_terminal()
        } else {
            std::io::stdout().is_terminal()
        };
        let style = Style {
            color: wants_color(arguments, on_terminal),
            width: width(on_terminal),
        };
        let lines_on_terminal = arguments.verbose > 0 && on_terminal;
        Self {
            live,
            verbose: arguments.verbose > 0,
            report_to_stderr,
            progress: std::io::stderr().is_terminal() && !lines_on_terminal,
            wanted: wanted(arguments, live),
            outputs: outputs(arguments, style),
        }
    }

    /// How long a live capture is to take.
    pub fn live_limit(&self) -> Option<Duration> {
        self.wanted.duration_live
    }
}

fn wanted(arguments: &Arguments, live: bool) -> Wanted {
    let seconds = arguments
        .duration
        .or(live.then_some(DEFAULT_SECONDS))
        .filter(|&seconds| seconds > 0.0);
    let clock = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    Wanted {
        packets: arguments.count,
        duration_live: seconds.filter(|_| live).map(clock),
        duration_of_file: seconds
            .filter(|_| !live)
            .map(|seconds| (seconds * NANOS_PER_SECOND as f64) as i64),
    }
}

fn wants_color(arguments: &Arguments, on_terminal: bool) -> bool {
    // https://no-color.org: set and not empty, whatever the value.
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    on_terminal && !arguments.no_color && !refused
}

/// The terminal's width, or what COLUMNS says where there is none.
fn width(on_terminal: bool) -> Option<u16> {
    let columns = || {
        std::env::var("COLUMNS")
            .ok()?
            .parse()
            .ok()
            .filter(|&columns| columns > 0)
    };
    let terminal = || terminal_size::terminal_size().map(|(width, _)| width.0);
    if on_terminal {
        terminal().or_else(columns)
    } else {
        columns()
    }
}

fn outputs(arguments: &Arguments, style: Style) -> Vec<Box<dyn Output>> {
    let mut outputs: Vec<Box<dyn Output>> = Vec::new();
    if arguments.json {
        let packets = arguments.verbose > 0;
        outputs.push(chosen(arguments, JsonLines { packets }));
    } else {
        text_outputs(arguments, style, &mut outputs);
    }
    graphs(arguments, style, &mut outputs);
    outputs
}

/// An output of packets: of all, unless `--connection` chooses.
fn chosen(arguments: &Arguments, output: impl Output + 'static) -> Box<dyn Output> {
    let ids = arguments.connection.clone();
    let output = Box::new(output);
    if ids.is_empty() {
        output
    } else {
        Box::new(Only { ids, output })
    }
}

fn text_outputs(arguments: &Arguments, style: Style, outputs: &mut Vec<Box<dyn Output>>) {
    match arguments.verbose {
        0 => {}
        1 => outputs.push(chosen(arguments, PacketLines { style })),
        _ => outputs.push(chosen(arguments, Onion { style })),
    }
    outputs.push(Box::new(Report { style }));
    let order = match arguments.sort {
        Sort::Bytes => Order::Bytes,
        Sort::Packets => Order::Packets,
        Sort::Duration => Order::Duration,
        Sort::Start => Order::Start,
        Sort::Rtt => Order::RoundTrip,
        Sort::Retransmissions => Order::Retransmissions,
    };
    outputs.push(Box::new(ConnectionTable {
        style,
        top: arguments.top,
        order,
    }));
    outputs.push(Box::new(UdpTable {
        style,
        top: arguments.top,
    }));
    if !arguments.connection.is_empty() {
        outputs.push(Box::new(ConnectionDetail {
            style,
            ids: arguments.connection.clone(),
        }));
    }
    outputs.push(Box::new(Findings { style }));
}

/// Connections that are drawn unless `--connection` chooses.
const LARGEST: usize = 10;

/// A row per graph that was asked for. With --json the terminal's graphs stay away: standard output is for machines.
fn graphs(arguments: &Arguments, style: Style, outputs: &mut Vec<Box<dyn Output>>) {
    let place = Place {
        directory: arguments.output_dir.clone(),
        format: match arguments.plot_format {
            PlotFormat::Png => Format::Png,
            PlotFormat::Svg => Format::Svg,
        },
        size: arguments.plot_size,
    };
    let in_terminal = arguments.terminal && !arguments.json;
    let terminal = in_terminal.then_some(style);
    let asked = (arguments.from, arguments.to);
    let sheet = if in_terminal {
        Product::Terminal
    } else {
        Product::Sheet
    };
    let ascii = arguments.ascii;
    let products: Vec<Product> = [
        (
            arguments.ladder && !arguments.json,
            Product::Ladder { ascii },
        ),
        (arguments.sequence, sheet),
        (arguments.xplot, Product::Xplot),
        (arguments.csv, Product::Csv),
    ]
    .into_iter()
    .filter_map(|(asked_for, product)| asked_for.then_some(product))
    .collect();
    if !products.is_empty() {
        let choice = if arguments.connection.is_empty() {
            Choice::Largest(LARGEST)
        } else {
            Choice::Ids(arguments.connection.clone())
        };
        let graphs = ConnectionGraphs::new(products, place.clone(), style, choice, asked);
        outputs.push(Box::new(graphs));
    }
    if arguments.graph {
        outputs.push(Box::new(TrafficGraph::new(place.clone(), terminal, asked)));
    }
    if arguments.overview {
        outputs.push(Box::new(Overview::new(place, terminal, asked)));
    }
}
