//! cargo's build directory: its root, the files of a build script in it, and the wrapper's directories. `build.build-dir` and
//! `build.target-dir` set its path, of which cargo passes only `--out-dir` and `OUT_DIR` to a compiler. There are two layouts,
//! which are recognized by their files:
//!
//! | | before cargo 1.100 | from cargo 1.100 on |
//! | --- | --- | --- |
//! | `--out-dir` of a unit | `<profile>/deps` | `<profile>/build/<package>/<hash>/out` |
//! | of a build script | `<profile>/build/<package>-<hash>` | the same |
//! | `OUT_DIR` | `<profile>/build/<package>-<hash>/out` | the same |
//! | what a build script printed | `output` beside `OUT_DIR` | `run/stdout` beside `OUT_DIR` |
//!
//! (`core/compiler/layout.rs` of the crate `cargo`.) `<profile>` is `<root>/debug`, or
//! `<root>/<target>/debug` where a target is named.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use sccfg_util::clock::millis;
use sccfg_util::fsio;

/// cargo locks the directory of a profile with one of these files before it builds there, except on a network
/// file system.
pub const LOCKS: [&str; 3] = [".cargo-lock", ".cargo-build-lock", ".cargo-artifact-lock"];
/// Files of a root: cargo writes the first one when it creates the root, and the second one in the first build. The directory
/// of a `--target` has the first one as well.
const MARKS: [&str; 2] = ["CACHEDIR.TAG", ".rustc_info.json"];
/// The file with the standard output of a build script, relative to the parent of `OUT_DIR`, in both layouts.
const PRINTED: [&str; 2] = ["output", "run/stdout"];

/// The name of the wrapper's directories in a build directory.
pub(super) const WRAPPER_DIR: &str = ".sccfg";

/// The wrapper's directory for units with this output directory.
pub(super) fn wrapper_dir(out_dir: &Path) -> PathBuf {
    out_dir.join(WRAPPER_DIR)
}

/// The directory with copies of the libraries in this output directory, for links.
pub(super) fn copies_dir(out_dir: &Path) -> PathBuf {
    wrapper_dir(out_dir).join("located")
}

/// The directories with the libraries of units with this output directory: that directory, and the one with their copies.
pub(super) fn library_dirs(out_dir: &Path) -> [PathBuf; 2] {
    [out_dir.to_owned(), copies_dir(out_dir)]
}

/// The root of the build directory that `directory` is in. `target` is the value of `--target`.
pub(super) fn root(directory: &Path, target: Option<&str>) -> Option<PathBuf> {
    let nearest = |names: &[&str]| {
        directory
            .ancestors()
            .find(|ancestor| names.iter().any(|name| ancestor.join(name).is_file()))
    };
    let of_profile = nearest(&LOCKS).and_then(Path::parent);
    let found = of_profile.or_else(|| nearest(&MARKS))?;
    let is_of_target = target.is_some() && found.file_name() == target.and_then(name_of);
    let root = if is_of_target { found.parent()? } else { found };
    (root != Path::new("/")).then(|| root.to_owned())
}

/// Whether only cargo writes to `directory`: a root, or the directory of a profile.
pub(super) fn is_one(directory: &Path) -> bool {
    let mut names = MARKS.iter().chain(&LOCKS);
    names.any(|name| directory.join(name).is_file())
}

/// The directory of the profile that `out_dir` is in, below `root`.
pub(super) fn profile_of<'p>(out_dir: &'p Path, root: &Path) -> Option<&'p Path> {
    let mut above = out_dir.ancestors().skip(1);
    above.find(|directory| directory.starts_with(root) && is_one(directory))
}

/// The standard output of the build script with this `OUT_DIR`; `None` if cargo did not store it.
pub(super) fn printed_by_script(out_dir: &Path) -> Option<Vec<u8>> {
    let run = out_dir.parent()?;
    PRINTED
        .iter()
        .find_map(|name| fsio::read_bytes(run.join(name)))
}

/// When the build script with this `OUT_DIR` ended, in milliseconds since 1970. cargo then writes the file with its standard error.
/// It sets the time of the file with the standard output to that of the start.
pub(super) fn end_of_run(out_dir: &Path) -> Option<u64> {
    let run = out_dir.parent()?;
    PRINTED
        .iter()
        .find_map(|name| fsio::modified(&run.join(name).with_file_name("stderr")))
        .map(millis)
}

/// The directories in which units of `package` may have been compiled, including the build script with this
/// `OUT_DIR`. `target` is the target that it builds for.
pub(super) fn of_script(out_dir: &Path, package: &str, target: Option<&str>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for out_dir in [Some(out_dir.to_owned()), on_host(out_dir, target)] {
        let Some(all) = out_dir
            .as_deref()
            .and_then(Path::parent)
            .and_then(Path::parent)
        else {
            continue;
        };
        let is_of_package = all.file_name().is_some_and(|name| name == package);
        for name in fsio::names_in(all) {
            let hash = name
                .strip_prefix(package)
                .and_then(|rest| rest.strip_prefix('-'));
            if hash.is_some_and(|hash| !hash.contains('-')) {
                found.push(all.join(&name));
            }
            if is_of_package {
                found.push(all.join(name).join("out"));
            }
        }
    }
    found
}

/// cargo's name of a target, which may be the path of a target specification.
fn name_of(target: &str) -> Option<&OsStr> {
    let path = Path::new(target);
    match path.extension() {
        Some(extension) if extension == "json" => path.file_stem(),
        _ => Some(target.as_ref()),
    }
}

/// The directory for the host that corresponds to `directory` for `target`: build scripts are compiled there.
fn on_host(directory: &Path, target: Option<&str>) -> Option<PathBuf> {
    let root = root(directory, target)?;
    let mut below = directory.strip_prefix(&root).ok()?.components();
    let Some(Component::Normal(first)) = below.next() else {
        return None;
    };
    (Some(first) == target.map(AsRef::as_ref)).then(|| root.join(below.as_path()))
}

/// The name of a unit or file without the hyphen and the 16 hexadecimal digits that cargo appends; `None` if it has none.
pub(super) fn without_hash(name: &str) -> Option<&str> {
    let (name, hash) = name.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A temporary directory with these files.
    fn with(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            fsio::replace_and_create_dir(&directory.path().join(file), file.as_bytes()).unwrap();
        }
        directory
    }

    const TRIPLE: &str = "riscv64gc-unknown-linux-gnu";

    #[rstest::rstest]
    #[case::v1("debug/deps", None)]
    #[case::v1_script("debug/build/a-0123456789abcdef", None)]
    #[case::v1_artifact("debug/deps/artifact/a-0123456789abcdef/bin", None)]
    #[case::v2("debug/build/a/0123456789abcdef/out", None)]
    #[case::v2_artifact("debug/build/a/0123456789abcdef/artifact/bin", None)]
    #[case::v1_target("riscv64gc-unknown-linux-gnu/debug/deps", Some(TRIPLE))]
    #[case::v2_target(
        "riscv64gc-unknown-linux-gnu/debug/build/a/0123456789abcdef/out",
        Some(TRIPLE)
    )]
    #[case::file("board/debug/build/a/0123456789abcdef/out", Some("targets/board.json"))]
    fn the_root_is_found_from_every_unit(#[case] out_dir: &str, #[case] target: Option<&str>) {
        let (profile, _) = out_dir.split_once("debug").unwrap();
        let locks =
            [".cargo-lock", ".cargo-build-lock"].map(|lock| format!("x/{profile}debug/{lock}"));
        // Not created by cargo, so that it has no mark at the first build; and without locks, as on
        // a network file system.
        let marks = [
            "x/CACHEDIR.TAG".to_owned(),
            format!("x/{profile}CACHEDIR.TAG"),
        ];
        for files in [&locks[..1], &locks[1..], &marks[..]] {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let directory = with(&files);
            let found = root(&directory.path().join("x").join(out_dir), target);
            assert_eq!(found, Some(directory.path().join("x")), "{files:?}");
        }
    }

    #[test]
    fn a_root_that_is_named_like_the_host_is_one() {
        let directory = with(&["x86_64-unknown-linux-gnu/debug/.cargo-lock"]);
        let named = directory.path().join("x86_64-unknown-linux-gnu");
        assert_eq!(root(&named.join("debug/deps"), None), Some(named));
    }

    #[test]
    fn the_output_of_a_script_is_found_in_both_layouts() {
        let directory = with(&["build/a-01/output", "build/a/02/run/stdout"]);
        for (out_dir, printed) in [
            ("build/a-01/out", "build/a-01/output"),
            ("build/a/02/out", "build/a/02/run/stdout"),
        ] {
            let found = printed_by_script(&directory.path().join(out_dir));
            assert_eq!(found.as_deref(), Some(printed.as_bytes()));
        }
        // A file of the same name in `OUT_DIR` is not the output.
        let directory = with(&["build/a-01/out/output"]);
        assert_eq!(
            printed_by_script(&directory.path().join("build/a-01/out")),
            None
        );
    }

    #[test]
    fn scripts_are_found_where_the_host_builds() {
        let directory = with(&[
            "debug/.cargo-lock",
            "debug/build/a-01/x",
            "debug/build/a-b-02/x",
            "riscv64gc-unknown-linux-gnu/debug/.cargo-lock",
            "riscv64gc-unknown-linux-gnu/debug/build/a-03/out/x",
        ]);
        let at = |path: &str| directory.path().join(path);
        let out_dir = at("riscv64gc-unknown-linux-gnu/debug/build/a-03/out");
        let found = of_script(&out_dir, "a", Some(TRIPLE));
        let own = at("riscv64gc-unknown-linux-gnu/debug/build/a-03");
        assert_eq!(found, [own, at("debug/build/a-01")]);

        let directory = with(&[
            "debug/.cargo-lock",
            "debug/build/a/01/out/x",
            "debug/build/b/02/out/x",
        ]);
        let at = |path: &str| directory.path().join(path);
        let found = of_script(&at("debug/build/a/03/out"), "a", Some(TRIPLE));
        assert_eq!(found, [at("debug/build/a/01/out")]);
    }
}
