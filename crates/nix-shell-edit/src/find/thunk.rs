//! An expression in a file, and the values that are known there: the arguments of the functions around it.

use std::rc::Rc;

use rnix::SyntaxNode;
use rnix::ast::{Expr, Lambda};
use rowan::ast::AstNode as _;

use super::files::FileId;

/// An expression in a file, with the known arguments of the functions around it.
#[derive(Debug, Clone)]
pub(crate) struct Thunk {
    pub(crate) file: FileId,
    pub(crate) expr: Expr,
    pub(super) calls: Option<Rc<Call>>,
}

impl Thunk {
    /// Another expression of the same file, inside the same calls.
    pub(crate) fn beside(&self, expr: Expr) -> Self {
        Self {
            file: self.file,
            expr,
            calls: self.calls.clone(),
        }
    }

    /// Whether `lambda`, a function around the expression, is called with the flake's inputs.
    pub(crate) fn takes_inputs(&self, lambda: &Lambda) -> bool {
        self.call_of(lambda)
            .is_some_and(|call| matches!(call.argument, Value::Inputs))
    }

    /// The functions around the expression that are called with an expression of the repository,
    /// and their file.
    pub(crate) fn called_functions(&self) -> impl Iterator<Item = (FileId, &SyntaxNode)> {
        let around: Vec<SyntaxNode> = self.expr.syntax().ancestors().collect();
        let first = self.calls.as_deref();
        std::iter::successors(first, |call| call.outer.as_deref())
            .filter(|call| matches!(call.argument, Value::Thunk(_)))
            .filter(move |call| around.contains(&call.lambda))
            .map(|call| (self.file, &call.lambda))
    }

    pub(super) fn call_of(&self, lambda: &Lambda) -> Option<&Call> {
        let mut call = self.calls.as_deref();
        while let Some(found) = call {
            if found.lambda == *lambda.syntax() {
                return Some(found);
            }
            call = found.outer.as_deref();
        }
        None
    }
}

/// A call of a function, and the calls around it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) lambda: SyntaxNode,
    pub(super) argument: Value,
    pub(super) outer: Option<Rc<Call>>,
}

/// The value of an argument or a name.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// An expression of the repository.
    Thunk(Thunk),
    /// The flake's inputs, with `self` among them.
    Inputs,
    /// The arguments that `callPackage` passes.
    Package(Rc<PackageCall>),
    /// The name of an attribute, as `mapAttrs` passes it.
    Text(String),
    /// Something from outside the repository.
    Unknown,
}

/// The names that numtide's blueprint passes to the functions in its files.
const OF_BLUEPRINT: [&str; 6] = ["inputs", "perSystem", "flake", "pkgs", "system", "pname"];

/// A call by `callPackage`, or by a framework that calls the functions in its files in this way.
#[derive(Debug)]
pub(crate) struct PackageCall {
    /// Its text, such as `pkgs.callPackage`, and that of what `pkgs` is bound to.
    pub(super) text: String,
    /// The names that it passes; `None` if these are all packages of nixpkgs.
    pub(super) names: Option<Vec<String>>,
}

impl PackageCall {
    /// nixpkgs' own.
    pub(crate) fn of_nixpkgs() -> Self {
        Self {
            text: "pkgs.callPackage".to_owned(),
            names: None,
        }
    }

    /// That of numtide's blueprint.
    pub(crate) fn of_blueprint() -> Self {
        Self {
            names: Some(OF_BLUEPRINT.map(str::to_owned).to_vec()),
            ..Self::of_nixpkgs()
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it passes an argument of this name, which nixpkgs has.
    pub(crate) fn passes(&self, name: &str) -> bool {
        self.names
            .as_ref()
            .is_none_or(|names| names.iter().any(|passed| passed == name))
    }
}

impl Thunk {
    /// The innermost function around the expression and the call of it, if `callPackage` calls it.
    pub(crate) fn package_function(&self) -> Option<(Lambda, &PackageCall)> {
        let lambda = self.expr.syntax().ancestors().find_map(Lambda::cast)?;
        match &self.call_of(&lambda)?.argument {
            Value::Package(call) => Some((lambda, call)),
            _ => None,
        }
    }
}
