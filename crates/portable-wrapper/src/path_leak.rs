//! The ways in which the output of a compile depends on the paths of a checkout.

use serde::{Deserialize, Serialize};

use super::path_map::Role;

/// Why a unit that was expected to have a leak, and does not have it, is not shared.
pub(super) const WAS_EXPECTED: &str = "the output of an earlier compile contained a path, so it was compiled with the paths of this checkout; the next compile may be shared";

/// Why output cannot be shared between checkouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PathLeak {
    /// It contains the path of a directory.
    Embedded(Role),
    /// It contains a value derived from the path: its length, its hash, or a part of it.
    Derived(Role),
    /// It may contain such a value, which comes from a variable with the path: no path that rustc replaces is that of a source.
    OfVariable(Role),
    /// It contains a source location, such as that of a panic, in a file below the directory.
    SourceLocation(Role),
    /// It contains the path from a variable, which was replaced by a [placeholder](Role::placeholder_in_value), in a way that
    /// is not understood, or it may contain a value derived from the placeholder.
    Value(Role),
}

impl PathLeak {
    /// The directory.
    pub(super) fn role(self) -> Role {
        match self {
            Self::Embedded(role)
            | Self::Derived(role)
            | Self::OfVariable(role)
            | Self::SourceLocation(role)
            | Self::Value(role) => role,
        }
    }

    /// Whether the output with placeholders cannot be used in any checkout.
    pub(super) fn needs_another_compile(self) -> bool {
        matches!(
            self,
            Self::Derived(_) | Self::SourceLocation(_) | Self::Value(_)
        )
    }

    /// What the user can do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Embedded(_) | Self::Derived(_) | Self::OfVariable(_) | Self::Value(_) => {
                "get the path at run time; env!(\"CARGO_MANIFEST_DIR\") or a macro compiles it into the output"
            }
            Self::SourceLocation(Role::Workspace) => {
                "include source files by relative paths; include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), ...)) compiles their absolute paths into the output"
            }
            Self::SourceLocation(_) => {
                "avoid panics in included generated files, or mark their functions #[track_caller]"
            }
        }
    }

    /// Whether the next compile, of other sources, is expected to have it as well: generated source seldom changes. Whether it then
    /// has can be seen in the output with real paths.
    pub(super) fn is_expected_again(self) -> bool {
        matches!(
            self,
            Self::SourceLocation(Role::Target) | Self::Derived(Role::Target) | Self::Value(_)
        )
    }

    /// A description for users.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Embedded(role)
            | Self::Derived(role)
            | Self::OfVariable(role)
            | Self::Value(role) => format!(
                "the output contains the path of {}, or a value derived from it",
                role.describe()
            ),
            Self::SourceLocation(role) => format!(
                "the output contains a source location in {}",
                role.describe()
            ),
        }
    }
}
