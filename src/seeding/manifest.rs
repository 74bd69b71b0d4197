//! The environment variables that cargo sets for a package, computed from the files `Cargo.toml` (`EnvironmentVariables` and `Workspaces`
//! in the book of cargo).

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use portable_wrapper::seed::Package;
use sccfg_util::fsio;

const NAME: &str = "Cargo.toml";

/// A `Cargo.toml`.
#[derive(Debug, Default, Deserialize)]
struct Manifest {
    package: Option<Described>,
    workspace: Option<Workspace>,
}

#[derive(Debug, Default, Deserialize)]
struct Workspace {
    #[serde(default)]
    members: Vec<PathBuf>,
    #[serde(default)]
    exclude: Vec<PathBuf>,
    #[serde(default)]
    package: Described,
}

/// The table `[package]` of a package, or `[workspace.package]` of a workspace.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Described {
    name: Option<String>,
    version: Option<Value<String>>,
    authors: Option<Value<Vec<String>>>,
    description: Option<Value<String>>,
    homepage: Option<Value<String>>,
    repository: Option<Value<String>>,
    license: Option<Value<String>>,
    license_file: Option<Value<String>>,
    rust_version: Option<Value<String>>,
    readme: Option<Value<Readme>>,
    links: Option<String>,
    /// The directory of its workspace.
    workspace: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Value<T> {
    Own(T),
    /// `{ workspace = true }`
    OfWorkspace(IgnoredAny),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Readme {
    Exists(bool),
    File(String),
}

/// The manifests of a workspace, each read once: packages inherit values from the one at the root.
#[derive(Debug, Default)]
pub(super) struct Manifests(RefCell<HashMap<PathBuf, Option<Rc<Manifest>>>>);

impl Manifests {
    fn read(&self, directory: &Path) -> Option<Rc<Manifest>> {
        let read = || {
            let text = fsio::read(&directory.join(NAME)).ok()??;
            toml_edit::de::from_str(&text).ok().map(Rc::new)
        };
        let mut known = self.0.borrow_mut();
        let manifest = known.entry(directory.to_owned()).or_insert_with(read);
        manifest.clone()
    }

    /// The root of the workspace that contains `directory` (`find_workspace_root` in cargo's `workspace.rs`). `None` if there
    /// is none, or if a file cannot be understood.
    pub(super) fn workspace_root(&self, directory: &Path) -> Option<PathBuf> {
        let has_manifest = |directory: &&Path| directory.join(NAME).is_file();
        let package = directory.ancestors().find(has_manifest)?;
        for above in package.ancestors().filter(has_manifest) {
            let manifest = self.read(above)?;
            let described = manifest.package.as_ref();
            let named = described
                .and_then(|described| described.workspace.as_ref())
                .and_then(|named| above.join(named).canonicalize().ok());
            if named.is_some() {
                return named;
            }
            let is_in =
                |all: &[PathBuf]| all.iter().any(|one| package.starts_with(above.join(one)));
            if let Some(workspace) = &manifest.workspace
                && (is_in(&workspace.members) || !is_in(&workspace.exclude))
            {
                return Some(above.to_owned());
            }
        }
        Some(package.to_owned())
    }

    /// The package in `directory`, relative to the workspace at `root`. `None` if there is no package, or if its
    /// manifest cannot be parsed.
    pub(super) fn package(&self, root: &Path, directory: &Path) -> Option<Package> {
        // `join` with an empty path would append a slash.
        let here: PathBuf = root.join(directory).components().collect();
        let own = self.read(&here)?.package.clone()?;
        let its_root = self.workspace_root(&here)?;
        let workspace = self.read(&its_root)?;
        let of_workspace = workspace.workspace.as_ref();
        let of_workspace = of_workspace.map(|workspace| workspace.package.clone());
        let directories = (directory, &*here, &*its_root);
        described(own, of_workspace.unwrap_or_default(), directories)
    }
}

/// The package with the table `own`. The directories are its own, relative to the workspace that is seeded and absolute,
/// and that of its workspace.
fn described(
    own: Described,
    of_workspace: Described,
    (directory, here, its_root): (&Path, &Path, &Path),
) -> Option<Package> {
    let below = here.strip_prefix(its_root).ok();

    let version = inherited(own.version, of_workspace.version).ok()?;
    let version = version.map_or_else(|| "0.0.0".to_owned(), |version| version.trim().to_owned());
    let (numbers, _) = version.split_once('+').unwrap_or((&version, ""));
    let (numbers, pre) = numbers.split_once('-').unwrap_or((numbers, ""));
    let mut numbers = numbers.split('.').map(str::to_owned);
    let mut number = || numbers.next().unwrap_or_default();
    let authors = inherited(own.authors, of_workspace.authors)
        .ok()?
        .unwrap_or_default();
    let license_file = match own.license_file {
        Some(Value::OfWorkspace(_)) => match of_workspace.license_file? {
            Value::Own(file) => Some(relative(&file, below?)?),
            Value::OfWorkspace(_) => return None,
        },
        own => inherited(own, None).ok()?,
    };
    let readme = match own.readme {
        Some(Value::OfWorkspace(_)) => match of_workspace.readme? {
            Value::Own(readme) => match readme_of(Some(readme), its_root) {
                Some(file) => Some(relative(&file, below?)?),
                None => None,
            },
            Value::OfWorkspace(_) => return None,
        },
        own => readme_of(inherited(own, None).ok()?, here),
    };
    let text = |own, of_workspace| Some(inherited(own, of_workspace).ok()?.unwrap_or_default());
    let name = own.name?;
    let mut variables: BTreeMap<String, String> = [
        ("CARGO_MANIFEST_DIR", here.to_str()?.to_owned()),
        ("CARGO_MANIFEST_PATH", here.join(NAME).to_str()?.to_owned()),
        ("CARGO_PKG_AUTHORS", authors.join(":")),
        (
            "CARGO_PKG_DESCRIPTION",
            text(own.description, of_workspace.description)?,
        ),
        (
            "CARGO_PKG_HOMEPAGE",
            text(own.homepage, of_workspace.homepage)?,
        ),
        (
            "CARGO_PKG_LICENSE",
            text(own.license, of_workspace.license)?,
        ),
        ("CARGO_PKG_LICENSE_FILE", license_file.unwrap_or_default()),
        ("CARGO_PKG_NAME", name.clone()),
        ("CARGO_PKG_README", readme.unwrap_or_default()),
        (
            "CARGO_PKG_REPOSITORY",
            text(own.repository, of_workspace.repository)?,
        ),
        (
            "CARGO_PKG_RUST_VERSION",
            text(own.rust_version, of_workspace.rust_version)?,
        ),
        ("CARGO_PKG_VERSION", version.clone()),
        ("CARGO_PKG_VERSION_MAJOR", number()),
        ("CARGO_PKG_VERSION_MINOR", number()),
        ("CARGO_PKG_VERSION_PATCH", number()),
        ("CARGO_PKG_VERSION_PRE", pre.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(links) = own.links {
        variables.insert("CARGO_MANIFEST_LINKS".to_owned(), links);
    }
    Some(Package {
        name,
        directory: directory.to_owned(),
        variables,
    })
}

/// A workspace itself inherits nothing.
struct Missing;

/// A value, or the inherited one of the workspace.
fn inherited<T>(
    own: Option<Value<T>>,
    of_workspace: Option<Value<T>>,
) -> Result<Option<T>, Missing> {
    match own {
        None => Ok(None),
        Some(Value::Own(value)) => Ok(Some(value)),
        Some(Value::OfWorkspace(_)) => match of_workspace {
            Some(Value::Own(value)) => Ok(Some(value)),
            Some(Value::OfWorkspace(_)) | None => Err(Missing),
        },
    }
}

/// The file that a package takes for its readme, by default one of these names (`normalize_readme` in cargo's
/// `toml/mod.rs`).
fn readme_of(written: Option<Readme>, directory: &Path) -> Option<String> {
    const NAMES: [&str; 3] = ["README.md", "README.txt", "README"];
    match written {
        Some(Readme::File(file)) => Some(file),
        Some(Readme::Exists(true)) => Some(NAMES[0].to_owned()),
        Some(Readme::Exists(false)) => None,
        None => {
            let mut names = NAMES.into_iter();
            let found = names.find(|name| directory.join(name).is_file());
            found.map(str::to_owned)
        }
    }
}

/// The path `file`, relative to a workspace, as a package in the directory `below` has it. `None` if it leads out of
/// the workspace.
fn relative(file: &str, below: &Path) -> Option<String> {
    let file: PathBuf = Path::new(file)
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    let is_name = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !file.components().all(is_name) || !below.components().all(is_name) {
        return None;
    }
    let mut to = file.components().peekable();
    let mut from = below.components().peekable();
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let up = from.map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to).collect();
    path.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
