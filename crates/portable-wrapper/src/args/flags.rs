//! rustc's flags, as far as the wrapper knows them.

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
const PLAIN_UNSTABLE: [&str; 26] = [
    "allow-features",
    "always-encode-mir",
    "binary-dep-depinfo",
    "branch-protection",
    "cf-protection",
    "cross-crate-inline-threshold",
    "fmt-debug",
    "force-unstable-if-unmarked",
    "function-sections",
    "hint-mostly-unused",
    "inline-mir",
    "location-detail",
    "macro-backtrace",
    "mir-opt-level",
    "next-solver",
    "panic-abort-tests",
    "polonius",
    "randomize-layout",
    "sanitizer",
    "sanitizer-memory-track-origins",
    "sanitizer-recover",
    "share-generics",
    "threads",
    "tls-model",
    "ub-checks",
    "unstable-options",
];

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

/// Whether a `-Z` option makes rustc write files other than outputs.
pub(super) fn writes_files(flag: &str, value: &str) -> bool {
    let name = value.replace('_', "-");
    flag == "-Z" && WRITING.iter().any(|start| name.starts_with(start))
}

pub(super) fn takes_value(flag: &str) -> bool {
    WITH_VALUE.contains(&flag)
}

/// Whether a `-Z` option is known to write no additional file, and no path that is not in its value.
pub(super) fn writes_nothing(flag: &str, value: &str) -> bool {
    let (name, _) = value.split_once('=').unwrap_or((value, ""));
    flag == "-Z" && PLAIN_UNSTABLE.contains(&name.replace('_', "-").as_str())
}

/// Whether `kind` is a kind of directory that `-L` accepts.
pub(super) fn is_kind(kind: &str) -> bool {
    matches!(
        kind,
        "dependency" | "crate" | "native" | "framework" | "all"
    )
}
