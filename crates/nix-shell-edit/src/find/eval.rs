//! Follows names, calls and imports to the expressions that they stand for.
//!
//! Nothing is computed. An expression is followed as far as its definition is in the files of the
//! repository.

use std::rc::Rc;

use rnix::ast::{AttrSet, Expr, Lambda};
use rnix::{SyntaxNode, ast};
use rowan::ast::AstNode as _;

use super::files::{FileId, Files};
use super::lexical::{self, Bound};
use super::syntax::{self, call_parts, inside, last_name};
use super::thunk::{Call, Thunk, Value};

/// The maximum number of steps of a search. Flakes take hundreds.
const FUEL: u32 = 200_000;
/// The maximum depth of nested [`Eval::follow`].
const DEPTH: u32 = 200;

/// Follows expressions.
pub(crate) struct Eval<'f, 's> {
    pub(crate) files: &'f mut Files<'s>,
    /// The flake's outputs, which `self` refers to.
    pub(crate) outputs: Option<Thunk>,
    fuel: u32,
    depth: u32,
}

impl<'f, 's> Eval<'f, 's> {
    pub(crate) fn new(files: &'f mut Files<'s>) -> Self {
        Self {
            files,
            outputs: None,
            fuel: FUEL,
            depth: 0,
        }
    }

    /// The whole expression of a file.
    pub(crate) fn file(&self, id: FileId) -> Thunk {
        Thunk {
            file: id,
            expr: self.files.get(id).root.clone(),
            calls: None,
        }
    }

    /// The body of `function` with its parameter bound to `argument`; `None` if it is no lambda.
    pub(crate) fn call(function: &Thunk, argument: Value) -> Option<Thunk> {
        let Expr::Lambda(lambda) = &function.expr else {
            return None;
        };
        let call = Call {
            lambda: lambda.syntax().clone(),
            argument,
            outer: function.calls.clone(),
        };
        Some(Thunk {
            file: function.file,
            expr: lambda.body()?,
            calls: Some(Rc::new(call)),
        })
    }

    /// Follows `thunk` through parentheses, `let`, `with`, `assert`, names, selections, imports and
    /// calls of the repository's own functions.
    pub(crate) fn follow(&mut self, thunk: &Thunk) -> Thunk {
        let mut current = thunk.clone();
        if self.depth >= DEPTH {
            return current;
        }
        self.depth += 1;
        while self.fuel > 0 {
            self.fuel -= 1;
            match self.step(&current) {
                Some(next) => current = next,
                None => break,
            }
        }
        self.depth -= 1;
        current
    }

    /// Counts a step. Returns `false` once the limit is reached.
    pub(crate) fn spend(&mut self) -> bool {
        self.fuel = self.fuel.saturating_sub(1);
        self.fuel > 0
    }

    fn step(&mut self, thunk: &Thunk) -> Option<Thunk> {
        match &thunk.expr {
            Expr::Select(select) => self.select(thunk, select),
            Expr::Apply(apply) => self.apply(thunk, apply),
            Expr::Ident(ident) => {
                match self.name(thunk, ident.syntax(), &ident.syntax().text().to_string())? {
                    Value::Thunk(value) => Some(value),
                    _ => None,
                }
            }
            other => Some(thunk.beside(inside(other)?)),
        }
    }

    /// The value of `name` in the scope of `node`.
    fn name(&mut self, thunk: &Thunk, node: &SyntaxNode, name: &str) -> Option<Value> {
        match lexical::lookup(node, name) {
            Some(Bound::Value(expr)) => Some(Value::Thunk(thunk.beside(expr))),
            Some(Bound::From(from)) => {
                let from = self.follow(&thunk.beside(from));
                self.attribute(&from, name).map(Value::Thunk)
            }
            Some(Bound::Parts) => None,
            Some(Bound::Argument { lambda }) => {
                thunk.call_of(&lambda).map(|call| call.argument.clone())
            }
            Some(Bound::Field { lambda, default }) => {
                let argument = thunk
                    .call_of(&lambda)
                    .map_or(Value::Unknown, |call| call.argument.clone());
                let given = self.field(&argument, name);
                match (given, default) {
                    (Some(value), _) => Some(value),
                    (None, Some(default)) if matches!(argument, Value::Thunk(_)) => {
                        Some(Value::Thunk(thunk.beside(default)))
                    }
                    _ => None,
                }
            }
            None => lexical::withs(node).into_iter().find_map(|set| {
                let set = self.follow(&thunk.beside(set));
                self.attribute(&set, name).map(Value::Thunk)
            }),
        }
    }

    fn field(&mut self, value: &Value, name: &str) -> Option<Value> {
        match value {
            Value::Thunk(set) => {
                let set = self.follow(set);
                self.attribute(&set, name).map(Value::Thunk)
            }
            Value::Inputs if name == "self" => self.outputs.clone().map(Value::Thunk),
            _ => None,
        }
    }

    /// The value of the attribute `name` of a literal set, or of literal sets joined by `//`.
    pub(crate) fn attribute(&mut self, set: &Thunk, name: &str) -> Option<Thunk> {
        match &set.expr {
            Expr::AttrSet(literal) => self.literal_attribute(set, literal, name),
            Expr::BinOp(operation) if operation.operator() == Some(ast::BinOpKind::Update) => {
                let right = self.follow(&set.beside(operation.rhs()?));
                if let Some(value) = self.attribute(&right, name) {
                    return Some(value);
                }
                // The left side counts only where the right side is known not to have the name.
                let right_lacks_name = if let Expr::AttrSet(_) = &right.expr {
                    true
                } else {
                    let right = set.beside(operation.rhs()?);
                    matches!(self.outside_value(&right, &right.expr), Some(Value::Inputs))
                        && !self.is_input(name)
                };
                right_lacks_name.then_some(())?;
                let left = self.follow(&set.beside(operation.lhs()?));
                self.attribute(&left, name)
            }
            _ => None,
        }
    }

    /// The expression that is passed to `lambda`, a function around `thunk`: the attribute `name`
    /// of its argument, or without a name the whole argument. `None` if it is not known.
    pub(crate) fn argument(
        &mut self,
        thunk: &Thunk,
        lambda: &Lambda,
        name: Option<&str>,
    ) -> Option<Thunk> {
        let Value::Thunk(given) = thunk.call_of(lambda)?.argument.clone() else {
            return None;
        };
        match name {
            None => Some(given),
            Some(name) => {
                let set = self.follow(&given);
                self.attribute(&set, name)
            }
        }
    }

    /// The expression that `name` stands for in the scope of `node`. `None` if it is not known.
    pub(crate) fn value_at(
        &mut self,
        thunk: &Thunk,
        node: &SyntaxNode,
        name: &str,
    ) -> Option<Thunk> {
        match self.name(thunk, node, name)? {
            Value::Thunk(value) => Some(value),
            _ => None,
        }
    }

    /// One step of [`Self::follow`]. `None` if there is none.
    pub(crate) fn follow_once(&mut self, thunk: &Thunk) -> Option<Thunk> {
        self.step(thunk)
    }

    /// Whether the flake may declare an input of this name: whether any of its bindings has the
    /// name in first or second place, as in `inputs.NAME`.
    fn is_input(&mut self, name: &str) -> bool {
        let Some(outputs) = &self.outputs else {
            return true;
        };
        let Some(root) = outputs.expr.syntax().ancestors().last() else {
            return true;
        };
        let is_named = |node: SyntaxNode| {
            ast::AttrpathValue::cast(node)
                .and_then(|binding| binding.attrpath())
                .is_some_and(|path| {
                    let names = syntax::attrpath_names(&path);
                    let is = |position: usize| names.get(position) == Some(&Some(name.to_owned()));
                    is(0) || is(1)
                })
        };
        name == "self" || root.descendants().any(is_named)
    }

    fn literal_attribute(&mut self, set: &Thunk, literal: &AttrSet, name: &str) -> Option<Thunk> {
        for entry in syntax::entries(literal.syntax()) {
            match entry {
                ast::Entry::AttrpathValue(binding) => {
                    let names = syntax::attrpath_names(&binding.attrpath()?);
                    if let [Some(only)] = names.as_slice()
                        && only == name
                    {
                        return Some(set.beside(binding.value()?));
                    }
                }
                ast::Entry::Inherit(inherit) => {
                    if syntax::inherited(&inherit, name).is_some() {
                        return self.inherited(set, &inherit, name);
                    }
                }
            }
        }
        None
    }

    /// The value of `inherit name;` or `inherit (from) name;`.
    pub(crate) fn inherited(
        &mut self,
        set: &Thunk,
        inherit: &ast::Inherit,
        name: &str,
    ) -> Option<Thunk> {
        if let Some(from) = inherit.from() {
            let from = self.follow(&set.beside(from.expr()?));
            return self.attribute(&from, name);
        }
        match self.name(set, inherit.syntax(), name)? {
            Value::Thunk(value) => Some(value),
            _ => None,
        }
    }

    /// The text of a string that is written in the repository, or of an attribute's name.
    pub(super) fn text(&mut self, thunk: &Thunk) -> Option<String> {
        let value = self.follow(thunk);
        match &value.expr {
            Expr::Str(string) => syntax::plain_string(string),
            other => match self.outside_value(&value, other)? {
                Value::Text(text) => Some(text),
                _ => None,
            },
        }
    }

    /// The text of the attribute `name` of a literal set.
    pub(super) fn text_attribute(&mut self, set: &Thunk, name: &str) -> Option<String> {
        if let Some(value) = self.attribute(set, name) {
            return self.text(&value);
        }
        let Expr::AttrSet(literal) = &set.expr else {
            return None;
        };
        // `inherit name;`
        let mut entries = syntax::entries(literal.syntax()).into_iter();
        entries.find_map(|entry| match entry {
            ast::Entry::Inherit(inherit) if inherit.from().is_none() => {
                let attr = syntax::inherited(&inherit, name)?;
                match self.name(set, attr.syntax(), name)? {
                    Value::Text(text) => Some(text),
                    _ => None,
                }
            }
            _ => None,
        })
    }

    fn select(&mut self, thunk: &Thunk, select: &ast::Select) -> Option<Thunk> {
        let names = syntax::attrpath_names(&select.attrpath()?);
        let base = select.expr()?;
        let mut names = names.into_iter();
        let mut current = match self.outside_value(thunk, &base) {
            Some(value) => match self.field(&value, &names.next()??)? {
                Value::Thunk(value) => value,
                _ => return None,
            },
            None => thunk.beside(base),
        };
        for name in names {
            let set = self.follow(&current);
            current = self.attribute(&set, &name?)?;
        }
        Some(current)
    }

    /// The value of `expr`, if it is a name whose value is no expression of the repository.
    fn outside_value(&mut self, thunk: &Thunk, expr: &Expr) -> Option<Value> {
        let Expr::Ident(ident) = expr else {
            return None;
        };
        match self.name(thunk, ident.syntax(), &ident.syntax().text().to_string())? {
            Value::Thunk(_) => None,
            value => Some(value),
        }
    }

    /// Whether a function is `callPackage`, or `lib.callPackageWith { … }`.
    fn calls_package(&mut self, function: &Thunk) -> bool {
        if last_name(&function.expr).as_deref() == Some("callPackage") {
            return true;
        }
        let (head, arguments) = call_parts(&self.follow(function).expr);
        arguments.len() == 1 && last_name(&head).as_deref() == Some("callPackageWith")
    }

    fn apply(&mut self, thunk: &Thunk, apply: &ast::Apply) -> Option<Thunk> {
        let argument = thunk.beside(apply.argument()?);
        let function = self.follow(&thunk.beside(apply.lambda()?));
        match &function.expr {
            Expr::Lambda(_) => {
                let argument = match self.outside_value(thunk, &argument.expr) {
                    Some(value) => value,
                    None => Value::Thunk(argument),
                };
                Self::call(&function, argument)
            }
            // `callPackage ./x.nix { }`. `inner` is the call without the last argument.
            Expr::Apply(inner) if self.calls_package(&function.beside(inner.lambda()?)) => {
                let package = self.follow(&function.beside(inner.argument()?));
                let package = match self.imported(&package) {
                    Some(package) => self.follow(&package),
                    None => package,
                };
                let call = self.package_call(&function.beside(inner.lambda()?));
                Self::call(&package, Value::Package(Rc::new(call)))
            }
            other if last_name(other)? == "import" => {
                let path = self.follow(&argument);
                self.imported(&path)
            }
            _ => None,
        }
    }
}
