//! The directories that cargo writes to, from `cargo metadata`: variables and any of cargo's
//! configuration files may set them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use sccfg_util::proc::Program;

/// The directories of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct CargoDirs {
    /// The directory for final artifacts.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    /// The directory for intermediate artifacts, which cargo 1.91 separated. `None` with older versions.
    #[serde(rename = "build_directory")]
    build: Option<PathBuf>,
    /// The root of the workspace.
    #[serde(default)]
    workspace_root: PathBuf,
    /// Its packages.
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Targets of other kinds have a name that many packages use: `tests`, `build-script-build`.
const OTHER_KINDS: [&str; 4] = ["test", "bench", "example", "custom-build"];

impl CargoDirs {
    /// The directories of the workspace that contains `dir`. Starts no compiler. `None` if `cargo metadata`
    /// fails.
    pub(crate) fn of(cargo: &Path, dir: &Path) -> Option<Self> {
        Self::read(cargo, dir, &[])
    }

    /// As [`Self::of`], with the cargo on `PATH`. rustup does not install the toolchain of the workspace, if it is
    /// missing.
    pub(crate) fn of_any(dir: &Path) -> Option<Self> {
        let keep = (
            OsString::from("RUSTUP_AUTO_INSTALL"),
            Some(OsString::from("0")),
        );
        Self::read(Path::new("cargo"), dir, &[keep])
    }

    fn read(cargo: &Path, dir: &Path, changes: &[(OsString, Option<OsString>)]) -> Option<Self> {
        let args = ["metadata", "--no-deps", "--format-version=1", "--offline"];
        let output = Program {
            path: cargo,
            args: &args.map(OsString::from),
            changes,
            directory: Some(dir),
        }
        .output()
        .ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    /// The directory for intermediate artifacts.
    pub(crate) fn build(&self) -> &Path {
        self.build.as_deref().unwrap_or(&self.target)
    }

    /// The root of the workspace.
    pub(crate) fn workspace_root(&self) -> &Path {
        &self.workspace_root
    }

    /// The names of the libraries and programs of the workspace, as crates.
    pub(crate) fn crates(&self) -> impl Iterator<Item = String> {
        let targets = self.packages.iter().flat_map(|package| &package.targets);
        let is_other = |kind: &String| OTHER_KINDS.contains(&kind.as_str());
        let targets = targets.filter(move |target| !target.kind.iter().any(is_other));
        targets.map(|target| target.name.replace('-', "_"))
    }

    /// Whether `--target-dir` alone does not move the build directory.
    pub(crate) fn are_separate(&self) -> bool {
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
        assert!(!old.are_separate());
        let new = r#"{"target_directory":"/w/target","build_directory":"/b/ab/cd"}"#;
        let new: CargoDirs = serde_json::from_str(new).unwrap();
        assert_eq!(new.build(), Path::new("/b/ab/cd"));
        assert!(new.are_separate());
    }
}
