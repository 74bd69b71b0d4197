//! The parts of an expression: the entries of a set and their names, calls, what parentheses and `let` contain.

use rnix::ast::{self, Attr, AttrpathValue, Entry, Expr, HasEntry as _, Inherit};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

/// The name of an attribute that is not computed: `a` or `"a"`, but not `${a}`.
pub(crate) fn attr_name(attr: &Attr) -> Option<String> {
    match attr {
        Attr::Ident(ident) => Some(ident.syntax().text().to_string()),
        Attr::Str(string) => plain_string(string),
        Attr::Dynamic(dynamic) => match dynamic.expr()? {
            Expr::Str(string) => plain_string(&string),
            _ => None,
        },
    }
}

/// Whether a computed name may evaluate to one of `names`.
pub(crate) fn may_be(attr: &Attr, names: &[&str]) -> bool {
    let string = match attr {
        Attr::Str(string) => string.clone(),
        Attr::Dynamic(dynamic) => match dynamic.expr() {
            Some(Expr::Str(string)) => string,
            _ => return true,
        },
        Attr::Ident(_) => return false,
    };
    let parts = string.normalized_parts();
    let literal = |part: Option<&ast::InterpolPart<String>>| match part {
        Some(ast::InterpolPart::Literal(text)) => text.clone(),
        _ => String::new(),
    };
    let (start, end) = (literal(parts.first()), literal(parts.last()));
    names
        .iter()
        .any(|name| name.starts_with(&start) && name.ends_with(&end))
}

/// The value of a string without interpolation.
pub(crate) fn plain_string(string: &ast::Str) -> Option<String> {
    let mut parts = string.normalized_parts().into_iter();
    match (parts.next(), parts.next()) {
        (None, _) => Some(String::new()),
        (Some(ast::InterpolPart::Literal(text)), None) => Some(text),
        _ => None,
    }
}

/// The names along `a.b.c`, `None` where one is computed.
pub(crate) fn attrpath_names(path: &ast::Attrpath) -> Vec<Option<String>> {
    path.attrs().map(|attr| attr_name(&attr)).collect()
}

/// The names along the path of `a.b = value;`, and the value.
pub(crate) fn binding_parts(binding: &AttrpathValue) -> Option<(Vec<Option<String>>, Expr)> {
    Some((attrpath_names(&binding.attrpath()?), binding.value()?))
}

/// Whether an attribute set is `rec { … }`.
pub(crate) fn is_recursive(set: &SyntaxNode) -> bool {
    ast::AttrSet::cast(set.clone()).is_some_and(|set| set.rec_token().is_some())
}

/// The value of an old-style `let { body = value; }`.
pub(crate) fn body_of(node: &ast::LegacyLet) -> Option<ast::Expr> {
    entries(node.syntax())
        .into_iter()
        .find_map(|entry| match entry {
            Entry::AttrpathValue(binding) => {
                let (names, value) = binding_parts(&binding)?;
                (names == [Some("body".to_owned())]).then_some(value)
            }
            Entry::Inherit(_) => None,
        })
}

/// The entries of a `let`, a set or an old-style `let { … }`.
pub(crate) fn entries(scope: &SyntaxNode) -> Vec<Entry> {
    match scope.kind() {
        SyntaxKind::NODE_LET_IN => {
            ast::LetIn::cast(scope.clone()).map_or_else(Vec::new, |node| node.entries().collect())
        }
        SyntaxKind::NODE_LEGACY_LET => ast::LegacyLet::cast(scope.clone())
            .map_or_else(Vec::new, |node| node.entries().collect()),
        SyntaxKind::NODE_ATTR_SET => {
            ast::AttrSet::cast(scope.clone()).map_or_else(Vec::new, |node| node.entries().collect())
        }
        _ => Vec::new(),
    }
}

/// The attribute of `inherit` that names `name`.
pub(crate) fn inherited(inherit: &Inherit, name: &str) -> Option<Attr> {
    inherit
        .attrs()
        .find(|attr| attr_name(attr).as_deref() == Some(name))
}

/// The expression directly inside `expr` that has the same value.
pub(super) fn inside(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Paren(node) => node.expr(),
        Expr::LetIn(node) => node.body(),
        Expr::LegacyLet(node) => body_of(node),
        Expr::With(node) => node.body(),
        Expr::Assert(node) => node.body(),
        Expr::Root(node) => node.expr(),
        _ => None,
    }
}

/// `expr` without the parentheses, `let`, `with` and `assert` around it.
pub(crate) fn innermost(expr: &Expr) -> Expr {
    let mut current = expr.clone();
    while let Some(next) = inside(&current) {
        current = next;
    }
    current
}

/// The last name in `a`, `a.b` or `(a.b)`: what a function is called, whatever set it is in.
pub(crate) fn last_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Ident(ident) => Some(ident.syntax().text().to_string()),
        Expr::Select(select) => attrpath_names(&select.attrpath()?).pop()?,
        Expr::Paren(paren) => last_name(&paren.expr()?),
        _ => None,
    }
}

/// A call taken apart: `f a b` → `f` and `[a, b]`.
pub(crate) fn call_parts(expr: &Expr) -> (Expr, Vec<Expr>) {
    let mut arguments = Vec::new();
    let mut head = expr.clone();
    loop {
        let next = match &head {
            Expr::Apply(apply) => {
                let (Some(function), Some(argument)) = (apply.lambda(), apply.argument()) else {
                    break;
                };
                arguments.push(argument);
                function
            }
            Expr::Paren(paren) => match paren.expr() {
                Some(inner) => inner,
                None => break,
            },
            _ => break,
        };
        head = next;
    }
    arguments.reverse();
    (head, arguments)
}
