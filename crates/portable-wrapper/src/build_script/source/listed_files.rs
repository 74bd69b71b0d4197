//! The files that the compiler listed for a build script.

use std::path::Path;

use memchr::memmem;

use crate::dep_info::DepInfo;
use sccfg_util::fsio;

/// The names of files that clippy reads for a unit, and adds to its dep-info.
const OF_CLIPPY: [&str; 3] = [".clippy.toml", "Cargo.toml", "clippy.toml"];

/// Macros of the standard library that make a literal of a file.
const LITERALS: [&[u8]; 2] = [b"include_bytes!", b"include_str!"];
/// The macro of the standard library that makes code of a file, whose name it may put together.
const CODE: &[u8] = b"include!";
/// Extensions of files that nothing runs.
const OF_DATA: [&str; 8] = ["csv", "json", "list", "md", "toml", "txt", "yaml", "yml"];

/// A file of a build script.
pub(super) struct ListedFile {
    pub(super) content: Vec<u8>,
    /// Whether the code includes it as a literal, and not as code.
    pub(super) is_literal: bool,
}

/// The files of a build script. Those that clippy reads count only if the code names them, because it may include them. `root` is
/// the working directory of the compiler.
pub(super) fn read(listed: DepInfo, root: &Path) -> Option<Vec<ListedFile>> {
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
    let has = |text: &[u8]| {
        all.iter()
            .any(|(_, content)| memmem::find(content, text).is_some())
    };
    of_clippy.retain(|(name, _)| has(name.as_bytes()));
    let includes_code = has(CODE);
    all.extend(of_clippy);
    let are_literals: Vec<bool> = all
        .iter()
        .map(|(name, _)| !includes_code && is_literal(name, &all))
        .collect();
    let files = all.into_iter().zip(are_literals);
    let files = files.map(|((_, content), is_literal)| ListedFile {
        content,
        is_literal,
    });
    Some(files.collect())
}

/// Whether the file with this name has data, and each mention of it in `all` files is the argument of a macro that makes a literal.
fn is_literal(name: &str, all: &[(String, Vec<u8>)]) -> bool {
    let extension = Path::new(name).extension().and_then(|it| it.to_str());
    if !extension.is_some_and(|extension| OF_DATA.contains(&extension)) {
        return false;
    }
    let mut is_named = false;
    for (_, content) in all {
        for at in memmem::find_iter(content, name.as_bytes()) {
            let before = &content[..at];
            let is_whole = before.ends_with(b"\"") || before.ends_with(b"/");
            let quote = memchr::memrchr(b'"', before).unwrap_or(0);
            if !is_whole || !calls_literal(&before[..quote]) {
                return false;
            }
            is_named = true;
        }
    }
    is_named
}

/// Whether `code` ends where the argument of a macro begins that makes a literal.
fn calls_literal(code: &[u8]) -> bool {
    let called = code.trim_ascii_end().strip_suffix(b"(").unwrap_or_default();
    let called = called.trim_ascii_end();
    LITERALS.iter().any(|name| {
        let before = called.strip_suffix(*name).map(<[u8]>::last);
        let is_in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        before.is_some_and(|before| !before.is_some_and(is_in_name))
    })
}
