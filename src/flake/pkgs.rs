//! How to say `sccache` at a place in a file: which name for nixpkgs is in scope there.

use rnix::ast::{self, Expr, Lambda, Param};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::eval::{Thunk, innermost};
use super::lexical::{self, Bound};

/// How nixpkgs' `sccache` is written at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sccache {
    /// By an expression that is in scope: `pkgs.sccache`.
    Named(String),
    /// By an argument that the function of this file, called by `callPackage`, has to get.
    Argument(Lambda),
}

impl Sccache {
    /// The expression.
    pub(crate) fn expr(&self) -> &str {
        match self {
            Self::Named(expr) => expr,
            Self::Argument(_) => "sccache",
        }
    }
}

/// Finds a way to say `sccache` at `node`; `prefix` is what the shell's maker was selected from,
/// and `thunk` the set or expression that is edited.
pub(crate) fn sccache_at(
    node: &SyntaxNode,
    prefix: Option<&Expr>,
    thunk: &Thunk,
) -> Option<Sccache> {
    let named = |expr: String| Some(Sccache::Named(format!("{expr}.sccache")));
    if let Some(prefix) = prefix.and_then(|prefix| usable_prefix(node, prefix)) {
        return named(prefix);
    }
    if is_package_set(node, "pkgs") {
        return named("pkgs".to_owned());
    }
    if let Some(name) = package_set_name(node) {
        return named(name);
    }
    for set in lexical::withs(node) {
        if looks_like_pkgs(&set) && names_in_scope(node, &set) {
            return named(as_operand(&set));
        }
    }
    // `inherit (pkgs) mkShell;` and the like
    for maker in ["mkShell", "mkShellNoCC", "lib", "stdenv"] {
        if let Some(Bound::From(from)) = lexical::lookup(node, maker)
            && looks_like_pkgs(&from)
            && names_in_scope(node, &from)
        {
            return named(as_operand(&from));
        }
    }
    if let Some(bound) = lexical::lookup(node, "sccache")
        && matches!(bound, Bound::Field { .. })
        && thunk.in_package().is_some()
    {
        return Some(Sccache::Named("sccache".to_owned()));
    }
    if let Some(lambda) = thunk.in_package()
        && lambda
            .syntax()
            .text_range()
            .contains_range(node.text_range())
        && lexical::lookup(node, "sccache").is_none()
        && matches!(lambda.param(), Some(Param::Pattern(pattern)) if has_entries(&pattern))
    {
        return Some(Sccache::Argument(lambda));
    }
    let has = |name: &str| lexical::lookup(node, name).is_some();
    if has("callPackage") {
        let call = "(callPackage ({ sccache }: sccache) { })";
        return Some(Sccache::Named(call.to_owned()));
    }
    if has("system") {
        for flake in ["nixpkgs", "inputs.nixpkgs"] {
            if has(flake.split('.').next().unwrap_or(flake)) {
                return named(format!("{flake}.legacyPackages.${{system}}"));
            }
        }
    }
    None
}

fn has_entries(pattern: &ast::Pattern) -> bool {
    pattern.pat_entries().next().is_some()
}

/// `pkgs` of `pkgs.mkShell`, where it is nixpkgs for the machine that the shell is for.
fn usable_prefix(node: &SyntaxNode, prefix: &Expr) -> Option<String> {
    let root = root_name(prefix)?;
    lexical::lookup(node, &root)?;
    let text = prefix.syntax().text().to_string();
    let is_name = matches!(prefix, Expr::Ident(_));
    if is_name && (root == "pkgs" || root.starts_with("pkgs") && is_package_set(node, &root)) {
        return Some(root);
    }
    if is_package_set(node, "pkgs") {
        return Some("pkgs".to_owned());
    }
    let looks_whole = looks_like_pkgs(prefix) && names_in_scope(node, prefix);
    looks_whole.then_some(text)
}

/// The name that `a.b.c` starts with.
fn root_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Ident(ident) => Some(ident.syntax().text().to_string()),
        Expr::Select(select) => root_name(&select.expr()?),
        _ => None,
    }
}

/// Whether `name` is bound at `node`, and not to something that can't be a package set.
fn is_package_set(node: &SyntaxNode, name: &str) -> bool {
    match lexical::lookup(node, name) {
        None | Some(Bound::Parts) => false,
        Some(Bound::Value(value)) => !matches!(
            innermost(&value),
            Expr::List(_) | Expr::Str(_) | Expr::Lambda(_) | Expr::Literal(_)
        ),
        Some(_) => true,
    }
}

/// A name around `node` that is bound to nixpkgs by what it says: `p = import nixpkgs { … };`.
fn package_set_name(node: &SyntaxNode) -> Option<String> {
    for scope in node.ancestors().skip(1) {
        if !matches!(scope.kind(), SyntaxKind::NODE_LET_IN) && !lexical::is_recursive(&scope) {
            continue;
        }
        for entry in lexical::entries(&scope) {
            let ast::Entry::AttrpathValue(binding) = entry else {
                continue;
            };
            let (Some(path), Some(value)) = (binding.attrpath(), binding.value()) else {
                continue;
            };
            if let [Some(name)] = lexical::attrpath_names(&path).as_slice()
                && is_nixpkgs_expr(&value)
                && !matches!(lexical::lookup(node, name), Some(Bound::Field { .. }))
            {
                return Some(name.clone());
            }
        }
    }
    None
}

/// `import nixpkgs { … }`, `nixpkgs.legacyPackages.${system}`
fn is_nixpkgs_expr(expr: &Expr) -> bool {
    match innermost(expr) {
        Expr::Apply(apply) => {
            let text = apply.syntax().text().to_string();
            let mut words = text.split_whitespace();
            words.next() == Some("import")
                && words.next().is_some_and(|path| path.contains("nixpkgs"))
                && words.next().is_some()
        }
        select @ Expr::Select(_) => selects_packages(&select),
        _ => false,
    }
}

fn selects_packages(expr: &Expr) -> bool {
    let Expr::Select(select) = expr else {
        return false;
    };
    let Some(path) = select.attrpath() else {
        return false;
    };
    let names = lexical::attrpath_names(&path);
    let Some((system, before)) = names.split_last() else {
        return false;
    };
    let computed = system.as_deref().is_none_or(|system| system.contains('-'));
    computed
        && before.last() == Some(&Some("legacyPackages".to_owned()))
        && select
            .expr()
            .is_some_and(|base| base.syntax().text().to_string().contains("nixpkgs"))
}

/// Whether the expression is nixpkgs by its name or by what it says.
fn looks_like_pkgs(expr: &Expr) -> bool {
    match expr {
        Expr::Ident(ident) => ident.syntax().text().to_string().starts_with("pkgs"),
        Expr::Paren(paren) => paren.expr().is_some_and(|inner| looks_like_pkgs(&inner)),
        Expr::Select(select) => {
            let text = select.syntax().text().to_string();
            let Some(path) = select.attrpath() else {
                return false;
            };
            let names = lexical::attrpath_names(&path);
            let last_is_system = names.last().is_some_and(|name| {
                name.as_deref()
                    .is_none_or(|name| name.ends_with("-linux") || name == "pkgs")
            });
            selects_packages(expr)
                || last_is_system && (text.contains("pkgs") || text.contains("Packages"))
        }
        Expr::Apply(_) => is_nixpkgs_expr(expr),
        _ => false,
    }
}

/// Whether every name in `expr` means the same at `node`.
fn names_in_scope(node: &SyntaxNode, expr: &Expr) -> bool {
    expr.syntax()
        .descendants()
        .filter(|child| child.kind() == SyntaxKind::NODE_IDENT)
        .filter(|child| {
            // Names of attributes are no variables.
            !child.parent().is_some_and(|parent| {
                matches!(
                    parent.kind(),
                    SyntaxKind::NODE_ATTRPATH | SyntaxKind::NODE_INHERIT
                )
            })
        })
        .all(|ident| {
            let name = ident.text().to_string();
            matches!(name.as_str(), "import" | "builtins" | "true" | "false")
                || lexical::lookup(node, &name).is_some()
        })
}

/// `expr` as something that `.sccache` can follow.
fn as_operand(expr: &Expr) -> String {
    let text = expr.syntax().text().to_string();
    match expr {
        Expr::Ident(_) | Expr::Select(_) | Expr::Paren(_) => text,
        _ => format!("({text})"),
    }
}
