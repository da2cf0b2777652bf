//! Gives the fuzzer's inputs to `targets::tracker`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor_fuzz::targets::tracker;

fuzz_target!(|input: tracker::Input| tracker::run(input));
