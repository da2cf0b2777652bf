//! tcp-monitor.

pub mod analyzers;
pub mod capture;
pub mod tracking;
pub mod utils;
pub mod visualization;
