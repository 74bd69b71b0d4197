//! How to say sccfg's package at a place in a file, where sccfg is an input of the flake.

use rnix::ast::{Expr, Lambda, Param};
use rnix::{SyntaxNode, ast};
use rowan::ast::AstNode as _;

use super::eval::{Eval, Thunk};
use super::lexical::{self, Bound};
use crate::quote;

/// The name of the input.
pub(crate) const NAME: &str = "sccfg";

/// How sccfg's package is written at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) expr: String,
    /// The flake's `lib`, where it can be named as well.
    pub(crate) lib: Option<String>,
    /// The function that has to get an argument of this name first.
    pub(crate) argument: Option<(Lambda, &'static str)>,
}

/// Finds a way to say sccfg's package for `system` at `node`, in the expression `thunk`. `None` where no name for the flake's inputs is in scope.
pub(crate) fn package_at(
    eval: &mut Eval<'_, '_>,
    thunk: &Thunk,
    node: &SyntaxNode,
    system: &str,
) -> Option<Package> {
    let node = &inside(node);
    let of_input = |input: &str| Package {
        expr: format!("{input}.packages.${{{system}}}.default"),
        lib: Some(format!("{input}.lib")),
        argument: None,
    };
    // flake-parts has chosen the system already, and leaves out what does not depend on it.
    let of_system = || Package {
        expr: format!("inputs'.{NAME}.packages.default"),
        lib: None,
        argument: None,
    };
    for lambda in node.ancestors().skip(1).filter_map(Lambda::cast) {
        if !thunk.takes_inputs(&lambda) {
            continue;
        }
        match name_in(&lambda, node, NAME) {
            Some(Name::There(name)) => return Some(of_input(&name)),
            Some(Name::ToAdd) => {
                return Some(Package {
                    argument: Some((lambda, NAME)),
                    ..of_input(NAME)
                });
            }
            None => {}
        }
    }
    if is_inputs(eval, thunk, node) {
        return Some(of_input(&format!("inputs.{NAME}")));
    }
    if let Some(Bound::Field { .. }) = lexical::lookup(node, "inputs'") {
        return Some(of_system());
    }
    // flake-parts hands it to every `perSystem` module that asks for it.
    if let Some(lambda) = per_system(node)
        && lexical::lookup(node, "inputs'").is_none()
    {
        return Some(Package {
            argument: Some((lambda, "inputs'")),
            ..of_system()
        });
    }
    match lexical::lookup(node, "self") {
        Some(Bound::Field { .. } | Bound::Argument { .. }) => {
            Some(of_input(&format!("self.inputs.{NAME}")))
        }
        _ => None,
    }
}

/// How an input of the flake is written at a place.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) expr: String,
    /// The function that has to get an argument of the input's name first.
    pub(crate) argument: Option<Lambda>,
}

/// Finds a way to say the flake's input `name` at `node`, in the expression `thunk`. `None` where
/// no name for the flake's inputs is in scope.
pub(crate) fn input_at(thunk: &Thunk, node: &SyntaxNode, name: &str) -> Option<Input> {
    let there = |expr: String| {
        Some(Input {
            expr,
            argument: None,
        })
    };
    for lambda in node.ancestors().skip(1).filter_map(Lambda::cast) {
        if !thunk.takes_inputs(&lambda) {
            continue;
        }
        let argument = match name_in(&lambda, node, name) {
            Some(Name::There(expr)) => return there(expr),
            Some(Name::ToAdd) => Some(lambda),
            None => None,
        };
        // Shorter than one more argument.
        let own = lexical::lookup(node, "self");
        if matches!(own, Some(Bound::Field { lambda, .. }) if thunk.takes_inputs(&lambda)) {
            return there(format!("self.inputs.{}", quote::attribute(name)));
        }
        return argument.map(|lambda| Input {
            expr: name.to_owned(),
            argument: Some(lambda),
        });
    }
    None
}

/// How the input is called below a function that gets the flake's inputs.
enum Name {
    There(String),
    /// By the argument of its own name, which the function does not take yet.
    ToAdd,
}

fn name_in(lambda: &Lambda, node: &SyntaxNode, input: &str) -> Option<Name> {
    let is_seen = |name: &str| match lexical::lookup(node, name) {
        Some(Bound::Field { lambda: binder, .. } | Bound::Argument { lambda: binder }) => {
            binder.syntax() == lambda.syntax()
        }
        _ => false,
    };
    let of_whole = |whole: String| {
        is_seen(&whole)
            .then(|| format!("{whole}.{}", quote::attribute(input)))
            .map(Name::There)
    };
    match lambda.param()? {
        Param::IdentParam(param) => of_whole(param.syntax().text().to_string()),
        Param::Pattern(pattern) => {
            if has_entry(&pattern, input) {
                return is_seen(input).then(|| Name::There(input.to_owned()));
            }
            let whole = pattern.pat_bind().and_then(|bind| bind.ident());
            match whole.and_then(|whole| of_whole(whole.syntax().text().to_string())) {
                Some(whole) => Some(whole),
                None => lexical::lookup(node, input)
                    .is_none()
                    .then_some(Name::ToAdd),
            }
        }
    }
}

/// Whether a function's pattern has an argument of this name.
pub(crate) fn has_entry(pattern: &ast::Pattern, name: &str) -> bool {
    pattern.pat_entries().any(|entry| {
        entry
            .ident()
            .is_some_and(|ident| ident.syntax().text() == name)
    })
}

/// Whether `inputs` stands for the flake's inputs at `node`, as far as that can be told.
fn is_inputs(eval: &mut Eval<'_, '_>, thunk: &Thunk, node: &SyntaxNode) -> bool {
    let given = match lexical::lookup(node, "inputs") {
        Some(Bound::Field { lambda, .. }) => eval.argument(thunk, &lambda, Some("inputs")),
        Some(Bound::Argument { lambda }) => eval.argument(thunk, &lambda, None),
        _ => return false,
    };
    // What is not known comes from a framework, which has these under this name.
    given.is_none_or(|given| matches!(eval.follow(&given).expr, Expr::Ident(_)))
}

/// The function of the `perSystem` module around `node`.
pub(super) fn per_system(node: &SyntaxNode) -> Option<Lambda> {
    node.ancestors().filter_map(Lambda::cast).find(|lambda| {
        let takes_names = matches!(lambda.param(), Some(Param::Pattern(_)));
        let binding = lambda
            .syntax()
            .ancestors()
            .skip(1)
            .find(|node| !ast::Paren::can_cast(node.kind()))
            .and_then(ast::AttrpathValue::cast);
        let path = binding.and_then(|binding| binding.attrpath());
        takes_names
            && path.is_some_and(|path| {
                lexical::attrpath_names(&path).last() == Some(&Some("perSystem".to_owned()))
            })
    })
}

/// Where names are looked up for what is put into `node`: a `rec` set's own come first.
fn inside(node: &SyntaxNode) -> SyntaxNode {
    match lexical::entries(node).first() {
        Some(entry) if lexical::is_recursive(node) => entry.syntax().clone(),
        _ => node.clone(),
    }
}

/// How the system is written at `node`, where nixpkgs' sccache is `sccache`.
pub(crate) fn system_at(node: &SyntaxNode, sccache: &str) -> String {
    let is_text = match lexical::lookup(&inside(node), "system") {
        None | Some(Bound::Parts) => false,
        Some(Bound::Value(value)) => !matches!(
            value,
            Expr::AttrSet(_) | Expr::List(_) | Expr::Lambda(_) | Expr::Literal(_)
        ),
        Some(_) => true,
    };
    if is_text {
        return "system".to_owned();
    }
    match sccache.strip_suffix(".sccache") {
        Some(pkgs) => format!("{pkgs}.stdenv.hostPlatform.system"),
        None => format!("{sccache}.system"),
    }
}
