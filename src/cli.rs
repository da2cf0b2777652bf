//! The command line: what was typed. What was meant by it is `config`.

use crate::alerts::Rule;
use crate::selection::{AddressPattern, PortRange};
use crate::visualization::chart::Size;
use clap::{ArgAction, ArgGroup, Parser, ValueEnum};
use std::path::{Path, PathBuf};

/// Captures or reads network traffic, follows every TCP connection and says what happened to it.
#[derive(Parser, Debug, Clone)]
#[command(
    name = "tcp-monitor",
    version,
    about,
    max_term_width = 100,
    override_usage = "tcp-monitor [OPTIONS] INTERFACE\n       tcp-monitor [OPTIONS] --file FILE",
    group = ArgGroup::new("source").args(["interface", "interface_option", "file"]).multiple(false),
    after_help = "Examples:
  tcp-monitor eth0 --duration 60                  watch an interface for a minute
  tcp-monitor -f capture.pcap --sequence          a capture file, with time-sequence graphs
  tcp-monitor -f capture.pcap -v | grep SYN       one line per packet
  tcp-monitor -f capture.pcap --connection 3      everything known of one connection
  tcp-monitor -f captures/                        all files of a directory, in the order of time
  tcpdump -U -w - | tcp-monitor -f -              from another program

Exit codes: 0 done, 1 could not do it, 2 wrong usage, 3 an alert of --fail-on was raised."
)]
pub struct Arguments {
    /// Interface to capture on, such as eth0, lo or any [example: tcp-monitor eth0]
    #[arg(value_name = "INTERFACE")]
    pub interface: Option<String>,

    /// The same as the INTERFACE argument [default: none] [example: --interface wlan0]
    #[arg(long = "interface", value_name = "NAME")]
    pub interface_option: Option<String>,

    /// Capture files to read, pcap or pcapng, also compressed by gzip, zstd, xz or lz4; - reads standard input. Several files, or a
    /// directory, are one timeline in the order of time [default: none] [example: -f capture.pcap]
    #[arg(short, long, value_name = "FILE", num_args = 1.., action = ArgAction::Append)]
    pub file: Vec<PathBuf>,

    /// Seconds to capture, 0 for no end [default: 60]; with a file, only its first so many seconds [default: all]
    /// [example: -d 10]
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    pub duration: Option<f64>,

    /// Stop after this many packets that pass the filters [default: no limit] [example: -c 1000]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Only packets from or to these ports: numbers, lists and ranges; may be repeated [default: all]
    /// [example: -p 80,443 -p 8000-8080]
    #[arg(short, long, value_name = "PORT", value_delimiter = ',', action = ArgAction::Append)]
    pub port: Vec<PortRange>,

    /// Only packets from or to these IPv4 or IPv6 addresses or networks; may be repeated [default: all]
    /// [example: -i 192.0.2.7 -i 2001:db8::/32]
    #[arg(short, long, value_name = "IP", value_delimiter = ',', action = ArgAction::Append)]
    pub ip: Vec<AddressPattern>,

    /// Only packets that match a pcap filter expression, on interfaces and files alike [default: all]
    /// [example: --filter 'tcp port 443 and not host 192.0.2.1']
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,

    /// One line per packet; twice (-vv) takes each packet apart layer by layer [default: off] [example: -v]
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,

    /// One JSON object per line instead of tables; with -v one per packet, too [default: off]
    /// [example: --json | jq .state]
    #[arg(long)]
    pub json: bool,

    /// Shows Wireshark's flags beside our verdicts, as tshark 4.0 gives them; with -v or --json [default: off]
    /// [example: -v --wireshark]
    #[arg(long)]
    pub wireshark: bool,

    /// Shows names instead of addresses where a DNS answer in the capture gives one; nobody is asked [default: off]
    /// [example: --names]
    #[arg(long)]
    pub names: bool,

    /// Asks the system's resolver for the names of up to 100 addresses at the end, the busiest first; implies --names [default: off]
    /// [example: --resolve]
    #[arg(long)]
    pub resolve: bool,

    /// Saves the packets that pass the filters; a name that ends in .pcapng gives that format, which keeps interfaces and
    /// comments; - writes to standard output [default: nothing is saved] [example: -o saved.pcap]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Writes the verdicts and what they rest on into the saved packets, as comments that Wireshark shows; always pcapng
    /// [default: off] [example: -o saved.pcapng --annotate]
    #[arg(long, requires = "output")]
    pub annotate: bool,

    /// No colour, even on a terminal; so does the environment variable NO_COLOR [default: colour on a terminal]
    /// [example: --no-color]
    #[arg(long)]
    pub no_color: bool,

    /// Writes a graph of the traffic over time as a PNG [default: off] [example: --graph]
    #[arg(long)]
    pub graph: bool,

    /// Writes a PNG that shows every connection as a bar from its first to its last packet, grouped by server [default: off]
    /// [example: --overview]
    #[arg(long)]
    pub overview: bool,

    /// Writes a time-sequence graph per connection as PNGs, with a ladder beside it for short ones: the ten largest, unless
    /// --connection chooses [default: off] [example: --sequence]
    #[arg(long)]
    pub sequence: bool,

    /// Draws the first and last segments of a connection as arrows between two hosts, with their states: the ten largest
    /// connections, unless --connection chooses [default: off] [example: --ladder --connection 0]
    #[arg(long)]
    pub ladder: bool,

    /// Draws the ladder in ASCII instead of Unicode [default: off] [example: --ladder --ascii]
    #[arg(long)]
    pub ascii: bool,

    /// Makes --sequence, --graph and --overview draw in the terminal instead of writing files [default: off]
    /// [example: --sequence --terminal]
    #[arg(long)]
    pub terminal: bool,

    /// Graphs begin at this many seconds of the capture [default: the beginning] [example: --sequence --from 12.5]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub from: Option<f64>,

    /// Graphs end at this many seconds of the capture [default: the end] [example: --sequence --from 12.5 --to 13]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub to: Option<f64>,

    /// Pixels of a graph, width and height [default: 1600x1000] [example: --plot-size 2400x1500]
    #[arg(
        long,
        value_name = "WIDTHxHEIGHT",
        default_value = "1600x1000",
        hide_default_value = true
    )]
    pub plot_size: Size,

    /// Kind of file for graphs [default: png] [example: --plot-format svg]
    #[arg(long, value_enum, default_value_t = PlotFormat::Png, hide_default_value = true, value_name = "FORMAT")]
    pub plot_format: PlotFormat,

    /// Writes the time-sequence graphs as xplot files, as tcptrace does, with the same choice of connections as --sequence
    /// [default: off] [example: --xplot]
    #[arg(long)]
    pub xplot: bool,

    /// Writes the series behind the time-sequence graphs as CSV files, with the same choice of connections as --sequence
    /// [default: off] [example: --csv]
    #[arg(long)]
    pub csv: bool,

    /// Directory for the graphs; made if it is missing [default: the current directory] [example: --output-dir graphs]
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        hide_default_value = true
    )]
    pub output_dir: PathBuf,

    /// Rows of the connection table, 0 for all [default: 20] [example: --top 50]
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        hide_default_value = true
    )]
    pub top: usize,

    /// Order of the connection table, largest first (start: earliest first) [default: bytes] [example: --sort rtt]
    #[arg(long, value_enum, default_value_t = Sort::Bytes, hide_default_value = true, hide_possible_values = false)]
    pub sort: Sort,

    /// Shows everything known of a connection, by its number in the table, and draws its graphs; with -v,
    /// packets are those of it alone; may be repeated [default: none] [example: --connection 3]
    #[arg(long, value_name = "ID", value_delimiter = ',', action = ArgAction::Append)]
    pub connection: Vec<u64>,

    /// Lists the machine's interfaces [default: off] [example: -D]
    #[arg(short = 'D', long)]
    pub list_interfaces: bool,

    /// Prints what each verdict means and where that is written [default: off] [example: --explain-verdicts]
    #[arg(long)]
    pub explain_verdicts: bool,

    /// File with thresholds for the alerts, in TOML; --explain-alerts prints the defaults as one [default: none]
    /// [example: --alerts alerts.toml]
    #[arg(long, value_name = "FILE", conflicts_with = "no_alerts")]
    pub alerts: Option<PathBuf>,

    /// No alerts [default: on] [example: --no-alerts]
    #[arg(long)]
    pub no_alerts: bool,

    /// Runs a command for each alert, with the alert as JSON on its standard input: without a shell, ten at once and then
    /// one each second at most [default: none] [example: --on-alert 'logger -t tcp-monitor']
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_alerts")]
    pub on_alert: Option<String>,

    /// Ends with exit code 3 if one of these alerts was raised; may be repeated [default: none]
    /// [example: --fail-on port_scan,syn_flood]
    #[arg(long, value_name = "RULE", value_delimiter = ',', action = ArgAction::Append, conflicts_with = "no_alerts")]
    pub fail_on: Vec<Rule>,

    /// Prints when each alert is raised, as a file for --alerts [default: off] [example: --explain-alerts > alerts.toml]
    #[arg(long)]
    pub explain_alerts: bool,

    /// Bytes of each packet to capture [default: 262144] [example: --snaplen 128]
    #[arg(long, value_name = "BYTES", default_value_t = 262_144, hide_default_value = true,
          value_parser = clap::value_parser!(u32).range(1..=262_144))]
    pub snaplen: u32,

    /// Size of the kernel's capture buffer in MiB [default: 64] [example: --buffer-size 256]
    #[arg(long, value_name = "MIB", default_value_t = 64, hide_default_value = true,
          value_parser = clap::value_parser!(u32).range(1..=2047))]
    pub buffer_size: u32,

    /// Captures only what the interface would receive anyway [default: promiscuous] [example: --no-promiscuous]
    #[arg(long)]
    pub no_promiscuous: bool,

    /// Connections to keep in memory at most; beyond that the longest closed, then the longest idle leave
    /// [default: 500000] [example: --max-connections 100000]
    #[arg(long, value_name = "N", default_value_t = 500_000, hide_default_value = true,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,

    /// Says at the end, on standard error, what it cost: connections kept and evicted, memory, time [default: off]
    /// [example: -f capture.pcap --stats]
    #[arg(long)]
    pub stats: bool,
}

impl Arguments {
    /// The directory that graphs are written into, if any are.
    pub fn writes_into(&self) -> Option<&Path> {
        let graphs = self.graph || self.overview || self.sequence || self.ladder;
        (graphs || self.xplot || self.csv).then_some(&self.output_dir)
    }

    /// The interface, however it was named.
    pub fn interface(&self) -> Option<&str> {
        self.interface
            .as_deref()
            .or(self.interface_option.as_deref())
    }
}

/// Orders of the connection table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Sort {
    /// Most octets on the wire first.
    Bytes,
    /// Most packets first.
    Packets,
    /// Longest first.
    Duration,
    /// Earliest first.
    Start,
    /// Longest round trip first.
    Rtt,
    /// Most retransmissions first.
    Retransmissions,
}

/// Kinds of file for graphs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PlotFormat {
    /// Pixels, for reports and chats.
    Png,
    /// Vectors, for print and for browsers.
    Svg,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| "a number of seconds is wanted, such as 60 or 0.5".to_owned())?;
    if number.is_finite() && (0.0..=1e9).contains(&number) {
        Ok(number)
    } else {
        Err("between 0 and 1000000000 seconds are possible".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_option_says_default_and_example() {
        let own =
            |argument: &&clap::Arg| !["help", "version"].contains(&argument.get_id().as_str());
        for argument in Arguments::command().get_arguments().filter(own) {
            let help = argument
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            if argument.get_id() != "interface" {
                assert!(help.contains("default"), "{}: {help}", argument.get_id());
            }
            assert!(help.contains("example"), "{}: {help}", argument.get_id());
        }
    }

    #[test]
    fn the_documented_contract() {
        let typed = parse("tcp-monitor eth0 -d 5 -c 9 -p 80 -i 192.0.2.1 -v -o out.pcap --no-color --graph --sequence").unwrap();
        assert_eq!(typed.interface(), Some("eth0"));
        assert_eq!(
            (typed.duration, typed.count, typed.verbose),
            (Some(5.0), Some(9), 1)
        );
        assert!(typed.no_color && typed.graph && typed.sequence);
        assert_eq!(
            parse("tcp-monitor --interface lo").unwrap().interface(),
            Some("lo")
        );
    }

    #[test]
    fn ports_and_addresses_as_lists_and_repeated() {
        let typed = parse("tcp-monitor -f x -p 80,443 -p 8000-8080 -i 192.0.2.0/24,::1").unwrap();
        assert_eq!((typed.port.len(), typed.ip.len()), (3, 2));
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            "tcp-monitor eth0 -f x",
            "tcp-monitor eth0 --interface eth1",
            "tcp-monitor -f x -p 70000",
            "tcp-monitor -f x -p 9-8",
            "tcp-monitor -f x -i 300.1.1.1",
            "tcp-monitor -f x -d -1",
            "tcp-monitor -f x -d nan",
            "tcp-monitor -f x -c 0",
            "tcp-monitor -f x --sort size",
            "tcp-monitor -f x --annotate",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
