//! Programs whose results follow from their arguments, from variables that they are seen to read, and from files: compilers and
//! their like. What a shell, `make` or an interpreter does may depend on anything.

use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::observation::{Program, Requests};
use crate::observed_inputs::is_of_package;
use sccfg_util::env;
use sccfg_util::fsio::{self, RealPaths};
use sccfg_util::programs::find_program;

/// What the kernel reads of the first line of a script, in bytes (`BINPRM_BUF_SIZE`).
const LONGEST_FIRST_LINE: u64 = 256;
const TOOLS: [&str; 46] = [
    "ar",
    "as",
    "c++",
    "cc",
    "cc1",
    "cc1obj",
    "cc1objplus",
    "cc1plus",
    "clang",
    "clang++",
    "collect2",
    "cpp",
    "expand-response-params",
    "flatc",
    "g++",
    "gcc",
    "gfortran",
    "glslangValidator",
    "glslc",
    "ld",
    "ld.bfd",
    "ld.gold",
    "ld.lld",
    "ld.mold",
    "lld",
    "llvm-config",
    "lto-wrapper",
    "lto1",
    "mold",
    "nasm",
    "nm",
    "objcopy",
    "objdump",
    "pkg-config",
    "pkgconf",
    "protoc",
    "ranlib",
    "readelf",
    "rustc",
    "rustdoc",
    "rustfmt",
    "rustup",
    "spirv-opt",
    "strip",
    "windres",
    "yasm",
];

/// Whether the program at `path` is one of them, as in `aarch64-linux-gnu-gcc-12`.
pub(super) fn is_tool(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let is_version = |letter: char| letter.is_ascii_digit() || letter == '.';
    let unversioned = match name.rsplit_once('-') {
        Some((start, version)) if version.starts_with(is_version) => start,
        _ => name,
    };
    let is_called = |tool: &&str| {
        unversioned
            .strip_suffix(*tool)
            .is_some_and(|target| target.is_empty() || target.ends_with('-'))
    };
    TOOLS.iter().any(is_called)
}

/// The program that runs the one at `path`, if that is such a tool, never changes, and is a script: the compiler of nixpkgs is one in
/// front of the real compiler.
pub(super) fn interpreter_of_tool(path: &Path) -> Option<PathBuf> {
    let is_fixed = path.starts_with("/nix/store") || is_of_package(path);
    (is_fixed && is_tool(path))
        .then(|| interpreter_of(path))
        .flatten()
}

/// The program that runs the script at `path`; `None` if that is a program itself.
pub(super) fn interpreter_of(path: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    let file = fsio::open(path).ok()?;
    file.take(LONGEST_FIRST_LINE).read_to_end(&mut start).ok()?;
    if start.starts_with(b"\x7fELF") {
        return None;
    }
    let line = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let named = line.strip_prefix(b"#!").unwrap_or(b"/bin/sh").trim_ascii();
    let named = named.split(u8::is_ascii_whitespace).next()?;
    Some(PathBuf::from(OsStr::from_bytes(named)))
}

/// The program that was named `path`: a name is looked for on the search path.
pub(super) fn found(path: &Path, search_path: &[PathBuf]) -> Option<PathBuf> {
    if path.components().count() == 1 {
        find_program(path.as_os_str(), search_path)
    } else {
        Some(path.to_owned())
    }
}

/// The calls of this wrapper.
pub(super) fn wrapper_runs<'r>(
    requests: &'r Requests,
    real_paths: &'r RealPaths,
    search_path: &'r [PathBuf],
) -> impl Iterator<Item = &'r Program> {
    let wrapper = env::current_program();
    requests.programs.iter().filter(move |program| {
        let path = found(Path::new(&program.path), search_path);
        let real = path.and_then(|path| real_paths.of(&path));
        real.is_some() && real == wrapper
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("/usr/bin/x86_64-linux-gnu-gcc-12", true)]
    #[case("/usr/lib/llvm-14/bin/clang", true)]
    #[case("clang-14", true)]
    #[case("llvm-ar", true)]
    #[case("/root/.rustup/toolchains/stable/bin/rustc", true)]
    #[case("sh", false)]
    #[case("/usr/bin/python3.11", false)]
    #[case("../../tools/says", false)]
    #[case("gen-cc.sh", false)]
    fn tools_are_known_by_their_names(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_tool(Path::new(path)), expected);
    }
}
