//! The variables that an observed run may have read. The observer notes the variables that programs read by name. Shells import
//! all variables, so a shell script may depend on any. But the compilers of nixpkgs are shell scripts that run the real ones
//! (`cc-wrapper.sh`, `utils.bash`) and never change: they read the variables that they name, also with a suffix
//! (`PKG_CONFIG_PATH_FOR_TARGET`).

use std::collections::BTreeSet;
use std::path::Path;

use crate::macro_effects;
use crate::observed_inputs::ObservedInputs;
use sccfg_util::fsio;

/// Variables that shells use themselves (bash(1)).
const OF_SHELLS: [&str; 9] = [
    "BASHOPTS",
    "BASH_COMPAT",
    "BASH_ENV",
    "BASH_XTRACEFD",
    "CDPATH",
    "ENV",
    "GLOBIGNORE",
    "PS4",
    "SHELLOPTS",
];
/// The prefix of most variables of nixpkgs. Its scripts compose the names of some.
const OF_NIXPKGS: &str = "NIX_";

/// The variables that a run may have read.
pub(crate) struct VariablesRead<'o> {
    observed: &'o ObservedInputs,
    /// The words of the wrapper scripts of tools; `None` if a script was removed.
    words: Option<BTreeSet<String>>,
}

impl<'o> VariablesRead<'o> {
    /// The variables of the run that was `observed`.
    pub(crate) fn by(observed: &'o ObservedInputs) -> Self {
        let mut words = Some(BTreeSet::new());
        for script in &observed.tool_scripts {
            let text = fsio::read_text(script);
            let known = words.take();
            words = text.zip(known).map(|(text, mut known)| {
                known.extend(macro_effects::words(&text).map(str::to_owned));
                known
            });
        }
        Self { observed, words }
    }

    /// Whether the variable `name` may be one of them.
    pub(crate) fn may_include(&self, name: &str) -> bool {
        let Some(words) = self.words.as_ref().filter(|_| self.observed.reads_by_name) else {
            return true;
        };
        let is_named = || {
            let mut parts = name
                .match_indices('_')
                .flat_map(|(at, _)| [&name[..at], &name[..=at]]);
            words.contains(name) || parts.any(|part| words.contains(part))
        };
        let is_of_scripts = || {
            !words.is_empty()
                && (name.starts_with(OF_NIXPKGS) || OF_SHELLS.contains(&name) || is_named())
        };
        self.observed.has_read(name) || is_of_scripts()
    }
}

/// Whether the script at `path` may source or evaluate commands of another file.
pub(crate) fn sources_other(path: &Path) -> bool {
    let text = fsio::read_text(path).unwrap_or_default();
    let mut words = text.split_ascii_whitespace();
    words.any(|word| matches!(word, "." | "source" | "eval"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_read_the_variables_that_they_name() {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("cc");
        let text = "#!/bin/sh\nfor name in PKG_CONFIG_PATH; do var=\"${name}_FOR_TARGET\"; done\nfor name in \"${!wrapper_@}\"; do :; done\n";
        fsio::replace(&script, text.as_bytes()).unwrap();
        let observed = ObservedInputs {
            is_observed: true,
            reads_by_name: true,
            variables: BTreeSet::from(["CPATH".to_owned()]),
            tool_scripts: BTreeSet::from([script.to_str().unwrap().to_owned()]),
            ..ObservedInputs::default()
        };
        let read = VariablesRead::by(&observed);
        for name in [
            "CPATH",
            "PKG_CONFIG_PATH",
            "PKG_CONFIG_PATH_FOR_TARGET",
            "wrapper_CFLAGS",
            "NIX_CFLAGS_COMPILE",
            "BASH_ENV",
        ] {
            assert!(read.may_include(name), "{name}");
        }
        for name in ["OTHER", "PKG_CONFIG", "GITHUB_SHA"] {
            assert!(!read.may_include(name), "{name}");
        }
        fsio::remove_file(&script).unwrap();
        assert!(VariablesRead::by(&observed).may_include("OTHER"));
        let unknown = ObservedInputs::default();
        assert!(VariablesRead::by(&unknown).may_include("OTHER"));
    }
}
