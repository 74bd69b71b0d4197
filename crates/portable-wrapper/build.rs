//! Compiles the launcher of build scripts, which the wrapper contains.

#![allow(
    clippy::disallowed_methods,
    reason = "a build script, which has no access to the modules of the workspace"
)]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=launcher/main.rs");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let launcher = Path::new(&variable("OUT_DIR")).join("launcher");
    let target = variable("TARGET");
    let is_supported = variable("CARGO_CFG_TARGET_OS") == "linux"
        && matches!(&*variable("CARGO_CFG_TARGET_ARCH"), "x86_64" | "aarch64");
    let _ = std::fs::write(&launcher, b"");
    if !is_supported {
        return;
    }
    let mut rustc = Command::new(variable("RUSTC"));
    rustc
        .args([
            "--crate-name",
            "launcher",
            "--crate-type",
            "bin",
            "--edition",
            "2024",
        ])
        .args(["--target", &target, "-o"])
        .arg(&launcher)
        .args(["-Cpanic=abort", "-Copt-level=s", "-Cstrip=symbols"])
        .args([
            "-Cdebuginfo=0",
            "-Coverflow-checks=off",
            "-Cdebug-assertions=off",
        ])
        .arg("-Crelocation-model=static")
        .args([
            "-Clink-arg=-nostartfiles",
            "-Clink-arg=-nostdlib",
            "-Clink-arg=-static",
        ])
        .args([
            "-Clink-arg=-Wl,--build-id=none",
            "-Clink-arg=-Wl,-z,max-page-size=4096",
        ])
        .arg("launcher/main.rs");
    if variable("CARGO_CFG_TARGET_ENV") == "musl" {
        // It has an entry point of its own.
        rustc.arg("-Clink-self-contained=no");
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let done = rustc.status();
    if !done.is_ok_and(|status| status.success()) {
        let _ = std::fs::write(&launcher, b"");
        println!(
            "cargo::warning=the launcher of build scripts could not be compiled, so their runs are not cached"
        );
    }
}
