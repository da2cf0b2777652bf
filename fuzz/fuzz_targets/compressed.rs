//! Gives the fuzzer's inputs to `targets::compressed`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor_fuzz::targets::compressed;

fuzz_target!(|input: &[u8]| compressed::run(input));
