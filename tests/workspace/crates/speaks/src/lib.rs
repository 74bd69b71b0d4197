//! The one crate with the path of its manifest in it.

pub const MANIFEST: &str = env!("CARGO_MANIFEST_DIR");

/// A file beside the manifest, as tests find their fixtures.
pub fn fixture() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixture.txt"))
        .unwrap_or_else(|error| error.to_string())
}
