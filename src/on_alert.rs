//! `--on-alert COMMAND`: runs a command for each alert, with the alert as JSON on its standard input.
//!
//! The command line is split as a shell would split it, and is never changed: nothing from the network becomes an argument, and
//! no shell reads it. A thread of its own starts one command after the other, so that the capture never waits; commands beyond
//! the rate, or while too many wait, are left out and counted.

use crate::utils::format::printable;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Commands that may start at once; one more each second.
const BURST: u32 = 10;
/// How long a command may take before it is ended.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the end of the program waits for commands that still run.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(10);

/// The command, and what waits for it.
#[derive(Debug)]
pub struct OnAlert {
    to: Option<SyncSender<String>>,
    worker: Option<JoinHandle<()>>,
    tokens: f64,
    refilled: Instant,
    left_out: u64,
}

impl OnAlert {
    /// Splits the command line and makes ready to run it.
    pub fn new(command_line: &str) -> Result<Self> {
        let Some(words) = shlex::split(command_line) else {
            bail!(
                "--on-alert '{}': a quotation mark is not closed",
                printable(command_line)
            );
        };
        let Some((program, arguments)) = words.split_first() else {
            bail!("--on-alert wants a command");
        };
        let (program, arguments) = (program.clone(), arguments.to_vec());
        let (to, from) = sync_channel(BURST as usize);
        let worker = std::thread::Builder::new()
            .name("on-alert".to_owned())
            .spawn(move || work(&program, &arguments, &from))
            .context("cannot start a thread")?;
        Ok(Self {
            to: Some(to),
            worker: Some(worker),
            tokens: BURST.into(),
            refilled: Instant::now(),
            left_out: 0,
        })
    }

    /// Hands an alert over; never waits.
    pub fn tell(&mut self, json: String) {
        let now = Instant::now();
        let seconds = now.duration_since(self.refilled).as_secs_f64();
        (self.tokens, self.refilled) = ((self.tokens + seconds).min(BURST.into()), now);
        let sent =
            self.tokens >= 1.0 && self.to.as_ref().is_some_and(|to| to.try_send(json).is_ok());
        if sent {
            self.tokens -= 1.0;
        } else {
            self.left_out += 1;
        }
    }

    /// Waits a while for the commands to end; returns how many alerts were left out.
    pub fn finish(mut self) -> u64 {
        self.to = None;
        if let Some(worker) = self.worker.take() {
            let began = Instant::now();
            while !worker.is_finished() && began.elapsed() < PATIENCE_AT_THE_END {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.left_out
    }
}

fn work(program: &str, arguments: &[String], from: &Receiver<String>) {
    let mut complained = false;
    for json in from {
        if let Err(error) = run(program, arguments, &json)
            && !complained
        {
            complained = true;
            eprintln!(
                "tcp-monitor: warning: --on-alert cannot run '{}': {error}",
                printable(program)
            );
        }
    }
}

/// Runs the command once. What it prints goes to standard error: standard output carries results and nothing else.
fn run(program: &str, arguments: &[String], json: &str) -> std::io::Result<()> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(std::io::stderr())
        .spawn()?;
    if let Some(mut to) = child.stdin.take() {
        // A command that does not read is in its right; an alert fits into the pipe.
        let _ = writeln!(to, "{json}");
    }
    wait(&mut child)
}

fn wait(child: &mut Child) -> std::io::Result<()> {
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() >= PATIENCE {
            child.kill()?;
            child.wait()?;
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_alerts_is_rate_limited_and_nobody_waits() {
        let began = Instant::now();
        let mut command = OnAlert::new("sleep 0.01").unwrap();
        (0..1000).for_each(|_| command.tell("{}".to_owned()));
        assert!(began.elapsed() < Duration::from_secs(1));
        let left_out = command.finish();
        assert!((980..=990).contains(&left_out), "{left_out}");
    }

    #[test]
    fn bad_command_lines_are_refused() {
        assert!(OnAlert::new("").is_err() && OnAlert::new("mail 'x").is_err());
    }
}
