//! Gives the fuzzer's inputs to `targets::json`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor_fuzz::targets::json;

fuzz_target!(|input: &[u8]| json::run(input));
