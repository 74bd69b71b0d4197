//! Repositories that build their programs by Nix.

use rnix::ast::{Attr, AttrpathValue, HasEntry as _};
use rowan::ast::AstNode as _;

/// Whether a flake, as text, has `packages` among its outputs.
pub(crate) fn has_packages(flake: &str) -> bool {
    let root = rnix::Root::parse(flake);
    let bindings = root.syntax().descendants().filter_map(AttrpathValue::cast);
    bindings.into_iter().any(|binding| {
        let names: Vec<String> = binding
            .attrpath()
            .into_iter()
            .flat_map(|path| path.attrs().collect::<Vec<_>>())
            .map(|attr| match attr {
                Attr::Ident(name) => name.to_string(),
                Attr::Str(text) => text.to_string(),
                Attr::Dynamic(name) => name.to_string(),
            })
            .collect();
        let Some(position) = names.iter().position(|name| name == "packages") else {
            return false;
        };
        // `packages` of a shell is a list.
        let is_list = matches!(binding.value(), Some(rnix::ast::Expr::List(_) | rnix::ast::Expr::With(_)));
        let is_set = matches!(&binding.value(), Some(rnix::ast::Expr::AttrSet(set)) if set.entries().next().is_some());
        !is_list && (is_set || position + 1 < names.len() || position == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_a_flake_are_distinguished_from_those_of_a_shell() {
        for (flake, expected) in [
            (
                "{ outputs = _: { packages.x86_64-linux.default = 1; }; }",
                true,
            ),
            (
                "{ outputs = _: { packages = forAll (p: { default = p.hello; }); }; }",
                true,
            ),
            (
                "{ outputs = _: { perSystem = { packages.default = 1; }; }; }",
                true,
            ),
            (
                "{ outputs = _: { devShells.x.default = mkShell { packages = [ a ]; }; }; }",
                false,
            ),
            (
                "{ outputs = _: { devShells.x.default = mkShell { packages = with p; [ a ]; }; }; }",
                false,
            ),
            ("{ outputs = _: { }; }", false),
        ] {
            assert_eq!(has_packages(flake), expected, "{flake}");
        }
    }
}
