//! Opens the files of its `OUT_DIR` when the program runs: its source speaks of its place.

pub fn opened() -> Vec<String> {
    ["data.txt", "blob.o", "archive.a", "rules.d"]
        .iter()
        .map(|name| match std::fs::read_to_string(format!("{}/{name}", env!("OUT_DIR"))) {
            Ok(text) => format!("{name}: {}", text.trim_end()),
            Err(error) => format!("{name}: {error}"),
        })
        .collect()
}
