//! Coverage instrumentation (`-C instrument-coverage`).

use std::fs;

use super::registry::{PRINTS, above, unpacked, with_home};

/// Instrumented build scripts write profiles into the current directory, which is that of their package.
#[requires(sccache)]
#[test]
fn profiles_that_a_coverage_build_left_in_a_published_package_do_not_count() {
    let project = above("pub fn text() -> u8 { 1 }\n", "fn main() {}\n", PRINTS);
    let main = with_home(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let covered = main.with("RUSTFLAGS", "-Cinstrument-coverage");
    covered.cargo(&["build"]).ok();
    let package = unpacked(&project.sandbox.path("cargo-home")).join("lowcrate-0.1.0");
    let mut files = fs::read_dir(&package).unwrap();
    let is_profile = |name: &str| name.starts_with("default_") && name.ends_with(".profraw");
    assert!(files.any(|file| is_profile(&file.unwrap().file_name().to_string_lossy())));
    let second = with_home(&project, &project.linked("second"), "cargo-home");
    second.cargo(&["build"]).ok().all_hit();
    // What else is there counts.
    fs::write(package.join("more"), "more").unwrap();
    let third = with_home(&project, &project.linked("third"), "cargo-home");
    let built = third.cargo(&["build"]).ok();
    built.compiled(&["app bin", "build_script_build bin", "lowcrate lib"]);
}
