//! Compiles a C file and makes Rust of its header.

fn main() {
    println!("cargo::rerun-if-changed=native");
    cc::Build::new().file("native/sum.c").compile("sum");
    let bindings = bindgen::Builder::default().header("native/sum.h").generate().unwrap();
    let out = std::env::var("OUT_DIR").unwrap();
    bindings.write_to_file(format!("{out}/bindings.rs")).unwrap();
}
