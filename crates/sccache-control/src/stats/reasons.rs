//! Explains why sccache does not cache a call: the reasons in its `compiler/rust.rs`
//! (`parse_arguments`) and `compiler/gcc.rs`, 0.8 to 0.19.

/// The explanation of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Reason {
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub advice: &'static str,
}

const FINE: &str = "nothing to do";

/// Reason, meaning, advice. To some reasons sccache adds details in parentheses: `crate-type (bin)`.
const TABLE: [(&str, &str, &str); 25] = [
    (
        "incremental",
        "compiled incrementally, which sccache never caches",
        "set `incremental = \"off\"` in sccfg.toml and run `sccfg apply`, or CARGO_INCREMENTAL=0",
    ),
    (
        "crate-type",
        "linked: programs, build scripts, proc-macros, dynamic libraries",
        FINE,
    ),
    (
        "missing input",
        "cargo asked the compiler for its version (`rustc -vV`); no crate was compiled",
        FINE,
    ),
    (
        "-",
        "cargo asked the compiler about its targets, through standard input",
        FINE,
    ),
    (
        "multiple input files",
        "more than one source file, as with `cargo clippy` under rustup",
        "nothing to do for clippy; otherwise compile one file at a time",
    ),
    (
        "more than one --emit",
        "`--emit` occurs twice on the command line",
        "look for `--emit` in RUSTFLAGS and in `build.rustflags` of .cargo/config.toml",
    ),
    (
        "unsupported --emit",
        "an output other than link, metadata and dep-info, such as asm or llvm-ir",
        "remove `--emit` from RUSTFLAGS, or use it only in builds that need it",
    ),
    (
        "missing emit",
        "the compiler was called without `--emit`, not by cargo",
        FINE,
    ),
    (
        "missing crate_name",
        "the compiler was called without a crate name, not by cargo",
        FINE,
    ),
    (
        "missing output_dir",
        "the compiler was called without `--out-dir`, not by cargo",
        FINE,
    ),
    (
        "extra-filename",
        "`-C extra-filename` has no value",
        "look for it in RUSTFLAGS",
    ),
    (
        "--sysroot",
        "`--sysroot` on the command line",
        "remove `--sysroot` from RUSTFLAGS; Miri and cross tools need it, and are not cached",
    ),
    (
        "-o",
        "the compiler was called with `-o`, not by cargo",
        FINE,
    ),
    (
        "target unsure",
        "`--target` is neither a file nor the name of a target",
        "use the name of a target, or a path that ends in .json",
    ),
    (
        "argument parse",
        "sccache could not parse the compiler's arguments",
        "check RUSTFLAGS; `SCCACHE_LOG=debug` logs the arguments",
    ),
    (
        "-E",
        "only the preprocessor was run, as build scripts do to test a compiler",
        FINE,
    ),
    (
        "no input file",
        "a C compiler was queried, as build scripts do",
        FINE,
    ),
    (
        "unknown source language",
        "a language other than C, C++, Objective-C and CUDA, such as assembler",
        FINE,
    ),
    ("-M", "a C compiler only wrote dependencies", FINE),
    (
        "-fmodules",
        "clang's modules, whose files are unknown to sccache",
        "use `-fno-modules` if the project builds with it",
    ),
    (
        "-fmodules-ts",
        "C++ modules, whose files are unknown to sccache",
        FINE,
    ),
    (
        "-fprofile-use",
        "compiled with a profile, which is unknown to sccache",
        "use profiles only in release builds",
    ),
    (
        "-fplugin",
        "a compiler plugin, which is unknown to sccache",
        FINE,
    ),
    (
        "-Yc",
        "a precompiled header, which sccache does not cache",
        "build without precompiled headers",
    ),
    (
        "output to nul",
        "the output is discarded, as build scripts do to test a compiler",
        FINE,
    ),
];

/// The explanation of `reason`; a generic one for reasons of later versions.
pub fn explain(reason: &str) -> Reason {
    let found = TABLE.iter().find(|(name, ..)| *name == plain(reason));
    found.map_or(
        Reason {
            meaning: "an argument that sccache cannot include in its key",
            advice: "`SCCACHE_LOG=debug` logs the command line",
        },
        |(_, meaning, advice)| Reason { meaning, advice },
    )
}

/// The meaning of a counter of [`super::Tally::faults`], and what to do.
pub fn explain_fault(counter: &str) -> (&'static str, &'static str) {
    const LOG: &str = "see the server's log: SCCACHE_ERROR_LOG=FILE SCCACHE_LOG=debug";
    match counter {
        "cache_timeouts" => (
            "lookups timed out; the units were compiled",
            "a remote back end is slow: put a disk in front of it (cache.multilevel)",
        ),
        "cache_read_errors" => ("entries of the cache could not be read", LOG),
        "cache_write_errors" => (
            "entries could not be written to the cache",
            "check the owner and free space of the cache directory; a read-only back end counts as well",
        ),
        "cache_errors" => (
            "lookups failed; the units were compiled without the cache",
            LOG,
        ),
        "compile_fails" => (
            "compiles failed, including those with which build scripts test a compiler",
            FINE,
        ),
        "forced_recaches" => (
            "units were compiled again on request",
            "unset SCCACHE_RECACHE",
        ),
        _ => (
            "calls used a compiler that sccache does not support",
            "check CC, CXX and RUSTC",
        ),
    }
}

/// Whether the call was a query of cargo, not a compile.
pub fn is_compiler_query(reason: &str) -> bool {
    matches!(plain(reason), "missing input" | "-")
}

/// The reason without details in parentheses.
fn plain(reason: &str) -> &str {
    reason.split_once(" (").map_or(reason, |(plain, _)| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_reason_is_explained() {
        assert!(
            explain("incremental")
                .advice
                .contains("CARGO_INCREMENTAL=0")
        );
        for reason in [
            "crate-type",
            "crate-type (bin)",
            "crate-type (bin,proc-macro)",
        ] {
            assert!(explain(reason).meaning.contains("proc-macro"), "{reason}");
        }
        assert!(explain("-new-in-2030").advice.contains("SCCACHE_LOG"));
        assert!(
            is_compiler_query("missing input")
                && is_compiler_query("-")
                && !is_compiler_query("-o")
        );
    }
}
