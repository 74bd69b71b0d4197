//! A workspace, read from its files. Runs `cargo metadata` only if these do not determine the build directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::cargo_settings::CargoSettings;
use super::manifest::Manifests;
use portable_wrapper::seed::Checkout;
use portable_wrapper::toolchain::installed_program;
use sccfg_util::problem::Problem;
use sccfg_util::proc::Program;
use sccfg_util::programs::find_program;
use sccfg_util::{env, fsio};

/// A workspace.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    pub(super) root: PathBuf,
    /// cargo's build directory.
    pub(super) build: PathBuf,
    /// Whether that is the target directory as well.
    pub(super) has_programs: bool,
    pub(super) settings: CargoSettings,
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
    /// Since cargo 1.91.
    build_directory: Option<PathBuf>,
}

impl Workspace {
    /// The workspace that contains `directory`, an absolute path.
    ///
    /// # Errors
    /// If there is none, or its files cannot be read.
    pub(super) fn of(directory: &Path) -> Result<Self, Problem> {
        Self::with_settings_of(directory, directory)
    }

    /// As [`of`](Self::of), with cargo's settings for the directory `cwd`.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(super) fn with_settings_of(directory: &Path, cwd: &Path) -> Result<Self, Problem> {
        let failed = || {
            Problem::new(format!(
                "could not read the workspace around {}",
                directory.display()
            ))
            .hint("`cargo metadata` in that directory prints the error")
        };
        let has_manifest = |directory: &Path| fsio::exists(&directory.join("Cargo.toml"));
        if !directory.ancestors().any(has_manifest) {
            let directory = directory.display();
            let what = format!("no Cargo.toml in {directory} or its parents");
            return Err(Problem::new(what).hint("run sccfg in a workspace of cargo"));
        }
        let root = Manifests::default()
            .workspace_root(directory)
            .ok_or_else(failed)?;
        let settings = CargoSettings::read(cwd).ok_or_else(failed)?;
        if let Some(name) = settings.ambiguous_variable() {
            let what = format!(
                "the value of {name} in cargo's settings around {} depends on the version of cargo",
                directory.display()
            );
            let hint = "set its `value` and `relative` in the same file";
            return Err(Problem::new(what).hint(hint));
        }
        let build = match settings.build_directory(&root) {
            Some(build) => (build, !settings.has_build_dir()),
            None => asked(directory).ok_or_else(failed)?,
        };
        let (build, has_programs) = build;
        Ok(Self {
            root,
            build,
            has_programs,
            settings,
        })
    }

    pub(super) fn checkout(&self) -> Checkout {
        Checkout {
            workspace: self.root.clone(),
            build: self.build.clone(),
            has_programs: self.has_programs,
            cargo_home: env::cargo_home().unwrap_or_default(),
            rustc: find_program(self.settings.rustc(), &env::search_path()).map(Into::into),
        }
    }
}

/// The build directory according to `cargo metadata`, and whether that is the target directory as well.
fn asked(directory: &Path) -> Option<(PathBuf, bool)> {
    let args = ["metadata", "--no-deps", "--format-version=1", "--offline"];
    let output = Program {
        path: &installed_program("cargo", directory)?,
        args: &args.map(OsString::from),
        changes: &[],
        directory: Some(directory),
    }
    .output()
    .ok()?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout).ok()?;
    let target = metadata.target_directory;
    let build = metadata.build_directory.unwrap_or_else(|| target.clone());
    let is_target = build == target;
    Some((build, is_target))
}
