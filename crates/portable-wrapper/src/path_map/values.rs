//! Placeholders in the values of variables that the compiler reads, such as `env!("CARGO_MANIFEST_DIR")`. They are longer than
//! all others, so that hardly any number in a program but the length of such a value is as large: this shows whether all lengths
//! have been found ([`crate::binary`]).

use std::path::Path;

use memchr::memmem;

use super::{PathMap, Role};

/// The length of a placeholder in a value, in bytes: more than the size of most structs, which programs have as numbers as well, and
/// no round number. All values of an integration test with many programs fit into one variable.
const LENGTH: usize = 4111;

/// The variables by which cargo tells a program its paths at compile time.
/// (<https://doc.rust-lang.org/cargo/reference/environment-variables.html#environment-variables-cargo-sets-for-crates>)
const NAMES: [&str; 4] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_RUSTC_CURRENT_DIR",
    "CARGO_TARGET_TMPDIR",
];
/// The prefix of the variables with the paths of the programs of the package, for integration tests.
const PROGRAM: &str = "CARGO_BIN_EXE_";
/// The roles of the directories that values may begin with.
const ROLES: [Role; 2] = [Role::Workspace, Role::Target];

/// Whether the value of this variable may have a placeholder.
pub(crate) fn has_placeholder_in(variable: &str) -> bool {
    NAMES.contains(&variable) || variable.starts_with(PROGRAM)
}

impl Role {
    /// The placeholder of the directory in values of variables. It begins with the [other placeholder](Self::placeholder).
    pub(crate) fn placeholder_in_value(self) -> String {
        super::padded(&self.placeholder(), LENGTH)
    }
}

impl PathMap {
    /// The value of a variable with a placeholder in the place of the directory that it begins with; `None` if that is none of
    /// these, or another spelling of one, or if the value contains another path of one.
    pub(crate) fn with_placeholder_in_value(&self, value: &str) -> Option<String> {
        let below = |role: &Role| {
            let rest = value.strip_prefix(self.directory(*role)?)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((*role, rest))
        };
        // A directory may be below another one.
        let (role, rest) = ROLES
            .iter()
            .filter_map(below)
            .min_by_key(|(_, rest)| rest.len())?;
        let is_plain =
            !rest.contains(['\\', '\n', '\r', '"']) && self.find_in(rest.as_bytes()).is_none();
        is_plain.then(|| format!("{}{rest}", role.placeholder_in_value()))
    }

    /// A map for texts, with directories of any length.
    pub(crate) fn of_texts<'a>(
        directories: impl Iterator<Item = (Role, &'a Path)>,
    ) -> Option<Self> {
        let mut map = Self::default();
        for (role, directory) in directories {
            let length = directory.to_str()?.len();
            let placeholder = role.placeholder();
            map.add_as(directory, role, super::padded(&placeholder, length), false)?;
        }
        for mapping in &mut map.0 {
            mapping.placeholder = mapping.role.placeholder();
        }
        Some(map)
    }

    /// Dep-info with real paths in the place of [placeholders in values](Role::placeholder_in_value).
    pub(crate) fn to_real_values(&self, dep_info: &[u8]) -> Vec<u8> {
        if has_placeholder_in_value(dep_info) {
            self.to_real_dep_info(&without_padding(dep_info))
        } else {
            dep_info.to_owned()
        }
    }
}

/// `text` with all [placeholders in values](Role::placeholder_in_value) replaced by the shorter ones of the same directories.
pub(crate) fn without_padding(text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    for role in ROLES {
        let padded = role.placeholder_in_value();
        let found: Vec<usize> = memmem::find_iter(&text, &padded).collect();
        text = super::replace(text, &found, padded.len(), role.placeholder());
    }
    text
}

/// Whether `text`, which follows a placeholder, shows by its first bytes that the placeholder is one [in a
/// value](Role::placeholder_in_value).
pub(crate) fn begins_with_padding(text: &[u8], count: usize) -> bool {
    let padding = text.get(..count);
    padding.is_some_and(|padding| padding.iter().all(|byte| *byte == b'_'))
}

/// Whether `text` contains a [placeholder in a value](Role::placeholder_in_value).
pub(crate) fn has_placeholder_in_value(text: &[u8]) -> bool {
    let mut roles = ROLES.iter();
    roles.any(|role| memmem::find(text, role.placeholder_in_value().as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> PathMap {
        let mut map = PathMap::default();
        map.add(Path::new("/w"), Role::Workspace).unwrap();
        map.add(Path::new("/w/target"), Role::Target).unwrap();
        map
    }

    #[test]
    fn a_value_gets_the_placeholder_of_the_nearest_directory() {
        let of = |value: &str| map().with_placeholder_in_value(value);
        let workspace = Role::Workspace.placeholder_in_value();
        let target = Role::Target.placeholder_in_value();
        assert_eq!(of("/w"), Some(workspace.clone()));
        assert_eq!(of("/w/crates/a"), Some(format!("{workspace}/crates/a")));
        assert_eq!(of("/w/target/debug/a"), Some(format!("{target}/debug/a")));
        assert_eq!(of("/wider"), None);
        assert_eq!(of("x/w"), None);
    }

    #[test]
    fn dep_info_gets_real_values() {
        let value = map().with_placeholder_in_value("/w/a").unwrap();
        let text = format!("/w/t.d: src/lib.rs\n\n# env-dep:A={value}\n# env-dep:B\n");
        let real = map().to_real_values(text.as_bytes());
        assert_eq!(
            real,
            b"/w/t.d: src/lib.rs\n\n# env-dep:A=/w/a\n# env-dep:B\n"
        );
        let short = without_padding(value.as_bytes());
        assert_eq!(
            short,
            format!("{}/a", Role::Workspace.placeholder()).into_bytes()
        );
    }
}
