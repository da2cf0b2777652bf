//! Gives the fuzzer's inputs to `targets::filters`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor_fuzz::targets::filters;

fuzz_target!(|input: filters::Input<'_>| filters::run(input));
