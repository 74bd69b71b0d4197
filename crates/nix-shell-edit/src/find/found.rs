//! A dev shell that was found.

use std::path::PathBuf;

use rnix::SyntaxNode;
use rnix::ast;
use rowan::ast::AstNode as _;

use super::eval::Thunk;
use super::files::FileId;

/// The syntax of a dev shell at its location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A derivation: `devShells.<system>.<name>`, `devShell.<system>`.
    Derivation,
    /// A module of devenv: flake-parts' `devenv.shells.<name>`.
    DevenvModule,
    /// The module `devenv.nix` of the command `devenv`.
    DevenvFile,
    /// A module of numtide's devshell: flake-parts' `devshells.<name>`.
    DevshellModule,
    /// A module of make-shell: flake-parts' `make-shells.<name>`.
    MakeShellModule,
}

/// A dev shell.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// `None` for all names of a set whose inside is not known.
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
    /// Its expression in the outputs.
    pub(crate) anchor: Anchor,
    /// The value of the flake's `devShells` (or `devShell`), where there is one.
    pub(crate) output: Option<Thunk>,
}

/// A dev shell that a framework makes from a file of TOML, which cannot be edited.
#[derive(Debug, Clone)]
pub(crate) struct InToml {
    pub(crate) name: String,
    /// Relative to the flake's directory.
    pub(crate) file: PathBuf,
}

/// The attribute path of a dev shell in the outputs.
#[derive(Debug, Clone)]
pub(crate) enum Anchor {
    /// `default = <expression>;`
    Value(Thunk),
    /// `inherit default;` or `inherit (from) default;`
    Inherit {
        set: Thunk,
        inherit: ast::Inherit,
        name: String,
        value: Option<Thunk>,
    },
}

impl Anchor {
    pub(crate) fn node(&self) -> &SyntaxNode {
        match self {
            Self::Value(thunk) => thunk.expr.syntax(),
            Self::Inherit { inherit, .. } => inherit.syntax(),
        }
    }

    pub(crate) fn file(&self) -> FileId {
        match self {
            Self::Value(thunk) => thunk.file,
            Self::Inherit { set, .. } => set.file,
        }
    }
}
