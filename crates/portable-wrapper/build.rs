//! Compiles the programs that the wrapper contains: the launchers of build scripts and of C compilers, and the observer
//! of compilers.

#![allow(
    clippy::disallowed_methods,
    reason = "a build script, which has no access to the modules of the workspace"
)]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_supported = variable("CARGO_CFG_TARGET_OS") == "linux"
        && matches!(&*variable("CARGO_CFG_TARGET_ARCH"), "x86_64" | "aarch64");
    let mut launcher = vec![
        "-Crelocation-model=static",
        "-Clink-arg=-static",
        "-Clink-arg=-Wl,-z,max-page-size=4096",
    ];
    if variable("CARGO_CFG_TARGET_ENV") == "musl" {
        // The launchers define their own entry point instead of musl's `crt1.o`.
        launcher.push("-Clink-self-contained=no");
    }
    for part in ["launcher", "observer", "system_call.rs"] {
        println!("cargo::rerun-if-changed={part}");
    }
    for (name, source, without) in [
        (
            "launcher",
            "launcher/build_script.rs",
            "the launcher of build scripts could not be compiled, so their runs are not cached",
        ),
        (
            "c_launcher",
            "launcher/c_compiler.rs",
            "the launcher of C compilers could not be compiled, so build scripts start them later",
        ),
    ] {
        if !is_supported || !compile(name, "bin", source, &launcher) {
            leave_out(name, is_supported.then_some(without));
        }
    }
    // The observer uses the C library of the process that it is loaded into. It is linked with few segments, because each takes
    // time in each process.
    let observer = ["-Clink-arg=-Wl,-z,lazy,-z,norelro"];
    let without = "the observer of compilers could not be compiled, so macros are only read";
    let is_dynamic = is_supported && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    if !is_dynamic || !compile("observer", "cdylib", "observer/lib.rs", &observer) {
        leave_out("observer", is_dynamic.then_some(without));
    }
}

/// A variable that cargo sets.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// Compiles `source` to the file `name` in `OUT_DIR`, without the standard library.
fn compile(name: &str, kind: &str, source: &str, more: &[&str]) -> bool {
    println!("cargo::rerun-if-changed={source}");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc
        .args(["--crate-name", name, "--crate-type", kind])
        .args(["--edition", "2024", "--target", &variable("TARGET"), "-o"])
        .arg(Path::new(&variable("OUT_DIR")).join(name))
        .args(["-Cpanic=abort", "-Copt-level=s", "-Cstrip=symbols"])
        .args([
            "-Cdebuginfo=0",
            "-Coverflow-checks=off",
            "-Cdebug-assertions=off",
        ])
        .args([
            "-Clink-arg=-nostartfiles",
            "-Clink-arg=-nostdlib",
            "-Clink-arg=-Wl,--build-id=none",
        ])
        .args(more)
        .arg(source);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    rustc.status().is_ok_and(|status| status.success())
}

/// Writes an empty file instead of the program `name`, and prints a warning.
fn leave_out(name: &str, warning: Option<&str>) {
    let _ = std::fs::write(Path::new(&variable("OUT_DIR")).join(name), b"");
    if let Some(warning) = warning {
        println!("cargo::warning={warning}");
    }
}
