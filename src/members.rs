//! The packages of a workspace, from their manifests: without cargo, which takes longer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml_edit::{Item, Table, TableLike};

use sccache_control::config::toml;
use sccfg_util::fsio;

/// The limit of packages: a workspace has some hundred.
const MAX_MEMBERS: usize = 2_000;

/// A package of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// The directory of its manifest.
    pub directory: PathBuf,
    pub name: String,
    /// The names of the packages that it depends on, except for its tests.
    pub dependencies: BTreeSet<String>,
    /// The names of the packages that its build script depends on.
    pub build_dependencies: BTreeSet<String>,
    /// Its build script.
    pub build_script: Option<PathBuf>,
}

/// The packages of the workspace at `root`; none if it has no `Cargo.toml`.
pub(crate) fn members(root: &Path) -> Vec<Member> {
    let Some(document) = manifest(root) else {
        return Vec::new();
    };
    let patterns = document
        .get("workspace")
        .and_then(|workspace| workspace.get("members")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(toml_edit::Value::as_str);
    let mut directories: Vec<PathBuf> = patterns
        .flat_map(|pattern| matching(root, pattern))
        .collect();
    directories.insert(0, root.to_owned());
    let mut found: Vec<Member> = Vec::new();
    let mut seen = BTreeSet::new();
    // Path dependencies below the root are members as well.
    while let Some(directory) = directories.pop() {
        if seen.len() >= MAX_MEMBERS || !seen.insert(directory.clone()) {
            continue;
        }
        let Some(document) = manifest(&directory) else {
            continue;
        };
        let paths = path_dependencies(&document)
            .into_iter()
            .map(|path| normalized(&directory.join(path)));
        directories.extend(paths.filter(|path| path.starts_with(root)));
        found.extend(Member::of(directory, &document));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The members that need `name`, directly or through others.
pub(crate) fn dependents<'m>(members: &'m [Member], name: &str) -> Vec<&'m str> {
    let mut above: BTreeSet<&str> = BTreeSet::new();
    let mut pending = vec![name.to_owned()];
    while let Some(name) = pending.pop() {
        for member in members {
            let needs = member.dependencies.contains(&name);
            if needs && above.insert(&member.name) {
                pending.push(member.name.clone());
            }
        }
    }
    above.into_iter().filter(|above| *above != name).collect()
}

fn manifest(directory: &Path) -> Option<Table> {
    let path = directory.join("Cargo.toml");
    let text = fsio::read_text(&path)?;
    let document = toml::parse(&text, &path).ok()?;
    Some(document.as_table().clone())
}

/// The directories that a pattern of `workspace.members` matches. A `*` stands for one name.
fn matching(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    for part in Path::new(pattern) {
        let part = part.to_string_lossy();
        let Some((before, after)) = part.split_once('*') else {
            found = found.into_iter().map(|path| path.join(&*part)).collect();
            continue;
        };
        found = found
            .into_iter()
            .flat_map(|path| {
                let names = fsio::names_in(&path).into_iter();
                let names = names.filter(|name| name.starts_with(before) && name.ends_with(after));
                names.map(|name| path.join(name)).collect::<Vec<_>>()
            })
            .collect();
    }
    found.into_iter().map(|path| normalized(&path)).collect()
}

/// A path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path {
        if part == ".." {
            out.pop();
        } else if part != "." {
            out.push(part);
        }
    }
    out
}

/// The tables of dependencies in a manifest: those of every target as well.
fn tables<'d>(root: &'d Table, kind: &'d str) -> impl Iterator<Item = &'d dyn TableLike> {
    let targets = root.get("target").and_then(Item::as_table_like);
    let targets = targets.into_iter().flat_map(TableLike::iter);
    let of_targets = targets.filter_map(move |(_, target)| target.get(kind)?.as_table_like());
    let own = root.get(kind).and_then(Item::as_table_like);
    own.into_iter().chain(of_targets)
}

fn path_dependencies(root: &Table) -> Vec<PathBuf> {
    let shared = root
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies")?.as_table_like());
    ["dependencies", "build-dependencies", "dev-dependencies"]
        .into_iter()
        .flat_map(|kind| tables(root, kind))
        .chain(shared)
        .flat_map(TableLike::iter)
        .filter_map(|(_, item)| Some(item.get("path")?.as_str()?.into()))
        .collect()
}

impl Member {
    fn of(directory: PathBuf, root: &Table) -> Option<Self> {
        let package = root.get("package")?;
        let build = package.get("build");
        let is_off = build.and_then(Item::as_bool) == Some(false);
        let script = directory.join(build.and_then(Item::as_str).unwrap_or("build.rs"));
        let names = |kind| -> BTreeSet<String> {
            let all = tables(root, kind).flat_map(TableLike::iter);
            all.map(|(name, item)| {
                let package = item.get("package").and_then(Item::as_str);
                package.unwrap_or(name).to_owned()
            })
            .collect()
        };
        let build_dependencies = names("build-dependencies");
        Some(Self {
            name: package.get("name")?.as_str()?.to_owned(),
            dependencies: &names("dependencies") | &build_dependencies,
            build_dependencies,
            build_script: (!is_off && script.is_file()).then_some(script),
            directory,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_what_is_above_them() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            fsio::create_dir_all(path.parent().unwrap()).unwrap();
            fsio::replace(&path, text.as_bytes()).unwrap();
        };
        write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"crates/*\", \"./tool\"]\n",
        );
        write("crates/a/Cargo.toml", "[package]\nname = \"a\"\n");
        write("crates/a/build.rs", "fn main() {}\n");
        write(
            "crates/b/Cargo.toml",
            "[package]\nname = \"b\"\nbuild = false\n[dependencies]\nx = { path = \"../a\", package = \"a\" }\n",
        );
        write(
            "tool/Cargo.toml",
            "[package]\nname = \"tool\"\n[target.'cfg(unix)'.dependencies]\nb = { path = \"../crates/b\" }\n\
             [dev-dependencies]\nhidden = { path = \"../hidden\" }\n",
        );
        write("hidden/Cargo.toml", "[package]\nname = \"hidden\"\n");
        let members = members(&root);
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "hidden", "tool"]);
        let scripts = members
            .iter()
            .filter(|member| member.build_script.is_some());
        assert_eq!(scripts.count(), 1);
        assert_eq!(dependents(&members, "a"), ["b", "tool"]);
        assert_eq!(dependents(&members, "hidden"), [""; 0]);
    }
}
