//! The files that the compiler listed for a build script.

use std::path::Path;

use memchr::memmem;

use crate::dep_info::DepInfo;
use sccfg_util::fsio;

/// The names of files that clippy reads for a unit, and adds to its dep-info.
const OF_CLIPPY: [&str; 3] = [".clippy.toml", "Cargo.toml", "clippy.toml"];

/// The contents of the files of a build script. Those that clippy reads count only if the code names them, because it may include
/// them. `root` is the working directory of the compiler.
pub(super) fn contents(listed: DepInfo, root: &Path) -> Option<Vec<Vec<u8>>> {
    let mut variables = listed.variables.iter();
    let is_clippy = variables.any(|(name, _)| name == "CLIPPY_ARGS");
    let (mut code, mut of_clippy) = (Vec::new(), Vec::new());
    for file in listed.files {
        let content = fsio::read_bytes(root.join(&file))?;
        let name = Path::new(&file).file_name().unwrap_or_default();
        match OF_CLIPPY.iter().find(|other| name == **other) {
            Some(name) if is_clippy => of_clippy.push((name, content)),
            _ => code.push(content),
        }
    }
    of_clippy.retain(|(name, _)| {
        let mut code = code.iter();
        code.any(|content| memmem::find(content, name.as_bytes()).is_some())
    });
    code.extend(of_clippy.into_iter().map(|(_, content)| content));
    Some(code)
}
