//! The function that makes a shell, and the attribute set that is passed to it.

mod arguments;

use rnix::ast::{self, Expr, Param};
use rowan::ast::AstNode as _;

pub(crate) use self::arguments::{leftmost_list, mentions_ours};
use self::arguments::{mentions, modules_argument, set_argument};
use super::eval::Eval;
use super::lexical::{self, Bound};
use super::prefix::Prefix;
use super::syntax::{self, call_parts, innermost};
use super::thunk::Thunk;

/// How variables and hooks are written for a shell function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Style {
    /// `mkShell` and functions that pass their attributes to it: variables are attributes, or in
    /// `env`; the hook is `shellHook`.
    MkShell,
    /// numtide's devshell: `env` is a list of `{ name, value }`; hooks are `devshell.startup`.
    Devshell,
    /// A devenv module: `env.NAME`; the hook is `enterShell`.
    Devenv,
    /// A module of make-shell: `env.NAME`; the hook is `shellHook`.
    MakeShell,
}

/// The part of a shell that can be edited.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A literal attribute set.
    Set(SetTarget),
    /// The list of modules of `devenv.lib.mkShell`.
    Modules {
        modules: Thunk,
        prefix: Option<Prefix>,
    },
    /// `devshell.fromTOML ./devshell.toml`, and what `fromTOML` was selected from.
    DevshellToml {
        call: Thunk,
        devshell: String,
        file: Expr,
    },
}

/// A literal attribute set that becomes a shell.
#[derive(Debug, Clone)]
pub(crate) struct SetTarget {
    pub(crate) style: Style,
    pub(crate) set: Thunk,
    /// The expression from which the function was selected.
    pub(crate) prefix: Option<Prefix>,
    /// The hook that a `shellHook` of the set would hide, as an expression: `old.shellHook or ""`.
    pub(crate) hidden_hook: Option<String>,
}

impl SetTarget {
    pub(crate) fn new(style: Style, set: Thunk, prefix: Option<Prefix>) -> Self {
        Self {
            style,
            set,
            prefix,
            hidden_hook: None,
        }
    }
}

/// Finds the set that a shell is made from: `None` when the function is not known, or its argument
/// is not literal. Several for an `if`.
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
    prefix: Option<Prefix>,
}

enum Kind {
    Set(Style),
    /// Makes a set of shells, each from the same argument.
    SetOfShells,
    DevenvModules,
    /// `shell.overrideAttrs (old: { … })`
    Overriding,
    /// `stdenv.mkDerivation`: a shell only where it cannot be a package.
    AnyDerivation,
    /// A function that returns its last argument: `lib.mkForce`.
    Through,
    /// `devshell.fromTOML`
    DevshellToml,
}

/// Whether `value` is a call of a function that makes shells.
pub(crate) fn makes_shells(eval: &mut Eval<'_, '_>, value: &Thunk) -> bool {
    matches!(value.expr, Expr::Apply(_))
        && recognise(eval, value)
            .is_some_and(|call| matches!(call.kind, Kind::Set(_) | Kind::DevenvModules))
}

/// The hook in the set that a shell is made from, also if that set is computed.
pub(crate) fn hook_of(eval: &mut Eval<'_, '_>, shell: &Thunk) -> Option<Thunk> {
    let value = eval.follow(shell);
    let call = matches!(value.expr, Expr::Apply(_)).then(|| recognise(eval, &value))??;
    let mut set = eval.follow(&call.argument);
    while let Expr::Lambda(lambda) = &set.expr {
        set = eval.follow(&set.beside(lambda.body()?));
    }
    match call.kind {
        Kind::Set(Style::MkShell) | Kind::AnyDerivation | Kind::Overriding => {
            eval.attribute(&set, "shellHook")
        }
        Kind::Through => hook_of(eval, &call.argument),
        Kind::Set(_) | Kind::SetOfShells | Kind::DevenvModules | Kind::DevshellToml => None,
    }
}

fn made_by_call(eval: &mut Eval<'_, '_>, shell: &Thunk, value: &Thunk) -> Option<Vec<Target>> {
    let Call {
        kind,
        argument,
        prefix,
    } = recognise(eval, value)?;
    match kind {
        Kind::Set(style) => set_argument(eval, style, &argument, prefix.as_ref()),
        Kind::DevenvModules => modules_argument(eval, &argument, prefix).map(|target| vec![target]),
        Kind::Overriding if is_shell_alone(eval, value, shell) => overriding(&argument, prefix),
        Kind::Overriding | Kind::SetOfShells => None,
        Kind::AnyDerivation => is_shell_alone(eval, value, shell)
            .then(|| set_argument(eval, Style::MkShell, &argument, prefix.as_ref()))?,
        Kind::Through => targets(eval, &argument),
        Kind::DevshellToml => {
            let (head, _) = call_parts(&value.expr);
            let head = head.syntax().text().to_string();
            let devshell = head.strip_suffix(".fromTOML")?.to_owned();
            let file = argument.expr;
            Some(vec![Target::DevshellToml {
                call: value.clone(),
                devshell,
                file,
            }])
        }
    }
}

/// The argument of a call that makes a set of shells: flakebox' `mkShells { … }`.
pub(crate) fn set_targets(eval: &mut Eval<'_, '_>, shells: &Thunk) -> Option<Vec<Target>> {
    let value = eval.follow(shells);
    matches!(value.expr, Expr::Apply(_)).then_some(())?;
    let call = recognise(eval, &value)?;
    matches!(call.kind, Kind::SetOfShells).then_some(())?;
    set_argument(eval, Style::MkShell, &call.argument, call.prefix.as_ref())
}

/// The set of `overrideAttrs (old: { … })`.
fn overriding(argument: &Thunk, prefix: Option<Prefix>) -> Option<Vec<Target>> {
    let mut parameter = None;
    let mut literal = innermost(&argument.expr);
    while let Expr::Lambda(lambda) = &literal {
        // The last argument of `finalAttrs: previousAttrs: …` has the old attributes.
        parameter = match lambda.param()? {
            Param::IdentParam(param) => Some(param.syntax().text().to_string()),
            Param::Pattern(pattern) => pattern
                .pat_bind()
                .and_then(|bind| bind.ident())
                .map(|ident| ident.to_string()),
        };
        literal = innermost(&lambda.body()?);
    }
    let Expr::AttrSet(set) = &literal else {
        return None;
    };
    let parameter = parameter.filter(|name| name != "_");
    let has_hook = mentions(set.syntax(), &["shellHook"]);
    if parameter.is_none() && !has_hook {
        return None;
    }
    let target = SetTarget {
        hidden_hook: parameter.map(|name| format!("({name}.shellHook or \"\")")),
        ..SetTarget::new(Style::MkShell, argument.beside(literal), prefix)
    };
    Some(vec![Target::Set(target)])
}

fn recognise(eval: &mut Eval<'_, '_>, value: &Thunk) -> Option<Call> {
    let (mut head, mut arguments) = call_parts(&value.expr);
    // The repository's own name for a function, perhaps with some of its arguments.
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
        // The name may be a numtide devshell.
        ("override", Some("devShell"))
            if from.contains("crane") && arguments.len() == 2 && !mentions_devshell(&arguments) =>
        {
            Kind::Set(Style::MkShell)
        }
        ("mkDevShell", _) if from.contains("flakebox") => Kind::Set(Style::MkShell),
        ("mkShells", _) if from.contains("flakebox") => Kind::SetOfShells,
        ("overrideAttrs", _) => Kind::Overriding,
        ("fromTOML", _) if from.contains("devshell") => Kind::DevshellToml,
        ("mkDerivation", _) => Kind::AnyDerivation,
        ("mkForce" | "mkDefault" | "mkOverride" | "trace" | "warn" | "mkIf", _) => Kind::Through,
        _ => return None,
    };
    // Only nixpkgs' own functions are known to be next to sccache.
    let is_nixpkgs = matches!(
        last.as_str(),
        "mkShell" | "mkShellNoCC" | "override" | "mkDerivation"
    ) && !["devshell", "devenv", "flakebox", "crane"]
        .iter()
        .any(|other| from.contains(other));
    let prefix = if is_nixpkgs { Prefix::of(&head) } else { None };
    Some(Call {
        kind,
        argument: value.beside(arguments.pop()?),
        prefix,
    })
}

fn mentions_devshell(arguments: &[Expr]) -> bool {
    arguments
        .iter()
        .any(|argument| argument.syntax().text().to_string().contains("devshell"))
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

/// Whether a derivation is only used as a shell: it is inside of the shell's own expression, or in a
/// file named like a shell.
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

/// `pkgs.mkShell` → `["pkgs", "mkShell"]`, with `?` for what is not a name.
fn path_names(head: &Expr) -> Vec<String> {
    match head {
        Expr::Ident(ident) => vec![ident.syntax().text().to_string()],
        Expr::Paren(paren) => paren
            .expr()
            .map_or_else(Vec::new, |inner| path_names(&inner)),
        Expr::Select(select) => {
            let mut names = select.expr().map_or_else(Vec::new, |base| match &base {
                Expr::Ident(_) | Expr::Select(_) => path_names(&base),
                // The names inside `(crane.mkLib pkgs)` identify it.
                other => vec![other.syntax().text().to_string()],
            });
            if let Some(path) = select.attrpath() {
                names.extend(path.attrs().map(|attr| {
                    syntax::attr_name(&attr).unwrap_or_else(|| attr.syntax().text().to_string())
                }));
            }
            names
        }
        _ => Vec::new(),
    }
}
