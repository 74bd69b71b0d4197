//! Distinguishes a package set from a set of package sets, one for each system.

use rnix::ast::{self, Expr};
use rnix::{SyntaxNode, TextRange};
use rowan::ast::AstNode as _;

use super::lexical::{self, Bound};
use super::syntax;

/// Whether the name at `node` is a set of package sets: the file has `name.${system}`, or only computed attributes of it.
/// With `name.mkShell`, a computed attribute is the name of a package.
pub(crate) fn is_selected_by_system(node: &SyntaxNode, name: &str) -> bool {
    let Some(root) = node.ancestors().last() else {
        return false;
    };
    let bound = binding_of(node, name);
    let mut is_computed = false;
    let mut is_package_set = false;
    for select in root.descendants().filter_map(ast::Select::cast) {
        let is_name =
            matches!(select.expr(), Some(Expr::Ident(ident)) if ident.syntax().text() == name);
        if !is_name || binding_of(select.syntax(), name) != bound {
            continue;
        }
        let first = select.attrpath().and_then(|path| path.attrs().next());
        match first {
            Some(ast::Attr::Dynamic(attr)) if is_named_like_system(&attr) => return true,
            Some(ast::Attr::Dynamic(_)) => is_computed = true,
            Some(attr) => {
                let name = syntax::attr_name(&attr);
                is_package_set |= name.is_some_and(|name| !name.contains('-'));
            }
            None => {}
        }
    }
    is_computed && !is_package_set
}

/// Whether the names in `${…}` are those of systems, such as `pkgs.stdenv.hostPlatform.system`.
fn is_named_like_system(attr: &ast::Dynamic) -> bool {
    let text = attr.syntax().text().to_string().to_lowercase();
    ["sys", "plat", "arch", "host"]
        .iter()
        .any(|word| text.contains(word))
}

/// Where `name` is bound at `node`.
fn binding_of(node: &SyntaxNode, name: &str) -> Option<TextRange> {
    match lexical::lookup(node, name)? {
        Bound::Value(value) | Bound::From(value) => Some(value.syntax().text_range()),
        Bound::Field { lambda, .. } | Bound::Argument { lambda } => {
            Some(lambda.syntax().text_range())
        }
        Bound::Parts => None,
    }
}
