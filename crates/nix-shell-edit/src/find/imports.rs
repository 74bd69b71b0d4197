//! The files that path expressions name.

use std::path::{Path, PathBuf};

use rnix::ast::{self, Expr};
use rowan::ast::AstNode as _;

use super::eval::Eval;
use super::files::normalize;
use super::syntax::{self, call_parts, last_name};
use super::thunk::Thunk;

impl Eval<'_, '_> {
    /// The expression of the file that a path expression names.
    pub(crate) fn imported(&mut self, path: &Thunk) -> Option<Thunk> {
        let path = self.path(path)?;
        let id = self.files.import(&path)?;
        Some(self.file(id))
    }

    /// The file whose text a call of `builtins.readFile` or `lib.fileContents` has, and that text.
    pub(crate) fn file_read_by(&mut self, call: &Thunk) -> Option<(PathBuf, String)> {
        let (function, arguments) = call_parts(&call.expr);
        let [path] = arguments.as_slice() else {
            return None;
        };
        matches!(last_name(&function)?.as_str(), "readFile" | "fileContents").then_some(())?;
        let path = self.follow(&call.beside(path.clone()));
        let path = self.path(&path)?;
        let text = self.files.text_of(&path)?;
        Some((path, text))
    }

    /// What a path expression names, relative to the flake's directory. `None` if that is outside of it.
    fn path(&self, path: &Thunk) -> Option<PathBuf> {
        let here = |relative: &str| self.files.beside(path.file, relative);
        let in_flake = |relative: &str| normalize(Path::new(relative));
        match &path.expr {
            Expr::PathRel(relative) => here(&relative.syntax().text().to_string()),
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
                    "self" | "inputs.self" => in_flake(relative),
                    "./." | "./" | "toString ./." => here(relative),
                    _ => None,
                }
            }
            // `./. + "/nix/shell.nix"`
            Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Add) => {
                let (left, right) = (operation.lhs()?, operation.rhs()?);
                let Expr::Str(right) = right else { return None };
                let relative = syntax::plain_string(&right)?;
                let relative = relative.strip_prefix('/')?;
                match left.to_string().as_str() {
                    "self" | "inputs.self" => in_flake(relative),
                    "./." => here(relative),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
