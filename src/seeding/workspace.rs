//! A workspace as `cargo metadata` describes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::cargo_home;
use portable_wrapper::seed::{Checkout, Package};
use sccfg_util::problem::Problem;
use sccfg_util::proc;

/// A workspace.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    pub(super) root: PathBuf,
    /// cargo's build directory.
    pub(super) build: PathBuf,
    pub(super) packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    /// Since cargo 1.91.
    build_directory: Option<PathBuf>,
    packages: Vec<Manifest>,
}

/// What cargo tells the compiler of a package (`EnvironmentVariables` in the book of cargo).
#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
    #[serde(rename = "manifest_path")]
    path: PathBuf,
    authors: Vec<String>,
    description: Option<String>,
    homepage: Option<String>,
    repository: Option<String>,
    license: Option<String>,
    license_file: Option<String>,
    rust_version: Option<String>,
    readme: Option<String>,
    links: Option<String>,
}

impl Workspace {
    /// The workspace around `directory`.
    ///
    /// # Errors
    /// If there is none, or cargo cannot read it.
    pub(super) fn of(directory: &Path) -> Result<Self, Problem> {
        let args = ["metadata", "--no-deps", "--format-version=1", "--offline"];
        let failed = |why: &str| {
            Problem::new(format!(
                "could not read the workspace around {}: {}",
                directory.display(),
                why.trim()
            ))
            .hint("run `cargo metadata` there")
        };
        let output = proc::output("cargo", &args, directory)
            .map_err(|error| failed(&format!("{error:#}")))?;
        if !output.status.success() {
            return Err(failed(&String::from_utf8_lossy(&output.stderr)));
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).map_err(|error| failed(&error.to_string()))?;
        let root = metadata.workspace_root;
        let packages = metadata.packages.into_iter();
        Ok(Self {
            packages: packages.filter_map(|package| package.of(&root)).collect(),
            build: metadata
                .build_directory
                .unwrap_or(metadata.target_directory),
            root,
        })
    }

    pub(super) fn checkout(&self) -> Checkout {
        Checkout {
            workspace: self.root.clone(),
            build: self.build.clone(),
            cargo_home: cargo_home(),
        }
    }
}

impl Manifest {
    /// The package, if it is below the root of the workspace.
    fn of(self, root: &Path) -> Option<Package> {
        let directory = self.path.parent()?;
        let (numbers, pre) = match self.version.split('+').next()?.split_once('-') {
            Some((numbers, pre)) => (numbers.to_owned(), pre.to_owned()),
            None => (self.version.split('+').next()?.to_owned(), String::new()),
        };
        let mut numbers = numbers.split('.').map(str::to_owned);
        let mut number = || numbers.next().unwrap_or_default();
        let text = Option::unwrap_or_default;
        let mut variables: BTreeMap<String, String> = [
            ("CARGO_MANIFEST_DIR", directory.to_str()?.to_owned()),
            ("CARGO_MANIFEST_PATH", self.path.to_str()?.to_owned()),
            ("CARGO_PKG_AUTHORS", self.authors.join(":")),
            ("CARGO_PKG_DESCRIPTION", text(self.description)),
            ("CARGO_PKG_HOMEPAGE", text(self.homepage)),
            ("CARGO_PKG_LICENSE", text(self.license)),
            ("CARGO_PKG_LICENSE_FILE", text(self.license_file)),
            ("CARGO_PKG_NAME", self.name.clone()),
            ("CARGO_PKG_README", text(self.readme)),
            ("CARGO_PKG_REPOSITORY", text(self.repository)),
            ("CARGO_PKG_RUST_VERSION", text(self.rust_version)),
            ("CARGO_PKG_VERSION", self.version.clone()),
            ("CARGO_PKG_VERSION_MAJOR", number()),
            ("CARGO_PKG_VERSION_MINOR", number()),
            ("CARGO_PKG_VERSION_PATCH", number()),
            ("CARGO_PKG_VERSION_PRE", pre),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(links) = self.links {
            variables.insert("CARGO_MANIFEST_LINKS".to_owned(), links);
        }
        Some(Package {
            name: self.name,
            directory: directory.strip_prefix(root).ok()?.to_owned(),
            variables,
        })
    }
}
