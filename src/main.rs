//! tcp-monitor: parse arguments, run, print one error, choose the exit code.

use clap::Parser;
use std::process::ExitCode;
use tcp_monitor::cli::Arguments;
use tcp_monitor::exit::Exit;
use tcp_monitor::utils::format::printable;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are asked for, everything else is a mistake; a closed pipe is neither.
            let error = harmless(error);
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

/// The same mistake in words that cannot steer the terminal. clap quotes what was typed as it is, and that may come from a file's
/// name or from a script's variable: the mistake is looked for again among arguments whose control characters are escaped.
fn harmless(error: clap::Error) -> clap::Error {
    let typed: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let escaped: Vec<_> = typed.iter().map(|argument| printable(argument)).collect();
    if escaped == typed {
        return error;
    }
    // It can only be gone where it was not one of control characters, such as bytes that are no UTF-8: such are not quoted.
    Arguments::try_parse_from(escaped.iter().map(AsRef::<str>::as_ref))
        .err()
        .unwrap_or(error)
}
