//! The arguments of a function that makes a shell: attribute sets, also joined ones, and lists of modules.

use std::path::Path;

use rnix::ast::{self, Entry, Expr};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::super::devenv;
use super::super::eval::Eval;
use super::super::module::Module;
use super::super::prefix::Prefix;
use super::super::syntax::{self, call_parts, innermost, last_name};
use super::super::thunk::Thunk;
use super::{SetTarget, Style, Target};
use crate::variable::Variable;

/// The set that is passed to a shell function.
pub(super) fn set_argument(
    eval: &mut Eval<'_, '_>,
    style: Style,
    argument: &Thunk,
    prefix: Option<&Prefix>,
) -> Option<Vec<Target>> {
    let mut literal = innermost(&argument.expr);
    // `mkShell (finalAttrs: { … })`
    while let Expr::Lambda(lambda) = &literal {
        literal = innermost(&lambda.body()?);
    }
    let target = |set: Thunk| {
        Some(vec![Target::Set(SetTarget::new(
            style,
            set,
            prefix.cloned(),
        ))])
    };
    match &literal {
        Expr::AttrSet(_) => target(argument.beside(literal)),
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Update) => {
            let mut operands = Vec::new();
            flatten_update(&literal, &mut operands);
            let position = operands
                .iter()
                .rposition(|operand| matches!(innermost(operand), Expr::AttrSet(_)))?;
            let set = innermost(&operands[position]);
            let has_hook = mentions(set.syntax(), &["shellHook"]);
            for operand in &operands[..position] {
                let operand = argument.beside(operand.clone());
                match known_sets(eval, &operand) {
                    Some(known) if !known.iter().any(mentions_ours) => {}
                    // An unknown operand is expected to have build inputs and the like, unless
                    // a hook of it could be hidden.
                    None if has_hook && !names_ours(eval, &operand) => {}
                    _ => return None,
                }
            }
            // An operand after the set must not override what is added to it.
            for operand in &operands[position + 1..] {
                let known = known_sets(eval, &argument.beside(operand.clone()))?;
                if known.iter().any(mentions_ours) {
                    return None;
                }
            }
            target(argument.beside(set))
        }
        Expr::Ident(ident) => {
            // A set bound to a name is edited there, if nothing else uses that name.
            let name = ident.syntax().text().to_string();
            let value = eval.follow(&argument.beside(literal.clone()));
            let file = eval.files.get(argument.file);
            let alone = value.file == argument.file
                && uses_of(file.root.syntax(), &name) == 2
                && matches!(value.expr, Expr::AttrSet(_));
            alone.then(|| target(value))?
        }
        _ => None,
    }
}

/// Whether the text of an operand, or of its definition, has a name that sccfg sets.
pub(super) fn names_ours(eval: &mut Eval<'_, '_>, operand: &Thunk) -> bool {
    let value = eval.follow(operand);
    [&operand.expr, &value.expr].into_iter().any(|expr| {
        let text = expr.syntax().text().to_string();
        Variable::ALL
            .iter()
            .any(|variable| text.contains(variable.name()))
    })
}

/// The `modules = [ … ];` of `devenv.lib.mkShell { inherit inputs pkgs; modules = [ … ]; }`: the
/// literal module, if there is one, preferably `devenv.nix` or one with a hook; otherwise the list.
pub(super) fn modules_argument(
    eval: &mut Eval<'_, '_>,
    argument: &Thunk,
    prefix: Option<Prefix>,
) -> Option<Target> {
    let set = eval.follow(argument);
    let modules = eval.attribute(&set, "modules")?;
    let modules = eval.follow(&modules);
    let list = leftmost_list(&modules.expr)?;
    let mut written = Vec::new();
    for item in list.items() {
        let module = Module::of(eval, &modules.beside(item));
        written.extend(module.set().cloned());
    }
    let with_hook = written
        .iter()
        .position(|module| mentions(module.expr.syntax(), &["enterShell"]));
    // The command `devenv` may load that file, too.
    let of_command = written
        .iter()
        .position(|module| eval.files.get(module.file).path == Path::new(devenv::FILE));
    match of_command
        .or(with_hook)
        .or((!written.is_empty()).then_some(0))
    {
        Some(index) => {
            let module = written.swap_remove(index);
            Some(Target::Set(SetTarget::new(Style::Devenv, module, None)))
        }
        None => Some(Target::Modules {
            modules: modules.beside(Expr::List(list)),
            prefix,
        }),
    }
}

/// The list that a chain of `++` starts with.
pub(crate) fn leftmost_list(expr: &Expr) -> Option<ast::List> {
    match innermost(expr) {
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Concat) => {
            leftmost_list(&operation.lhs()?)
        }
        Expr::List(list) => Some(list),
        _ => None,
    }
}

pub(super) fn flatten_update(expr: &Expr, operands: &mut Vec<Expr>) {
    match innermost(expr) {
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Update) => {
            for side in [operation.lhs(), operation.rhs()].into_iter().flatten() {
                flatten_update(&side, operands);
            }
        }
        _ => operands.push(expr.clone()),
    }
}

/// The literal sets that `operand` may be: itself, the value of a name, the branches of a condition.
pub(super) fn known_sets(eval: &mut Eval<'_, '_>, operand: &Thunk) -> Option<Vec<Thunk>> {
    let value = eval.follow(operand);
    match &value.expr {
        Expr::AttrSet(set) => {
            let computed = |entry: &Entry| match entry {
                Entry::AttrpathValue(binding) => binding
                    .attrpath()
                    .and_then(|path| path.attrs().next())
                    .is_none_or(|attr| syntax::attr_name(&attr).is_none()),
                Entry::Inherit(_) => false,
            };
            let open = syntax::entries(set.syntax()).iter().any(computed);
            (!open).then(|| vec![value.clone()])
        }
        Expr::IfElse(choice) => {
            let mut sets = known_sets(eval, &value.beside(choice.body()?))?;
            sets.extend(known_sets(eval, &value.beside(choice.else_body()?))?);
            Some(sets)
        }
        Expr::Apply(_) => {
            let (head, arguments) = call_parts(&value.expr);
            (last_name(&head)? == "optionalAttrs").then_some(())?;
            known_sets(eval, &value.beside(arguments.last()?.clone()))
        }
        _ => None,
    }
}

/// Whether a known set has any attribute that sccfg would set as well.
pub(crate) fn mentions_ours(set: &Thunk) -> bool {
    let mut names = vec!["env", "shellHook", "enterShell"];
    names.extend(Variable::ALL.iter().map(|variable| variable.name()));
    mentions(set.expr.syntax(), &names)
}

/// Whether a set has, or may have, an attribute of one of these names.
pub(super) fn mentions(set: &SyntaxNode, names: &[&str]) -> bool {
    let may_be_ours = |attr: &ast::Attr| match syntax::attr_name(attr) {
        Some(name) => names.contains(&name.as_str()),
        None => syntax::may_be(attr, names),
    };
    syntax::entries(set).iter().any(|entry| match entry {
        Entry::AttrpathValue(binding) => {
            let first = binding.attrpath().and_then(|path| path.attrs().next());
            first.is_none_or(|attr| may_be_ours(&attr))
        }
        Entry::Inherit(inherit) => inherit.attrs().any(|attr| may_be_ours(&attr)),
    })
}

/// How often an identifier is in a tree, bindings included.
pub(super) fn uses_of(root: &SyntaxNode, name: &str) -> usize {
    root.descendants()
        .filter(|node| node.kind() == SyntaxKind::NODE_IDENT && node.text() == name)
        .count()
}
