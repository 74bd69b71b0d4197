//! Makes what the crate opens when it runs.

use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").unwrap();
    // Named like what a compiler makes, too, but data all the same.
    for name in ["data.txt", "blob.o", "archive.a", "rules.d"] {
        fs::write(format!("{out}/{name}"), format!("made as {name}")).unwrap();
    }
}
