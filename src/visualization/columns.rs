//! Which columns of a table the terminal has room for.
//!
//! Columns leave in the order of their rank when there is no room; addresses are shortened in the middle before that, so that
//! even IPv6 addresses never break a row.

use super::style::shorten;

/// Columns that an address needs at least.
const LEAST_ENDPOINT: usize = 17;

/// What is to be known of a table's columns to choose among them.
#[derive(Clone, Copy, Debug)]
pub struct Plan<const N: usize> {
    /// The headings.
    pub headings: [&'static str; N],
    /// How early each leaves when room is short; 0 never.
    pub ranks: [u8; N],
    /// The places of both addresses, which may be shortened.
    pub endpoints: [usize; 2],
}

/// Chooses the columns that fit into `width` and shortens addresses where that makes room.
pub fn fit<const N: usize>(
    rows: &mut [[String; N]],
    plan: &Plan<N>,
    width: Option<usize>,
) -> Vec<usize> {
    let all: Vec<usize> = (0..N).collect();
    let Some(width) = width else { return all };
    let widths: Vec<usize> = all
        .iter()
        .map(|&at| column_width(rows, plan.headings[at], at))
        .collect();
    let [client, server] = plan.endpoints;
    let mut shown = all;
    loop {
        let others: usize = shown
            .iter()
            .filter(|&&at| at != client && at != server)
            .map(|&at| widths[at] + 2)
            .sum();
        let room = width.saturating_sub(others + 4);
        let needed = widths[client] + widths[server];
        let least = LEAST_ENDPOINT.min(widths[client]) + LEAST_ENDPOINT.min(widths[server]);
        let last = shown.iter().map(|&at| plan.ranks[at]).max().unwrap_or(0);
        if needed <= room {
            return shown;
        }
        if least <= room || last == 0 {
            shorten_endpoints(rows, plan.endpoints, [widths[client], widths[server]], room);
            return shown;
        }
        shown.retain(|&at| plan.ranks[at] != last);
    }
}

/// What one address does not need, the other may have.
fn shorten_endpoints<const N: usize>(
    rows: &mut [[String; N]],
    [client, server]: [usize; 2],
    widths: [usize; 2],
    room: usize,
) {
    let for_server = (room / 2)
        .max(room.saturating_sub(widths[0]))
        .min(widths[1]);
    let for_client = room.saturating_sub(for_server).max(4);
    for row in rows.iter_mut() {
        row[client] = shorten(&row[client], for_client);
        row[server] = shorten(&row[server], for_server.max(4));
    }
}

/// Characters that a column needs.
pub fn column_width<const N: usize>(rows: &[[String; N]], heading: &str, at: usize) -> usize {
    let cells = rows.iter().map(|row| row[at].chars().count());
    cells.max().unwrap_or(0).max(heading.chars().count())
}
