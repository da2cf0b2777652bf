//! `--explain-verdicts`: what each verdict means and where that is written. The README's table is this one.

use crate::tracking::verdict::{Cause, RULES};
use std::fmt::Write;

/// The table of verdicts and the list of causes as Markdown, which reads well in a terminal too.
pub fn markdown() -> String {
    let mut text = String::from("| verdict | meaning | source |\n|---|---|---|\n");
    for rule in RULES {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            rule.name, rule.meaning, rule.source
        );
    }
    text.push_str("\n| cause of a retransmission | meaning |\n|---|---|\n");
    for cause in Cause::ALL {
        let _ = writeln!(text, "| `{}` | {} |", cause.name(), cause.meaning());
    }
    text
}
