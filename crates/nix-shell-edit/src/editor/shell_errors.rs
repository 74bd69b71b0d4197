//! Errors for shells that cannot be edited.

use std::path::Path;

use rnix::{SyntaxKind, SyntaxNode};

use crate::find::files::{FileId, Files};
use crate::find::found::{Found, InToml, Kind};
use crate::generate::{SHELL_NIX, ShellNix};
use crate::options::{Incremental, ShellName};
use crate::text::range_of;
use sccfg_util::posix::quote;
use sccfg_util::problem::{Place, Problem};

/// Why a shell was not edited.
#[derive(Debug)]
pub(super) enum Refused {
    NoPkgs,
    NoInput,
    Unclear,
    DynamicName(FileId, usize),
    Unknown,
    NoOverride,
}

/// The hint with what to add to a shell by hand.
pub(super) fn paste(kind: Kind, incremental: Incremental, pkgs: bool) -> String {
    let sccache = "${pkgs.sccache}/bin/sccache";
    let off = incremental == Incremental::Off;
    let (incremental, hook) = match kind {
        Kind::Derivation => ("CARGO_INCREMENTAL = \"0\"; ", "shellHook"),
        Kind::DevenvModule | Kind::DevenvFile => ("env.CARGO_INCREMENTAL = \"0\"; ", "enterShell"),
        Kind::MakeShellModule => ("env.CARGO_INCREMENTAL = \"0\"; ", "shellHook"),
        Kind::DevshellModule => (
            "{ name = \"CARGO_INCREMENTAL\"; value = \"0\"; } ",
            "devshell.startup.sccfg.text",
        ),
    };
    let incremental = if off { incremental } else { "" };
    let variables = match kind {
        Kind::Derivation => format!("RUSTC_WRAPPER = \"{sccache}\"; {incremental}"),
        Kind::DevenvModule | Kind::DevenvFile | Kind::MakeShellModule => {
            format!("env.RUSTC_WRAPPER = \"{sccache}\"; {incremental}")
        }
        Kind::DevshellModule => format!(
            "env = [ {{ name = \"RUSTC_WRAPPER\"; value = \"{sccache}\"; }} {incremental}]; "
        ),
    };
    let first = if pkgs {
        ""
    } else {
        "bring nixpkgs into scope as `pkgs` and run sccfg again, or "
    };
    format!(
        "{first}add this to the dev shell by hand: \
         {variables}{hook} = ''eval \"$(sccfg hook bash)\"'';"
    )
}

pub(super) fn cannot_edit(
    files: &Files<'_>,
    shell: &Found,
    refused: &Refused,
    incremental: Incremental,
) -> Problem {
    let name = shell.name.as_deref().unwrap_or("default");
    let (file, offset) = match refused {
        Refused::DynamicName(file, offset) => (*file, *offset),
        _ => (shell.anchor.file(), range_of(shell.anchor.node()).start),
    };
    let file = files.get(file);
    let what = match refused {
        Refused::NoPkgs => "no name for nixpkgs, such as `pkgs`, is in scope here",
        Refused::NoInput => "no name for the flake's inputs is in scope here",
        Refused::Unclear => "its attributes cannot be read from the text",
        Refused::DynamicName(..) => "an attribute name here is computed",
        Refused::NoOverride => {
            "the function that makes it returns something without `overrideAttrs`"
        }
        Refused::Unknown => "sccfg does not know the function that makes it",
    };
    Problem::new(format!(
        "could not edit the dev shell `{name}` safely: {what}"
    ))
    .at(file.place(offset))
    .hint(match refused {
        Refused::NoInput => {
            "pass the flake's inputs to this file as an argument `inputs` and run sccfg again, or run it without --input"
                .to_owned()
        }
        _ => paste(shell.kind, incremental, !matches!(refused, Refused::NoPkgs)),
    })
}

/// The error for a shell `name` in a repository that has no flake, only `devenv.nix`.
pub(super) fn not_of_devenv(name: &ShellName) -> Problem {
    Problem::new(format!(
        "no dev shell `{name}`: there is no flake.nix, and the shell of devenv.nix is `default`"
    ))
    .hint(format!(
        "to manage that one: sccfg init --shell {}",
        ShellName::default()
    ))
}

/// The error for a shell in TOML, whose flake cannot be changed either.
pub(super) fn in_toml_problem(shell: &InToml) -> Problem {
    let InToml { name, file } = shell;
    let instead = file.with_extension("nix");
    Problem::new(format!(
        "could not edit the dev shell `{name}`: it is not written in Nix"
    ))
    .at(Place::at(file, "", 0))
    .hint(format!(
        "write it in Nix, in {}, and run sccfg again",
        instead.display()
    ))
}

/// The error for a flake without shells next to `shell.nix` with this text.
fn without_shell_nix(text: &str) -> Problem {
    let what = "no dev shell found in the outputs of this flake, which do not use shell.nix";
    Problem::new(what).hint(match ShellNix::read(text) {
        Some(shell) => format!(
            "add it, then run sccfg again: devShells.default = {};",
            shell.call()
        ),
        None => "let shell.nix take nixpkgs as `{ pkgs ? import <nixpkgs> { } }:`, add devShells.default = import ./shell.nix { inherit pkgs; }; to the outputs, and run sccfg again".to_owned(),
    })
}

pub(super) fn no_such_shell(
    files: &Files<'_>,
    name: &ShellName,
    names: &[&str],
    unseen: Option<&(FileId, SyntaxNode)>,
    incremental: Incremental,
) -> Problem {
    if let (Some(broken), true) = (&files.broken, names.is_empty()) {
        return broken.clone();
    }
    if let (Some((file, function)), true) = (unseen, names.is_empty()) {
        let file = files.get(*file);
        let offset = range_of(function).start;
        let shown: String = function
            .text()
            .to_string()
            .split_whitespace()
            .take(3)
            .collect();
        let is_call = function
            .parent()
            .is_some_and(|parent| parent.kind() == SyntaxKind::NODE_APPLY);
        let unseen = if is_call {
            format!("what `{shown}` returns")
        } else {
            format!("`{shown}`")
        };
        return Problem::new(format!(
            "no dev shell found: {unseen} is not defined in this repository"
        ))
        .at(file.place(offset))
        .hint(paste(Kind::Derivation, incremental, true));
    }
    let flake = files.all().next().map(|(_, file)| file);
    let place = flake.map(|file| {
        let offset = file.text.find("outputs").unwrap_or(0);
        file.place(offset)
    });
    let shell_nix = files.text_of(Path::new(SHELL_NIX));
    let problem = if names.is_empty()
        && let Some(text) = shell_nix
    {
        without_shell_nix(&text)
    } else if names.is_empty() {
        Problem::new("no dev shell found in the outputs of this flake").hint(
            "add one, then run sccfg again: \
             devShells.default = pkgs.mkShell { packages = [ pkgs.cargo pkgs.rustc ]; };",
        )
    } else {
        Problem::new(format!("no dev shell `{name}` in this flake")).hint(format!(
            "it has {}; choose one: sccfg init --shell {}",
            names.join(", "),
            quote(names[0])
        ))
    };
    match place {
        Some(place) => problem.at(place),
        None => problem,
    }
}
