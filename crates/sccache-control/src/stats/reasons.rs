//! Why sccache does not cache a call, in its own words and in ours: the reasons of its
//! `compiler/rust.rs` (`parse_arguments`) and `compiler/gcc.rs`, 0.8 to 0.19.

/// A reason of sccache, explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Reason {
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// Nothing can be done, and nothing has to be.
const FINE: &str = "nothing to do";

/// Reason, meaning, advice. sccache says more in parentheses behind some: `crate-type (bin)`.
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
        "more than one source file was named; `cargo clippy` under rustup looks like that",
        "nothing to do for clippy; else let the build compile one file at a time",
    ),
    (
        "more than one --emit",
        "`--emit` stands twice on the command line",
        "look for `--emit` in RUSTFLAGS and in `build.rustflags` of .cargo/config.toml",
    ),
    (
        "unsupported --emit",
        "an output other than link, metadata and dep-info was asked for, such as asm or llvm-ir",
        "take `--emit` out of RUSTFLAGS, or leave it to builds that need it",
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
        "another sysroot was named on the command line",
        "take `--sysroot` out of RUSTFLAGS; Miri and cross tools need it, and are not cached",
    ),
    (
        "-o",
        "the compiler was called with `-o`, not by cargo",
        FINE,
    ),
    (
        "target unsure",
        "`--target` names something that is neither a file nor a plain name",
        "use a target's name, or a path that ends in .json",
    ),
    (
        "argument parse",
        "sccache does not understand the compiler's arguments",
        "`SCCACHE_LOG=debug` shows which; look in RUSTFLAGS",
    ),
    (
        "-E",
        "only the preprocessor was run, as build scripts do to try a compiler",
        FINE,
    ),
    (
        "no input file",
        "a C compiler was asked about itself, as build scripts do",
        FINE,
    ),
    (
        "unknown source language",
        "a file that is neither C, C++, Objective-C nor CUDA, such as plain assembler",
        FINE,
    ),
    ("-M", "a C compiler wrote dependencies only", FINE),
    (
        "-fmodules",
        "clang's modules, whose files sccache does not see",
        "`-fno-modules`, if the project builds without",
    ),
    (
        "-fmodules-ts",
        "C++ modules, whose files sccache does not see",
        FINE,
    ),
    (
        "-fprofile-use",
        "compiled with a profile, which sccache does not see",
        "keep profiles to release builds",
    ),
    (
        "-fplugin",
        "a compiler plugin, which sccache does not see",
        FINE,
    ),
    (
        "-Yc",
        "a precompiled header is made, which sccache does not cache",
        "build without precompiled headers",
    ),
    (
        "output to nul",
        "the output is thrown away, as build scripts do to try a compiler",
        FINE,
    ),
];

/// What sccache's `reason` means. Reasons of later versions are not known, and say so.
pub fn explain(reason: &str) -> Reason {
    let found = TABLE.iter().find(|(name, ..)| *name == plain(reason));
    found.map_or(
        Reason {
            meaning: "an argument that sccache cannot take into its key",
            advice: "`SCCACHE_LOG=debug` shows the whole command line",
        },
        |(_, meaning, advice)| Reason { meaning, advice },
    )
}

/// What a counter of [`super::Tally::faults`] stands for, and what to do.
pub fn explain_fault(counter: &str) -> (&'static str, &'static str) {
    const LOOK: &str = "the server's log says more: SCCACHE_ERROR_LOG=FILE SCCACHE_LOG=debug";
    match counter {
        "cache_timeouts" => (
            "questions to the cache took too long, and were compiled instead",
            "a remote back end is slow or far: put a disk in front of it (cache.multilevel)",
        ),
        "cache_read_errors" => ("entries of the cache could not be read", LOOK),
        "cache_write_errors" => (
            "entries could not be written to the cache",
            "check its owner and the free space of its disk; a read-only back end counts here as well",
        ),
        "cache_errors" => (
            "lookups ended in an error, and were compiled without the cache",
            LOOK,
        ),
        "compile_fails" => (
            "compiles failed; build scripts that try things count here as well",
            FINE,
        ),
        "forced_recaches" => (
            "compiles were made anew on demand",
            "unset SCCACHE_RECACHE, if nobody means it",
        ),
        _ => (
            "calls were made with a compiler that sccache does not know",
            "look at what CC, CXX and RUSTC name",
        ),
    }
}

/// Whether the call was a question of cargo's, and no unit.
pub fn is_compiler_query(reason: &str) -> bool {
    matches!(plain(reason), "missing input" | "-")
}

/// Without what stands behind it in parentheses.
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
