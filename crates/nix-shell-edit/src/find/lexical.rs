//! Which binding a name refers to, from the syntax alone.

use rnix::ast::{AttrpathValue, Entry, Expr, Inherit, Lambda, Param};
use rnix::{SyntaxKind, SyntaxNode, ast};
use rowan::ast::AstNode as _;

use super::syntax::{attr_name, entries, inherited, innermost, is_recursive};

/// The binding of a name.
#[derive(Debug, Clone)]
pub(crate) enum Bound {
    /// `name = value;` in a `let` or a `rec` set.
    Value(Expr),
    /// Only parts of it, `name.a = …;`, in this `let` or `rec` set.
    Parts,
    /// `inherit (from) name;`
    From(Expr),
    /// An argument: `{ name, … }:` or `{ name ? default }:`.
    Field {
        lambda: Lambda,
        default: Option<Expr>,
    },
    /// The whole argument: `name:` or `name@{ … }:`.
    Argument { lambda: Lambda },
}

/// Looks `name` up in the scopes around `node`, without those of `with`.
pub(crate) fn lookup(node: &SyntaxNode, name: &str) -> Option<Bound> {
    let mut child = node.clone();
    while let Some(scope) = child.parent() {
        let found = match scope.kind() {
            SyntaxKind::NODE_LAMBDA => {
                Lambda::cast(scope.clone()).and_then(|lambda| lambda_binding(lambda, name))
            }
            SyntaxKind::NODE_LET_IN | SyntaxKind::NODE_LEGACY_LET => entry_binding(&scope, name),
            SyntaxKind::NODE_ATTR_SET if is_recursive(&scope) => entry_binding(&scope, name),
            _ => None,
        };
        // `inherit name;` in a scope refers to the scopes around it, and so does the name itself
        // when the search starts in such an `inherit`.
        match found {
            Some(Found::Bound(bound)) if !starts_in_inherit(&child, &scope) => return Some(bound),
            _ => child = scope,
        }
    }
    None
}

/// The first of `names` that `expr` does not use as a free variable; the last one with primes added
/// where it uses all of them.
pub(crate) fn free_name(expr: &Expr, names: &[&str]) -> String {
    // Parsed alone, so that only bindings inside of it are found.
    let alone = rnix::Root::parse(&expr.syntax().text().to_string()).syntax();
    let is_taken = |name: &str| {
        alone.descendants().any(|node| {
            let is_variable = node.kind() == SyntaxKind::NODE_IDENT
                && node.text() == name
                && node.parent().is_some_and(|parent| {
                    !matches!(
                        parent.kind(),
                        SyntaxKind::NODE_ATTRPATH | SyntaxKind::NODE_PAT_ENTRY
                    )
                });
            is_variable && lookup(&node, name).is_none()
        })
    };
    if let Some(name) = names.iter().find(|name| !is_taken(name)) {
        return (*name).to_owned();
    }
    let mut name = names.last().copied().unwrap_or_default().to_owned();
    while is_taken(&name) {
        name.push('\'');
    }
    name
}

/// The `let` or `rec` set around `node` that binds only parts of `name`: `name.a = …;`
pub(crate) fn scope_of_parts(node: &SyntaxNode, name: &str) -> Option<SyntaxNode> {
    let scope = node
        .ancestors()
        .skip(2)
        .find(|scope| scope.kind() == SyntaxKind::NODE_LET_IN || is_recursive(scope))?;
    matches!(
        entry_binding(&scope, name),
        Some(Found::Bound(Bound::Parts))
    )
    .then_some(scope)
}

/// The function that the file `root`, a module, consists of, if it is the only one around `node` and takes any argument:
/// `{ lib, ... }: …`.
pub(crate) fn function_of_module(root: &Expr, node: &SyntaxNode) -> Option<Lambda> {
    let mut around = node.ancestors().filter_map(Lambda::cast);
    let lambda = around.next()?;
    let takes_all = match lambda.param()? {
        Param::Pattern(pattern) => pattern.ellipsis_token().is_some(),
        Param::IdentParam(_) => false,
    };
    let is_whole = innermost(root).syntax() == lambda.syntax();
    (takes_all && is_whole && around.next().is_none()).then_some(lambda)
}

/// The sets opened by `with` around `node`, innermost first.
pub(crate) fn withs(node: &SyntaxNode) -> Vec<Expr> {
    let mut found = Vec::new();
    let mut child = node.clone();
    while let Some(scope) = child.parent() {
        if let Some(with) = ast::With::cast(scope.clone())
            && with.body().is_some_and(|body| body.syntax() == &child)
        {
            found.extend(with.namespace());
        }
        child = scope;
    }
    found
}

enum Found {
    Bound(Bound),
    Outer,
}

fn entry_binding(scope: &SyntaxNode, name: &str) -> Option<Found> {
    let mut parts = false;
    for entry in entries(scope) {
        match entry {
            Entry::Inherit(inherit) => {
                if inherited(&inherit, name).is_some() {
                    return Some(match inherit.from().and_then(|from| from.expr()) {
                        Some(from) => Found::Bound(Bound::From(from)),
                        None => Found::Outer,
                    });
                }
            }
            Entry::AttrpathValue(binding) => match binding_start(&binding, name) {
                Some(1) => return Some(Found::Bound(Bound::Value(binding.value()?))),
                Some(_) => parts = true,
                None => {}
            },
        }
    }
    parts.then_some(Found::Bound(Bound::Parts))
}

/// How many names the path of `binding` has, if it starts with `name`.
fn binding_start(binding: &AttrpathValue, name: &str) -> Option<usize> {
    let path = binding.attrpath()?;
    let mut attrs = path.attrs();
    (attr_name(&attrs.next()?)? == name).then(|| attrs.count() + 1)
}

fn lambda_binding(lambda: Lambda, name: &str) -> Option<Found> {
    let bound = match lambda.param()? {
        Param::IdentParam(param) => {
            (param.ident()?.syntax().text() == name).then_some(Bound::Argument { lambda })?
        }
        Param::Pattern(pattern) => {
            let whole = pattern.pat_bind().and_then(|bind| bind.ident());
            if whole.is_some_and(|ident| ident.syntax().text() == name) {
                Bound::Argument { lambda }
            } else {
                let entry = pattern.pat_entries().find(|entry| {
                    entry
                        .ident()
                        .is_some_and(|ident| ident.syntax().text() == name)
                })?;
                // rnix counts the entry's name as its first expression.
                Bound::Field {
                    lambda,
                    default: entry.default(),
                }
            }
        }
    };
    Some(Found::Bound(bound))
}

/// Whether `child` is a plain `inherit …;` of `scope`, whose names are looked up outside of it.
fn starts_in_inherit(child: &SyntaxNode, scope: &SyntaxNode) -> bool {
    Inherit::cast(child.clone())
        .is_some_and(|inherit| inherit.from().is_none() && scope.kind() != SyntaxKind::NODE_LAMBDA)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks up the name after `/*?*/`.
    fn at_mark(text: &str) -> Option<String> {
        let root = rnix::Root::parse(text);
        assert!(root.errors().is_empty(), "{text}");
        let offset = u32::try_from(text.find("/*?*/").unwrap() + 5).unwrap();
        let token = root
            .syntax()
            .token_at_offset(offset.into())
            .right_biased()
            .unwrap();
        let name = token.text().to_owned();
        lookup(&token.parent().unwrap(), &name).map(|bound| match bound {
            Bound::Value(expr) => expr.to_string(),
            Bound::Parts => "parts".to_owned(),
            Bound::From(expr) => format!("from {expr}"),
            Bound::Field { default, .. } => {
                format!(
                    "field {}",
                    default.map_or_else(String::new, |default| default.to_string())
                )
            }
            Bound::Argument { .. } => "argument".to_owned(),
        })
    }

    #[test]
    fn names_are_looked_up_in_enclosing_scopes() {
        assert_eq!(at_mark("let a = 1; in b: /*?*/a").as_deref(), Some("1"));
        assert_eq!(
            at_mark("let a = 1; in a: /*?*/a").as_deref(),
            Some("argument")
        );
        assert_eq!(
            at_mark("{ a ? 2, ... }: /*?*/a").as_deref(),
            Some("field 2")
        );
        assert_eq!(at_mark("{ a, ... }@b: /*?*/b").as_deref(), Some("argument"));
        assert_eq!(at_mark("rec { a = 3; c = /*?*/a; }").as_deref(), Some("3"));
        assert_eq!(at_mark("{ a = 3; c = /*?*/a; }"), None);
        assert_eq!(
            at_mark("let inherit (x) a; in /*?*/a").as_deref(),
            Some("from x")
        );
        assert_eq!(
            at_mark("let a = 1; in let inherit a; in /*?*/a").as_deref(),
            Some("1")
        );
        assert_eq!(at_mark("let a.b = 1; in /*?*/a").as_deref(), Some("parts"));
        assert_eq!(
            at_mark("a: rec { inherit /*?*/a; }").as_deref(),
            Some("argument")
        );
    }
}
