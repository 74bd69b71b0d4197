//! Compilers that a distribution installs below `/usr`: with the libraries of other programs, or with their own elsewhere.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::out_dir::{NOTES_EXPANSIONS, says_the_same_uncached};
use super::project::{Checkout, Project, copy, real_rustc};
use super::published_macros;
use super::registry::with_home;
use super::unknown_inputs::{CALLS, write_files};

/// The directory of the compiler's libraries on Debian and Ubuntu.
const LIBRARIES: &str = "lib/x86_64-linux-gnu";

/// Copies the compiler to a directory as Debian does to `/usr`, and returns it.
fn install(project: &Project) -> PathBuf {
    let usr = project.sandbox.path("usr");
    let real = real_rustc();
    let toolchain = real.ancestors().nth(2).unwrap();
    copy(&real, &usr.join("bin/rustc"));
    let directories = ["lib", LIBRARIES].map(|name| toolchain.join(name));
    let entries = directories.iter().flat_map(fs::read_dir).flatten();
    for library in entries.map(|entry| entry.unwrap().path()) {
        let name = library.file_name().unwrap();
        let is_own = ["librustc_driver", "libLLVM"]
            .iter()
            .any(|own| name.to_str().unwrap().starts_with(own));
        if is_own {
            copy(&library, &usr.join(LIBRARIES).join(name));
        }
    }
    let host = Command::new(&real).args(["--print", "host-tuple"]).output();
    let host = String::from_utf8(host.unwrap().stdout).unwrap();
    let standard = Path::new("lib/rustlib").join(host.trim());
    copy(&toolchain.join(&standard), &usr.join(&standard));
    usr
}

/// The checkout with this compiler, and the directory in which a file `expanded` appears if it expands a source. The wrapper
/// knows no compiler yet.
fn using<'p>(checkout: &Checkout<'p>, usr: &Path) -> (Checkout<'p>, PathBuf) {
    let libraries = usr.join(LIBRARIES);
    let script = format!(
        "export LD_LIBRARY_PATH={}\n{NOTES_EXPANSIONS}",
        libraries.display()
    );
    let checkout = checkout
        .with("LOGGED_RUSTC", usr.join("bin/rustc").to_str().unwrap())
        .with("SCCFG_WRAPPER_DIR", usr.join("state").to_str().unwrap());
    checkout.with_compiler_script(&script)
}

fn change(library: &Path) {
    let mut file = OpenOptions::new().append(true).open(library).unwrap();
    file.write_all(b"\n").unwrap();
}

/// rustc asks for the canonical path of its library, which no macro does.
#[requires(sccache)]
#[test]
fn the_path_of_the_compilers_library_is_asked_for_by_no_macro() {
    let project = published_macros::project("pub fn text() -> String { 1.to_string() }\n");
    let usr = install(&project);
    for checkout in [project.main(), project.linked("a/deeper/worktree")] {
        let checkout = with_home(&project, &checkout, "cargo-home");
        let (checkout, directory) = using(&checkout, &usr);
        checkout.cargo(&["build"]).ok();
        says_the_same_uncached(&checkout);
        assert!(!directory.join("expanded").exists());
    }
}

#[requires(sccache)]
#[test]
fn a_library_of_another_program_is_not_part_of_the_compiler() {
    let project = Project::new().package("app", "", &[("src/main.rs", "fn main() {}\n")]);
    let project = project.committed();
    let usr = install(&project);
    let other = usr.join("lib/libother.so.1");
    fs::write(&other, "one").unwrap();
    let (main, _) = using(&project.main(), &usr);
    main.cargo(&["build"]).ok().compiled_some();
    change(&other);
    let (second, _) = using(&project.linked("second"), &usr);
    second.cargo(&["build"]).ok().all_hit();
}

/// As after an update of LLVM alone.
#[requires(sccache)]
#[test]
fn a_library_of_the_compiler_counts_wherever_it_is() {
    let project = Project::new().package("app", "", &[("src/main.rs", "fn main() {}\n")]);
    let project = project.committed();
    let usr = install(&project);
    let (main, _) = using(&project.main(), &usr);
    main.cargo(&["build"]).ok().compiled_some();
    main.clean();
    main.cargo(&["build"]).ok().all_hit();
    let libraries = fs::read_dir(usr.join(LIBRARIES)).unwrap();
    let mut libraries = libraries.map(|entry| entry.unwrap().path());
    let is_llvm = |path: &PathBuf| path.to_string_lossy().contains("libLLVM.so");
    change(&libraries.find(is_llvm).unwrap());
    main.clean();
    main.cargo(&["build"]).ok().compiled_some();
}

/// As in a container image whose working directory is `/usr/src/app`.
#[requires(sccache)]
#[test]
fn a_checkout_next_to_the_compiler_is_not_part_of_it() {
    let project = Project::new();
    let libraries = project.sandbox.path("usr/src/other");
    let script = format!(
        "fn main() {{ println!(\"cargo::rustc-link-search=native={}\"); println!(\"cargo::rustc-link-lib=dylib=script\"); }}\n",
        libraries.display()
    );
    let files = [("src/main.rs", CALLS), ("build.rs", &*script)];
    let project = project.package("app", "", &files).committed();
    let usr = install(&project);
    let (checkout, _) = using(&project.linked("usr/src/app"), &usr);
    for number in [1, 2] {
        write_files(&checkout, &libraries, number);
        checkout.clean();
        checkout.cargo(&["build"]).ok();
        assert_eq!(checkout.says("app"), format!("{number}\n"));
    }
}
