//! A home directory whose file system is mounted with `noexec`: the dynamic linker loads no library from there, and says so in the
//! output of each program.

use std::fs;

use super::project::{Checkout, Project, succeeds};

const PROBES: &str = r#"
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/a.c"), "int f(void) { return 0; }").unwrap();
    // As `cc::Build::is_flag_supported` does.
    let mut cc = std::process::Command::new("cc");
    let ran = cc.args(["-c", "-Wall", "a.c", "-o", "a.o"]).current_dir(&out).output().unwrap();
    let is_supported = ran.status.success() && ran.stderr.is_empty();
    println!("cargo::rustc-env=SUPPORTED={is_supported}");
    println!("cargo::rerun-if-changed=build.rs");
}
"#;
const READER: &str = r#"
extern crate proc_macro;
#[proc_macro]
pub fn word(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let path = String::from("DIRECTORY/wo") + "rd.txt";
    format!("{:?}", std::fs::read_to_string(path).unwrap()).parse().unwrap()
}
"#;
const APP: &str = "fn main() { println!(\"{} {}\", env!(\"SUPPORTED\"), reader::word!()); }\n";

/// Builds with an empty target directory and the state of the wrapper on a file system from which nothing is loaded.
fn builds(checkout: &Checkout<'_>) -> String {
    checkout.clean();
    let script = "mkdir -p ~/.cache; mount --bind ~/.cache ~/.cache
        mount -o remount,bind,noexec ~/.cache
        exec cargo build --offline";
    let mut build = checkout.command("unshare");
    build.args(["--map-root-user", "--mount", "sh", "-euc", script]);
    let said = String::from_utf8(succeeds(&mut build).stderr).unwrap();
    assert!(!said.contains("LD_PRELOAD"), "{said}");
    checkout.says("app")
}

#[requires(sccache, mount)]
#[test]
fn programs_and_macros_are_observed_all_the_same() {
    let outside = tempfile::tempdir().unwrap();
    let word = outside.path().join("word.txt");
    fs::write(&word, "one").unwrap();
    let reader = READER.replace("DIRECTORY", outside.path().to_str().unwrap());
    let project = Project::new()
        .with_store()
        .package(
            "reader",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", &reader)],
        )
        .package(
            "app",
            "[dependencies]\nreader = { path = \"../reader\" }\n",
            &[("build.rs", PROBES), ("src/main.rs", APP)],
        )
        .committed();
    let main = project.main();
    assert_eq!(builds(&main), "true one\n");
    assert_eq!(builds(&main), "true one\n");
    fs::write(&word, "two").unwrap();
    assert_eq!(builds(&main), "true two\n");
    assert_eq!(builds(&project.linked("second")), "true two\n");
}
