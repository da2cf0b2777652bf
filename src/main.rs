//! tcp-monitor: parse arguments, run, print one error, choose the exit code.

use clap::Parser;
use std::process::ExitCode;
use tcp_monitor::cli::Arguments;
use tcp_monitor::exit::Exit;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are asked for, everything else is a mistake; a closed pipe is neither.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
            .into();
        }
    };
    match tcp_monitor::main_job(&arguments) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("tcp-monitor: {error:#}");
            Exit::Failed.into()
        }
    }
}
