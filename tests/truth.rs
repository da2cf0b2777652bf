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

fn score(total: &mut Score, truth: &Path, end: &str) {
    let story: Value = serde_json::from_str(&std::fs::read_to_string(truth).unwrap()).unwrap();
    let capture = truth.with_extension(format!("{end}.pcap"));
    let name = capture.file_name().unwrap().to_str().unwrap().to_owned();
    let mut said = said(&capture);
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

#[test]
fn late_segments_are_called_what_they_are() {
    let mut total = Score::default();
    let mut transfers = 0;
    let mut files: Vec<_> = std::fs::read_dir(support::fixture("truth"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for truth in files.iter().filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    }) {
        transfers += 1;
        for end in ["client", "server"] {
            score(&mut total, truth, end);
        }
    }
    println!(
        "{transfers} transfers: {} of {} late frames right, {} of {} lost tails found",
        total.right, total.late, total.tails_found, total.tails
    );
    assert!(
        transfers >= 10 && total.late >= 200,
        "there is too little to compare"
    );
    // Issue 3 asks for 99.9 %, which here is all of them; and for half of the lost tails.
    assert!(total.wrong.is_empty(), "\n{}\n", total.wrong.join("\n"));
    assert!(
        2 * total.tails_found >= total.tails,
        "{} of {} lost tails",
        total.tails_found,
        total.tails
    );
}
