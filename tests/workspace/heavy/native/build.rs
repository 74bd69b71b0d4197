//! Compiles a C file of the workspace.

fn main() {
    println!("cargo::rerun-if-changed=native");
    cc::Build::new().file("native/twice.c").compile("twice");
}
