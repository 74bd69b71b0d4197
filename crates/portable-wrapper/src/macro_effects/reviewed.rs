//! Published crates that were reviewed: they use something that cannot be in a key, but their result is the same each
//! time. They are identified by the content of their sources, so each release has to be reviewed.

use super::sources::Source;
use crate::digest::Key;

/// - `proc-macro-crate` runs cargo to find the workspace's manifest, which it reads. It uses the time of that file
///   only to decide whether to read it again.
/// - `rustversion` reads the date only for an example in its errors.
const REPEATABLE: [&str; 10] = [
    // proc-macro-crate 1.3.1, 2.0.2, 3.2.0, 3.3.0, 3.4.0, 3.5.0
    "a4bfe9fa7d1012fa4ac539ce2a12482de7196e5c4bf4ca0bf6a410f2f42009f4",
    "a75cdc4be98a46bcfcea3346e240784bd725d92273202b9439fd290ddd52f050",
    "824ee199a45c350fb31f66e6776d48ad899d9f3c8c17772bb8c283e89f375af6",
    "ddc0bcf80899466bd4786f63d3a8a746a705bf186703c0643c230ab73fd82175",
    "1b0ffa09ad0e1b5500fcbbc843ca3d50948130c342ba852649247a9bcea4ba63",
    "d4960b74f07e12f0f38109e08afbebcdb6af4162866a144fd582a99a7955a7c4",
    // rustversion 1.0.20 to 1.0.23
    "e3bb72b5c1842e0e78529f2a23f26cdbec5ee00e62058387eba16d5be61aedce",
    "5fc5046442b990ce0d3ea86f89717374bef206e017e4982226b97aa7a2f5a517",
    "1aa365d936c32d692a2bbb2990bd14f08e3f895300ff551eb0b9113d79c3b633",
    "c8fe66a55ef199fdabaf7de275f0616a600d4d4ed5c96a0abbcd887caf504d95",
];

/// Published crates whose native code only computes, in all releases: `psm` switches stacks, `stacker` grows them.
const COMPUTING: [&str; 2] = ["psm", "stacker"];

/// Whether the published crate `name` has foreign code that only computes.
pub(crate) fn only_computes(name: &str) -> bool {
    COMPUTING.contains(&name)
}

/// Whether these sources were reviewed.
pub(super) fn is_repeatable(sources: &[Source<'_>]) -> bool {
    REPEATABLE.contains(&digest(sources).as_str())
}

/// The digest of the files that are code.
fn digest(sources: &[Source<'_>]) -> String {
    let mut key = Key::default();
    for source in sources
        .iter()
        .filter(|source| source.is_code && !source.is_made)
    {
        key.add(source.path.to_string_lossy(), source.text);
    }
    key.finish()
}
