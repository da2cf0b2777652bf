//! What each fuzz target does with an input, apart from the fuzzer, so that a plain test can do it as well.

pub mod compressed;
pub mod decode;
pub mod files;
pub mod filters;
pub mod json;
pub mod tracker;
