//! What a directory is to a compile, and the placeholders for each role.

use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::values;

/// The length of a placeholder in bytes. Units in a directory with a longer path are not portable.
pub(super) const PLACEHOLDER_LENGTH: usize = 120;
/// The length of the placeholder for the sources of registries, in bytes. It is shorter, because programs print this path, with
/// its padding, in each source location below it.
pub(super) const CARGO_HOME_LENGTH: usize = 64;

/// The role of a directory in a compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// The root of the workspace: rustc runs there, and debug information contains it.
    Workspace,
    /// The target directory: `OUT_DIR` is below it.
    Target,
    /// The sources of the registries, below `CARGO_HOME`.
    CargoHome,
}

impl Role {
    /// The placeholder at its full length. No two placeholders have a common parent, because clang
    /// stores the part that a path shares with the current directory separately.
    pub(crate) fn placeholder(self) -> &'static str {
        &self.placeholders().usual
    }

    /// The placeholder of the directory in values of variables. It begins with the [other placeholder](Self::placeholder).
    pub(crate) fn placeholder_in_value(self) -> &'static str {
        &self.placeholders().in_value
    }

    fn placeholders(self) -> &'static Placeholders {
        static WORKSPACE: LazyLock<Placeholders> =
            LazyLock::new(|| Placeholders::of("/sccfg-workspace/", PLACEHOLDER_LENGTH));
        static TARGET: LazyLock<Placeholders> =
            LazyLock::new(|| Placeholders::of("/sccfg-target/", PLACEHOLDER_LENGTH));
        static CARGO_HOME: LazyLock<Placeholders> =
            LazyLock::new(|| Placeholders::of(REGISTRY, CARGO_HOME_LENGTH));
        match self {
            Self::Workspace => &WORKSPACE,
            Self::Target => &TARGET,
            Self::CargoHome => &CARGO_HOME,
        }
    }

    /// A description for messages.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Workspace => "the workspace",
            Self::Target => "the target directory",
            Self::CargoHome => "the sources of registries",
        }
    }
}

/// The placeholders of a role. They are made when the program runs: as constants, they would be placeholders in this program.
struct Placeholders {
    usual: String,
    in_value: String,
}

impl Placeholders {
    fn of(name: &str, length: usize) -> Self {
        Self {
            usual: padded(name, length),
            in_value: padded(name, values::LENGTH),
        }
    }
}

pub(super) const REGISTRY: &str = "/sccfg-registry/";
/// The prefix of each placeholder.
pub(crate) const PREFIX: &[u8] = b"/sccfg-";

/// Whether `path` is below a placeholder, where no files exist. The compiler looks up sources of libraries there.
pub(crate) fn is_below_placeholder(path: &Path) -> bool {
    let mut roles = [Role::Workspace, Role::Target, Role::CargoHome].into_iter();
    path.as_os_str().as_encoded_bytes().starts_with(PREFIX)
        && roles.any(|role| path.starts_with(role.placeholder()))
}

/// The placeholder of the target directory in strings of native libraries that are linked into a program. When a path is
/// written over it, the rest of the string moves. The path is at least eight bytes shorter.
pub(crate) fn placeholder_of_native_string() -> String {
    padded("/sccfg-text/", PLACEHOLDER_LENGTH + 8)
}

/// `name` with underscores behind it up to `length` bytes.
pub(super) fn padded(name: &str, length: usize) -> String {
    let padding = "_".repeat(length.saturating_sub(name.len()));
    name.to_owned() + &padding
}
