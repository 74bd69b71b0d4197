//! Its build script makes a part of it.

include!(concat!(env!("OUT_DIR"), "/generated.rs"));

pub const MADE_BY: &str = env!("MADE_BY");
pub const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sub/blob.o"));
pub const BY_SCRIPT: bool = cfg!(made_by_script);

/// The files of `OUT_DIR` as they are when the program runs.
pub fn opened() -> Vec<String> {
    ["data.txt", "sub/blob.o", "archive.a", "rules.d"]
        .iter()
        .map(|name| match std::fs::read_to_string(format!("{}/{name}", env!("OUT_DIR"))) {
            Ok(text) => format!("{name}: {}", text.trim_end()),
            Err(error) => format!("{name}: {error}"),
        })
        .collect()
}
