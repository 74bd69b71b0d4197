//! Coverage instrumentation (`-C instrument-coverage`).

use std::fs;

use object::{Object as _, ObjectSection as _};

use super::project::{Checkout, Project};
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

/// A build script that generates this.
fn writes(code: &str) -> String {
    format!(
        "fn main() {{ println!(\"cargo::rerun-if-changed=build.rs\"); let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::write(format!(\"{{out}}/made.rs\"), {code:?}).unwrap(); }}\n"
    )
}

/// The same checkout, instrumented, with this `CARGO_HOME`.
fn covered<'a>(project: &Project, checkout: &Checkout<'a>, home: &str) -> Checkout<'a> {
    let profiles = project.sandbox.path("profiles/%p-%m.profraw");
    with_home(project, checkout, home)
        .with("RUSTFLAGS", "-Cinstrument-coverage")
        .with("LLVM_PROFILE_FILE", profiles.to_str().unwrap())
}

/// The coverage mapping of a program: the names of the sources, and the functions.
fn mapping(checkout: &Checkout<'_>) -> Vec<Vec<u8>> {
    let bytes = fs::read(checkout.path("target/debug/app")).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let sections = ["__llvm_covmap", "__llvm_covfun"];
    let sections = sections.map(|name| file.section_by_name(name).unwrap());
    sections.map(|it| it.data().unwrap().to_vec()).into()
}

/// That `checkout`, which was built, has the mapping of a build without the wrapper.
fn is_right(checkout: &Checkout<'_>) {
    let built = mapping(checkout);
    checkout.clean();
    checkout.uncached(&["build"]).ok();
    assert!(built == mapping(checkout));
}

/// What their build script writes has no functions, as in serde.
#[requires(sccache)]
#[test]
fn instrumented_crates_of_a_registry_are_shared() {
    let library =
        "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\npub fn text() -> u8 { LOW }\n";
    let project = above(library, &writes("pub const LOW: u8 = 1;\n"), PRINTS);
    let main = covered(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let second = covered(&project, &project.linked("second"), "cargo-home");
    second.cargo(&["build"]).ok().compiled(&["app bin"]);
    is_right(&second);
    // The paths of their sources, which are as long here, cannot be replaced.
    let third = covered(&project, &project.linked("third"), "cargo-hom2");
    let built = third.cargo(&["build"]).ok();
    built.compiled(&["app bin", "build_script_build bin", "lowcrate lib"]);
    is_right(&third);
}

#[requires(sccache)]
#[test]
fn instrumented_crates_with_generated_functions_are_not_shared() {
    let library = "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n";
    let project = above(library, &writes("pub fn text() -> u8 { 1 }\n"), PRINTS);
    let main = covered(&project, &project.main(), "cargo-home");
    main.cargo(&["build"]).ok();
    let second = covered(&project, &project.linked("second"), "cargo-home");
    let built = second.cargo(&["build"]).ok();
    built.compiled(&["app bin", "lowcrate lib"]);
    is_right(&second);
    second.clean();
    second.cargo(&["build"]).ok().all_hit();
    is_right(&second);
}
