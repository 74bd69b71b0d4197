//! Reviewed published crates: they use an input that cannot be in a key, but their result does not depend on it. Some are
//! identified by the digest of their sources, so that each release has to be reviewed; others by name, for all releases.

use super::source_file::Source;
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

/// Crates whose result does not depend on the clock, whatever else they do: `bindgen` can print the duration of each phase.
const TIMELESS: [&str; 5] = [
    // bindgen 0.69.5, 0.70.1, 0.71.1, 0.72.0, 0.72.1
    "b600469526df07b8a303b6de40f734c19a0f50cd6ca82cf418533bf77a16cff4",
    "6bb5217a1705b506578b4f7ed4ebc7792edcac8fb9ab421c9c35b4721395364e",
    "797772ddb41c65bec0e81febd0d9fe56d089660000542e275686e5cc22d66686",
    "3d7c926988fdf964e06c7ffb7a58910ea6ab56f06a55c18d6154457a9d27df75",
    "e10a87059f0c70c1982f7440bb9f32f25a338482a24a1b469fb905c4b048d26b",
];

/// Published crates that use the clock only to print how long their phases took (`lalrpop`), or to limit how long threads wait
/// (`parking_lot`, `parking_lot_core`), in all releases.
const MEASURING: [&str; 3] = ["lalrpop", "parking_lot", "parking_lot_core"];

/// Published crates whose native code only computes, in all releases: `cmov` selects a value, `psm` switches stacks, `stacker`
/// grows them.
const COMPUTING: [&str; 3] = ["cmov", "psm", "stacker"];

/// Published crates that list all variables only to look up some by name, in all releases: `cc` from 1.11 on (`EnvSnapshot`).
const LOOKING_UP: [&str; 1] = ["cc"];

/// Published crates whose result is the same each time unless the observer notes an effect, in all releases. They use the time
/// of a file only to decide whether to read it again (`bevy_macro_utils`, `chrono`, `proc-macro-crate`, `sqlx-macros-core`), its inode
/// only to identify it (`ignore`, `same-file`, `walkdir`), wrap functions of the standard library for files (`fs-err`), have a module
/// named `std` (`sqlx-core`, `tokio`), have the C library call functions when a program ends (`ctor`, `dtor`), make threads wait by a
/// system call (`parking_lot_core`), make file descriptors of sockets that they have opened to values of the standard library (`mio`,
/// `socket2`), contain `SQLite`, which does everything by functions of the C library that the observer interposes (`libsqlite3-sys`), or
/// contain code that registers probes when a program runs, to which their macros only generate calls (`usdt-impl`).
const REPEATABLE_BUT_NOTED: [&str; 17] = [
    "bevy_macro_utils",
    "chrono",
    "ctor",
    "dtor",
    "fs-err",
    "ignore",
    "libsqlite3-sys",
    "mio",
    "parking_lot_core",
    "proc-macro-crate",
    "same-file",
    "socket2",
    "sqlx-core",
    "sqlx-macros-core",
    "tokio",
    "usdt-impl",
    "walkdir",
];

/// Published crates in whose macros `std` alone is the name of a feature (`ctor`, `dtor`) or of a module of their own (`sqlx-core`, `tokio`), in
/// all releases.
const NAMING_STD: [&str; 4] = ["ctor", "dtor", "sqlx-core", "tokio"];

/// Published crates that use the times and inodes of files only to compare files, or use functions of the same names for something
/// else (`rayon`, `rustix`), in all releases.
const COMPARING_FILES: [&str; 5] = ["ignore", "minijinja", "rayon", "rustix", "tempfile"];

/// Published crates that read the current directory only to find files and programs, in all releases.
const FINDING_FILES: [&str; 5] = ["cmake", "glob", "lalrpop", "tempfile", "which"];

/// Published crates that run no programs but cargo, from whose output they use only the directory of the workspace
/// (`proc-macro-crate`, `sqlx-macros-core`), or run programs for others (`tokio`), in all releases.
const FINDING_WORKSPACE: [&str; 3] = ["proc-macro-crate", "sqlx-macros-core", "tokio"];

/// Published crates that run rustc only to print its version, in all releases.
const ASKING_FOR_VERSION: [&str; 1] = ["version_check"];

/// Published macros whose generated code has no effects, in all releases: `prost-derive` passes `std` on for `std::collections`.
const GENERATING: [&str; 1] = ["prost-derive"];

/// Published macros whose errors, with their backtraces, are dropped or end the compile, in all releases: `prost-derive` makes one for each
/// field, which it uses only if the field has no known type.
const DROPPING_ERRORS: [&str; 1] = ["prost-derive"];

/// Published crates that export the whole standard library only for the code of their macros, which use nothing of it that has
/// effects, in all releases.
const EXPORTING: [&str; 1] = ["combine"];

/// Published crates with a hasher whose seed, which may come from the clock, determines only the order of a map, or not even that
/// (`http`), and that have no other effects, in all releases.
const ORDERING: [&str; 2] = ["foldhash", "http"];

/// Published crates whose only volatile effect is to draw random numbers, in all releases. Some use the clock for that.
const DRAWING: [&str; 4] = ["fastrand", "getrandom", "rand_os", "tokio-stream"];

/// Published crates whose only files with unknown names are those that one of their macros includes, and that macro, in all
/// releases. The files are code of the crate that uses the macro.
const INCLUDING: [(&str, &str); 1] = [("lalrpop-util", "lalrpop_mod")];

/// Published crates, and macros of them that only store the location in which they are used, in all releases.
const STORING_LOCATION: [(&str, &str); 1] = [("tracing-core", "metadata")];

/// Published crates whose functions with the names of methods of `Span` are only called by their own methods of the same names, in
/// all releases. Other crates cannot name these functions.
const HANDING_ON: [&str; 1] = ["proc-macro2"];

/// Whether `std` in a macro of the published crate `name` is not the standard library.
pub(super) fn names_other_std(name: &str) -> bool {
    NAMING_STD.contains(&name)
}

/// Whether only methods of the published crate `name` call its functions of the same names.
pub(super) fn hands_on(name: &str) -> bool {
    HANDING_ON.contains(&name)
}

/// Whether the macro of the published crate `name` only stores the location in which it is used.
pub(crate) fn only_stores_location(name: &str, called: &str) -> bool {
    STORING_LOCATION.contains(&(name, called))
}

/// Published macros, and crates for macros, that read `CARGO_MANIFEST_DIR` only to find files whose paths are not in the code that
/// they generate, in all releases: the manifest (`bevy_macro_utils`, `document-features`, `proc-macro-crate`), or a protocol
/// (`wayland-scanner`).
const FINDING_BY_VARIABLE: [&str; 4] = [
    "bevy_macro_utils",
    "document-features",
    "proc-macro-crate",
    "wayland-scanner",
];

/// Published macros whose library contains a path of this checkout on which no expansion depends, in all releases: that of
/// `pyo3-macros` contains the `OUT_DIR` of `pyo3-build-config`, where build scripts find the settings of another target; those of
/// `wasmtime-component-macro` and `wiggle-macro` contain their own, to which they write what they generate if that is asked for,
/// which the observer notes.
const CONTAINING_PATH: [&str; 4] = [
    "pyo3-macros",
    "wasmtime-component-macro",
    "wasmtime-internal-component-macro",
    "wiggle-macro",
];

/// Published macros whose generated code includes no other file as code than one that they wrote, which the observer notes, in all
/// releases.
const INCLUDING_WRITTEN: [&str; 3] = [
    "wasmtime-component-macro",
    "wasmtime-internal-component-macro",
    "wiggle-macro",
];

/// Whether no expansion of the macros of the published package `name` depends on the path that their library contains.
pub(crate) fn only_contain_path(name: &str) -> bool {
    CONTAINING_PATH.contains(&name)
}

/// Published crates for macros that write copies of files to the `OUT_DIR`, to include them. The name of each is a digest of what it
/// was made from, possibly with an extension; a file with another name is no copy. It is not written if it is there.
const EMBEDDING: [&str; 1] = ["tauri-codegen"];

/// Whether the published crate `name` writes copies of files to the `OUT_DIR`.
pub(super) fn embeds_copies(name: &str) -> bool {
    EMBEDDING.contains(&name)
}

/// Whether the published crate `name` reads `CARGO_MANIFEST_DIR` only to find files.
pub(super) fn only_finds_by_variable(name: &str) -> bool {
    FINDING_BY_VARIABLE.contains(&name)
}

/// Whether the published crate `name` has unknown files only in a macro, for the crate that uses it.
pub(super) fn includes_only_for_others(name: &str) -> bool {
    INCLUDING.iter().any(|(of, _)| *of == name)
}

/// Whether code that macros of the published crate `name` generate includes only files that they wrote.
pub(super) fn includes_only_written(name: &str) -> bool {
    INCLUDING_WRITTEN.contains(&name)
}

/// Whether a macro of this name includes a file with an unknown name into the crate that uses it.
pub(super) fn is_including_macro(name: &str) -> bool {
    INCLUDING.iter().any(|(_, of)| *of == name)
}

/// Whether the published crate `name` reads the current directory only to find files and programs.
pub(super) fn only_finds_files(name: &str) -> bool {
    FINDING_FILES.contains(&name)
}

/// Whether the published crate `name` runs cargo only to find the directory of the workspace.
pub(super) fn only_finds_workspace(name: &str) -> bool {
    FINDING_WORKSPACE.contains(&name)
}

/// Whether the published crate `name` runs rustc only to print its version.
pub(super) fn only_asks_for_version(name: &str) -> bool {
    ASKING_FOR_VERSION.contains(&name)
}

/// Whether the code that macros of the published crate `name` generate has no effects.
pub(super) fn generates_pure_code(name: &str) -> bool {
    GENERATING.contains(&name)
}

/// Whether no result of the published macros of the crate `name` depends on the backtraces of errors.
pub(crate) fn drops_errors(name: &str) -> bool {
    DROPPING_ERRORS.contains(&name)
}

/// Whether the published crate `name` exports the standard library only for its macros.
pub(super) fn exports_for_macros(name: &str) -> bool {
    EXPORTING.contains(&name)
}

/// Whether the published crate `name` uses the times and inodes of files only to compare files.
pub(super) fn only_compares_files(name: &str) -> bool {
    COMPARING_FILES.contains(&name)
}

/// Whether volatile effects of the published crate `name` determine only the order of a map.
pub(super) fn only_orders(name: &str) -> bool {
    ORDERING.contains(&name)
}

/// Whether drawing random numbers is the only volatile effect of the published crate `name`.
pub(super) fn only_draws(name: &str) -> bool {
    DRAWING.contains(&name)
}

/// Whether the published crate `name` lists variables only to look up some by name.
pub(super) fn only_looks_up_variables(name: &str) -> bool {
    LOOKING_UP.contains(&name)
}

/// Whether the native code of the published crate `name` has no effect but its result.
pub(crate) fn only_computes(name: &str) -> bool {
    COMPUTING.contains(&name)
}

/// Whether the result of the published crate `name` is the same each time unless the observer notes an effect.
pub(super) fn is_repeatable_but_noted(name: &str) -> bool {
    REPEATABLE_BUT_NOTED.contains(&name)
}

/// Whether these sources were reviewed.
pub(super) fn is_repeatable(sources: &[Source<'_>]) -> bool {
    REPEATABLE.contains(&digest(sources).as_str())
}

/// Whether a review found that the published crate `name` with these sources does not depend on the clock.
pub(super) fn is_timeless(name: &str, sources: &[Source<'_>]) -> bool {
    MEASURING.contains(&name) || TIMELESS.contains(&digest(sources).as_str())
}

/// The digest of the files that are code.
fn digest(sources: &[Source<'_>]) -> String {
    let mut key = Key::default();
    for source in sources
        .iter()
        .filter(|source| source.is_code && !source.is_made)
    {
        key.add(source.path.to_string_lossy(), source.text.get());
    }
    key.finish()
}
