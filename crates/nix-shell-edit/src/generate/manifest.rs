//! The name, description and version of a project, from its Cargo.toml.

use std::path::Path;

use serde::Deserialize;

use sccfg_util::problem::{Place, Problem};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    package: Option<Package>,
    workspace: Workspace,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Workspace {
    package: Package,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    name: Option<String>,
    description: Option<Field>,
}

/// A field, or `{ workspace = true }`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Field {
    Text(String),
    Inherited {},
}

impl Field {
    fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Self::Inherited {} => None,
        }
    }
}

/// The project in one line: its description, otherwise its name.
pub(super) fn description(
    cargo_toml: Option<&str>,
    directory_name: &str,
) -> Result<String, Problem> {
    let text = cargo_toml.unwrap_or_default();
    let manifest: Manifest = toml_edit::de::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        Problem::new(error.message().trim_end())
            .at(Place::at(Path::new("Cargo.toml"), text, start))
            .hint("fix the file; cargo cannot read it either")
    })?;
    let package = manifest.package.unwrap_or_default();
    let described = [package.description, manifest.workspace.package.description]
        .into_iter()
        .flatten()
        .find_map(Field::into_text);
    Ok(described.unwrap_or_else(|| {
        let name = package.name.unwrap_or_else(|| directory_name.to_owned());
        format!("Development shell of {name}")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_the_packages_else_the_workspaces_else_the_name() {
        let of = |text| description(Some(text), "directory").unwrap();
        assert_eq!(
            of("[package]\nname = \"a\"\ndescription = \"\"\"\nTwo\nlines\n\"\"\""),
            "Two\nlines"
        );
        assert_eq!(
            of("[package]\nname = \"a\"\ndescription.workspace = true\n\
                [workspace.package]\ndescription = \"W\""),
            "W"
        );
        assert_eq!(of("[package]\nname = \"a\""), "Development shell of a");
        assert_eq!(
            of("[workspace]\nmembers = []"),
            "Development shell of directory"
        );
        assert_eq!(
            description(None, "new").unwrap(),
            "Development shell of new"
        );
    }

    #[test]
    fn a_broken_manifest_is_reported_with_its_location() {
        let problem = description(Some("[package]\nname = \"ü\" x\n"), "directory").unwrap_err();
        assert_eq!(
            problem
                .place
                .as_ref()
                .map(|place| (place.line, place.column)),
            Some((2, 12)),
            "{problem}"
        );
    }
}
