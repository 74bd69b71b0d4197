//! Placeholders in the values of variables that the compiler reads, such as `env!("CARGO_MANIFEST_DIR")`. They are longer than
//! all others, so that hardly any number in a program but the length of such a value is as large: this shows whether all lengths
//! have been found ([`crate::binary`]).

use std::path::Path;

use memchr::memmem;

use super::role::{PLACEHOLDER_LENGTH, padded};
use super::{PathMap, Role};

/// The length of a placeholder in a value, in bytes. Programs have other numbers: sizes of structs, round numbers, and characters. No
/// character from U+3600 to U+3FFF is special to Unicode: they are all ideographs.
pub(super) const LENGTH: usize = 0x3653;

/// The variables by which cargo tells a program its paths at compile time.
/// (<https://doc.rust-lang.org/cargo/reference/environment-variables.html#environment-variables-cargo-sets-for-crates>)
const NAMES: [&str; 4] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_RUSTC_CURRENT_DIR",
    "CARGO_TARGET_TMPDIR",
];
/// The prefix of the variables with the paths of the programs of the package, for integration tests.
pub(crate) const PROGRAM: &str = "CARGO_BIN_EXE_";
/// The number of bytes behind a placeholder that show whether it is that of a value.
pub(crate) const SIGN: usize = 8;

/// The roles of the directories that values may begin with.
const ROLES: [Role; 2] = [Role::Workspace, Role::Target];

/// Whether the value of this variable may have a placeholder.
pub(crate) fn has_placeholder_in(variable: &str) -> bool {
    NAMES.contains(&variable) || variable.starts_with(PROGRAM)
}

/// The number of bytes by which the placeholder in a value is longer than the other one of the same directory.
pub(crate) fn padding_in_value() -> usize {
    LENGTH - PLACEHOLDER_LENGTH
}

impl PathMap {
    /// The role of the directory that the value of a variable begins with, and what follows the directory; `None` if the value gets no
    /// placeholder: if that is none of these, or another spelling of one, or if the value contains another path of one.
    pub(crate) fn place_in_value<'v>(&self, value: &'v str) -> Option<(Role, &'v str)> {
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
        is_plain.then_some((role, rest))
    }

    /// Whether it has all directories that values may begin with.
    pub(crate) fn has_directories_of_values(&self) -> bool {
        ROLES.iter().all(|role| self.directory(*role).is_some())
    }

    /// A map for texts, with directories of any length.
    pub(crate) fn of_texts<'a>(
        directories: impl Iterator<Item = (Role, &'a Path)>,
    ) -> Option<Self> {
        let mut map = Self::default();
        for (role, directory) in directories {
            let length = directory.to_str()?.len();
            let placeholder = role.placeholder();
            map.add_as(directory, role, padded(placeholder, length), false)?;
        }
        for mapping in &mut map.0 {
            mapping
                .role
                .placeholder()
                .clone_into(&mut mapping.placeholder);
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
        let length = role.placeholder_in_value().len();
        let found: Vec<usize> = placeholders_in_values(&text, role).collect();
        text = super::replace(text, &found, length, role.placeholder());
    }
    text
}

/// Whether `text`, which follows a placeholder, shows by its first bytes that the placeholder is one [in a
/// value](Role::placeholder_in_value).
pub(crate) fn begins_with_padding(text: &[u8]) -> bool {
    let padding = text.get(..SIGN);
    padding.is_some_and(|padding| padding.iter().all(|byte| *byte == b'_'))
}

/// Whether `text` contains a [placeholder in a value](Role::placeholder_in_value).
pub(crate) fn has_placeholder_in_value(text: &[u8]) -> bool {
    let mut roles = ROLES.into_iter();
    roles.any(|role| placeholders_in_values(text, role).next().is_some())
}

/// Where `text` has [placeholders in values](Role::placeholder_in_value) for `role`.
fn placeholders_in_values(text: &[u8], role: Role) -> impl Iterator<Item = usize> {
    memmem::find_iter(text, role.placeholder())
        .filter(move |at| text[*at..].starts_with(role.placeholder_in_value().as_bytes()))
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
        let map = map();
        let of = |value| map.place_in_value(value);
        assert_eq!(of("/w"), Some((Role::Workspace, "")));
        assert_eq!(of("/w/crates/a"), Some((Role::Workspace, "/crates/a")));
        assert_eq!(of("/w/target/debug/a"), Some((Role::Target, "/debug/a")));
        assert_eq!(of("/wider"), None);
        assert_eq!(of("x/w"), None);
        for role in ROLES {
            let length = role.placeholder().len() + padding_in_value();
            assert_eq!(role.placeholder_in_value().len(), length);
        }
    }

    #[test]
    fn dep_info_gets_real_values() {
        let value = format!("{}/a", Role::Workspace.placeholder_in_value());
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
