//! rustc's flags, as far as the wrapper knows them.

use super::super::uncacheable::Uncacheable;

/// Flags for which rustc prints something and compiles nothing.
pub(super) const NOT_A_COMPILE: [&str; 8] = [
    "-",
    "-h",
    "--help",
    "-V",
    "-vV",
    "--version",
    "--print",
    "--explain",
];

/// Flags with a value.
const WITH_VALUE: [&str; 33] = [
    "-C",
    "--codegen",
    "--crate-name",
    "--crate-type",
    "--diagnostic-width",
    "--emit",
    "--env-set",
    "--extern",
    "-L",
    "-l",
    "-o",
    "--out-dir",
    "--remap-path-prefix",
    "--remap-path-scope",
    "--sysroot",
    "--target",
    "-Z",
    "-A",
    "-W",
    "-D",
    "-F",
    "--check-cfg",
    "--cfg",
    "--edition",
    "--allow",
    "--warn",
    "--force-warn",
    "--deny",
    "--forbid",
    "--cap-lints",
    "--error-format",
    "--color",
    "--json",
];

/// `-C` options that put a path into the output only if it is in their value, which is part of the key.
pub(super) const PLAIN_CODEGEN: [&str; 44] = [
    "ar",
    "code-model",
    "codegen-units",
    "collapse-macro-debuginfo",
    "control-flow-guard",
    "debug-assertions",
    "debuginfo",
    "default-linker-libraries",
    "dwarf-version",
    "embed-bitcode",
    "extra-filename",
    "force-frame-pointers",
    "force-unwind-tables",
    "inline-threshold",
    "jump-tables",
    "link-arg",
    "link-args",
    "link-dead-code",
    "link-self-contained",
    "linker",
    "linker-features",
    "linker-flavor",
    "linker-plugin-lto",
    "llvm-args",
    "lto",
    "metadata",
    "no-prepopulate-passes",
    "no-redzone",
    "no-vectorize-loops",
    "no-vectorize-slp",
    "opt-level",
    "overflow-checks",
    "panic",
    "passes",
    "prefer-dynamic",
    "relocation-model",
    "relro-level",
    "rpath",
    "soft-float",
    "split-debuginfo",
    "strip",
    "symbol-mangling-version",
    "target-cpu",
    "target-feature",
];

/// `-Z` options that put a path into the output only if it is in their value.
const PLAIN_UNSTABLE: [&str; 37] = [
    "allow-features",
    "always-encode-mir",
    "binary-dep-depinfo",
    "branch-protection",
    "cf-protection",
    "cross-crate-inline-threshold",
    "fewer-names",
    "fmt-debug",
    "force-unstable-if-unmarked",
    "function-sections",
    "hint-mostly-unused",
    "inline-mir",
    "inline-mir-hint-threshold",
    "inline-mir-threshold",
    "location-detail",
    "macro-backtrace",
    "merge-functions",
    "mir-opt-level",
    "mutable-noalias",
    "next-solver",
    "panic-abort-tests",
    "plt",
    "polonius",
    "randomize-layout",
    "sanitizer",
    "sanitizer-memory-track-origins",
    "sanitizer-recover",
    "saturating-float-casts",
    "share-generics",
    "stack-protector",
    "threads",
    "tls-model",
    "trap-unreachable",
    "tune-cpu",
    "ub-checks",
    "unstable-options",
    "validate-mir",
];

/// `-Z` options that make rustc print how long it takes, or print the source in another form instead of compiling it.
const PRINTING: [&str; 3] = ["time-passes", "time-llvm-passes", "unpretty"];

/// Prefixes of the names of `-Z` options that make rustc write files other than outputs.
const WRITING: [&str; 7] = [
    "dump-",
    "llvm-time-trace",
    "metrics-dir",
    "nll-facts",
    "query-dep-graph",
    "remark-dir",
    "self-profile",
];

/// Why a unit with this `-Z` option is not cached, if so.
pub(super) fn why_uncacheable(flag: &str, value: &str) -> Option<Uncacheable> {
    let name = unstable_name(value);
    match flag {
        "-Z" if PRINTING.contains(&&*name) => Some(Uncacheable::CompilerPrints),
        "-Z" if WRITING.iter().any(|start| name.starts_with(start)) => {
            Some(Uncacheable::CompilerWritesMore)
        }
        _ => None,
    }
}

pub(super) fn takes_value(flag: &str) -> bool {
    WITH_VALUE.contains(&flag)
}

/// Whether a `-Z` option is known to write no additional file, and no path that is not in its value.
pub(super) fn writes_nothing(flag: &str, value: &str) -> bool {
    flag == "-Z" && PLAIN_UNSTABLE.contains(&&*unstable_name(value))
}

/// The name of the `-Z` option `value`. rustc accepts underscores for hyphens.
fn unstable_name(value: &str) -> String {
    let (name, _) = value.split_once('=').unwrap_or((value, ""));
    name.replace('_', "-")
}

/// Whether `kind` is a kind of directory that `-L` accepts.
pub(super) fn is_kind(kind: &str) -> bool {
    matches!(
        kind,
        "dependency" | "crate" | "native" | "framework" | "all"
    )
}
