//! The parts of a hook's expression: text that is written in it, and names and calls that stand for
//! text elsewhere.

use std::path::PathBuf;

use rnix::ast::{self, Expr, InterpolPart};
use rowan::ast::AstNode as _;

use crate::find::eval::Eval;
use crate::find::files::FileId;
use crate::find::syntax::{call_parts, last_name};
use crate::find::thunk::Thunk;
use crate::text::range_of;

/// A part of a hook's expression.
enum Part {
    /// A string that is written in the expression.
    Text(ast::Str),
    /// A name, a selection or a call.
    Reference(Expr),
}

/// All strings that are written in `hook`, those in interpolations included.
pub(super) fn strings(hook: &Expr) -> Vec<ast::Str> {
    let text = |part| match part {
        Part::Text(string) => Some(string),
        Part::Reference(_) => None,
    };
    parts(hook).into_iter().filter_map(text).collect()
}

/// Text of the repository that a hook contains.
#[derive(Debug, Default)]
pub(super) struct ContainedText {
    /// Strings in Nix files.
    pub(super) strings: Vec<(FileId, ast::Str)>,
    /// Files that are read, with their text.
    pub(super) files: Vec<(PathBuf, String)>,
}

/// The text of the repository that `references` and the references in their values stand for.
pub(super) fn text_of(eval: &mut Eval<'_, '_>, references: Vec<Thunk>) -> ContainedText {
    let mut found = ContainedText::default();
    let mut seen = Vec::new();
    let mut todo = references;
    while let Some(reference) = todo.pop() {
        let value = eval.follow(&reference);
        let place = (value.file, range_of(value.expr.syntax()));
        if seen.contains(&place) || !eval.spend() {
            continue;
        }
        seen.push(place);
        if let Some(file) = eval.file_read_by(&value) {
            found.files.push(file);
            continue;
        }
        found.strings.extend(
            strings(&value.expr)
                .into_iter()
                .map(|string| (value.file, string)),
        );
        todo.extend(self::references(&value));
    }
    found
        .strings
        .sort_by_key(|(file, string)| (*file, range_of(string.syntax()).start));
    found.files.sort();
    found
}

/// The names and calls in `hook` that stand for text.
///
/// ```nix
/// shellHook = ''
///   ${common}
/// '' + greeting;
/// ```
/// contains `common` and `greeting`.
pub(super) fn references(hook: &Thunk) -> Vec<Thunk> {
    let reference = |part| match part {
        Part::Text(_) => None,
        Part::Reference(expr) => Some(hook.beside(expr)),
    };
    parts(&hook.expr)
        .into_iter()
        .filter_map(reference)
        .collect()
}

fn parts(expr: &Expr) -> Vec<Part> {
    let of = |inner: Option<Expr>| inner.as_ref().map_or_else(Vec::new, parts);
    match expr {
        Expr::Str(string) => {
            let mut all = vec![Part::Text(string.clone())];
            for part in string.parts() {
                if let InterpolPart::Interpolation(part) = part {
                    all.extend(of(part.expr()));
                }
            }
            all
        }
        Expr::Paren(node) => of(node.expr()),
        Expr::LetIn(node) => of(node.body()),
        Expr::With(node) => of(node.body()),
        Expr::Assert(node) => of(node.body()),
        Expr::BinOp(operation) => [operation.lhs(), operation.rhs()]
            .into_iter()
            .flat_map(of)
            .collect(),
        Expr::IfElse(choice) => [choice.body(), choice.else_body()]
            .into_iter()
            .flat_map(of)
            .collect(),
        Expr::List(list) => list.items().flat_map(|item| parts(&item)).collect(),
        Expr::Apply(_) => {
            let (head, arguments) = call_parts(expr);
            match (last_name(&head).as_deref(), arguments.last()) {
                (
                    Some(
                        "optionalString" | "optional" | "optionals" | "concatStringsSep"
                        | "concatStrings" | "concatLines",
                    ),
                    Some(text),
                ) => parts(text),
                _ => vec![Part::Reference(expr.clone())],
            }
        }
        Expr::Ident(_) | Expr::Select(_) => vec![Part::Reference(expr.clone())],
        _ => Vec::new(),
    }
}
