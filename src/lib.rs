//! tcp-monitor.

pub mod analyzers;
pub mod capture;
pub mod utils;
