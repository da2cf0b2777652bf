//! The README's tables of verdicts and causes are the program's own: what `--explain-verdicts` prints stands in it, word by word,
//! between the markers.

mod support;

use std::path::Path;

#[test]
fn the_readme_has_the_tables_of_the_program() {
    let Ok(readme) =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"))
    else {
        return;
    };
    let printed = support::run("--explain-verdicts").expect_code(0).stdout;
    let inside = readme
        .split_once("<!-- verdicts -->")
        .and_then(|(_, rest)| rest.split_once("<!-- /verdicts -->"))
        .map(|(inside, _)| inside)
        .expect("README.md has no <!-- verdicts --> … <!-- /verdicts -->");
    assert_eq!(
        inside.trim(),
        printed.trim(),
        "put what --explain-verdicts prints between the markers of README.md"
    );
}

#[test]
fn the_table_names_every_verdict_and_cause_once() {
    use tcp_monitor::tracking::verdict::{Cause, RULES};
    let printed = support::run("--explain-verdicts").expect_code(0).stdout;
    for name in RULES
        .iter()
        .map(|rule| rule.name)
        .chain(Cause::ALL.iter().map(|cause| cause.name()))
    {
        let rows = printed
            .lines()
            .filter(|line| line.starts_with(&format!("| `{name}` |")));
        assert_eq!(rows.count(), 1, "{name}");
    }
}
