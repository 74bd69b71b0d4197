//! The expressions by which a location in a file can refer to inputs of the flake.

use rnix::ast::{Expr, Lambda, Param};
use rnix::{SyntaxNode, ast};
use rowan::ast::AstNode as _;

use super::eval::Eval;
use super::lexical::{self, Bound};
use super::syntax;
use super::thunk::Thunk;

/// The name of sccfg's own input.
pub(crate) const NAME: &str = "sccfg";

/// The way in which a location can refer to an input of the flake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InputAccess {
    /// By an argument of the input's name.
    Argument {
        /// The function that does not take the argument yet.
        missing_in: Option<Lambda>,
    },
    /// As an attribute of what has this name: `inputs`.
    AttributeOf(String),
    /// By `self.inputs`.
    OfSelf,
    /// By the argument `inputs` of a module of devenv.
    OfModule {
        /// The module that does not take `inputs` yet.
        missing_in: Lambda,
    },
    /// By flake-parts' `inputs'`, where the system is chosen already.
    PerSystem {
        /// The module that does not take `inputs'` yet.
        missing_in: Option<Lambda>,
    },
}

/// The way in which a location can refer to the name of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SystemAccess {
    /// By the name `system`.
    Named,
    /// From a package only.
    Unnamed,
}

/// How sccfg's own input can be had at `node`, in the expression `thunk`. `None` where no name for
/// the flake's inputs is in scope.
pub(crate) fn sccfg_at(
    eval: &mut Eval<'_, '_>,
    thunk: &Thunk,
    node: &SyntaxNode,
) -> Option<InputAccess> {
    let node = &inside(node);
    let of_functions = functions_of_inputs(thunk, node)
        .into_iter()
        .find_map(|lambda| access_in(&lambda, node, NAME));
    if of_functions.is_some() {
        return of_functions;
    }
    if is_inputs(eval, thunk, node) {
        return Some(InputAccess::AttributeOf("inputs".to_owned()));
    }
    match lexical::lookup(node, "inputs'") {
        Some(Bound::Field { .. }) => return Some(InputAccess::PerSystem { missing_in: None }),
        Some(_) => {}
        // flake-parts passes it to every `perSystem` module that takes it.
        None => {
            if let Some(lambda) = per_system(node) {
                return Some(InputAccess::PerSystem {
                    missing_in: Some(lambda),
                });
            }
        }
    }
    match lexical::lookup(node, "self") {
        Some(Bound::Field { .. } | Bound::Argument { .. }) => Some(InputAccess::OfSelf),
        _ => None,
    }
}

/// How inputs can be had in the file `root`, a module of the command `devenv` that takes no `inputs`. `None` where the
/// argument cannot be added.
pub(crate) fn of_module(root: &Expr, node: &SyntaxNode) -> Option<InputAccess> {
    let is_free = lexical::lookup(node, "inputs").is_none();
    let missing_in = lexical::function_of_module(root, node)?;
    is_free.then_some(InputAccess::OfModule { missing_in })
}

/// How the flake's input `name` can be had at `node`, in the expression `thunk`. `None` where no
/// name for the flake's inputs is in scope.
pub(crate) fn input_at(thunk: &Thunk, node: &SyntaxNode, name: &str) -> Option<InputAccess> {
    let lambda = functions_of_inputs(thunk, node).into_iter().next()?;
    let access = access_in(&lambda, node, name);
    let needs_argument = matches!(
        access,
        None | Some(InputAccess::Argument {
            missing_in: Some(_)
        })
    );
    // `self` is there already; an argument would have to be added.
    let own = lexical::lookup(node, "self");
    let has_self = matches!(own, Some(Bound::Field { lambda, .. }) if thunk.takes_inputs(&lambda));
    if needs_argument && has_self {
        return Some(InputAccess::OfSelf);
    }
    access
}

/// The functions around `node` that are called with the flake's inputs, the innermost first.
fn functions_of_inputs(thunk: &Thunk, node: &SyntaxNode) -> Vec<Lambda> {
    node.ancestors()
        .skip(1)
        .filter_map(Lambda::cast)
        .filter(|lambda| thunk.takes_inputs(lambda))
        .collect()
}

/// How an input can be had below a function that is called with the flake's inputs.
fn access_in(lambda: &Lambda, node: &SyntaxNode, input: &str) -> Option<InputAccess> {
    let is_seen = |name: &str| match lexical::lookup(node, name) {
        Some(Bound::Field { lambda: binder, .. } | Bound::Argument { lambda: binder }) => {
            binder.syntax() == lambda.syntax()
        }
        _ => false,
    };
    let of_whole = |whole: String| is_seen(&whole).then_some(InputAccess::AttributeOf(whole));
    match lambda.param()? {
        Param::IdentParam(param) => of_whole(param.syntax().text().to_string()),
        Param::Pattern(pattern) => {
            if has_entry(&pattern, input) {
                return is_seen(input).then_some(InputAccess::Argument { missing_in: None });
            }
            let whole = pattern.pat_bind().and_then(|bind| bind.ident());
            whole
                .and_then(|whole| of_whole(whole.syntax().text().to_string()))
                .or_else(|| {
                    lexical::lookup(node, input)
                        .is_none()
                        .then(|| InputAccess::Argument {
                            missing_in: Some(lambda.clone()),
                        })
                })
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

/// Whether `inputs` is probably the flake's inputs at `node`.
fn is_inputs(eval: &mut Eval<'_, '_>, thunk: &Thunk, node: &SyntaxNode) -> bool {
    let given = match lexical::lookup(node, "inputs") {
        Some(Bound::Field { lambda, .. }) => eval.argument(thunk, &lambda, Some("inputs")),
        Some(Bound::Argument { lambda }) => eval.argument(thunk, &lambda, None),
        _ => return false,
    };
    // An unknown value comes from a framework; these pass the inputs by this name.
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
                syntax::attrpath_names(&path).last() == Some(&Some("perSystem".to_owned()))
            })
    })
}

/// The node from which names in a new entry of `node` are looked up: a `rec` set's own come first.
fn inside(node: &SyntaxNode) -> SyntaxNode {
    match syntax::entries(node).first() {
        Some(entry) if syntax::is_recursive(node) => entry.syntax().clone(),
        _ => node.clone(),
    }
}

/// How the name of the system can be had at `node`.
pub(crate) fn system_at(node: &SyntaxNode) -> SystemAccess {
    let is_named = match lexical::lookup(&inside(node), "system") {
        None | Some(Bound::Parts) => false,
        Some(Bound::Value(value)) => !matches!(
            value,
            Expr::AttrSet(_) | Expr::List(_) | Expr::Lambda(_) | Expr::Literal(_)
        ),
        Some(_) => true,
    };
    if is_named {
        SystemAccess::Named
    } else {
        SystemAccess::Unnamed
    }
}
