//! The nixpkgs packages that the crates of a Cargo.lock need, besides Rust.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// The table of packages by crate.
const TABLE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../templates/native-packages.toml"
));

/// The number of crates that a comment lists before it counts the rest.
const NAMED: usize = 3;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    needs: Vec<Need>,
}

/// The packages that a family of crates requires; the keys are explained at the top of the table.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Need {
    crates: BTreeSet<String>,
    tools: BTreeSet<String>,
    libraries: BTreeSet<String>,
    opened: BTreeSet<String>,
    linux: bool,
    attributes: BTreeMap<String, String>,
}

/// The packages that the crates of a Cargo.lock require, as the template expects them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Native {
    /// The lists of the shell that are not empty, `nativeBuildInputs` first.
    pub(super) lists: Vec<List>,
    /// Libraries that programs load at run time, on Linux.
    pub(super) opened: Vec<Package>,
    /// Further attributes of the shell.
    pub(super) attributes: Vec<Attribute>,
}

/// One list of packages of the shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct List {
    pub(super) name: &'static str,
    pub(super) everywhere: Vec<Package>,
    pub(super) linux: Vec<Package>,
}

/// A package of nixpkgs, and the crates that need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) crates: String,
}

/// An attribute of the shell, its value as a Nix expression, and the crates that need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) crates: String,
}

impl Native {
    /// The packages that the crates of `cargo_lock` require.
    pub(super) fn of(cargo_lock: &str) -> Result<Self> {
        let table: Table =
            toml_edit::de::from_str(TABLE).context("reading templates/native-packages.toml")?;
        let locked: BTreeSet<&str> = package_names(cargo_lock).collect();

        let mut tools = Gathered::default();
        let mut libraries = Gathered::default();
        let mut opened = Gathered::default();
        let mut attributes: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for need in table.needs {
            let Need {
                mut crates, linux, ..
            } = need;
            crates.retain(|name| locked.contains(name.as_str()));
            if crates.is_empty() {
                continue;
            }
            tools.add(need.tools, linux, &crates);
            libraries.add(need.libraries, linux, &crates);
            opened.add(need.opened, true, &crates);
            for attribute in need.attributes {
                attributes
                    .entry(attribute)
                    .or_default()
                    .extend(crates.iter().cloned());
            }
        }

        let lists = [("nativeBuildInputs", tools), ("buildInputs", libraries)]
            .into_iter()
            .map(|(name, gathered)| gathered.into_list(name))
            .filter(|list| !list.everywhere.is_empty() || !list.linux.is_empty())
            .collect();
        let attributes = attributes
            .into_iter()
            .map(|((name, value), crates)| Attribute {
                name,
                value,
                crates: naming(&crates),
            })
            .collect();
        Ok(Self {
            lists,
            opened: opened.into_list("").linux,
            attributes,
        })
    }
}

/// Packages by name, each with the platforms and the crates it is for.
#[derive(Default)]
struct Gathered(BTreeMap<String, Wanted>);

#[derive(Default)]
struct Wanted {
    everywhere: bool,
    crates: BTreeSet<String>,
}

impl Gathered {
    fn add(&mut self, packages: BTreeSet<String>, linux: bool, crates: &BTreeSet<String>) {
        for package in packages {
            let wanted = self.0.entry(package).or_default();
            wanted.everywhere |= !linux;
            wanted.crates.extend(crates.iter().cloned());
        }
    }

    fn into_list(self, name: &'static str) -> List {
        let mut list = List {
            name,
            everywhere: Vec::new(),
            linux: Vec::new(),
        };
        for (name, wanted) in self.0 {
            let package = Package {
                name,
                crates: naming(&wanted.crates),
            };
            if wanted.everywhere {
                list.everywhere.push(package);
            } else {
                list.linux.push(package);
            }
        }
        list
    }
}

/// `crates` for a comment.
fn naming(crates: &BTreeSet<String>) -> String {
    let mut names: Vec<&str> = crates.iter().map(String::as_str).collect();
    if names.len() <= NAMED {
        return names.join(", ");
    }
    let more = names.split_off(NAMED - 1).len();
    format!("{} and {more} more", names.join(", "))
}

/// The names of the packages in the text of a Cargo.lock.
///
/// A scan of the lines, because cargo writes this file in one form only, and because parsing a
/// lock of 1 MB costs `toml_edit` over 10 ms where this takes 0.2 ms. Anything else in the
/// file, such as the markers of a merge conflict, is ignored.
fn package_names(cargo_lock: &str) -> impl Iterator<Item = &str> {
    let mut in_package = false;
    cargo_lock.lines().filter_map(move |line| {
        if line.starts_with('[') {
            in_package = line.trim_end() == "[[package]]";
        }
        let name = line.strip_prefix("name = \"")?.trim_end();
        name.strip_suffix('"').filter(|_| in_package)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn native(crates: &[&str]) -> Native {
        let lock = crates
            .iter()
            .map(|name| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n"));
        let lock = lock.collect::<Vec<_>>().join("\n");
        Native::of(&format!("version = 4\n\n{lock}")).unwrap()
    }

    fn names(packages: &[Package]) -> Vec<&str> {
        packages.iter().map(|package| &*package.name).collect()
    }

    #[test]
    fn a_lock_without_native_crates_needs_nothing() {
        assert_eq!(native(&["serde", "ring"]), Native::default());
    }

    #[test]
    fn packages_come_once_with_the_crates_they_are_for() {
        let native = native(&["libz-sys", "openssl-sys", "openssl-sys", "rdkafka-sys"]);
        let [tools, libraries] = &native.lists[..] else {
            panic!("{native:?}");
        };
        assert_eq!(names(&tools.everywhere), ["pkg-config"]);
        assert_eq!(
            tools.everywhere[0].crates,
            "libz-sys, openssl-sys, rdkafka-sys"
        );
        assert_eq!(
            names(&libraries.everywhere),
            ["openssl", "rdkafka", "zlib"],
            "sorted, so that the flake changes little when the lock does"
        );
    }

    #[test]
    fn what_one_crate_needs_on_linux_and_another_everywhere_is_needed_everywhere() {
        let linux = native(&["alsa-sys"]);
        assert_eq!(names(&linux.lists[0].linux), ["pkg-config"]);
        let both = native(&["alsa-sys", "openssl-sys"]);
        assert_eq!(names(&both.lists[0].everywhere), ["pkg-config"]);
        assert!(both.lists[0].linux.is_empty());
        assert_eq!(names(&both.lists[1].linux), ["alsa-lib"]);
    }

    #[test]
    fn a_comment_counts_what_it_does_not_name() {
        let few = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(naming(&few), "a, b, c");
        let many = ["a", "b", "c", "d"].map(str::to_owned).into();
        assert_eq!(naming(&many), "a, b and 2 more");
    }

    #[test]
    fn only_packages_of_the_lock_count() {
        let lock = "[root]\nname = \"root\"\n\n[[package]]\nname = \"a\"\r\n<<<<<<< ours\n\
                    dependencies = [\n \"b\",\n]\n\n[metadata]\nname = \"c\"\n";
        assert_eq!(package_names(lock).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn the_table_is_in_order() {
        let table: Table = toml_edit::de::from_str(TABLE).unwrap();
        let mut seen = BTreeSet::new();
        for need in &table.needs {
            assert!(!need.crates.is_empty());
            for name in &need.crates {
                assert!(seen.insert(name), "{name} is in two rows");
            }
            let packages = [&need.tools, &need.libraries, &need.opened];
            for package in packages.into_iter().flatten() {
                for attribute in package.split('.') {
                    assert_eq!(crate::quote::attribute(attribute), attribute);
                }
            }
            let given = packages.iter().any(|list| !list.is_empty());
            assert!(given || !need.attributes.is_empty(), "{:?}", need.crates);
            for value in need.attributes.values() {
                assert!(rnix::Root::parse(value).errors().is_empty(), "{value}");
            }
        }
        assert!(seen.len() > 80);
    }
}
