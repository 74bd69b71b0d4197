//! The dev shells that were found.

use std::path::PathBuf;

use rnix::SyntaxNode;
use rnix::ast;
use rowan::ast::AstNode as _;

use super::files::FileId;
use super::thunk::Thunk;
use sccfg_util::problem::Problem;

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

/// The dev shells of a repository.
#[derive(Debug, Default)]
pub(crate) struct Shells {
    pub(crate) found: Vec<Found>,
    /// Other shells, whose names are not among those of `found`.
    pub(crate) in_toml: Vec<InToml>,
    /// The first function from outside of the repository on the path to the shells.
    pub(crate) unseen: Option<(FileId, SyntaxNode)>,
    /// The flake, if there is one.
    pub(crate) flake: Option<Flake>,
    /// The shell of `devenv.nix`, or why it cannot be read.
    pub(crate) devenv: Option<Result<Found, Problem>>,
}

/// A flake.
#[derive(Debug, Clone)]
pub(crate) struct Flake {
    /// The flake itself: a set.
    pub(crate) root: Thunk,
    /// Its `outputs`: a function, if it is in the repository.
    pub(crate) outputs: Thunk,
}
