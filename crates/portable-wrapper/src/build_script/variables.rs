//! The variables in the keys of build scripts' runs: those in the first key, and those in the second key if they are
//! [read](read).

pub(super) mod read;
pub(crate) mod session;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::source::Source;
use crate::digest::{self, KeyedHasher};
use crate::macro_effects::AmbientInputs;
use crate::path_map::PathMap;
use crate::unit_key::environment;
use sccfg_util::env;

/// Variables that cargo sets for a build script, besides those with [`PREFIXES_OF_CARGO`].
/// <https://doc.rust-lang.org/cargo/reference/environment-variables.html>
const OF_CARGO: [&str; 8] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "DEBUG",
    "HOST",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC_LINKER",
    "TARGET",
];
const PREFIXES_OF_CARGO: [&str; 5] = [
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "DEP_",
];
/// Substrings of the names of variables with options for compilers and linkers.
pub(super) const FLAGS: [&str; 5] = ["CFLAGS", "CLANG_ARGS", "CPPFLAGS", "CXXFLAGS", "LDFLAGS"];
/// The value of `-march`, `-mcpu` and `-mtune`, and of rustc's `-C target-cpu`, for the processor of this machine.
pub(super) const NATIVE: &str = "=native";
/// Variables that do not change a result: the number of parallel jobs, and the path of rustc, whose digest is in the key.
const NOT_OF_SCRIPTS: [&str; 2] = ["NUM_JOBS", "RUSTC"];
/// Variables of the user, which are in the first key if the script names them.
const OF_THE_USER: [&str; 4] = ["HOME", "HOSTNAME", "LOGNAME", "USER"];
/// Variables with the directory for temporary files, which differs in each dev shell of Nix. Crates such as `cc` write to it,
/// so they count only if the script itself names them.
const OF_TEMPORARY_FILES: [&str; 4] = ["TEMP", "TEMPDIR", "TMP", "TMPDIR"];

/// Names and prefixes of variables that the C library and the dynamic linker read, which the observer does not note
/// (environ(7), locale(7), ld.so(8)).
const OF_THE_C_LIBRARY: [&str; 14] = [
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LANG",
    "LC_",
    "LD_",
    "LOCALDOMAIN",
    "LOCPATH",
    "MALLOC_",
    "NLSPATH",
    "POSIXLY_CORRECT",
    "RES_OPTIONS",
    "TZ",
];

/// Variables with the options of `make`.
const OF_MAKE: [&str; 2] = ["MAKEFLAGS", "MFLAGS"];
/// The options with which cargo passes its jobserver to `make`.
const OF_JOBSERVER: &str = "CARGO_MAKEFLAGS";

/// The part of the value of a variable that may change a result. The options of `make` count without the number of jobs and the
/// jobserver: its descriptors or its path differ between builds.
pub(super) fn that_counts(name: &str, value: OsString) -> OsString {
    let is_of_make = OF_MAKE.contains(&name) || name == OF_JOBSERVER;
    match value.to_str().filter(|_| is_of_make) {
        Some(flags) => without_jobs(flags).into(),
        None => value,
    }
}

/// The options of `make` without those for the number of jobs and the jobserver. The values of variables are behind `--`.
fn without_jobs(flags: &str) -> String {
    let is_of_jobs = |word: &&str| word.starts_with("-j") || word.starts_with("--job");
    let mut words = flags.split(' ');
    let options = words.by_ref().take_while(|word| *word != "--");
    let mut kept: Vec<&str> = options.filter(|word| !is_of_jobs(word)).collect();
    kept.extend(words);
    kept.join(" ").trim().to_owned()
}

pub(super) fn is_of_c_library(name: &str) -> bool {
    let mut all = OF_THE_C_LIBRARY.iter();
    all.any(|start| name.starts_with(start))
}

/// Variables that name directories with shared libraries, to which cargo adds its own.
/// <https://doc.rust-lang.org/cargo/reference/environment-variables.html#dynamic-library-paths>
pub(super) const OF_LIBRARIES: [&str; 3] = [
    "DYLD_FALLBACK_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "LD_LIBRARY_PATH",
];

/// Whether cargo sets the variable `name` for build scripts, or its value does not change their results.
pub(crate) fn is_of_cargo(name: &str) -> bool {
    NOT_OF_SCRIPTS.contains(&name) || name == "CARGO" || is_set_by_cargo(name)
}

pub(super) fn is_set_by_cargo(name: &str) -> bool {
    OF_CARGO.contains(&name)
        || PREFIXES_OF_CARGO
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Whether the code names the variable `name`, or a crate that it uses does.
pub(super) fn is_named(name: &str, words: &BTreeSet<&str>, used: &AmbientInputs) -> bool {
    let is_used = used.named_variables().any(|used| used == name);
    words.contains(name) || is_used && !OF_TEMPORARY_FILES.contains(&name)
}

/// Whether code with these words, or a crate that it uses, may read the variable `name` by name.
pub(crate) fn may_read(name: &str, words: &BTreeSet<&str>, used: &AmbientInputs) -> bool {
    // `cc` looks up variables in a list of all variables, which is not noted.
    is_named(name, words, used)
        || environment::may_be_meant(name, words)
        || environment::may_be_meant(name, &used.words)
}

/// The variables that count for a script with this source, sorted. `used` are the inputs of the crates that it uses.
pub(crate) fn variables(
    source: &Source,
    used: &AmbientInputs,
    is_observed: bool,
) -> Vec<(OsString, OsString)> {
    let is_noted = source.notes_variables(used, is_observed);
    let words = source.words(used, is_observed);
    let counts = |name: &str| {
        if NOT_OF_SCRIPTS.contains(&name) {
            return false;
        }
        if is_set_by_cargo(name) {
            return true;
        }
        let is_named = is_named(name, &words, used);
        // Instead of `PATH`, the programs count that are looked up in it, and its directories that are in the output.
        if is_noted && name == "PATH" {
            return false;
        }
        let is_left_to_runs = session::is_left_to_runs(name);
        if is_left_to_runs && (is_noted || OF_THE_USER.contains(&name)) {
            return is_named;
        }
        environment::counts(name, &words) || is_named && name != "PATH"
    };
    let mut variables = env::vars_where(counts);
    variables.extend(env::vars_with_other_names());
    variables.retain(|(name, value)| !is_this_wrapper(name, value));
    for (name, value) in &mut variables {
        *value = that_counts(&name.to_string_lossy(), std::mem::take(value));
    }
    variables.sort_unstable();
    variables
}

/// The value of a variable as it is in the parts of a key, in the checkout of `path_map`.
pub(crate) fn shown_variable(
    name: &str,
    value: &OsStr,
    path_map: &PathMap,
    hasher: &KeyedHasher,
) -> String {
    let value = path_map.to_placeholders(value.as_encoded_bytes());
    digest::shown_secret(&format!("${name}"), &value, hasher)
}

/// Whether the variable makes cargo run this wrapper, which does not change the output of compilers. So the result is the same
/// with another version of sccfg, and for another user.
pub(super) fn is_this_wrapper(name: &OsStr, value: &OsStr) -> bool {
    (name == "RUSTC_WRAPPER" || name == "RUSTC_WORKSPACE_WRAPPER")
        && env::current_program().is_some_and(|wrapper| {
            Path::new(value)
                .canonicalize()
                .is_ok_and(|path| path == wrapper)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_jobs_of_make_does_not_count() {
        assert_eq!(
            without_jobs(" -j8 --jobserver-auth=fifo:/tmp/x -- X=1"),
            "X=1"
        );
        assert_eq!(without_jobs("k -- X=a\\ -jb"), "k X=a\\ -jb");
        assert_eq!(without_jobs("k -j"), "k");
    }
}
