//! The set that a function is selected from.

use rnix::SyntaxNode;
use rnix::ast::{self, Expr};
use rowan::ast::AstNode as _;

use super::eval::Eval;
use super::syntax;
use super::thunk::Thunk;
use crate::text::range_of;

/// The expression from which a shell function was selected: `pkgsFor.${system}` of `pkgsFor.${system}.mkShell`.
#[derive(Debug, Clone)]
pub(crate) struct Prefix {
    pub(super) text: String,
    /// The name it starts with.
    pub(super) root: String,
    /// The names that are selected from it.
    names: Vec<Option<String>>,
    pub(super) node: SyntaxNode,
}

impl Prefix {
    /// The prefix of a shell function; `None` when it has none or does not start with a name.
    pub(crate) fn of(function: &Expr) -> Option<Self> {
        let Expr::Select(select) = function else {
            return None;
        };
        let base = select.expr()?;
        let path = select.attrpath()?;
        let attrs: Vec<ast::Attr> = path.attrs().collect();
        // `mkShell.override` has one name more.
        let dropped = match attrs.last().and_then(syntax::attr_name).as_deref() {
            Some("override" | "overrideAttrs") => 2,
            _ => 1,
        };
        let kept = attrs.len().checked_sub(dropped)?;
        let start = range_of(base.syntax()).start;
        let end = match kept.checked_sub(1) {
            Some(last) => range_of(attrs[last].syntax()).end,
            None => range_of(base.syntax()).end,
        };
        let text = select.syntax().text().to_string();
        let Expr::Ident(root) = base else { return None };
        let offset = range_of(select.syntax()).start;
        Some(Self {
            text: text.get(start - offset..end - offset)?.to_owned(),
            root: root.syntax().text().to_string(),
            names: attrs[..kept].iter().map(syntax::attr_name).collect(),
            node: root.syntax().clone(),
        })
    }

    pub(super) fn is_name(&self) -> bool {
        self.text == self.root
    }

    /// The expression that the prefix stands for, as far as it is in the repository.
    pub(super) fn value(&self, eval: &mut Eval<'_, '_>, thunk: &Thunk) -> Option<Thunk> {
        let mut value = eval.value_at(thunk, &self.node, &self.root)?;
        for name in &self.names {
            let set = eval.follow(&value);
            value = eval.attribute(&set, name.as_ref()?)?;
        }
        Some(value)
    }
}
