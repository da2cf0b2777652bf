//! Gives the fuzzer's inputs to `targets::files`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor_fuzz::targets::files;

fuzz_target!(|input: &[u8]| files::run(input));
