//! Writes the frames of captures as seeds of the target `decode`, one file each.
//!
//! usage: cargo run --example seeds -- DIRECTORY CAPTURE...

use tcp_monitor_fuzz::frames;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = std::path::PathBuf::from(arguments.next().unwrap_or_default());
    std::fs::create_dir_all(&directory)?;
    let mut number = 0;
    for capture in arguments {
        // The first frames of a capture differ; the later ones are more of the same.
        for seed in frames(&std::fs::read(capture)?).iter().take(40) {
            std::fs::write(directory.join(format!("frame-{number}")), seed)?;
            number += 1;
        }
    }
    Ok(())
}
