//! Variables of a user, shell, terminal or CI job. The first key of a run has them only if the source names them: many differ
//! between shells, and most programs do not use them. Such a variable counts for a run if a program read it by name, if a file
//! that an interpreter may have read refers to it, or if its value is in the output of the run. Other uses by a shell or `make`
//! are not detected.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::process::Output;

use ignore::WalkBuilder;

use super::{OF_MAKE, OF_TEMPORARY_FILES, OF_THE_USER, is_of_cargo, that_counts};
use crate::build_script::around_target::AroundTarget;
use crate::compiler_requests::PREFIX_OF_CLIPPY;
use crate::observed_inputs::{ObservedInputs, is_of_package};
use crate::path_map::{PathMap, Role};
use crate::unit_key::environment;
use crate::windows::Part;
use sccfg_util::fsio::NIX_STORE;
use sccfg_util::{env, fsio};

/// Directories of the user, and `_`, the path of the program that a shell starts.
const OF_EACH_PROGRAM: [&str; 5] = [
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "_",
];
/// Variables of derivations that dev shells of Nix have as well, for the scripts of nixpkgs' `stdenv`. Many differ if the
/// shell gets another package.
const OF_DERIVATIONS: [&str; 23] = [
    "HOST_PATH",
    "buildInputs",
    "buildPhase",
    "builder",
    "cmakeFlags",
    "configureFlags",
    "depsBuildBuild",
    "depsBuildBuildPropagated",
    "depsBuildTarget",
    "depsBuildTargetPropagated",
    "depsHostHost",
    "depsHostHostPropagated",
    "depsTargetTarget",
    "depsTargetTargetPropagated",
    "mesonFlags",
    "nativeBuildInputs",
    "patches",
    "phases",
    "preferLocalBuild",
    "propagatedBuildInputs",
    "propagatedNativeBuildInputs",
    "stdenv",
    "strictDeps",
];
/// Variables that programs read whatever they do, or that shells, including dev shells of Nix, set. In the directories that
/// some of them name, the files that are read count instead.
const OF_EVERYTHING: [&str; 20] = [
    "CARGO_HOME",
    "CARGO_MAKEFLAGS",
    "HOME",
    "OLDPWD",
    "PATH",
    "PS1",
    "PS2",
    "PWD",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_MIN_STACK",
    "RUST_RECURSION_COUNT",
    "SHELL",
    "SHLVL",
    "TERM",
    "XDG_RUNTIME_DIR",
    "out",
    "outputs",
];
/// Those among them that dev shells of Nix set. Shell scripts have variables of these names themselves, but nothing else reads
/// them by chance.
const OF_NIX: [&str; 2] = ["out", "outputs"];
/// Prefixes of such variables: of cargo, Nix, rustup, sccache and this wrapper.
const PREFIXES_OF_EVERYTHING: [&str; 5] = ["CARGO_TERM_", "NIX_", "RUSTUP_", "SCCACHE_", "SCCFG_"];
/// The directories in which the linker and the dynamic linker search for libraries.
const LIBRARIES: &str = "LD_LIBRARY_PATH";
/// Extensions of files that no interpreter reads.
const COMPILED: [&str; 16] = [
    "S", "a", "asm", "c", "cc", "cpp", "cxx", "d", "h", "hpp", "inc", "o", "rlib", "rmeta", "rs",
    "so",
];
/// Log files of `configure` and cmake, which contain all directories of the search path.
const LOGS: [&str; 4] = [
    "CMakeConfigureLog.yaml",
    "CMakeError.log",
    "CMakeOutput.log",
    "config.log",
];
/// The maximum size of a file that is searched, in bytes.
const LARGEST: u64 = 4 << 20;

/// Whether `name` is a variable of a user, shell, terminal or CI job that counts if a run reads it.
fn may_count(name: &str) -> bool {
    let none = BTreeSet::<&str>::new();
    let is_of_session = !environment::counts(name, &none) || is_left_to_runs(name);
    is_of_session
        && !is_of_cargo(name)
        && !is_of_everything(name)
        && !OF_TEMPORARY_FILES.contains(&name)
}

/// Whether programs read this variable whatever they do, or cargo and rustup set it for programs.
pub(crate) fn is_of_everything(name: &str) -> bool {
    let mut prefixes = PREFIXES_OF_EVERYTHING.iter();
    OF_EVERYTHING.contains(&name) || prefixes.any(|start| name.starts_with(start))
}

/// Whether the variable `name` is in no first key, unless the source names it.
pub(crate) fn is_left_to_runs(name: &str) -> bool {
    OF_THE_USER.contains(&name)
        || OF_EACH_PROGRAM.contains(&name)
        || OF_DERIVATIONS.contains(&name)
        || name.starts_with(PREFIX_OF_CLIPPY)
}

/// The session variables among the variables that programs read by name.
pub(crate) fn asked_for<'n>(asked: impl Iterator<Item = &'n String>) -> BTreeSet<String> {
    let counts = |name: &str| may_count(name) || OF_NIX.contains(&name);
    asked.filter(|name| counts(name)).cloned().collect()
}

/// The session variables that the files at these paths refer to, if an interpreter may have read the files, and those that
/// `make` reads.
pub(crate) fn referred_to<'p>(files: impl Iterator<Item = &'p Path>) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = OF_MAKE.map(str::to_owned).into();
    for path in files.filter(|path| may_be_interpreted(path)) {
        let content = fsio::read_bytes(path).unwrap_or_default();
        let Ok(text) = std::str::from_utf8(&content) else {
            continue;
        };
        // Shells set `_`. libtool always refers to `LD_LIBRARY_PATH`, and the linker reads it by name.
        let names = references(text).filter(|name| *name != "_" && *name != LIBRARIES);
        found.extend(names.filter(|name| may_count(name)).map(str::to_owned));
    }
    found
}

fn may_be_interpreted(path: &Path) -> bool {
    let is_compiled = path
        .extension()
        .is_some_and(|ending| COMPILED.iter().any(|other| ending == *other));
    let is_small = || {
        let found = path.metadata();
        found.is_ok_and(|found| found.is_file() && found.len() <= LARGEST)
    };
    !is_compiled && !path.starts_with(NIX_STORE) && !is_of_package(path) && is_small()
}

/// The names in `text` that are variables in the language of a shell, of make, cmake, Perl, Python, Ruby or JavaScript.
fn references(text: &str) -> impl Iterator<Item = &str> {
    let asks = ["environ", "getenv", "ENV", "process.env"]
        .iter()
        .any(|name| text.contains(name));
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let names = text.split(move |letter: char| !is_name(letter));
    names.filter(move |name| {
        let before = &text[..name.as_ptr() as usize - text.as_ptr() as usize];
        let is_expanded = before.ends_with('$')
            || before.ends_with("ENV{")
            || before
                .strip_suffix(['{', '('])
                .is_some_and(|before| before.ends_with('$'));
        let is_asked = || asks && before.ends_with(['"', '\'']) || before.ends_with("env.");
        !name.is_empty() && (is_expanded || is_asked())
    })
}

/// Directories of variables that were not found in the output yet, by the names that the variables have in [`ObservedInputs`].
type Unseen = Vec<(String, AroundTarget)>;

/// Adds the variables and the directories of `PATH` whose paths occur in the printed output or in the files in `out_dir`.
pub(crate) fn add_shown(
    observed: &mut ObservedInputs,
    out_dir: &Path,
    output: &Output,
    path_map: &PathMap,
) {
    let directory_of = |name: String, directory: &Path| {
        let directory = AroundTarget::of_directory(directory, path_map)?;
        Some((name, directory))
    };
    let named = ["HOME"].into_iter().chain(OF_TEMPORARY_FILES);
    let named = named.filter_map(|name| directory_of(name.to_owned(), env::var(name)?.as_ref()));
    let mut variables: Unseen = named.collect();
    let search_path = env::search_path().into_iter();
    let search_path = search_path.filter(|directory| {
        !is_of_package(directory) && !path_map.is_below(directory, Role::Target)
    });
    let search_path = search_path
        .filter_map(|directory| directory_of(directory.to_str()?.to_owned(), &directory));
    let mut directories: Unseen = search_path.collect();
    let all = variables.iter().chain(&directories);
    let margin = all.map(|(_, directory)| directory.margin()).max();
    let mut look_at = |bytes: &[u8], new: Range<usize>| {
        let take = |all: &mut Unseen, found: &mut BTreeSet<String>| {
            let shown = all.extract_if(.., |(_, directory)| directory.begins_in(bytes, &new));
            found.extend(shown.map(|(name, _)| name));
        };
        take(&mut variables, &mut observed.session_variables);
        take(&mut directories, &mut observed.search_path);
    };
    for printed in [&output.stdout, &output.stderr] {
        look_at(printed, 0..printed.len());
    }
    let mut walk = WalkBuilder::new(out_dir);
    for entry in walk.standard_filters(false).build().flatten() {
        let path = entry.path();
        if let Some(target) = fsio::read_link(path) {
            let target = target.as_os_str().as_encoded_bytes();
            look_at(target, 0..target.len());
        } else if path.is_file() && !LOGS.iter().any(|log| entry.file_name() == *log) {
            let Ok(file) = fsio::open(path) else { continue };
            let _ = Part::whole(&file).and_then(|part| {
                part.visit(margin.unwrap_or(0), |window| {
                    look_at(window.bytes, window.new);
                    Ok(ControlFlow::<()>::Continue(()))
                })
            });
        }
    }
}

/// The session variables that count for a run that was `observed`, with their values. Variables that are not set are left out.
pub(crate) fn values(observed: &ObservedInputs) -> Vec<(String, OsString)> {
    let names = observed.session_variables.iter();
    let set = names.filter_map(|name| {
        let value = env::var_os(name)?;
        let value = if name == LIBRARIES {
            let directories = env::split_paths(&value).into_iter();
            let own = directories.filter(|directory| !is_added_by_cargo(directory));
            let own: Vec<PathBuf> = own.collect();
            env::join_paths(&own).unwrap_or(value)
        } else {
            that_counts(name, value)
        };
        Some((name.clone(), value))
    });
    set.filter(|(name, value)| !value.is_empty() || name != LIBRARIES)
        .collect()
}

/// Whether cargo or rustup adds a directory to the search path of libraries.
fn is_added_by_cargo(directory: &Path) -> bool {
    let is_of_cargo = |name: &str| directory.ancestors().any(|above| above.join(name).exists());
    directory.join("rustlib").is_dir() || is_of_cargo(".cargo-lock") || is_of_cargo("CACHEDIR.TAG")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("echo $USER", "USER")]
    #[case("all:\n\t@echo $(USER) $${BUILD_ID:-none}\n", "USER BUILD_ID")]
    #[case("my $home = $ENV{HOSTNAME};", "home ENV HOSTNAME")]
    #[case("import os\nprint(os.environ['NO_COLOR'])", "NO_COLOR")]
    #[case("if(process.env.NO_COLOR) {}", "NO_COLOR")]
    #[case("print('NO_COLOR')", "")]
    #[case("the USER of MAIL", "")]
    fn references_to_variables_are_found(#[case] text: &str, #[case] expected: &str) {
        let found: Vec<&str> = references(text).collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn variables_that_every_program_reads_do_not_count() {
        let names = [
            "BUILD_ID", "COLUMNS", "PATH", "OUT_DIR", "OTHER", "TERM", "USER",
        ];
        let found = asked_for(names.map(str::to_owned).iter());
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["BUILD_ID", "COLUMNS", "USER"]
        );
    }
}
