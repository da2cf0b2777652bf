//! tcp-monitor captures or reads network traffic, takes it apart layer by layer with parsers of its own, follows every TCP
//! connection through its state machine, judges every segment, and shows the result.
//!
//! The straight line, along which data flow one way only:
//!
//! ```text
//! Source::next ─Frame→ analyzers::decode ─Packet→ Segment ─→ ConnectionTracker::observe ─Event→ alerts ─→ every Output
//!                                                                                     (at the end) every Output::finish
//! ```
//!
//! Who may use whom is checked by `tests/architecture.rs`:
//! utils ◄ analyzers ◄ (tracking, selection) ◄ (alerts, diagnosis) ◄ visualization ◄ run ◄ main; capture uses utils and the frame types alone.

/// Rules over events: what a person should be told of at once.
pub mod alerts;
/// Bytes → facts about one packet.
pub mod analyzers;
/// Where frames come from, and where they are saved.
pub mod capture;
/// What was typed.
pub mod cli;
/// Facts about a connection → why it was as slow as it was.
pub mod diagnosis;
/// Exit codes.
pub mod exit;
/// The first half of the loop: from the source to segments.
pub mod feed;
/// What the machine has to capture on.
pub mod interfaces;
/// The command that is run for each alert.
pub mod on_alert;
/// Giving up what root may do.
#[cfg(target_os = "linux")]
pub mod privileges;
/// The progress line.
pub mod progress;
/// Fragments → datagrams.
pub mod reassembly;
/// Names of addresses, asked of the system's resolver.
pub mod resolve;
/// The loop.
pub mod run;
/// Which packets are wanted.
pub mod selection;
/// What was meant.
pub mod settings;
/// What a run cost.
pub mod stats;
/// Facts about one packet → facts about a connection.
pub mod tracking;
/// Small things every room uses.
pub mod utils;
/// Events → something to look at.
pub mod visualization;
/// Who is told of alerts, and how.
pub mod watch;

use cli::Arguments;
use exit::{Exit, is_closed_pipe};
use settings::Settings;

/// Does what the command line asks for.
pub fn main_job(arguments: &Arguments) -> anyhow::Result<Exit> {
    let result = if arguments.list_interfaces {
        interfaces::print(&mut std::io::stdout()).map(|()| Exit::Done)
    } else if arguments.explain_verdicts {
        use std::io::Write;
        std::io::stdout()
            .write_all(visualization::verdict_table::markdown().as_bytes())
            .map(|()| Exit::Done)
            .map_err(Into::into)
    } else if arguments.explain_alerts {
        use std::io::Write;
        std::io::stdout()
            .write_all(alerts::thresholds::DEFAULTS.as_bytes())
            .map(|()| Exit::Done)
            .map_err(Into::into)
    } else if arguments.interface().is_none() && arguments.file.is_empty() {
        interfaces::hint(&mut std::io::stderr())?;
        return Ok(Exit::Usage);
    } else if let (Some(from), Some(to)) = (arguments.from, arguments.to)
        && from >= to
    {
        eprintln!(
            "tcp-monitor: nothing lies between --from {from} and --to {to}; --from is to be the smaller one"
        );
        return Ok(Exit::Usage);
    } else {
        run::run(arguments, Settings::of(arguments))
    };
    match result {
        Err(error) if is_closed_pipe(&error) => Ok(Exit::Done),
        result => result,
    }
}
