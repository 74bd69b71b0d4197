//! The files that the compiler listed for a build script.

use std::path::Path;

use memchr::memmem;

use crate::dep_info::DepInfo;
use crate::package::is_rust;
use sccfg_util::fsio;

/// The names of files that clippy reads for a unit, and adds to its dep-info.
const OF_CLIPPY: [&str; 3] = [".clippy.toml", "Cargo.toml", "clippy.toml"];

/// Macros of the standard library that make a literal of a file.
const LITERALS: [&str; 2] = ["include_bytes!", "include_str!"];

/// A file of a build script.
pub(super) struct Listed {
    pub(super) content: Vec<u8>,
    /// Whether the code includes it as a literal, and not as code.
    pub(super) is_literal: bool,
}

/// The files of a build script. Those that clippy reads count only if the code names them, because it may include them. `root` is
/// the working directory of the compiler.
pub(super) fn listed(listed: DepInfo, root: &Path) -> Option<Vec<Listed>> {
    let mut variables = listed.variables.iter();
    let is_clippy = variables.any(|(name, _)| name == "CLIPPY_ARGS");
    let (mut all, mut of_clippy) = (Vec::new(), Vec::new());
    for file in listed.files {
        let content = fsio::read_bytes(root.join(&file))?;
        let name = Path::new(&file).file_name()?.to_str()?.to_owned();
        if is_clippy && OF_CLIPPY.contains(&&*name) {
            of_clippy.push((name, content));
        } else {
            all.push((name, content));
        }
    }
    let is_named = |name: &str| {
        let mut all = all.iter();
        all.any(|(_, content)| memmem::find(content, name.as_bytes()).is_some())
    };
    of_clippy.retain(|(name, _)| is_named(name));
    all.extend(of_clippy);
    let are_literals: Vec<bool> = all.iter().map(|(name, _)| is_literal(name, &all)).collect();
    let listed = all.into_iter().zip(are_literals);
    let listed = listed.map(|((_, content), is_literal)| Listed {
        content,
        is_literal,
    });
    Some(listed.collect())
}

/// Whether the file with this name is no code: each mention of it in `all` files is the argument of a macro that makes a literal.
fn is_literal(name: &str, all: &[(String, Vec<u8>)]) -> bool {
    if is_rust(Path::new(name)) {
        return false;
    }
    let mut is_named = false;
    for (_, content) in all {
        for at in memmem::find_iter(content, name.as_bytes()) {
            let before = &content[..at];
            let quote = memchr::memrchr(b'"', before).unwrap_or(0);
            let before = before[..quote].trim_ascii_end();
            let called = before.strip_suffix(b"(").unwrap_or_default();
            let called = called.trim_ascii_end();
            if !LITERALS
                .iter()
                .any(|name| called.ends_with(name.as_bytes()))
            {
                return false;
            }
            is_named = true;
        }
    }
    is_named
}
