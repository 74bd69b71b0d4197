//! What a unit makes: `--emit` and the crate types.

use super::Unit;

impl Unit {
    /// Whether `--emit` has this.
    pub(crate) fn emits(&self, kind: &str) -> bool {
        self.emits.iter().any(|emit| emit == kind)
    }

    /// Whether `--emit` has more than cargo itself asks for, such as assembler code.
    pub(crate) fn has_unusual_emits(&self) -> bool {
        let is_known = |emit: &String| matches!(emit.as_str(), "dep-info" | "metadata" | "link");
        !self.emits.iter().all(is_known)
    }

    /// Whether the linker runs: a crate type is neither `lib` nor `rlib`, and `--emit` has `link`.
    pub(crate) fn is_linked(&self) -> bool {
        self.emits("link")
            && self
                .crate_types
                .iter()
                .any(|kind| !matches!(kind.as_str(), "lib" | "rlib"))
    }

    /// Whether an output is metadata, or contains it for other crates.
    pub(crate) fn has_metadata(&self) -> bool {
        self.emits("metadata") || self.has_type("lib") || self.has_type("rlib")
    }

    /// Whether this is one of its crate types.
    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.crate_types.iter().any(|kind| kind == name)
    }

    /// Whether `name` is an output other than an `.rlib`, metadata or dep-info.
    pub(crate) fn is_final_output(&self, name: &str) -> bool {
        let stem = self.stem();
        let rest = name
            .strip_prefix(&stem)
            .or_else(|| name.strip_prefix("lib")?.strip_prefix(&stem));
        rest.is_some_and(|rest| {
            let is_other = matches!(rest, ".rlib" | ".rmeta" | ".d");
            (rest.is_empty() || rest.starts_with('.')) && !is_other
        })
    }
}
