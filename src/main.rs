//! temporary
use tcp_monitor::capture::{Next, Source, pcap_reader::PcapReader};
use tcp_monitor::tracking::*;
use tcp_monitor::visualization::*;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let at = args.iter().position(|a| a == "-f").unwrap();
    let mut source = PcapReader::open(std::path::Path::new(&args[at + 1])).unwrap();
    let mut tracker = ConnectionTracker::new(1_000_000);
    let mut summary = Summary::default();
    let mut json = json_lines::JsonLines {
        packets: args.iter().any(|a| a == "-v"),
    };
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    loop {
        match source.next().unwrap() {
            Next::Frame(frame) => {
                let packet = tcp_monitor::analyzers::decode(&frame);
                summary.totals.add(&frame, &packet);
                let seg = Segment::of(&frame, &packet);
                let event = seg.as_ref().map(|(s, r, seg)| tracker.observe(*s, *r, seg));
                let seen = Seen {
                    frame: &frame,
                    packet: &packet,
                    event: event.as_ref(),
                    since_start: 0,
                };
                if json.packets {
                    json.packet(&seen, &mut out).unwrap();
                }
            }
            Next::End(_) => break,
            _ => {}
        }
    }
    if args.iter().any(|a| a == "--json") {
        json.finish(&tracker, &summary, &mut out).unwrap();
    }
}
