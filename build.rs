//! Links the program so that it starts in less time.

#![allow(
    clippy::disallowed_methods,
    reason = "a build script, which has no access to the modules of the workspace"
)]

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    // The wrapper is started for each unit. In a program that may be anywhere in memory, the dynamic linker writes 14,000
    // addresses at each start, which takes a seventh of it.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
