//! Sets that are made from pairs: `listToAttrs [ { name = "default"; value = …; } ]`.

use rnix::ast::{self, Entry, Expr};
use rowan::ast::AstNode as _;

use super::eval::Eval;
use super::search::{Search, Sought, Step, is_system, name};
use super::syntax::{self, call_parts, last_name};
use super::thunk::{Thunk, Value};

/// The pairs of a set.
#[derive(Debug, Default)]
struct Pairs {
    /// The names, `None` where one is computed, and the values.
    found: Vec<(Option<String>, Thunk)>,
    /// Whether there may be others.
    open: bool,
}

impl Search<'_, '_> {
    /// `listToAttrs`, `mapAttrs'` and the like. `None` for another function; otherwise whether all
    /// attributes of the result are known, and there is something among them.
    pub(super) fn walk_pairs(
        &mut self,
        function: &str,
        arguments: &[Thunk],
        path: &[Step],
        sought: &Sought,
    ) -> Option<bool> {
        let mut pairs = Pairs::default();
        match (function, arguments) {
            ("listToAttrs", [list]) => self.pairs_of_list(list, &mut pairs),
            ("mapAttrs'", [function, set]) => self.pairs_of_set(function, set, &mut pairs),
            ("genAttrs'", [list, function]) => self.pairs_of_items(function, list, &mut pairs),
            _ => return None,
        }
        let (first, rest) = path.split_first()?;
        let (mut any, mut open) = (false, pairs.open);
        for (text, value) in pairs.found {
            let mut sought = sought.clone();
            let is_meant = match (first, text) {
                (Step::Name(wanted), Some(text)) => text == *wanted,
                (Step::System, Some(text)) => is_system(&text),
                (Step::System, None) => true,
                (Step::Each, Some(text)) => {
                    sought.name = Some(text);
                    true
                }
                (Step::Name(_) | Step::Each, None) => {
                    open = true;
                    false
                }
            };
            any |= is_meant && self.walk(&value, rest, &sought);
        }
        if let (Step::System, false, [list]) = (first, any, arguments) {
            // `{ name = system; value.default = …; }`
            return Some(self.walk(list, &[&[name("value")], rest].concat(), sought));
        }
        Some(any && (!open || *first == Step::System))
    }

    fn pairs_of_list(&mut self, list: &Thunk, pairs: &mut Pairs) {
        let list = self.eval.follow(list);
        match &list.expr {
            Expr::List(items) => {
                for item in items.items() {
                    self.pair(&list.beside(item), pairs);
                }
            }
            Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Concat) => {
                for side in [operation.lhs(), operation.rhs()].into_iter().flatten() {
                    self.pairs_of_list(&list.beside(side), pairs);
                }
            }
            Expr::Apply(_) => {
                let (head, arguments) = call_parts(&list.expr);
                let function = last_name(&head).unwrap_or_default();
                let arguments = arguments.into_iter();
                let arguments: Vec<Thunk> = arguments.map(|given| list.beside(given)).collect();
                match (function.as_str(), arguments.as_slice()) {
                    ("map", [function, items]) | ("forEach", [items, function]) => {
                        self.pairs_of_items(function, items, pairs);
                    }
                    ("mapAttrsToList", [function, set]) => {
                        self.pairs_of_set(function, set, pairs);
                    }
                    ("optional", [_, item]) => self.pair(item, pairs),
                    ("optionals", [_, items]) => self.pairs_of_list(items, pairs),
                    _ => pairs.open = true,
                }
            }
            _ => pairs.open = true,
        }
    }

    /// The pairs that `function` makes of the items of a list.
    fn pairs_of_items(&mut self, function: &Thunk, list: &Thunk, pairs: &mut Pairs) {
        let list = self.eval.follow(list);
        let items: Vec<Value> = match &list.expr {
            Expr::List(items) => items
                .items()
                .map(|item| Value::Thunk(list.beside(item)))
                .collect(),
            _ => vec![Value::Unknown],
        };
        for item in items {
            self.pair_of(function, [item], pairs);
        }
    }

    /// The pairs that `function` makes of the attributes of a set.
    fn pairs_of_set(&mut self, function: &Thunk, set: &Thunk, pairs: &mut Pairs) {
        let set = self.eval.follow(set);
        let Expr::AttrSet(literal) = &set.expr else {
            return self.pair_of(function, [Value::Unknown, Value::Unknown], pairs);
        };
        for entry in syntax::entries(literal.syntax()) {
            match entry {
                Entry::AttrpathValue(binding) => {
                    let Some((names, value)) = syntax::binding_parts(&binding) else {
                        continue;
                    };
                    let value = match names.len() {
                        1 => Value::Thunk(set.beside(value)),
                        _ => Value::Unknown,
                    };
                    let text = names.into_iter().next().flatten();
                    let text = text.map_or(Value::Unknown, Value::Text);
                    self.pair_of(function, [text, value], pairs);
                }
                Entry::Inherit(inherit) => {
                    for text in inherit.attrs().filter_map(|attr| syntax::attr_name(&attr)) {
                        let value = self.eval.inherited(&set, &inherit, &text);
                        let value = value.map_or(Value::Unknown, Value::Thunk);
                        self.pair_of(function, [Value::Text(text), value], pairs);
                    }
                }
            }
        }
    }

    /// The pair that a function returns.
    fn pair_of<const N: usize>(
        &mut self,
        function: &Thunk,
        arguments: [Value; N],
        pairs: &mut Pairs,
    ) {
        let mut result = self.eval.follow(function);
        for argument in arguments {
            let Some(body) = Eval::call(&result, argument) else {
                pairs.open = true;
                return;
            };
            result = self.eval.follow(&body);
        }
        self.pair(&result, pairs);
    }

    /// `{ name = …; value = …; }` or `nameValuePair name value`
    fn pair(&mut self, pair: &Thunk, pairs: &mut Pairs) {
        let pair = self.eval.follow(pair);
        let (text, value) = match &pair.expr {
            Expr::AttrSet(_) => {
                let text = self.eval.text_attribute(&pair, "name");
                (text, self.eval.attribute(&pair, "value"))
            }
            Expr::Apply(_) => {
                let (head, arguments) = call_parts(&pair.expr);
                match (last_name(&head).as_deref(), arguments.as_slice()) {
                    (Some("nameValuePair"), [text, value]) => {
                        let text = self.eval.text(&pair.beside(text.clone()));
                        (text, Some(pair.beside(value.clone())))
                    }
                    _ => (None, None),
                }
            }
            _ => (None, None),
        };
        match value {
            Some(value) => pairs.found.push((text, value)),
            None => pairs.open = true,
        }
    }
}
