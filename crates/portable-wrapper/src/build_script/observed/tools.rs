//! Tools: programs whose results depend only on their arguments, on files, and on variables that they are observed to read,
//! such as compilers and linkers. The result of a shell, `make` or an interpreter may depend on other inputs.

use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::observation::{Program, Requests};
use crate::observed_inputs::is_of_package;
use sccfg_util::env;
use sccfg_util::fsio::{self, NIX_STORE, RealPaths};
use sccfg_util::programs::find_program;

/// The maximum length of the first line of a script, in bytes (`BINPRM_BUF_SIZE`).
const LONGEST_FIRST_LINE: u64 = 256;
const TOOLS: [&str; 47] = [
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
    "rust-lld",
    "rustc",
    "rustdoc",
    "rustfmt",
    "rustup",
    "spirv-opt",
    "strip",
    "windres",
    "yasm",
];

/// Prefixes of names of tools besides target triples: `llvm-ar`, `gcc-nm`.
const FAMILIES: [&str; 5] = ["c89", "c99", "gcc", "llvm", "musl"];
/// Prefixes of the names of processors in target triples (`config.sub` of the GNU build system).
const PROCESSORS: [&str; 20] = [
    "aarch64",
    "alpha",
    "amdgcn",
    "arm",
    "avr",
    "bpf",
    "hppa",
    "i386",
    "i486",
    "i586",
    "i686",
    "loongarch",
    "mips",
    "nvptx",
    "powerpc",
    "riscv",
    "s390x",
    "sparc",
    "wasm",
    "x86_64",
];

/// Whether the program that was started as `path` is a tool. `file` is its file, if that exists: a script that users may edit
/// is not a tool.
pub(super) fn is_tool(path: &Path, file: Option<&Path>) -> bool {
    is_called_tool(path) && file.is_none_or(|file| is_fixed(file) || interpreter_of(file).is_none())
}

/// Whether the file at `path` changes only with packages of the system or the Nix store.
fn is_fixed(path: &Path) -> bool {
    path.starts_with(NIX_STORE) || is_of_package(path)
}

/// Whether a program has the name of a tool, as in `aarch64-linux-gnu-gcc-12`.
fn is_called_tool(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let is_version = |letter: char| letter.is_ascii_digit() || letter == '.';
    let unversioned = match name.rsplit_once('-') {
        Some((start, version)) if version.starts_with(is_version) => start,
        _ => name,
    };
    let is_target = |target: &str| {
        let mut processors = PROCESSORS.iter();
        FAMILIES.contains(&target) || processors.any(|name| target.starts_with(name))
    };
    let is_called = |tool: &&str| {
        let target = unversioned.strip_suffix(*tool);
        target.is_some_and(|target| {
            target.is_empty() || target.strip_suffix('-').is_some_and(is_target)
        })
    };
    TOOLS.iter().any(is_called)
}

/// The interpreter of the script at `path`, if that is a tool that users do not edit: the compiler of nixpkgs is a wrapper
/// script of the real compiler.
pub(super) fn interpreter_of_tool(path: &Path) -> Option<PathBuf> {
    (is_fixed(path) && is_called_tool(path))
        .then(|| interpreter_of(path))
        .flatten()
}

/// The interpreter of the script at `path`; `None` if the file is an ELF program.
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

/// The path of the program that was started as `path`: a name without a slash is searched for on the search path.
pub(super) fn found(path: &Path, search_path: &[PathBuf]) -> Option<PathBuf> {
    if path.components().count() == 1 {
        find_program(path.as_os_str(), search_path)
    } else {
        Some(path.to_owned())
    }
}

/// The programs in `requests` that are this wrapper.
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
    #[case("gen-cc", false)]
    #[case("run-as", false)]
    #[case("pub-protoc", false)]
    #[case("musl-gcc", true)]
    fn tools_are_known_by_their_names(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_called_tool(Path::new(path)), expected);
    }

    #[test]
    fn a_script_that_people_may_edit_is_no_tool() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| {
            let file = directory.path().join(name);
            fsio::replace(&file, text).unwrap();
            file
        };
        let [script, program] = [
            write("llvm-config", b"#!/bin/sh\necho \"-L$SYSROOT\"\n"),
            write("protoc", b"\x7fELF"),
        ];
        assert!(!is_tool(&script, Some(&script)));
        assert!(is_tool(&program, Some(&program)));
        assert!(is_tool(Path::new("ld.mold"), None), "it is not there");
    }
}
