//! Which function makes a shell, and the attribute set that is handed to it.

use rnix::ast::{self, Entry, Expr};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::eval::{Eval, Thunk, call_parts, innermost, last_name};
use super::lexical::{self, Bound};
use super::vars::Variable;

/// How variables and hooks are written for a maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Style {
    /// `mkShell` and everything that hands its attributes on to it: attributes are variables,
    /// or stand in `env`; the hook is `shellHook`.
    MkShell,
    /// numtide's devshell: `env` is a list of `{ name, value }`; hooks are `devshell.startup`.
    Devshell,
    /// A devenv module: `env.NAME`; the hook is `enterShell`.
    Devenv,
}

/// What can be edited of a shell.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A literal attribute set.
    Set {
        style: Style,
        set: Thunk,
        /// What stands to the left of it: `left // { … }`, all of it known.
        left: Vec<Thunk>,
        /// The expression that the maker was selected from: `pkgs` of `pkgs.mkShell`.
        prefix: Option<Expr>,
    },
    /// The list of modules of `devenv.lib.mkShell`.
    Modules {
        modules: Thunk,
        prefix: Option<Expr>,
    },
}

/// Finds the set behind a shell: `None` when its maker is not known, or its argument is not
/// written out. Several where an `if` chooses.
pub(crate) fn targets(eval: &mut Eval<'_, '_>, shell: &Thunk) -> Option<Vec<Target>> {
    let value = eval.follow(shell);
    match &value.expr {
        Expr::IfElse(choice) => {
            let branches = [choice.body()?, choice.else_body()?];
            let mut all = Vec::new();
            for branch in branches {
                all.extend(targets(eval, &value.beside(branch))?);
            }
            Some(all)
        }
        // `mkShell { … } // { meta = …; }` adds to the result, not to the shell.
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Update) => {
            targets(eval, &value.beside(operation.lhs()?))
        }
        Expr::Apply(_) => made_by_call(eval, shell, &value),
        _ => None,
    }
}

/// A call of a function that is known to make shells.
struct Call {
    kind: Kind,
    argument: Thunk,
    prefix: Option<Expr>,
}

enum Kind {
    Set(Style),
    DevenvModules,
    /// `stdenv.mkDerivation`: a shell only where it can be nothing else.
    AnyDerivation,
    /// A function that hands its last argument on: `lib.mkForce`.
    Through,
}

/// Whether `value` is a call of a function that makes shells, whatever it is given.
pub(crate) fn makes_shells(eval: &mut Eval<'_, '_>, value: &Thunk) -> bool {
    matches!(value.expr, Expr::Apply(_))
        && recognise(eval, value)
            .is_some_and(|call| matches!(call.kind, Kind::Set(_) | Kind::DevenvModules))
}

fn made_by_call(eval: &mut Eval<'_, '_>, shell: &Thunk, value: &Thunk) -> Option<Vec<Target>> {
    let Call {
        kind,
        argument,
        prefix,
    } = recognise(eval, value)?;
    match kind {
        Kind::Set(style) => set_argument(eval, style, &argument, prefix.as_ref()),
        Kind::DevenvModules => {
            let modules = modules_argument(eval, &argument)?;
            Some(vec![Target::Modules { modules, prefix }])
        }
        Kind::AnyDerivation => is_shell_alone(eval, value, shell)
            .then(|| set_argument(eval, Style::MkShell, &argument, prefix.as_ref()))?,
        Kind::Through => targets(eval, &argument),
    }
}

fn recognise(eval: &mut Eval<'_, '_>, value: &Thunk) -> Option<Call> {
    let (mut head, mut arguments) = call_parts(&value.expr);
    // A name of the repository's own for a maker, perhaps with a part of its arguments.
    let function = eval.follow(&value.beside(head.clone()));
    if function.expr != head && matches!(function.expr, Expr::Apply(_) | Expr::Select(_)) {
        let (inner, mut first) = call_parts(&function.expr);
        first.append(&mut arguments);
        (head, arguments) = (inner, first);
    }
    let names = function_names(&head);
    let (last, before) = names.split_last()?;
    let from = before.join(".").to_lowercase();
    let kind = match (last.as_str(), before.last().map(String::as_str)) {
        ("mkShell" | "mkShellNoCC", _) if from.contains("devenv") => Kind::DevenvModules,
        ("mkShell", _) if from.contains("devshell") => Kind::Set(Style::Devshell),
        ("mkShell" | "mkShellNoCC", _) => Kind::Set(Style::MkShell),
        ("override", Some("mkShell" | "mkShellNoCC")) if arguments.len() == 2 => {
            Kind::Set(Style::MkShell)
        }
        ("devShell", _) if from.contains("crane") => Kind::Set(Style::MkShell),
        ("mkDevShell", _) if from.contains("flakebox") => Kind::Set(Style::MkShell),
        ("mkDerivation", _) => Kind::AnyDerivation,
        ("mkForce" | "mkDefault" | "mkOverride" | "trace" | "warn" | "mkIf", _) => Kind::Through,
        _ => return None,
    };
    let prefix = prefix_of(&head);
    Some(Call {
        kind,
        argument: value.beside(arguments.pop()?),
        prefix,
    })
}

/// The names along a function, with where a bare name comes from: `inherit (devshell) mkShell;`.
fn function_names(head: &Expr) -> Vec<String> {
    let mut names = path_names(head);
    if let Expr::Ident(ident) = head {
        let name = ident.syntax().text().to_string();
        let from = match lexical::lookup(ident.syntax(), &name) {
            Some(Bound::From(from)) => Some(from),
            Some(_) => None,
            None => lexical::withs(ident.syntax()).into_iter().next(),
        };
        if let Some(from) = from {
            names.splice(0..0, path_names(&from));
        }
    }
    names
}

/// The set that is handed to a maker.
fn set_argument(
    eval: &mut Eval<'_, '_>,
    style: Style,
    argument: &Thunk,
    prefix: Option<&Expr>,
) -> Option<Vec<Target>> {
    let mut literal = innermost(&argument.expr);
    // `mkShell (finalAttrs: { … })`
    while let Expr::Lambda(lambda) = &literal {
        literal = innermost(&lambda.body()?);
    }
    let target = |set: Expr, left| {
        Some(vec![Target::Set {
            style,
            set: argument.beside(set),
            left,
            prefix: prefix.cloned(),
        }])
    };
    match &literal {
        Expr::AttrSet(_) => target(literal, Vec::new()),
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Update) => {
            let mut operands = Vec::new();
            flatten_update(&literal, &mut operands);
            let position = operands
                .iter()
                .rposition(|operand| matches!(innermost(operand), Expr::AttrSet(_)))?;
            let set = innermost(&operands[position]);
            let mut others = Vec::new();
            for operand in operands.iter().take(position) {
                others.extend(known_sets(eval, &argument.beside(operand.clone()))?);
            }
            // What comes after the set must not override what is put into it.
            for operand in operands.iter().skip(position + 1) {
                let known = known_sets(eval, &argument.beside(operand.clone()))?;
                if known.iter().any(mentions_ours) {
                    return None;
                }
            }
            target(set, others)
        }
        Expr::Ident(ident) => {
            // A set bound to a name is edited there, if nothing else uses that name.
            let name = ident.syntax().text().to_string();
            let bound = argument.beside(literal.clone());
            let value = eval.follow(&bound);
            let file = eval.files.get(argument.file);
            let alone = value.file == argument.file
                && uses_of(file.root.syntax(), &name) == 2
                && matches!(value.expr, Expr::AttrSet(_));
            alone.then(|| {
                vec![Target::Set {
                    style,
                    set: value,
                    left: Vec::new(),
                    prefix: prefix.cloned(),
                }]
            })
        }
        _ => None,
    }
}

/// The `modules = [ … ];` of `devenv.lib.mkShell { inherit inputs pkgs; modules = [ … ]; }`.
fn modules_argument(eval: &mut Eval<'_, '_>, argument: &Thunk) -> Option<Thunk> {
    let set = eval.follow(argument);
    let modules = eval.attribute(&set, "modules")?;
    let literal = innermost(&modules.expr);
    let modules = modules.beside(literal);
    let modules = match modules.expr {
        Expr::List(_) => modules,
        _ => eval.follow(&modules),
    };
    leftmost_list(&modules.expr).map(|list| modules.beside(list))
}

/// The list that a chain of `++` starts with.
fn leftmost_list(expr: &Expr) -> Option<Expr> {
    match innermost(expr) {
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Concat) => {
            leftmost_list(&operation.lhs()?)
        }
        Expr::List(list) => Some(Expr::List(list)),
        _ => None,
    }
}

fn flatten_update(expr: &Expr, operands: &mut Vec<Expr>) {
    match innermost(expr) {
        Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Update) => {
            for side in [operation.lhs(), operation.rhs()].into_iter().flatten() {
                flatten_update(&side, operands);
            }
        }
        _ => operands.push(expr.clone()),
    }
}

/// The sets that `operand` may be, all written out: itself, what a name stands for, one behind a
/// condition.
fn known_sets(eval: &mut Eval<'_, '_>, operand: &Thunk) -> Option<Vec<Thunk>> {
    let value = eval.follow(operand);
    match &value.expr {
        Expr::AttrSet(set) => {
            let computed = |entry: &Entry| match entry {
                Entry::AttrpathValue(binding) => binding
                    .attrpath()
                    .and_then(|path| path.attrs().next())
                    .is_none_or(|attr| lexical::attr_name(&attr).is_none()),
                Entry::Inherit(_) => false,
            };
            let open = lexical::entries(set.syntax()).iter().any(computed);
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
    let is_ours = |name: &str| {
        matches!(name, "env" | "shellHook" | "enterShell") || Variable::from_name(name).is_some()
    };
    lexical::entries(set.expr.syntax())
        .iter()
        .any(|entry| match entry {
            Entry::AttrpathValue(binding) => binding
                .attrpath()
                .and_then(|path| path.attrs().next())
                .is_none_or(|attr| lexical::attr_name(&attr).is_none_or(|name| is_ours(&name))),
            Entry::Inherit(inherit) => inherit
                .attrs()
                .any(|attr| lexical::attr_name(&attr).is_none_or(|name| is_ours(&name))),
        })
}

/// How often an identifier stands in a tree, bindings included.
fn uses_of(root: &SyntaxNode, name: &str) -> usize {
    root.descendants()
        .filter(|node| node.kind() == SyntaxKind::NODE_IDENT && node.text() == name)
        .count()
}

/// Whether a derivation is a shell and nothing else: written inside of the shell's own expression,
/// or in a file that is called so.
fn is_shell_alone(eval: &Eval<'_, '_>, value: &Thunk, shell: &Thunk) -> bool {
    if value.file != shell.file {
        let path = &eval.files.get(value.file).path;
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().to_lowercase());
        return stem.is_some_and(|stem| stem.contains("shell"));
    }
    let mut around = value.expr.syntax().ancestors();
    around.any(|node| &node == shell.expr.syntax())
}

/// What the last name is selected from, and for `mkShell.override` what `mkShell` is.
fn prefix_of(head: &Expr) -> Option<Expr> {
    match head {
        Expr::Select(select) => select.expr(),
        _ => None,
    }
}

/// `pkgs.mkShell` → `["pkgs", "mkShell"]`; what is no name is `?`.
fn path_names(head: &Expr) -> Vec<String> {
    match head {
        Expr::Ident(ident) => vec![ident.syntax().text().to_string()],
        Expr::Paren(paren) => paren
            .expr()
            .map_or_else(Vec::new, |inner| path_names(&inner)),
        Expr::Select(select) => {
            let mut names = select.expr().map_or_else(Vec::new, |base| match &base {
                Expr::Ident(_) | Expr::Select(_) => path_names(&base),
                // Names inside, such as `(crane.mkLib pkgs)`, still tell what it is.
                other => vec![other.syntax().text().to_string()],
            });
            if let Some(path) = select.attrpath() {
                names.extend(path.attrs().map(|attr| {
                    lexical::attr_name(&attr).unwrap_or_else(|| attr.syntax().text().to_string())
                }));
            }
            names
        }
        _ => Vec::new(),
    }
}
