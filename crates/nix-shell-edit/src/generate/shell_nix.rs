//! `shell.nix`, which `nix-shell` loads, as the dev shell of a flake.

use rnix::SyntaxNode;
use rnix::ast::{self, AttrSet, Expr, HasEntry as _, Ident, Lambda, Param};
use rowan::ast::AstNode as _;

use crate::find::syntax::{self, call_parts, innermost, last_name};

/// The name of the file.
pub const SHELL_NIX: &str = "shell.nix";

/// Functions and values of Nix that a flake does not have, because they depend on the machine.
const IMPURE: [&str; 5] = [
    "currentSystem",
    "currentTime",
    "getEnv",
    "getFlake",
    "nixPath",
];
/// Functions that a flake has only for contents of a known digest.
const FETCHERS: [&str; 4] = ["fetchTarball", "fetchGit", "fetchTree", "fetchurl"];
const DIGESTS: [&str; 4] = ["sha256", "hash", "narHash", "rev"];

/// A `shell.nix` that a flake can import, because it takes nixpkgs as its argument `pkgs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShellNix {
    /// Whether it takes `system` as well.
    pub takes_system: bool,
}

impl ShellNix {
    /// Reads the text of a `shell.nix`. `None` where it has to choose nixpkgs by itself, takes other arguments,
    /// or contains what a flake does not evaluate.
    pub fn read(text: &str) -> Option<Self> {
        let root = rnix::Root::parse(text).ok().ok()?;
        let Expr::Lambda(function) = innermost(&root.expr()?) else {
            return None;
        };
        let Some(Param::Pattern(pattern)) = function.param() else {
            return None;
        };
        let mut given = Vec::new();
        for entry in pattern.pat_entries() {
            let name = entry.ident()?.syntax().text().to_string();
            match (name.as_str(), entry.default()) {
                ("pkgs", Some(default)) if !is_nixpkgs(&default) => return None,
                ("pkgs" | "system", _) => {}
                (_, default) => {
                    default?;
                    continue;
                }
            }
            given.push((name, entry));
        }
        let takes = |wanted: &str| given.iter().any(|(name, _)| name == wanted);
        let is_given = |node: &SyntaxNode| given.iter().any(|(_, entry)| node == entry.syntax());
        (takes("pkgs") && is_pure(&function, is_given)).then(|| Self {
            takes_system: takes("system"),
        })
    }

    /// The call of the file, with `pkgs` and `system` in scope.
    pub fn call(self) -> &'static str {
        if self.takes_system {
            "import ./shell.nix { inherit system pkgs; }"
        } else {
            "import ./shell.nix { inherit pkgs; }"
        }
    }
}

/// `import <nixpkgs> { }`, with no options but the system: then the nixpkgs of a flake is the same.
fn is_nixpkgs(expr: &Expr) -> bool {
    let (head, arguments) = call_parts(expr);
    let [Expr::PathSearch(path), Expr::AttrSet(options)] = arguments.as_slice() else {
        return false;
    };
    last_name(&head).as_deref() == Some("import")
        && path.syntax().text() == "<nixpkgs>"
        && has_no_other_option(options)
}

fn has_no_other_option(options: &AttrSet) -> bool {
    let names = options.entries().flat_map(|entry| match entry {
        ast::Entry::Inherit(inherit) => inherit
            .attrs()
            .map(|attr| syntax::attr_name(&attr))
            .collect(),
        ast::Entry::AttrpathValue(binding) => match binding.attrpath() {
            Some(path) => syntax::attrpath_names(&path),
            None => vec![None],
        },
    });
    names
        .into_iter()
        .all(|name| name.as_deref() == Some("system"))
}

/// Whether a flake can evaluate `function`, apart from the defaults of the arguments that it is given.
fn is_pure(function: &Lambda, is_given: impl Fn(&SyntaxNode) -> bool) -> bool {
    function.syntax().descendants().all(|node| {
        if node.ancestors().any(|above| is_given(&above)) {
            return true;
        }
        match Expr::cast(node.clone()) {
            Some(Expr::PathSearch(_) | Expr::PathAbs(_) | Expr::PathHome(_)) => false,
            Some(Expr::Apply(call)) => {
                let name = call.lambda().and_then(|function| last_name(&function));
                !FETCHERS.contains(&name.as_deref().unwrap_or_default()) || has_digest(&call)
            }
            _ => Ident::cast(node)
                .is_none_or(|name| !IMPURE.contains(&&*name.syntax().text().to_string())),
        }
    })
}

fn has_digest(call: &ast::Apply) -> bool {
    let Some(Expr::AttrSet(options)) = call.argument() else {
        return false;
    };
    options.attrpath_values().any(|binding| {
        let path = binding.attrpath();
        path.is_some_and(|path| DIGESTS.contains(&path.syntax().text().to_string().trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_nix_that_takes_pkgs_can_be_imported() {
        for text in [
            "{ pkgs ? import <nixpkgs> { } }: pkgs.mkShell { }",
            "# c\n{pkgs ? (import <nixpkgs> {})}:\nwith pkgs; mkShell { }",
            "{ pkgs, ... }: pkgs.mkShell { src = pkgs.fetchurl { url = \"x\"; hash = \"y\"; }; }",
            "{ pkgs ? import <nixpkgs> { }, lib ? pkgs.lib, ci ? false }: pkgs.mkShell { }",
            "{ pkgs }: let rust = fetchTarball { url = \"x\"; sha256 = \"y\"; }; in rust",
        ] {
            let read = ShellNix::read(text).map(ShellNix::call);
            assert_eq!(read, Some("import ./shell.nix { inherit pkgs; }"), "{text}");
        }
        let text = "{ system ? builtins.currentSystem, pkgs ? import <nixpkgs> { inherit system; } }: pkgs";
        assert_eq!(ShellNix::read(text), Some(ShellNix { takes_system: true }));
    }

    #[test]
    fn a_shell_nix_with_its_own_nixpkgs_or_impurities_cannot_be_imported() {
        for text in [
            "with import <nixpkgs> { }; mkShell { }",
            "let pkgs = import <nixpkgs> { }; in pkgs.mkShell { }",
            "{ sources ? import ./npins, pkgs ? import sources.nixpkgs { } }: pkgs.mkShell { }",
            "{ pkgs ? import <nixpkgs> { overlays = [ ]; } }: pkgs.mkShell { }",
            "{ pkgs ? import <nixpkgs> { }, name }: pkgs.mkShell { }",
            "{ pkgs ? import <nixpkgs> { } }: (import <unstable> { }).mkShell { }",
            "{ pkgs ? import <nixpkgs> { }, lib ? import <nixpkgs/lib> }: pkgs.mkShell { }",
            "{ pkgs }: pkgs.mkShell { HOST = builtins.getEnv \"HOST\"; }",
            "{ pkgs }: import (fetchTarball \"https://example.org/x.tar.gz\") { inherit pkgs; }",
            "{ system ? builtins.currentSystem }: (import ./. { inherit system; }).shell",
            "pkgs: pkgs.mkShell { }",
            "{ pkgs }: pkgs.mkShell {",
            "",
        ] {
            assert_eq!(ShellNix::read(text), None, "{text}");
        }
    }
}
