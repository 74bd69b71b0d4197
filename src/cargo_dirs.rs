//! Where cargo writes to, by its own account: `CARGO_TARGET_DIR`, `CARGO_BUILD_BUILD_DIR` and any of its
//! configuration files may say so.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use sccfg_util::proc::Program;

/// The directories of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct CargoDirs {
    /// Where programs end up.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    /// Where units are compiled, since cargo 1.91 not always the same.
    #[serde(rename = "build_directory")]
    build: Option<PathBuf>,
}

impl CargoDirs {
    /// Those of the workspace around `dir`, as `cargo` says, which starts no compiler for this. `None`
    /// where it does not say.
    pub(crate) fn of(cargo: &Path, dir: &Path) -> Option<Self> {
        let args = ["metadata", "--no-deps", "--format-version=1", "--offline"];
        let output = Program {
            path: cargo,
            args: &args.map(OsString::from),
            changes: &[],
            directory: Some(dir),
        }
        .output()
        .ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Where units are compiled.
    pub(crate) fn build(&self) -> &Path {
        self.build.as_deref().unwrap_or(&self.target)
    }

    /// Whether `--target-dir` says nothing of where units are compiled.
    pub(crate) fn are_apart(&self) -> bool {
        self.build() != self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_before_1_91_has_one_directory() {
        let old: CargoDirs = serde_json::from_str(r#"{"target_directory":"/w/target"}"#).unwrap();
        assert_eq!(old.build(), Path::new("/w/target"));
        assert!(!old.are_apart());
        let new = r#"{"target_directory":"/w/target","build_directory":"/b/ab/cd"}"#;
        let new: CargoDirs = serde_json::from_str(new).unwrap();
        assert_eq!(new.build(), Path::new("/b/ab/cd"));
        assert!(new.are_apart());
    }
}
