//! Which linker made a program: linkers write their name into the section `.comment`.

use std::path::Path;

use object::{Object as _, ObjectSection as _};

use sccfg_util::fsio;

/// The name and the version of the linker that made the program at `path`; `None` if it left no name, as GNU ld does.
pub(super) fn linker_of(path: &Path) -> Option<String> {
    let bytes = fsio::read_artifact(path)?;
    let file = object::File::parse(&*bytes).ok()?;
    let section = file.section_by_name(".comment")?;
    named_in(section.data().ok()?)
}

/// `LLD 22.1.2` in `Linker: LLD 22.1.2 (/checkout/…)`, and the like.
fn named_in(comment: &[u8]) -> Option<String> {
    let entries = comment.split(|byte| *byte == 0);
    let mut entries = entries.map(|entry| String::from_utf8_lossy(entry).into_owned());
    entries.find_map(|entry| {
        let named = match entry.strip_prefix("Linker: ") {
            Some(named) => named,
            None if entry.starts_with("mold ") => entry.as_str(),
            None => return None,
        };
        let words = named.split_whitespace().filter(|word| *word != "version");
        let words: Vec<&str> = words.take(2).collect();
        Some(words.join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linkers_have_a_name_and_a_version() {
        for (comment, name) in [
            (
                "rustc version 1.95.0\0Linker: LLD 22.1.2 (/checkout/src/llvm 1cb4)\0GCC: 12.2.0\0",
                Some("LLD 22.1.2"),
            ),
            (
                "mold 1.10.1 (compatible with GNU ld)\0rustc",
                Some("mold 1.10.1"),
            ),
            (
                "\0GCC\0Linker: Wild version 0.5.0 (compatible with GNU linkers)\0",
                Some("Wild 0.5.0"),
            ),
            ("Linker: Wild 0.10.0 non-git-build\0", Some("Wild 0.10.0")),
            ("rustc version 1.95.0\0GCC: (Debian) 12.2.0\0", None),
        ] {
            assert_eq!(named_in(comment.as_bytes()).as_deref(), name, "{comment}");
        }
    }
}
