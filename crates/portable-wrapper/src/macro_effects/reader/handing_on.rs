//! Functions that hand a call on to another one of the same name, whose callers count instead.

use super::Reader;
use super::declarations::Function;
use crate::macro_effects::tokens::{Kind, Token};

impl Reader<'_> {
    /// Whether the token is in the body of a function of the same name, and all callers of that one name it after `.` or `::`, where
    /// they are seen. The callers of a method do; a function without `self`, as in `proc-macro2`, may only be named where methods
    /// of the same name hand a call on to it.
    pub(super) fn is_handed_on(&self, file: usize, at: usize) -> bool {
        let name = self.files[file][at].text;
        self.is_in_method(file, at)
            || self.functions_around(file, at).next().is_some() && !self.is_named_alone(name)
    }

    /// Whether the token is in the body of a method of the same name.
    fn is_in_method(&self, file: usize, at: usize) -> bool {
        self.functions_around(file, at)
            .any(|function| self.has_self(function))
    }

    /// The functions with the name of the token at `at` that have it in their bodies.
    fn functions_around(&self, file: usize, at: usize) -> impl Iterator<Item = &Function<'_>> {
        let name = self.files[file][at].text;
        self.functions.iter().filter(move |function| {
            function.file == file
                && function.name == name
                && function.body.0 < at
                && at < function.body.1
        })
    }

    fn has_self(&self, function: &Function<'_>) -> bool {
        let (start, end) = function.parameters;
        let parameters = self.files[function.file].get(start..end);
        parameters.is_some_and(|tokens| tokens.iter().any(|token| token.is_ident("self")))
    }

    /// Whether the crate may use a function `name` other than as a method and in methods of the same name.
    fn is_named_alone(&self, name: &str) -> bool {
        let mut files = self.files.iter().enumerate();
        files.any(|(file, tokens)| {
            let mut named = (0..tokens.len()).filter(|at| tokens[*at].text == name);
            named.any(|at| may_be_function(tokens, at) && !self.is_in_method(file, at))
        })
    }
}

/// Whether the name at `at` may be that of a function which is called or passed on, and not that of a method, a declaration, a field
/// or a variable.
fn may_be_function(tokens: &[Token<'_>], at: usize) -> bool {
    if tokens[at].kind != Kind::Ident {
        return false;
    }
    let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
    let after = tokens.get(at + 1).map_or("", |after| after.text);
    let is_declared = matches!(before, "." | "fn" | "let" | "mut" | "ref" | "|");
    let is_place = matches!(after, "." | ":" | "=" | "?" | "|");
    !is_declared && !is_place
}
