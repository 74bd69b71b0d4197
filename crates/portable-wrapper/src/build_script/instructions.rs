//! The instructions by which a build script declares its inputs to cargo.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::path_map::PathMap;

/// The inputs that a build script declares.
///
/// <https://doc.rust-lang.org/cargo/reference/build-scripts.html#change-detection>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Declared {
    /// `rerun-if-changed`: files and directories, as the script printed them, with placeholders.
    pub(super) files: BTreeSet<String>,
    /// `rerun-if-env-changed`.
    pub(super) variables: BTreeSet<String>,
}

impl Declared {
    /// Reads a build script's standard output in the checkout of `path_map`.
    pub(super) fn parse(stdout: &[u8], path_map: &PathMap) -> Self {
        let mut declared = Self::default();
        for line in String::from_utf8_lossy(stdout).lines() {
            let Some(line) = line
                .strip_prefix("cargo::")
                .or_else(|| line.strip_prefix("cargo:"))
            else {
                continue;
            };
            if let Some(file) = line.strip_prefix("rerun-if-changed=") {
                let file = path_map.to_placeholders_str(file.trim_end());
                declared.files.insert(file);
            } else if let Some(name) = line.strip_prefix("rerun-if-env-changed=") {
                declared.variables.insert(name.trim_end().to_owned());
            }
        }
        declared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let stdout = "cargo:rerun-if-changed=a.c\ncargo::rerun-if-changed=b c.h\n\
            cargo:rerun-if-env-changed=CC\nrerun-if-changed=x\ncargo:rustc-cfg=y\n";
        let declared = Declared::parse(stdout.as_bytes(), &PathMap::default());
        assert_eq!(declared.files, ["a.c", "b c.h"].map(String::from).into());
        assert_eq!(declared.variables, ["CC".to_owned()].into());
    }
}
