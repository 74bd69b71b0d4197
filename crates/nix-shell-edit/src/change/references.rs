//! Writes a package, an input of the flake or the system as Nix, from what `find` found in scope.

use rnix::ast::{Expr, Lambda};
use rowan::ast::AstNode as _;

use crate::find::input::{InputAccess, NAME, SystemAccess};
use crate::find::pkgs::{PackageSet, Platform, SccacheAccess};
use crate::quote;

/// A function, and the argument that has to be added to it.
pub(crate) type AddedArgument = (Lambda, &'static str);

/// sccache where only `callPackage` is in scope.
pub(crate) const BY_CALL_PACKAGE: &str = "(callPackage ({ sccache }: sccache) { })";

/// nixpkgs' sccache as Nix.
pub(crate) fn sccache(access: &SccacheAccess) -> String {
    match access {
        SccacheAccess::PackageSet(set, Platform::Host) => format!("{}.sccache", package_set(set)),
        SccacheAccess::PackageSet(set, Platform::Cross) => {
            format!("{}.buildPackages.sccache", package_set(set))
        }
        SccacheAccess::PackageSetPerSystem(name) => format!("{name}.${{system}}.sccache"),
        SccacheAccess::Flake(nixpkgs) => sccache_of_flake(&input(nixpkgs, "nixpkgs")),
        SccacheAccess::Argument { name, .. } => match *name {
            "sccache" => "sccache".to_owned(),
            name => format!("{name}.sccache"),
        },
        SccacheAccess::CallPackage => BY_CALL_PACKAGE.to_owned(),
        SccacheAccess::Function { .. } => "pkgs.sccache".to_owned(),
    }
}

/// The sccache of a nixpkgs flake, for the system named `system`.
pub(crate) fn sccache_of_flake(nixpkgs: &str) -> String {
    format!("{nixpkgs}.legacyPackages.${{system}}.sccache")
}

/// The argument without which [`sccache`] is not in scope.
pub(crate) fn argument_of_sccache(access: &SccacheAccess) -> Option<AddedArgument> {
    match access {
        SccacheAccess::Argument {
            name,
            missing_in: Some(lambda),
        } => Some((lambda.clone(), name)),
        _ => None,
    }
}

/// A package set, with parentheses where `.sccache` needs them.
fn package_set(set: &PackageSet) -> String {
    match set {
        PackageSet::Path(path) => path.clone(),
        PackageSet::Expr(expr @ (Expr::Ident(_) | Expr::Select(_) | Expr::Paren(_))) => {
            expr.syntax().text().to_string()
        }
        PackageSet::Expr(expr) => format!("({})", expr.syntax().text()),
    }
}

/// The flake input `name` as Nix.
pub(crate) fn input(access: &InputAccess, name: &str) -> String {
    match access {
        InputAccess::Argument { .. } => name.to_owned(),
        InputAccess::AttributeOf(inputs) => format!("{inputs}.{}", quote::attribute(name)),
        InputAccess::OfSelf => format!("self.inputs.{}", quote::attribute(name)),
        InputAccess::OfModule { .. } => format!("inputs.{}", quote::attribute(name)),
        InputAccess::PerSystem { .. } => format!("inputs'.{}", quote::attribute(name)),
    }
}

/// The expression of sccfg's package at a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) expr: String,
    /// The `lib` output of sccfg's flake, where it is in scope.
    pub(crate) lib: Option<String>,
    pub(crate) argument: Option<AddedArgument>,
}

/// sccfg's package for `system`.
pub(crate) fn package(access: &InputAccess, system: &str) -> Package {
    let input = input(access, NAME);
    let argument = |missing_in: &Option<Lambda>, name| missing_in.clone().map(|node| (node, name));
    match access {
        // flake-parts has chosen the system, and leaves out what does not depend on one.
        InputAccess::PerSystem { missing_in } => Package {
            expr: format!("{input}.packages.default"),
            lib: None,
            argument: argument(missing_in, "inputs'"),
        },
        _ => Package {
            expr: format!("{input}.packages.${{{system}}}.default"),
            lib: Some(format!("{input}.lib")),
            argument: match access {
                InputAccess::Argument { missing_in } => argument(missing_in, NAME),
                InputAccess::OfModule { missing_in } => Some((missing_in.clone(), "inputs")),
                _ => None,
            },
        },
    }
}

/// sccfg's package in a module that takes `pkgs` and `inputs`.
pub(crate) fn package_of_module() -> Package {
    package(
        &InputAccess::AttributeOf("inputs".to_owned()),
        "pkgs.stdenv.hostPlatform.system",
    )
}

/// The system as Nix, where nixpkgs' sccache is `sccache`.
pub(crate) fn system(access: SystemAccess, sccache: &str) -> String {
    match (access, sccache.strip_suffix(".sccache")) {
        (SystemAccess::Named, _) => "system".to_owned(),
        (SystemAccess::Unnamed, Some(pkgs)) => format!("{pkgs}.stdenv.hostPlatform.system"),
        (SystemAccess::Unnamed, None) => format!("{sccache}.system"),
    }
}
