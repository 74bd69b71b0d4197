//! Compilers that rustup does not install: below `/usr`, with the libraries of other programs or with their own elsewhere, or put
//! together from links into other directories.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rstest::rstest;

use super::command::said;
use super::environment::PROC_MACRO;
use super::out_dir::{NOTES_EXPANSIONS, says_the_same_uncached};
use super::project::{Checkout, Project, copy, host, real_rustc};
use super::published_macros;
use super::registry::with_home;
use super::toolchains::ZERO;
use super::unknown_inputs::{CALLS, links_script, write_files};

/// The directory of the compiler's libraries on Debian and Ubuntu.
const LIBRARIES: &str = "lib/x86_64-linux-gnu";

/// The paths of the compiler's libraries.
fn libraries(toolchain: &Path) -> Vec<PathBuf> {
    let directories = ["lib", LIBRARIES].map(|name| toolchain.join(name));
    let entries = directories.iter().flat_map(fs::read_dir).flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("librustc_driver") || name.starts_with("libLLVM")
    });
    paths
}

/// The directory of the standard library in a toolchain.
fn standard_library() -> PathBuf {
    Path::new("lib/rustlib").join(host())
}

/// Copies the compiler to a directory as Debian does to `/usr`, and returns it.
fn install(project: &Project) -> PathBuf {
    let usr = project.sandbox.path("usr");
    let real = real_rustc();
    let toolchain = real.ancestors().nth(2).unwrap();
    copy(&real, &usr.join("bin/rustc"));
    for library in libraries(toolchain) {
        let name = library.file_name().unwrap();
        copy(&library, &usr.join(LIBRARIES).join(name));
    }
    let standard = standard_library();
    copy(&toolchain.join(&standard), &usr.join(&standard));
    usr
}

/// Makes links to the files in the directory `from`, in directories below `to`.
fn link_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            link_files(&path, &place);
        } else {
            symlink(&path, place).unwrap();
        }
    }
}

/// Puts the compiler together in a directory as rust-overlay and fenix do: copies of what finds the sysroot by its own path, and
/// links to everything else.
fn put_together(project: &Project) -> PathBuf {
    let together = project.sandbox.path("together");
    let real = real_rustc();
    let toolchain = real.ancestors().nth(2).unwrap();
    copy(&real, &together.join("bin/rustc"));
    fs::create_dir_all(together.join("lib")).unwrap();
    for library in libraries(toolchain) {
        let name = library.file_name().unwrap();
        let place = together.join("lib").join(name);
        if name.to_str().unwrap().starts_with("librustc_driver") {
            copy(&library, &place);
        } else {
            symlink(&library, &place).unwrap();
        }
    }
    let standard = standard_library();
    link_files(&toolchain.join(&standard), &together.join(&standard));
    together
}

/// The checkout with this compiler, and the directory in which a file `expanded` appears if it expands a source. The wrapper
/// knows no compiler yet.
fn using<'p>(checkout: &Checkout<'p>, compiler: &Path) -> (Checkout<'p>, PathBuf) {
    let [own, others] = [LIBRARIES, "lib"].map(|name| compiler.join(name));
    let script = format!(
        "export LD_LIBRARY_PATH={}:{}\n{NOTES_EXPANSIONS}",
        own.display(),
        others.display()
    );
    let [rustc, state] = ["bin/rustc", "state"].map(|name| compiler.join(name));
    let checkout = checkout
        .with("LOGGED_RUSTC", rustc.to_str().unwrap())
        .with("SCCFG_WRAPPER_DIR", state.to_str().unwrap());
    checkout.with_compiler_script(&script)
}

fn change(library: &Path) {
    let mut file = OpenOptions::new().append(true).open(library).unwrap();
    file.write_all(b"\n").unwrap();
}

/// rustc asks for the canonical path of its library, which no macro does.
#[rstest]
#[case::of_debian(install)]
#[case::of_links(put_together)]
#[requires(sccache)]
fn no_macro_asks_for_the_path_of_the_compilers_library(#[case] install: fn(&Project) -> PathBuf) {
    let project = published_macros::project("pub fn text() -> String { 1.to_string() }\n");
    let compiler = install(&project);
    for checkout in [project.main(), project.linked("a/deeper/worktree")] {
        let is_second = checkout.text().ends_with("worktree");
        let checkout = with_home(&project, &checkout, "cargo-home");
        let (checkout, directory) = using(&checkout, &compiler);
        let built = checkout.cargo(&["build"]).ok();
        if is_second {
            built.all_hit();
        }
        says_the_same_uncached(&checkout);
        assert!(!directory.join("expanded").exists());
    }
}

#[rstest]
#[case::of_debian(install)]
#[case::of_links(put_together)]
#[requires(sccache)]
fn what_uses_a_macro_of_the_workspace_is_shared(#[case] install: fn(&Project) -> PathBuf) {
    let uses = "[dependencies]\nmakes = { path = \"../makes\" }\n";
    let main = "fn main() { println!(\"{}\", makes::zero!()); }\n";
    let project = Project::new()
        .package("makes", PROC_MACRO, &[("src/lib.rs", ZERO)])
        .package("app", uses, &[("src/main.rs", main)])
        .committed();
    let compiler = install(&project);
    let [first, second] =
        ["first", "a/deeper/second"].map(|name| using(&project.linked(name), &compiler).0);
    first.cargo(&["build"]).ok();
    second.cargo(&["build"]).ok().all_hit();
    let app = said(&second, &["explain", "app"]);
    assert!(
        app.contains("shared between all checkouts with the same sources"),
        "{app}"
    );
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
    for library in libraries(&usr) {
        if library.to_string_lossy().contains("libLLVM") {
            change(&library);
        }
    }
    main.clean();
    main.cargo(&["build"]).ok().compiled_some();
}

/// As in a container image whose working directory is `/usr/src/app`.
#[requires(sccache)]
#[test]
fn a_checkout_next_to_the_compiler_is_not_part_of_it() {
    let project = Project::new();
    let libraries = project.sandbox.path("usr/src/other");
    let script = links_script(&libraries);
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
