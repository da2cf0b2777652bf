//! Graphs through the real binary: which files come, what is in them, and what happens when they cannot be written.

mod support;

use std::fs;
use support::{Scratch, run};

/// The names of the files in a directory, sorted.
fn names(scratch: &Scratch) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(scratch.path("graphs"))
        .map(|entries| {
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

fn draw(fixture: &str, options: &str) -> (Scratch, support::Ran) {
    let scratch = Scratch::new();
    let directory = scratch.text("graphs");
    let ran = run(&format!(
        "-f fixtures/{fixture} {options} --output-dir {directory}"
    ));
    (scratch, ran)
}

/// Width and height of a PNG file, and how many of its pixels are not paper.
fn opened(scratch: &Scratch, name: &str) -> (u32, u32, usize) {
    let file = fs::File::open(scratch.path("graphs").join(name)).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let inked = pixels
        .chunks(3)
        .filter(|pixel| pixel.iter().any(|&value| value < 0xe0));
    (info.width, info.height, inked.count())
}

#[test]
fn every_kind_of_png_opens_and_is_not_blank() {
    let (scratch, ran) = draw("http.pcap", "--sequence --graph --overview");
    let ran = ran.expect_code(0);
    let names = names(&scratch);
    let kinds = ["connection-0", "overview", "traffic"];
    assert_eq!(names.len(), kinds.len(), "{names:?}");
    for (name, kind) in names.iter().zip(kinds) {
        assert!(
            name.starts_with("http-2026") && name.ends_with(&format!("Z-{kind}.png")),
            "{name}"
        );
        assert!(
            ran.stderr.contains(name),
            "every written path is said: {}",
            ran.stderr
        );
        let (width, height, inked) = opened(&scratch, name);
        assert_eq!((width, height), (1600, 1000));
        assert!(inked > 2000, "{name}: {inked} pixels");
    }
    assert!(ran.stdout.contains("10.77.0.2:80"), "the report comes, too");
}

#[test]
fn short_connections_get_a_ladder_beside_the_sheet() {
    let (scratch, ran) = draw(
        "closes.pcap",
        "--sequence --connection 8,6 --plot-size 800x600",
    );
    ran.expect_code(0);
    let names = names(&scratch);
    let kinds = [
        "connection-6-ladder.png",
        "connection-6.png",
        "connection-8-ladder.png",
        "connection-8.png",
    ];
    assert_eq!(names.len(), 4, "{names:?}");
    for (name, kind) in names.iter().zip(kinds) {
        assert!(name.ends_with(kind), "{name}");
        assert!(opened(&scratch, name).2 > 1000);
    }
}

#[test]
fn the_ten_largest_unless_chosen_and_what_is_left_out_is_said() {
    let (scratch, ran) = draw("closes.pcap", "--sequence");
    let ran = ran.expect_code(0);
    let sheets = names(&scratch)
        .iter()
        .filter(|name| !name.contains("ladder"))
        .count();
    assert_eq!(sheets, 10);
    assert!(
        ran.stderr.contains("10 largest") && ran.stderr.contains("8 others"),
        "{}",
        ran.stderr
    );
}

#[test]
fn two_captures_never_share_a_name() {
    let scratch = Scratch::new();
    let (first, second) = (scratch.path("a"), scratch.path("b"));
    for (directory, fixture) in [(&first, "http.pcap"), (&second, "https.pcap")] {
        fs::create_dir(directory).unwrap();
        fs::copy(support::fixture(fixture), directory.join("same.pcap")).unwrap();
        let options = format!(
            "-f {}/same.pcap --graph --output-dir {}",
            directory.display(),
            scratch.text("graphs")
        );
        run(&options).expect_code(0);
    }
    assert_eq!(names(&scratch).len(), 2);
}

#[test]
fn vectors_series_and_xplot_for_other_tools() {
    let (scratch, ran) = draw(
        "truth/loss-short-answers.client.pcap",
        "--sequence --xplot --csv --plot-format svg",
    );
    ran.expect_code(0);
    let read = |ending: &str| {
        let name = names(&scratch)
            .into_iter()
            .find(|name| name.ends_with(ending))
            .unwrap();
        fs::read_to_string(scratch.path("graphs").join(name)).unwrap()
    };
    let svg = read("connection-0.svg");
    assert!(
        svg.starts_with("<svg")
            && svg.trim_end().ends_with("</svg>")
            && svg.contains("retransmission")
    );
    let xplot = read("to-client.xpl");
    assert!(xplot.starts_with("timeval double\ntitle\n") && xplot.ends_with("\ngo\n"));
    assert!(
        xplot.lines().filter(|line| *line == "R").count() >= 10,
        "every retransmission is marked"
    );
    let csv = read("connection-0.csv");
    let mut rows = csv.lines();
    assert_eq!(
        rows.next(),
        Some("time_s,sender,series,low,high,count,frame")
    );
    assert!(rows.all(|row| row.split(',').count() == 7));
    let segments: u64 = csv
        .lines()
        .filter_map(|row| row.split_once(",server,segment,"))
        .map(|(_, rest)| rest.split(',').nth(2).unwrap().parse::<u64>().unwrap())
        .sum();
    assert!(segments > 80, "{segments}");
}

#[test]
fn a_part_of_the_time_shows_that_part() {
    let (scratch, ran) = draw("truth/loss.client.pcap", "--csv --from 0.2 --to 0.3");
    ran.expect_code(0);
    let name = names(&scratch).remove(0);
    let csv = fs::read_to_string(scratch.path("graphs").join(name)).unwrap();
    let times = csv
        .lines()
        .skip(1)
        .map(|row| row.split(',').next().unwrap().parse::<f64>().unwrap());
    let (mut number, mut outside) = (0, 0);
    for time in times {
        number += 1;
        outside += usize::from(!(0.2..=0.3).contains(&time));
    }
    assert!(number > 50 && outside == 0, "{outside} of {number} outside");
}

#[test]
fn a_directory_that_cannot_be_written_is_one_error_and_the_report_comes() {
    let scratch = Scratch::new();
    fs::write(scratch.path("file"), "in the way").unwrap();
    let directory = scratch.text("file/graphs");
    let ran = run(&format!(
        "-f fixtures/http.pcap --sequence --graph --output-dir {directory}"
    ))
    .expect_code(1);
    assert!(ran.stdout.contains("10.77.0.2:80"), "{}", ran.stdout);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(&directory), "{}", ran.stderr);
}

#[test]
fn json_stays_json_beside_graphs() {
    let (scratch, ran) = draw("http.pcap", "--json --sequence --ladder --terminal");
    let ran = ran.expect_code(0);
    assert!(
        ran.stdout
            .lines()
            .all(|line| line.starts_with("{\"type\":"))
    );
    assert_eq!(
        names(&scratch).len(),
        1,
        "a file, as the terminal is not for people"
    );
}

#[test]
fn nothing_to_draw_is_no_error() {
    let (scratch, ran) = draw(
        "built/no-packets.pcap",
        "--sequence --graph --overview --ladder",
    );
    ran.expect_code(0);
    assert!(names(&scratch).is_empty());
    let ran = run("-f fixtures/http.pcap --sequence --plot-size 5x5");
    assert_eq!(ran.code, Some(2));
}
