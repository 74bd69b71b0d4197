//! cargo's build directory, from the files and variables that cargo reads (`build.target-dir` and `build.build-dir`
//! in the book of cargo). A shell waits for this, and cargo itself may be rustup's, which may install a toolchain.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::cargo_home;
use sccfg_util::{env, fsio};

/// The settings of a configuration file that count here.
#[derive(Default, Deserialize)]
struct Settings {
    #[serde(default)]
    build: Build,
    /// Other files, which are not read here.
    include: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Build {
    target_dir: Option<PathBuf>,
    build_dir: Option<String>,
}

/// The build directory of the workspace at `root`, for a cargo that runs in `directory`. `None` if only cargo knows
/// it.
pub(crate) fn build_directory(directory: &Path, root: &Path) -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = env::var_os(name).filter(|value| !value.is_empty());
        value.map(|value| directory.join(value))
    };
    let mut target = variable("CARGO_TARGET_DIR").or_else(|| variable("CARGO_BUILD_TARGET_DIR"));
    let mut build = variable("CARGO_BUILD_BUILD_DIR");
    for file in configuration_files(directory) {
        let text = fsio::read(&file).ok()?.unwrap_or_default();
        let settings: Settings = toml_edit::de::from_str(&text).ok()?;
        if settings.include.is_some() {
            return None;
        }
        // Paths are relative to the directory that contains `.cargo`.
        let base = file.parent()?.parent()?;
        let Build {
            target_dir,
            build_dir,
        } = settings.build;
        target = target.or_else(|| Some(base.join(target_dir?)));
        build = build.or_else(|| Some(base.join(build_dir?)));
    }
    match build {
        Some(build) => without_templates(&build, root),
        None => Some(target.unwrap_or_else(|| root.join("target"))),
    }
    .map(|build| build.components().collect())
}

/// The configuration files for `directory`, the nearest first.
fn configuration_files(directory: &Path) -> Vec<PathBuf> {
    let home = cargo_home();
    let nearest = directory.ancestors().map(|above| above.join(".cargo"));
    let mut directories: Vec<PathBuf> = nearest.filter(|directory| *directory != home).collect();
    directories.push(home);
    let file = |directory: PathBuf| {
        // cargo reads the first of these.
        let names = ["config", "config.toml"].into_iter();
        names
            .map(|name| directory.join(name))
            .find(|file| file.is_file())
    };
    directories.into_iter().filter_map(file).collect()
}

/// `build` with the values of what cargo replaces in it. `None` for the digest of a path, which only cargo knows.
fn without_templates(build: &Path, root: &Path) -> Option<PathBuf> {
    let mut text = build.to_str()?.to_owned();
    let values = [
        ("{workspace-root}", root.to_owned()),
        ("{cargo-cache-home}", cargo_home()),
    ];
    for (name, value) in values {
        // A template stands at the beginning, and has been joined to a directory.
        if let Some(at) = text.find(name) {
            text = format!("{}{}", value.to_str()?, &text[at + name.len()..]);
        }
    }
    (!text.contains(['{', '}'])).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_values_except_digests() {
        let root = Path::new("/w");
        let without = |text: &str| without_templates(Path::new(text), root);
        assert_eq!(without("/w/a/{workspace-root}/b"), Some("/w/b".into()));
        assert_eq!(without("/a/b"), Some("/a/b".into()));
        let home = cargo_home();
        assert_eq!(without("/w/{cargo-cache-home}/x"), Some(home.join("x")));
        assert_eq!(without("/w/{cargo-cache-home}/{workspace-path-hash}"), None);
    }

    #[test]
    fn the_nearest_file_counts_and_its_paths_are_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let member = root.join("crates/app");
        let write = |path: &str, text: &str| {
            fsio::replace_and_create_dir(&root.join(path), text.as_bytes()).unwrap();
        };
        fsio::create_dir_all(&member).unwrap();
        let found = || build_directory(&member, &root).unwrap();
        assert_eq!(found(), root.join("target"));
        write(".cargo/config.toml", "build.target-dir = \"out\"\n");
        assert_eq!(found(), root.join("out"));
        write("crates/.cargo/config", "[build]\ntarget-dir = \"in\"\n");
        assert_eq!(found(), root.join("crates/in"));
        write(
            "crates/.cargo/config",
            "[build]\nbuild-dir = \"{workspace-root}/b\"\n",
        );
        assert_eq!(found(), root.join("b"));
        write("crates/.cargo/config", "include = \"other.toml\"\n");
        assert_eq!(build_directory(&member, &root), None);
    }
}
