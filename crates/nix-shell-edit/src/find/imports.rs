//! The files that path expressions name.

use std::path::Path;

use rnix::ast::{self, Expr};
use rowan::ast::AstNode as _;

use super::eval::{Eval, Thunk};
use super::lexical;

impl Eval<'_, '_> {
    /// The expression of the file that a path expression names.
    pub(crate) fn imported(&mut self, path: &Thunk) -> Option<Thunk> {
        let id = match &path.expr {
            Expr::PathRel(relative) => self
                .files
                .import(path.file, &relative.syntax().text().to_string())?,
            // `"${self}/nix/shell.nix"`
            Expr::Str(string) => {
                let parts = string.normalized_parts();
                let [
                    ast::InterpolPart::Interpolation(root),
                    ast::InterpolPart::Literal(rest),
                ] = parts.as_slice()
                else {
                    return None;
                };
                let root = root.expr()?.to_string();
                let relative = rest.strip_prefix('/')?;
                match root.as_str() {
                    "self" | "inputs.self" => self.files.import_from(Path::new(""), relative)?,
                    "./." | "./" | "toString ./." => self.files.import(path.file, relative)?,
                    _ => return None,
                }
            }
            // `./. + "/nix/shell.nix"`
            Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Add) => {
                let (left, right) = (operation.lhs()?, operation.rhs()?);
                let Expr::Str(right) = right else { return None };
                let relative = lexical::plain_string(&right)?;
                let relative = relative.strip_prefix('/')?;
                match left.to_string().as_str() {
                    "self" | "inputs.self" => self.files.import_from(Path::new(""), relative)?,
                    "./." => self.files.import(path.file, relative)?,
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(self.file(id))
    }
}
