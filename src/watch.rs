//! Who is told of alerts, and how: lines on standard error while a capture is live, outputs, a command; and whether the program
//! ends with the exit code of an alert.

use crate::alerts::{Alerts, Log, Rule, Thresholds, words};
use crate::analyzers::{self, Frame};
use crate::cli::Arguments;
use crate::on_alert::OnAlert;
use crate::tracking::Event;
use crate::utils::format::printable;
use crate::utils::time::Timestamp;
use crate::visualization::Output;
use crate::visualization::json_lines;
use anyhow::{Context, Result, anyhow};
use std::io::Write;
use std::time::SystemTime;

/// The rules, if they are wanted, and who is to be told.
#[derive(Debug)]
pub struct Watch {
    alerts: Option<Alerts>,
    on_alert: Option<OnAlert>,
    fail_on: Vec<Rule>,
    live: bool,
}

impl Watch {
    /// What the command line asks for. A file of thresholds that cannot be used is an error.
    pub fn of(arguments: &Arguments, live: bool) -> Result<Self> {
        let alerts = (!arguments.no_alerts)
            .then(|| thresholds(arguments).map(Alerts::new))
            .transpose()?;
        Ok(Self {
            alerts,
            on_alert: arguments
                .on_alert
                .as_deref()
                .map(OnAlert::new)
                .transpose()?,
            fail_on: arguments.fail_on.clone(),
            live,
        })
    }

    /// Takes in a segment.
    pub fn segment(&mut self, event: &Event<'_>) {
        if let Some(alerts) = &mut self.alerts {
            alerts.segment(event);
        }
    }

    /// Takes in a packet that is no segment.
    pub fn other(&mut self, frame: &Frame<'_>) {
        if let Some(alerts) = &mut self.alerts {
            alerts.packet(frame, &analyzers::decode(frame), None);
        }
    }

    /// Nothing was captured for a while: on a live capture, time passes all the same.
    pub fn idle(&mut self) {
        if let Some(alerts) = self.alerts.as_mut().filter(|_| self.live) {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let nanos = now.map_or(0, |since| {
                i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
            });
            alerts.pass(Timestamp::from_nanos(nanos));
        }
    }

    /// Whether there is something to tell.
    pub fn has_news(&self) -> bool {
        self.alerts.as_ref().is_some_and(Alerts::has_news)
    }

    /// Tells everyone what began and what ended since the last call.
    pub fn tell(&mut self, outputs: &mut [Box<dyn Output>], to: &mut dyn Write) -> Result<()> {
        let Some(alerts) = &mut self.alerts else {
            return Ok(());
        };
        for alert in alerts.take_news() {
            for output in &mut *outputs {
                output.alert(&alert, to)?;
            }
            if alert.over {
                continue;
            }
            if self.live {
                eprintln!(
                    "tcp-monitor: alert: {}: {}.",
                    alert.rule.name(),
                    words::what(&alert)
                );
            }
            if let Some(command) = &mut self.on_alert {
                command.tell(json_lines::alert_object(&alert)?);
            }
        }
        Ok(())
    }

    /// The capture is over. Rules that waited for time to pass have their last word; what was found is returned, and whether
    /// an alert that `--fail-on` names was raised.
    pub fn finish(
        mut self,
        outputs: &mut [Box<dyn Output>],
        to: &mut dyn Write,
    ) -> Result<(Log, bool)> {
        if let Some(alerts) = &mut self.alerts {
            alerts.end();
        }
        self.tell(outputs, to)?;
        if let Some(left_out) = self.on_alert.take().map(OnAlert::finish)
            && left_out > 0
        {
            eprintln!(
                "tcp-monitor: warning: --on-alert was not run for {left_out} alerts, to keep within its rate"
            );
        }
        let log = self.alerts.map(Alerts::into_log).unwrap_or_default();
        let failed = self.fail_on.iter().any(|&rule| log.fired(rule) > 0);
        Ok((log, failed))
    }
}

fn thresholds(arguments: &Arguments) -> Result<Thresholds> {
    let Some(path) = &arguments.alerts else {
        return Ok(Thresholds::default());
    };
    let name = path.to_string_lossy();
    let name = printable(&name);
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    Thresholds::read(&text).map_err(|problem| {
        // The parser shows the line that it stumbled over.
        let lines: Vec<_> = problem.lines().map(printable).collect();
        anyhow!("{name}: {}", lines.join("\n"))
    })
}
