//! `-D` and the hint for those who named neither an interface nor a file: what the machine has.

use crate::capture::packet_capture::{NetworkInterface, list_interfaces};
use crate::utils::format::printable;
use crate::visualization::style::{align, plain_table};
use anyhow::Result;
use std::io::Write;

/// Prints a table of the machine's interfaces.
pub fn print(to: &mut dyn Write) -> Result<()> {
    let mut table = plain_table(false);
    table.set_header(["name", "state", "addresses", "description"]);
    for interface in list_interfaces()? {
        let addresses: Vec<_> = interface
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect();
        let description = interface
            .description
            .as_deref()
            .unwrap_or(if interface.is_loopback {
                "loopback"
            } else {
                ""
            });
        let name = printable(&interface.name).into_owned();
        table.add_row([
            name,
            state(&interface).to_owned(),
            addresses.join("\n"),
            printable(description).into_owned(),
        ]);
    }
    align(&mut table, |_| false);
    writeln!(to, "{}", table.trim_fmt())?;
    Ok(())
}

fn state(interface: &NetworkInterface) -> &'static str {
    match (interface.is_up, interface.is_running) {
        (true, true) => "up",
        (true, false) => "up, no link",
        (false, _) => "down",
    }
}

/// A short hint on how to begin, with the machine's interfaces.
pub fn hint(to: &mut dyn Write) -> Result<()> {
    writeln!(to, "tcp-monitor: an interface or a capture file is wanted:")?;
    writeln!(to, "  tcp-monitor INTERFACE --duration 60")?;
    writeln!(to, "  tcp-monitor -f capture.pcap")?;
    let names = list_interfaces().unwrap_or_default();
    let names: Vec<_> = names
        .iter()
        .map(|interface| printable(&interface.to_string()).into_owned())
        .collect();
    if !names.is_empty() {
        writeln!(to, "Interfaces of this machine: {}.", names.join(", "))?;
    }
    writeln!(to, "More with tcp-monitor --help.")?;
    Ok(())
}
