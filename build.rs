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
    // addresses at each start, which takes a seventh of it. rustc itself says where a static program is.
    let is_static = env::var("CARGO_CFG_TARGET_FEATURE")
        .is_ok_and(|all| all.split(',').any(|one| one == "crt-static"));
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && !is_static {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
