//! How the program ends: exit codes that scripts can rely on.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Done, also when a reader of the output went away or the user interrupted.
    Done,
    /// Could not do it: no such file, no permission, not a capture, a full disk.
    Failed,
    /// Wrong usage.
    Usage,
    /// Done, and an alert that `--fail-on` names was raised.
    Alert,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Alert => 3,
        })
    }
}

/// Whether an error means that whoever read our output went away: `head` has seen enough.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind)
    };
    error
        .chain()
        .any(|cause| kind(cause) == Some(std::io::ErrorKind::BrokenPipe))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use std::io::{Error, ErrorKind};

    #[test]
    fn a_closed_pipe_is_recognised_under_context() {
        let error = Err::<(), _>(Error::from(ErrorKind::BrokenPipe))
            .context("writing")
            .unwrap_err();
        assert!(is_closed_pipe(&error));
        assert!(!is_closed_pipe(&anyhow::anyhow!("else")));
    }

    #[test]
    fn codes() {
        for (exit, code) in [
            (Exit::Done, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::Alert, 3),
        ] {
            assert_eq!(ExitCode::from(exit), ExitCode::from(code));
        }
    }
}
