//! The integration tests: one binary, real parts. Each module is one topic.

#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise"
)]

// `#[requires(…)]`, for what has to be on the machine.
#[macro_use]
extern crate sccfg_requires;

mod audit;
mod awkward_paths;
mod bad_input;
mod cargo_user;
mod cases;
mod ci;
mod clear;
mod config;
mod devenv;
mod direnv;
mod dist;
mod docker;
mod doctor;
mod documents;
mod exports;
mod fuzzing;
mod gc;
mod home;
mod hook;
mod init;
mod input;
mod json;
mod lab;
mod linker;
mod manual_edits;
mod nested;
mod nix;
mod old_regions;
mod properties;
mod quoting;
mod remote;
mod report;
mod secrets;
mod server;
mod stats;
mod support;
mod unusable;
mod verify;
mod wrapper;
