//! Gives the fuzzer's inputs to `targets::decode`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor_fuzz::targets::decode;

fuzz_target!(|input: &[u8]| decode::run(input));
