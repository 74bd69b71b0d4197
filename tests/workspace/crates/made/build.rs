//! Makes what the crate includes.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=data.txt");
    println!("cargo::rustc-env=MADE_BY=the build script of made");
    println!("cargo::rustc-cfg=made_by_script");
    println!("cargo::rustc-check-cfg=cfg(made_by_script)");
    let out = env::var("OUT_DIR").unwrap();
    let out = Path::new(&out);
    let data = fs::read_to_string("data.txt").unwrap();
    fs::write(out.join("generated.rs"), format!("pub const GENERATED: &str = {data:?};\n")).unwrap();
    fs::create_dir_all(out.join("sub")).unwrap();
    // Named like what a compiler makes, but data all the same.
    fs::write(out.join("sub/blob.o"), format!("object: {data}")).unwrap();
}
