//! Shells that are not defined in the repository, or cannot be edited there: the flake's outputs are
//! bound to a name, and the shell is replaced in them.

use rnix::SyntaxNode;
use rnix::ast::{Expr, Lambda};
use rowan::ast::AstNode as _;

use super::input::arguments_of;
use super::record::add_package_argument;
use super::{Editor, How, Touched};
use crate::change::edits::Edits;
use crate::change::input::{add_argument, nixpkgs_of};
use crate::change::references::{self, Package};
use crate::change::wrap;
use crate::find::eval::Eval;
use crate::find::files::Files;
use crate::find::found::Found;
use crate::find::input::{self, InputAccess};
use crate::find::lexical;
use crate::find::syntax::innermost;
use crate::find::thunk::{Thunk, Value};
use crate::text::range_of;
use sccfg_util::problem::Problem;

/// Names that are used around the outputs, besides those that can be chosen freely.
const NAMES: [&str; 6] = ["system", "shell", "name", "change", "old", "builtins"];

/// A shell that is to be replaced in the outputs.
#[derive(Debug, Clone)]
pub(super) struct OfOutputs {
    pub(super) name: String,
    /// The function from outside of the repository that may return the shell.
    pub(super) function: Option<SyntaxNode>,
    /// The error where that is impossible.
    pub(super) refused: Problem,
}

impl Editor<'_> {
    /// Leaves a shell that cannot be edited in place to [`Self::edit_outputs`].
    pub(super) fn over_outputs(&mut self, shell: &Found, refused: &Problem) {
        let names = match &shell.name {
            Some(name) => vec![name.clone()],
            None => self.names.clone(),
        };
        for name in names {
            self.of_outputs.push(OfOutputs {
                name,
                function: None,
                refused: refused.clone(),
            });
        }
    }

    /// Replaces the remaining shells in the flake's outputs.
    ///
    /// # Errors
    /// When there is no nixpkgs among the flake's inputs, or no name for it.
    pub(super) fn edit_outputs(
        &mut self,
        files: &mut Files<'_>,
        flake: &Thunk,
        outputs: &Thunk,
    ) -> Result<(), Problem> {
        let left = std::mem::take(&mut self.of_outputs);
        let Some(first) = left.first() else {
            return Ok(());
        };
        // A shell of that name was edited in place, for another system.
        let is_touched = |shell: &OfOutputs| {
            let mut touched = self.edited.touched.iter();
            touched.any(|touched| touched.shell == shell.name)
        };
        if let Some(twice) = left.iter().find(|shell| is_touched(shell)) {
            return Err(twice.refused.clone());
        }
        let refused = || Err(first.refused.clone());
        let Some(result) = Eval::call(outputs, Value::Inputs) else {
            return refused();
        };
        let place = result.beside(innermost(&result.expr));
        let node = place.expr.syntax();
        let Ok(package) = self.package(files, &place, node, "system") else {
            return refused();
        };
        let Some(nixpkgs) = nixpkgs(flake, outputs, &place, package.as_ref()) else {
            return match first.function {
                Some(_) => Err(without_nixpkgs(&first.refused)),
                None => refused(),
            };
        };
        let mut names: Vec<String> = Vec::new();
        for shell in &left {
            if !names.contains(&shell.name) {
                names.push(shell.name.clone());
            }
        }
        let file = files.get(place.file);
        let mut edits = Edits::new(&file.text);
        let sccache = references::sccache_of_flake(&nixpkgs.expr);
        let settings = self.settings_with(package.as_ref(), &sccache);
        wrap::outputs(&mut edits, &place.expr, &names, settings, &sccache);
        if let Some(lambda) = &nixpkgs.missing_in {
            add_argument(&mut edits, lambda, &nixpkgs.expr);
        }
        add_package_argument(&mut edits, package.as_ref());
        let edits = edits.into_edits();
        let at = file.place(range_of(node).start);
        // One edit for all of them.
        self.edited.touched.push(Touched {
            shell: names.join(", "),
            place: at,
            how: How::Wrapped,
        });
        self.add_edits(place.file, edits);
        if let Some(unseen) = left.iter().find(|shell| shell.function.is_some()) {
            self.edited.warnings.push(unseen_warning(unseen));
        }
        Ok(())
    }
}

/// The flake's nixpkgs as it is written at its outputs.
struct Nixpkgs {
    expr: String,
    /// The function that does not take the argument yet.
    missing_in: Option<Lambda>,
}

/// The flake's nixpkgs at its outputs, or that of sccfg where the flake has none.
fn nixpkgs(
    flake: &Thunk,
    outputs: &Thunk,
    place: &Thunk,
    package: Option<&Package>,
) -> Option<Nixpkgs> {
    let node = place.expr.syntax();
    if NAMES
        .iter()
        .any(|name| *name != "builtins" && is_root_of(place, name))
        || lexical::lookup(node, "builtins").is_some()
    {
        return None;
    }
    let arguments = match &outputs.expr {
        Expr::Lambda(function) => arguments_of(function),
        _ => Vec::new(),
    };
    let own = match &flake.expr {
        Expr::AttrSet(set) => nixpkgs_of(set, &arguments),
        _ => None,
    };
    let own = own.and_then(|name| {
        let access = input::input_at(place, node, &name)?;
        let expr = references::input(&access, &name);
        let missing_in = match access {
            InputAccess::Argument { missing_in } => missing_in,
            _ => None,
        };
        Some(Nixpkgs { expr, missing_in })
    });
    let of_sccfg = package
        .and_then(|package| package.lib.as_deref()?.strip_suffix(".lib"))
        .map(|sccfg| Nixpkgs {
            expr: format!("{sccfg}.inputs.nixpkgs"),
            missing_in: None,
        });
    match own {
        // One added argument is enough.
        Some(Nixpkgs {
            missing_in: Some(_),
            ..
        })
        | None
            if of_sccfg.is_some() =>
        {
            of_sccfg
        }
        own => own,
    }
}

/// Whether the argument with all inputs has a name that the added text binds.
fn is_root_of(place: &Thunk, name: &str) -> bool {
    match lexical::lookup(place.expr.syntax(), name) {
        Some(lexical::Bound::Argument { lambda }) => place.takes_inputs(&lambda),
        _ => false,
    }
}

fn without_nixpkgs(problem: &Problem) -> Problem {
    let by_hand = problem.hint.clone().unwrap_or_default();
    let mut refused = problem.clone().hint(format!(
        "add it and run sccfg again: inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\"; or {by_hand}"
    ));
    refused
        .what
        .push_str(", and none of the flake's inputs is nixpkgs");
    refused
}

fn unseen_warning(shell: &OfOutputs) -> Problem {
    let name = &shell.name;
    let mut warning = Problem::new(format!(
        "{}, so the shell `{name}` is changed only if it is there",
        shell.refused.what.replace("no dev shell found: ", "")
    ))
    .hint("to check, run: nix develop -c printenv RUSTC_WRAPPER");
    if let Some(place) = shell.refused.place.clone() {
        warning = warning.at(place);
    }
    warning
}
