//! A second crate with an `OUT_DIR`: a table, as phf or prost would make it.

use std::fmt::Write as _;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut table = String::from("pub static TABLE: &[(&str, u32)] = &[\n");
    for (number, name) in ["one", "two", "three"].iter().enumerate() {
        writeln!(table, "    ({name:?}, {}),", number + 1).unwrap();
    }
    table.push_str("];\n");
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/table.rs"), table).unwrap();
}
