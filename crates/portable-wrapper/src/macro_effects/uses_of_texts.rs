//! What a source does with a text. Also in code that is compiled without optimization, the compiler may compute something from a
//! constant text: it inlines some functions, and evaluates what they return. It computes nothing if a text is an argument of a function
//! that is not inlined, or in a constant that is. Everything else counts as unknown.

mod known_functions;

use std::collections::BTreeSet;
use std::ops::Range;

use self::known_functions::KnownFunctions;
use super::constant_code::{Evaluated, block_at, evaluated, evaluated_value, in_traits};
use super::path_variables::path_before;
use super::tokens::{Kind, Token, tokens};

/// Methods of texts that are neither inlined in unoptimized code nor evaluated in constants.
const METHODS: [&str; 27] = [
    "as_ref",
    "bytes",
    "chars",
    "contains",
    "ends_with",
    "find",
    "into",
    "lines",
    "matches",
    "parse",
    "repeat",
    "replace",
    "replacen",
    "rfind",
    "rsplit",
    "rsplit_once",
    "split",
    "split_once",
    "splitn",
    "starts_with",
    "strip_prefix",
    "strip_suffix",
    "to_lowercase",
    "to_owned",
    "to_string",
    "trim_end_matches",
    "trim_start_matches",
];

/// Variants of the standard library's enums, whose values are as large as the text or in memory.
const VARIANTS: [&str; 3] = ["Err", "Ok", "Some"];

/// Constructors of enums: those of the standard library, and those of reviewed macros (`insta`).
const CONSTRUCTORS: [&str; 5] = ["DetectWithCargo", "None", "Ok", "Some", "UseAsIs"];

/// Whether the compiler may compute something from a text that `is_text` accepts. `source` is expanded: it has no macros but those
/// that the compiler itself handles.
pub(in super::super) fn may_compute_from(source: &str, is_text: impl Fn(&str) -> bool) -> bool {
    let tokens = tokens(source);
    let is_literal =
        |token: &Token<'_>| matches!(token.kind, Kind::Text | Kind::Literal) && is_text(token.text);
    if !tokens.iter().any(is_literal) {
        return false;
    }
    let uses = Uses::of(&tokens);
    let mut names: Vec<(&str, Range<usize>)> = Vec::new();
    for at in (0..tokens.len()).filter(|at| is_literal(&tokens[*at])) {
        match uses.kind(at) {
            Use::Known => {}
            Use::Named(name, range) => names.push((name, range)),
            Use::Unknown => return true,
        }
    }
    let mut seen = BTreeSet::new();
    while let Some((name, range)) = names.pop() {
        if !seen.insert((name, range.start)) {
            continue;
        }
        for at in range.filter(|at| tokens[*at].is_ident(name)) {
            match uses.kind_of_name(at) {
                Use::Known => {}
                Use::Named(name, range) => names.push((name, range)),
                Use::Unknown => return true,
            }
        }
    }
    false
}

/// How a text is used.
enum Use<'t> {
    /// Nothing is computed from it.
    Known,
    /// It gets this name in a range of tokens.
    Named(&'t str, Range<usize>),
    Unknown,
}

/// The tokens of a source, and what is known of them.
struct Uses<'t> {
    tokens: &'t [Token<'t>],
    evaluated: Vec<Evaluated>,
    in_traits: Vec<bool>,
    /// For each token, the position of the bracket around it.
    around: Vec<Option<usize>>,
    functions: KnownFunctions<'t>,
}

impl<'t> Uses<'t> {
    fn of(tokens: &'t [Token<'t>]) -> Self {
        let mut around = vec![None; tokens.len()];
        let mut open = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            if token.kind == Kind::Close {
                open.pop();
            }
            around[at] = open.last().copied();
            if matches!(token.kind, Kind::Open(_)) {
                open.push(at);
            }
        }
        Self {
            tokens,
            evaluated: evaluated(tokens),
            in_traits: in_traits(tokens),
            functions: KnownFunctions::of(tokens, &around),
            around,
        }
    }

    fn is(&self, at: usize, text: &str) -> bool {
        let token = self.tokens.get(at);
        token.is_some_and(|token| token.text == text && token.kind != Kind::Text)
    }

    /// The use of the name of a constant or variable at `at`.
    fn kind_of_name(&self, at: usize) -> Use<'t> {
        let follows = |words: &[&str]| {
            let before = at.checked_sub(1).map(|before| self.tokens[before]);
            before.is_some_and(|before| words.iter().any(|word| before.is_ident(word)))
        };
        let declares = follows(&["static", "let", "mut"])
            || follows(&["const"]) && self.is(at + 1, ":")
            || follows(&["fn"]);
        // The name of a field, or of a parameter, is another one.
        let is_range = at > 1 && self.is(at - 2, ".");
        let is_field = self.is(at + 1, ":") || at > 0 && self.is(at - 1, ".") && !is_range;
        if declares || is_field {
            return Use::Known;
        }
        self.kind_from(path_before(self.tokens, at), at)
    }

    fn kind(&self, at: usize) -> Use<'t> {
        self.kind_from(at, at)
    }

    /// The use of the tokens from `start` to `at`.
    fn kind_from(&self, start: usize, at: usize) -> Use<'t> {
        match self.evaluated[at] {
            Evaluated::Always => return Use::Unknown,
            Evaluated::Constant { start, end } => return self.constant(start, end),
            Evaluated::No => {}
        }
        let mut first = start;
        while first > 0 && self.is(first - 1, "&") {
            first -= 1;
        }
        let Some(before) = first.checked_sub(1) else {
            return Use::Unknown;
        };
        if self.is_whole(first, at) {
            return self.whole(first, at);
        }
        let ends = self.is_end(at + 1);
        let is_method = self.is(at + 1, ".")
            && self
                .tokens
                .get(at + 2)
                .is_some_and(|name| METHODS.contains(&name.text))
            && self.is(at + 3, "(");
        let is_closure = self.is(before, "|") && (ends || self.is(at + 1, ";"));
        let compares = |at: usize| {
            self.is(at, "=") && at > 0 && (self.is(at - 1, "=") || self.is(at - 1, "!"))
        };
        let is_compared = compares(before) || compares(at + 2);
        // An element of an array is read from memory.
        let is_indexed = self.tokens[at].kind == Kind::Ident && self.is(at + 1, "[");
        if is_method || is_closure || is_compared || is_indexed {
            return Use::Known;
        }
        match self.variable(before, at) {
            Some((name, range)) => Use::Named(name, range),
            None => Use::Unknown,
        }
    }

    /// Whether the tokens from `first` to `last` are a whole argument, element or block, or the result of a function.
    fn is_whole(&self, first: usize, last: usize) -> bool {
        let Some(before) = first.checked_sub(1) else {
            return false;
        };
        let begins = matches!(self.tokens[before].kind, Kind::Open(_)) || self.is(before, ",");
        let follows = self.is(before, ";") || self.is(before, "}");
        begins && self.is_end(last + 1) || follows && self.is(last + 1, "}")
    }

    /// Whether an argument or element ends at `at`.
    fn is_end(&self, at: usize) -> bool {
        let next = self.tokens.get(at);
        next.is_none_or(|next| next.kind == Kind::Close) || self.is(at, ",")
    }

    /// The use of the tokens from `first` to `at`, which are [whole](Self::is_whole).
    fn whole(&self, first: usize, at: usize) -> Use<'t> {
        let Some(open) = self.around[at] else {
            return Use::Unknown;
        };
        let before = |distance: usize| open.checked_sub(distance).map(|at| self.tokens[at]);
        let is_before = |distance: usize, text: &str| {
            before(distance).is_some_and(|token| token.text == text && token.kind != Kind::Text)
        };
        let is_known = match self.tokens[open].text {
            // The result of a function.
            "{" => self.functions.is_body(open) && self.is(at + 1, "}"),
            "[" => first == open + 1 || self.is(first - 1, ","),
            // The first argument is a template.
            "(" if is_before(1, "!") => is_before(2, "format_args") && first > open + 1,
            // `assert_eq!` compares references.
            "(" if is_before(1, "match") => self.is(first, "&"),
            // A value with the text is as the text itself.
            "(" if before(1).is_some_and(|name| VARIANTS.contains(&name.text))
                && !is_before(2, "::") =>
            {
                return self.variant(open);
            }
            "(" => before(1)
                .is_some_and(|name| name.kind == Kind::Ident && self.functions.has(open - 1)),
            _ => false,
        };
        if is_known { Use::Known } else { Use::Unknown }
    }

    /// The use of a variant of an enum with a text in the bracket at `open`.
    fn variant(&self, open: usize) -> Use<'t> {
        let Some(end) = block_at(self.tokens, open).map(|block| block.end) else {
            return Use::Unknown;
        };
        if self.is_whole(open - 1, end) {
            self.whole(open - 1, end)
        } else {
            Use::Unknown
        }
    }

    /// The use of a text in the value of a constant.
    fn constant(&self, start: usize, end: usize) -> Use<'t> {
        let name = self.tokens[start].text;
        let value = evaluated_value(self.tokens, &self.evaluated, start, end);
        let is_plain = |at: &usize| {
            let token = self.tokens[*at];
            match token.kind {
                Kind::Ident => {
                    let is_called = self.is(at + 1, "(") || self.is(at + 1, "{");
                    let is_word = ["if", "let", "else"].contains(&token.text);
                    !is_called
                        || is_word
                        || CONSTRUCTORS.contains(&token.text)
                        || *at + 1 == end
                        || self.is(at + 1, "{") && self.is_condition(*at)
                }
                Kind::Punctuation => {
                    token.text.starts_with('\'')
                        || matches!(token.text, "&" | "," | "=" | "<" | ">")
                }
                Kind::Close => !self.is(at + 1, "(") && !self.is(at + 1, "["),
                _ => true,
            }
        };
        if name == "_" || self.in_traits[start] || !value.iter().all(is_plain) {
            return Use::Unknown;
        }
        Use::Named(name, self.scope(start))
    }

    /// Whether the token at `at` is the end of the condition of `if let`.
    fn is_condition(&self, at: usize) -> bool {
        let mut before = self.tokens[..at].iter().rev().take(16);
        before.any(|token| token.is_ident("let"))
    }

    /// The tokens in which the name that is declared at `at` may be used: those of the block around it, or all, as constants outside of
    /// functions may be imported.
    fn scope(&self, at: usize) -> Range<usize> {
        let mut block = self.around[at];
        while let Some(open) = block {
            if self.functions.is_body(open) {
                return block_at(self.tokens, open).unwrap_or(0..self.tokens.len());
            }
            block = self.around[open];
        }
        0..self.tokens.len()
    }

    /// The variable of a `let` statement whose value is between `before` and the token behind `at`.
    fn variable(&self, before: usize, at: usize) -> Option<(&'t str, Range<usize>)> {
        if !self.is(before, "=") || !self.is(at + 1, ";") {
            return None;
        }
        let mut start = before;
        while start > 0 && !self.tokens[start].is_ident("let") {
            let token = self.tokens[start];
            if token.is_punctuation(";")
                || matches!(token.text, "{" | "}" | "(") && token.kind != Kind::Text
            {
                return None;
            }
            start -= 1;
        }
        let name = start + 1 + usize::from(self.is(start + 1, "mut"));
        let is_name = self.tokens[name].kind == Kind::Ident
            && (self.is(name + 1, ":") || self.is(name + 1, "="));
        let block = self.around[start].and_then(|open| block_at(self.tokens, open));
        is_name.then(|| {
            (
                self.tokens[name].text,
                at..block.map_or(self.tokens.len(), |block| block.end),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::a_call(
        r#"fn f() { Path::new("/w").join("x"); g(PathBuf::from(&"/w")); }"#,
        false
    )]
    #[case::an_own_function(
        r#"fn f(path: &str) -> usize { path.as_bytes().len() } fn g() { f("/w"); }"#,
        false
    )]
    #[case::a_method(r#"fn f() { let text = "/w".to_owned() + "x"; }"#, false)]
    #[case::a_template(r#"fn f() { format_args!("{0} {1}", 1, "/w"); }"#, false)]
    #[case::a_comparison(
        r#"fn f() { match (&"/w", &x) { _ => {} } if x == "/w" || "/w" == x {} }"#,
        false
    )]
    #[case::a_result(r#"fn f() -> &'static str { "/w" } fn g() { h(|| "/w"); }"#, false)]
    #[case::an_array(r#"fn f() { g(["/w", "x"]); let k: &[&str] = &["/w"]; }"#, false)]
    #[case::a_variable(
        r#"fn f() { let mut path: &str = "/w"; g(path); } fn g(path: &[u8]) { path.as_ptr() }"#,
        false
    )]
    #[case::a_constant(
        r#"const A: &str = "/w"; mod b { fn f() { g::<u8>(Path::new(super::A)) } }"#,
        false
    )]
    #[case::a_snapshot(
        r#"fn f() { let path = { const A: W = if let Some(root) = None::<&'static str> { W::UseAsIs(root) } else { ::insta::W::DetectWithCargo("/w") }; get_cargo_workspace(A) }; }"#,
        false
    )]
    #[case::a_lazy_static(
        r#"static A: LazyLock<PathBuf> = LazyLock::new(|| PathBuf::from("/w"));"#,
        false
    )]
    #[case::a_function_of_a_type(
        r#"struct S(String); impl S { fn new(path: &str) -> Self { S(path.into()) } } fn f() { S::new("/w"); }"#,
        false
    )]
    #[case::an_own_function_of_a_module(
        r#"mod m { pub fn g(path: &str) {} } use m::g; fn f() { g("/w"); }"#,
        false
    )]
    #[case::an_imported_function(
        r#"mod m { fn g(path: &str) {} } use dep::{a, b::g}; fn f() { g("/w"); }"#,
        true
    )]
    #[case::a_path_from_the_standard_library(
        r#"use std::fs; use std::path::{Path, PathBuf}; fn f() { fs::read("/w"); ::std::path::PathBuf::from("/w"); Path::new("/w"); }"#,
        false
    )]
    #[case::a_function_that_is_called_as_one_of_the_standard_library(
        r#"fn f() { dep::Id::from("/w"); }"#,
        true
    )]
    #[case::a_type_that_is_called_as_one_of_the_standard_library(
        r#"use dep::Path; fn f() { Path::new("/w"); }"#,
        true
    )]
    #[case::a_type_in_another_crate(r#"fn f() { dep::Path::new("/w"); }"#, true)]
    #[case::a_module_that_is_called_as_one_of_the_standard_library(
        r#"mod fs { pub use dep::write; } fn f() { fs::write("/w"); }"#,
        true
    )]
    #[case::an_imported_module(r#"use dep as fs; fn f() { fs::write("/w"); }"#, true)]
    #[case::an_imported_function_of_that_name(r#"use dep::write; fn f() { write("/w"); }"#, true)]
    #[case::an_own_function_that_another_module_imports(
        r#"mod a { pub fn g(path: &str) {} } mod b { pub use dep::g; } use b::g; fn f() { g("/w"); }"#,
        true
    )]
    #[case::the_end_of_a_range(
        r#"const A: &str = "/w"; static R: usize = (0..A.len() + 1).end;"#,
        true
    )]
    #[case::an_imported_type(
        r#"mod m { struct S; impl S { fn new(path: &str) {} } } use dep::S; fn f() { S::new("/w"); }"#,
        true
    )]
    #[case::a_function_of_a_trait(
        r#"struct S; impl S { fn old(path: &str) {} } fn new() {} fn f() { S::new("/w"); }"#,
        true
    )]
    #[case::a_generic_parameter(
        r#"struct S; impl S { fn new(path: &str) {} } fn f<S: dep::New>() { S::new("/w"); }"#,
        true
    )]
    #[case::a_function_of_another_type(
        r#"struct S(String); impl S { fn new(path: &str) -> Self { S(path.into()) } } fn f() { dep::S::new("/w"); }"#,
        true
    )]
    #[case::a_variant(
        r#"fn f() -> Option<&'static str> { Some("/w") } fn g(a: Result<&str, u8>) {} fn h() { g(Ok("/w")); }"#,
        false
    )]
    #[case::a_result_behind_statements(
        r#"fn f(a: bool) -> Option<&'static str> { if a { return None; } Some("/w") } fn g() -> &'static str { h(); "/w" }"#,
        false
    )]
    #[case::a_result_of_a_block(r#"fn f() { let a = { g(); "/w" }; a.as_bytes().len() }"#, true)]
    #[case::an_argument_behind_a_block(r#"fn f() { S { a, "/w" }; [{} "/w"]; }"#, true)]
    #[case::a_variant_in_a_variable(
        r#"fn f() { let a = Some("/w"); if let Some(b) = a { b.as_bytes().len() } }"#,
        true
    )]
    #[case::a_variant_that_is_matched(
        r#"fn f() { Some("/w").map(|b| b.as_bytes().len()); }"#,
        true
    )]
    #[case::an_argument_of_a_block(r#"fn f() { g({ Some("/w") }); }"#, true)]
    #[case::bytes(r#"fn f() { "/w".as_bytes().len(); }"#, true)]
    #[case::bytes_of_a_variable(r#"fn f() { let path = "/w"; path.as_bytes().len(); }"#, true)]
    #[case::a_block(r#"fn f() { let path = { "/w" }; path.as_bytes().len(); }"#, true)]
    #[case::parentheses(r#"fn f() { let path = ("/w"); path.as_bytes().len(); }"#, true)]
    #[case::a_later_value(r#"fn f() { let path; path = "/w"; path.as_bytes().len(); }"#, true)]
    #[case::a_cast(r#"fn f() { g("/w" as *const str as *const u8, 4150) }"#, true)]
    #[case::an_unknown_function(
        r#"fn f() { let path = identity("/w"); path.as_bytes().len(); }"#,
        true
    )]
    #[case::a_struct(r#"fn f() { let w = W("/w"); w.0.as_bytes().len(); }"#, true)]
    #[case::a_pattern(r#"fn f() { match "/w" { path => path.as_bytes().len() } }"#, true)]
    #[case::a_function_of_a_dependency(
        r#"fn first() {} fn f() { dep::first("/w"); x.first("/w"); }"#,
        true
    )]
    #[case::an_inlined_function(
        r#"#[inline(always)] fn f(path: &str) -> usize { 1 } fn g() { f("/w"); }"#,
        true
    )]
    #[case::the_result_of_an_inlined_function(
        r#"#[inline(always)] fn f() -> &'static str { "/w" }"#,
        true
    )]
    #[case::a_template_with_the_path(r#"fn f() { format_args!("/w {0}", 1); }"#, true)]
    #[case::a_constant_of_a_constant(r#"const A: &str = "/w"; const B: usize = A.len();"#, true)]
    #[case::a_constant_function(
        r#"const fn Length(text: &str) -> usize { 1 } static N: usize = Length("/w");"#,
        true
    )]
    #[case::a_tuple(
        r#"const C: (&str,) = ("/w",); fn f() { C.0.as_bytes().len(); }"#,
        true
    )]
    #[case::an_operand(
        r#"const A: &str = "/w"; fn f() { asm!("mov {0}", const A.len()); }"#,
        true
    )]
    #[case::a_default(
        r#"const A: &str = "/w"; struct B<const N: usize = { A.len() + 7 }>([u8; N]);"#,
        true
    )]
    #[case::an_import(
        r#"mod a { pub const A: &str = "/w"; } use a::A as B; const N: usize = B.len();"#,
        true
    )]
    fn what_may_be_computed_is_found(#[case] source: &str, #[case] expected: bool) {
        assert_eq!(
            may_compute_from(source, |text| text.contains("/w")),
            expected
        );
    }
}
