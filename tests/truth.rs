//! Holds the verdicts against transfers whose truth is known: `fixtures/truth`, recorded at both ends, where the wire wrote down
//! what it did. What a late or repeated frame is called, and that no first transmission in order is called anything.

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// One end of one transfer, compared.
#[derive(Default)]
struct Score {
    late: usize,
    right: usize,
    tails: usize,
    tails_found: usize,
    wrong: Vec<String>,
}

/// What the verdicts of a packet make of it, in the words of the truth.
fn kind(packet: &Value) -> Option<&'static str> {
    packet["verdicts"].as_array()?.iter().find_map(|verdict| {
        ["retransmission", "reordered", "duplicate"]
            .into_iter()
            .find(|kind| verdict == kind)
    })
}

/// What is said of each TCP frame, and whether it carries data.
fn said(capture: &Path) -> BTreeMap<u64, (Option<&'static str>, bool)> {
    let ran = support::run(&format!("--json -v -f {}", capture.display())).expect_code(0);
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["type"] == "packet")
        .filter_map(|packet| {
            let has_data = packet["len"].as_u64()? > 0;
            Some((packet["frame"].as_u64()?, (kind(&packet), has_data)))
        })
        .collect()
}

/// What is taken away from a capture before it is judged.
#[derive(Clone, Copy, PartialEq)]
enum Without {
    /// Nothing.
    Nothing,
    /// IP identifications: many systems send 0.
    IpIds,
    /// IP identifications and TCP timestamps.
    IpIdsAndTimestamps,
}

/// A copy of a little-endian capture of Ethernet frames without some of its evidence. Checksums are left as they were: tcp-monitor
/// judges whatever they say.
fn stripped(capture: &[u8], without: Without) -> Vec<u8> {
    let mut bytes = capture.to_vec();
    let mut at = 24;
    while let Some(record) = capture.get(at..at + 16) {
        let captured = u32::from_le_bytes(record[8..12].try_into().unwrap()) as usize;
        let frame = &mut bytes[at + 16..at + 16 + captured];
        at += 16 + captured;
        let is_ipv4 = frame[12..14] == [8, 0];
        let tcp = if is_ipv4 {
            frame[18..20].fill(0);
            14 + usize::from(frame[14] & 15) * 4
        } else {
            14 + 40
        };
        let protocol = if is_ipv4 { frame[23] } else { frame[20] };
        if without == Without::IpIdsAndTimestamps && protocol == 6 && frame.len() > tcp + 12 {
            let end = (tcp + usize::from(frame[tcp + 12] >> 4) * 4).min(frame.len());
            strip_timestamps(&mut frame[(tcp + 20).min(end)..end]);
        }
    }
    bytes
}

/// Puts padding (kind 1) in the place of timestamps (kind 8).
fn strip_timestamps(options: &mut [u8]) {
    let mut at = 0;
    while at < options.len() && options[at] != 0 {
        let length = match options[at] {
            1 => 1,
            _ => usize::from(*options.get(at + 1).unwrap_or(&2)).max(2),
        };
        let end = (at + length).min(options.len());
        if options[at] == 8 {
            options[at..end].fill(1);
        }
        at = end;
    }
}

fn score(total: &mut Score, truth: &Path, end: &str, without: Without) {
    let story: Value = serde_json::from_str(&std::fs::read_to_string(truth).unwrap()).unwrap();
    let capture = truth.with_extension(format!("{end}.pcap"));
    let name = capture.file_name().unwrap().to_str().unwrap().to_owned();
    let scratch = support::Scratch::new();
    let judged = scratch.path(&name);
    let bytes = std::fs::read(&capture).unwrap();
    let bytes = if without == Without::Nothing {
        bytes
    } else {
        stripped(&bytes, without)
    };
    std::fs::write(&judged, bytes).unwrap();
    let mut said = said(&judged);
    for (frame, label) in story["labels"][end].as_object().unwrap() {
        let label = label.as_str().unwrap();
        let (verdict, has_data) = said.remove(&frame.parse().unwrap()).unwrap();
        if label == "retransmission" {
            // A lost tail, sent again at the head of the stream. Of a SYN whose first copy never came by nothing can tell that it
            // is another one: no byte and no IP ID came before it.
            total.tails += usize::from(has_data);
            total.tails_found += usize::from(has_data && verdict == Some(label));
            continue;
        }
        total.late += 1;
        if verdict == label.strip_prefix("late ").or(Some(label)) {
            total.right += 1;
        } else {
            total
                .wrong
                .push(format!("{name} frame {frame}: {label}, called {verdict:?}"));
        }
    }
    for (frame, verdict) in said
        .into_iter()
        .filter_map(|(frame, (verdict, _))| Some((frame, verdict?)))
    {
        total.wrong.push(format!(
            "{name} frame {frame}: a first transmission, called {verdict}"
        ));
    }
}

fn scored(without: Without) -> Score {
    let mut total = Score::default();
    let mut files: Vec<_> = std::fs::read_dir(support::fixture("truth"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    for truth in &files {
        for end in ["client", "server"] {
            score(&mut total, truth, end, without);
        }
    }
    println!(
        "{} transfers: {} of {} late frames right, {} of {} lost tails found",
        files.len(),
        total.right,
        total.late,
        total.tails_found,
        total.tails
    );
    assert!(
        files.len() >= 10 && total.late >= 200,
        "there is too little to compare"
    );
    total
}

#[test]
fn late_segments_are_called_what_they_are() {
    let total = scored(Without::Nothing);
    // Issue 3 asks for 99.9 %, which here is all of them; and for half of the lost tails.
    assert!(total.wrong.is_empty(), "\n{}\n", total.wrong.join("\n"));
    assert!(
        2 * total.tails_found >= total.tails,
        "{} of {} lost tails",
        total.tails_found,
        total.tails
    );
}

#[test]
fn without_ip_identifications_timestamps_tell() {
    let total = scored(Without::IpIds);
    // 99.5 %.
    assert!(
        total.wrong.len() * 200 <= total.late,
        "\n{}\n",
        total.wrong.join("\n")
    );
}

#[test]
fn without_timestamps_time_tells() {
    let total = scored(Without::IpIdsAndTimestamps);
    // 98.5 %.
    assert!(
        total.wrong.len() * 200 <= total.late * 3,
        "\n{}\n",
        total.wrong.join("\n")
    );
}
