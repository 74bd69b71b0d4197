//! The bindings of a Nix file, for files that sccfg generates and reads back.

use std::path::Path;

use rnix::ast::{AttrpathValue, Expr};
use rowan::ast::AstNode as _;

use crate::find::parse::parse;
use crate::find::syntax::{self, call_parts, last_name};

/// A binding, `a.b = value;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The names of the attribute path; an interpolated name is empty.
    pub names: Vec<String>,
    /// The right side.
    pub value: Literal,
}

/// The value of a binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A string without interpolations.
    Text(String),
    /// `fromTOML` of such a string.
    FromToml(String),
    /// Any other expression.
    Other,
}

/// All bindings of the file at `path`, which contains `text`, in order, nested ones included; `None`
/// if it does not parse.
pub fn bindings(path: &Path, text: &str) -> Option<Vec<Binding>> {
    let root = parse(path, text).ok()?;
    let all = root.syntax().descendants().filter_map(AttrpathValue::cast);
    Some(
        all.filter_map(|binding| {
            let (names, value) = syntax::binding_parts(&binding)?;
            Some(Binding {
                names: names.into_iter().map(Option::unwrap_or_default).collect(),
                value: literal(&value),
            })
        })
        .collect(),
    )
}

fn literal(value: &Expr) -> Literal {
    if let Expr::Str(string) = value {
        return syntax::plain_string(string).map_or(Literal::Other, Literal::Text);
    }
    let (head, arguments) = call_parts(value);
    match (last_name(&head).as_deref(), arguments.as_slice()) {
        (Some("fromTOML"), [Expr::Str(text)]) => {
            syntax::plain_string(text).map_or(Literal::Other, Literal::FromToml)
        }
        _ => Literal::Other,
    }
}
