//! The arguments that `callPackage` passes to the function that it calls.

use rnix::ast::{self, Entry, Expr};
use rowan::ast::AstNode as _;

use super::eval::Eval;
use super::syntax::{self, call_parts, last_name};
use super::thunk::{PackageCall, Thunk};

impl Eval<'_, '_> {
    /// The arguments that the function `call_package` passes.
    pub(super) fn package_call(&mut self, call_package: &Thunk) -> PackageCall {
        let mut text = call_package.expr.syntax().text().to_string();
        if let Expr::Select(select) = &call_package.expr
            && let Some(set) = select.expr()
        {
            let set = self.follow(&call_package.beside(set));
            text.push_str(&set.expr.syntax().text().to_string());
        }
        PackageCall {
            text,
            names: self.passed_by(call_package),
        }
    }

    /// The names that `lib.callPackageWith { … }` passes; `None` if they are not all in the
    /// repository.
    pub(crate) fn passed_by(&mut self, call_package: &Thunk) -> Option<Vec<String>> {
        let function = self.follow(call_package);
        let (head, arguments) = call_parts(&function.expr);
        let [set] = arguments.as_slice() else {
            return None;
        };
        (last_name(&head)? == "callPackageWith").then_some(())?;
        let set = self.follow(&function.beside(set.clone()));
        let mut names = self.names_of(&set)?;
        if let Some(pkgs) = self.attribute(&set, "pkgs")
            && self.lacks_sccache(&pkgs)
        {
            names.retain(|name| name != "pkgs");
        }
        Some(names)
    }

    /// Whether a value is a set that certainly has no `sccache`: all of its names are in the
    /// repository, as in `{ inherit (pkgs) mkShell cargo; }`.
    pub(crate) fn lacks_sccache(&mut self, set: &Thunk) -> bool {
        self.names_of(set)
            .is_some_and(|names| !names.iter().any(|name| name == "sccache"))
    }

    /// The names of a set, if all of them are in the repository.
    fn names_of(&mut self, set: &Thunk) -> Option<Vec<String>> {
        let set = self.follow(set);
        match &set.expr {
            Expr::AttrSet(literal) => {
                let mut names = Vec::new();
                for entry in syntax::entries(literal.syntax()) {
                    match entry {
                        Entry::AttrpathValue(binding) => {
                            let first = binding.attrpath()?.attrs().next()?;
                            names.push(syntax::attr_name(&first)?);
                        }
                        Entry::Inherit(inherit) => {
                            let inherited = inherit.attrs().map(|attr| syntax::attr_name(&attr));
                            names.extend(inherited.collect::<Option<Vec<_>>>()?);
                        }
                    }
                }
                Some(names)
            }
            Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Update) => {
                let mut names = self.names_of(&set.beside(operation.lhs()?))?;
                names.extend(self.names_of(&set.beside(operation.rhs()?))?);
                Some(names)
            }
            _ => None,
        }
    }
}
