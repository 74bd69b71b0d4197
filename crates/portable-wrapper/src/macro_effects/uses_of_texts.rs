//! What a source does with a text. Also in code that is compiled without optimization, the compiler may compute something from a
//! constant text: it inlines some functions, and evaluates what they return. It computes nothing if a text is an argument of a function
//! that is not inlined, or in a constant that is. Everything else counts as unknown.

mod branches;
mod declarations;
mod functions_of_crate;
mod import_in_scope;
mod imports;
mod inlining;
mod known_functions;

use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

pub(in super::super) use self::functions_of_crate::FunctionsOfCrate;
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

/// Methods of arrays of texts.
const METHODS_OF_ARRAYS: [&str; 6] = ["concat", "into_iter", "iter", "join", "map", "to_vec"];

/// Variants of the standard library's enums, whose values are as large as the text or in memory.
const VARIANTS: [&str; 3] = ["Err", "Ok", "Some"];

/// Constructors of enums: those of the standard library, and those of reviewed macros (`insta`).
const CONSTRUCTORS: [&str; 5] = ["DetectWithCargo", "None", "Ok", "Some", "UseAsIs"];

/// The crates that a unit depends on.
pub(in super::super) trait Dependencies {
    /// Whether there is a crate that the source calls `name`.
    fn has(&self, name: &str) -> bool;

    /// The functions of the crate that the source calls `name`. `None` if there is none, or if its sources cannot be read.
    fn functions_of(&self, name: &str) -> Option<Rc<FunctionsOfCrate>>;
}

/// Whether the compiler may compute something from a text that `is_text` accepts. `source` is expanded: it has no macros but those
/// that the compiler itself handles.
pub(in super::super) fn may_compute_from(
    source: &str,
    is_text: impl Fn(&str) -> bool,
    dependencies: &dyn Dependencies,
) -> bool {
    let tokens = tokens(source);
    let is_literal =
        |token: &Token<'_>| matches!(token.kind, Kind::Text | Kind::Literal) && is_text(token.text);
    if !tokens.iter().any(is_literal) {
        return false;
    }
    let around = brackets_around(&tokens);
    let uses = Uses::of(&tokens, &around, dependencies);
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

/// For each token, the position of the bracket around it.
fn brackets_around(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
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
    around
}

/// The brackets around a token, from the inside.
fn outwards(around: &[Option<usize>], at: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(around[at], |open| around[*open])
}

/// The name of the module that opens at `open`.
fn module_at<'t>(tokens: &[Token<'t>], open: usize) -> Option<&'t str> {
    let is_module = open > 1 && tokens[open - 2].is_ident("mod");
    is_module.then(|| tokens[open - 1].text)
}

/// The tokens of a source, and what is known of them.
struct Uses<'t> {
    tokens: &'t [Token<'t>],
    evaluated: Vec<Evaluated>,
    in_traits: Vec<bool>,
    /// For each token, the position of the bracket around it.
    around: &'t [Option<usize>],
    functions: KnownFunctions<'t>,
}

impl<'t> Uses<'t> {
    fn of(
        tokens: &'t [Token<'t>],
        around: &'t [Option<usize>],
        dependencies: &'t dyn Dependencies,
    ) -> Self {
        Self {
            tokens,
            evaluated: evaluated(tokens),
            in_traits: in_traits(tokens),
            functions: KnownFunctions::of(tokens, around, dependencies),
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
        let first = self.behind_references(start);
        if self.tokens[at].kind != Kind::Ident || !self.is(at + 1, "[") {
            return self.expression(first, at, &METHODS);
        }
        // An element of a constant. LLVM may evaluate what an inlined function reads from a reference to it.
        match block_at(self.tokens, at + 1) {
            Some(index) if first == start => self.expression(first, index.end, &METHODS),
            _ => Use::Unknown,
        }
    }

    /// The first of the reference operators before `start`, or `start`.
    fn behind_references(&self, mut start: usize) -> usize {
        while start > 0 && self.is(start - 1, "&") {
            start -= 1;
        }
        start
    }

    /// The use of the expression from `first` to `last`, of which `methods` compute nothing.
    fn expression(&self, first: usize, last: usize, methods: &[&str]) -> Use<'t> {
        if self.is_whole(first, last) {
            return self.whole(first, last);
        }
        let Some(before) = first.checked_sub(1) else {
            return Use::Unknown;
        };
        let method = self
            .tokens
            .get(last + 2)
            .filter(|_| self.is(last + 1, ".") && self.is(last + 3, "("));
        let is_method = method.is_some_and(|method| {
            methods.contains(&method.text) && !self.functions.inlines(method.text)
        });
        let ends = self.is_end(last + 1) || self.is(last + 1, ";");
        if ends && self.is_arm(first) {
            return self.arm(first);
        }
        if ends && self.tokens[before].is_ident("return") && self.is_in_body(before) {
            return Use::Known;
        }
        if is_method || ends && self.ends_parameters(before) {
            return Use::Known;
        }
        match self.variable(before, last) {
            Some((name, range)) => Use::Named(name, range),
            None => Use::Unknown,
        }
    }

    /// Whether the parameters of a closure end at `at`.
    fn ends_parameters(&self, at: usize) -> bool {
        if !self.is(at, "|") {
            return false;
        }
        let mut bars = (0..at).rev();
        let bar = bars.find(|bar| self.is(*bar, "|") && self.around[*bar] == self.around[at]);
        let mut before = bar.and_then(|bar| bar.checked_sub(1));
        if before.is_some_and(|before| self.tokens[before].is_ident("move")) {
            before = before.and_then(|before| before.checked_sub(1));
        }
        before.is_some_and(|before| {
            matches!(self.tokens[before].kind, Kind::Open(_))
                || self.is(before, ",")
                || self.is(before, "=")
        })
    }

    /// Whether the tokens from `first` to `last` are a whole argument, element or block, or the result of a function.
    fn is_whole(&self, first: usize, last: usize) -> bool {
        let Some(before) = first.checked_sub(1) else {
            return false;
        };
        let begins = matches!(self.tokens[before].kind, Kind::Open(_)) || self.is(before, ",");
        let is_reference = self.is(first, "&");
        let follows = self.is(before, ";") || self.is(before, "}") && !is_reference;
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
            "{" if !self.is(at + 1, "}") => false,
            "{" if self.functions.is_body(open) => true,
            "{" => return self.branch(open),
            "[" => return self.array(open),
            // The first argument is a template.
            "(" if is_before(1, "!") => is_before(2, "format_args") && first > open + 1,
            "(" if is_before(1, "match") => self.is_asserted(open),
            // A value with the text is as the text itself.
            "(" if before(1).is_some_and(|name| VARIANTS.contains(&name.text))
                && !is_before(2, "::") =>
            {
                return self.variant(open);
            }
            "(" if self.is_tuple(open) => {
                let end = block_at(self.tokens, open).map(|block| block.end);
                return end.map_or(Use::Unknown, |end| self.expression(open, end, &[]));
            }
            "(" => before(1)
                .is_some_and(|name| name.kind == Kind::Ident && self.functions.has(open - 1)),
            _ => false,
        };
        if is_known { Use::Known } else { Use::Unknown }
    }

    /// Whether a tuple opens at `open`, or an expression in brackets.
    fn is_tuple(&self, open: usize) -> bool {
        open.checked_sub(1).is_some_and(|before| {
            let before = self.tokens[before];
            match before.kind {
                Kind::Open(_) => true,
                Kind::Ident => before.text == "return",
                Kind::Punctuation => matches!(before.text, "," | "=" | ";"),
                _ => false,
            }
        })
    }

    /// Whether `assert_eq!` compares what is in the bracket at `open`: references.
    fn is_asserted(&self, open: usize) -> bool {
        const PATTERN: [&str; 7] = ["{", "(", "left_val", ",", "right_val", ")", "="];
        let Some(all) = block_at(self.tokens, open) else {
            return false;
        };
        let mut pattern = PATTERN.iter().enumerate();
        self.is(all.start, "&") && pattern.all(|(nth, text)| self.is(all.end + 1 + nth, text))
    }

    /// The use of an array with a text, in the bracket at `open`. Without an element of something else, or an attribute.
    fn array(&self, open: usize) -> Use<'t> {
        let is_array = open.checked_sub(1).is_some_and(|before| {
            let before = self.tokens[before];
            match before.kind {
                Kind::Open(_) => true,
                Kind::Ident => before.text == "in" || before.text == "mut",
                Kind::Punctuation => matches!(before.text, "&" | "," | "=" | ";" | "|"),
                _ => false,
            }
        });
        let Some(all) = block_at(self.tokens, open).filter(|_| is_array) else {
            return Use::Unknown;
        };
        let first = self.behind_references(open);
        let is_visited = first > 0 && self.tokens[first - 1].is_ident("in");
        if is_visited && first == open && self.is(all.end + 1, "{") {
            return Use::Known;
        }
        self.expression(first, all.end, &METHODS_OF_ARRAYS)
    }

    /// The use of a variant of an enum with a text in the bracket at `open`.
    fn variant(&self, open: usize) -> Use<'t> {
        let end = block_at(self.tokens, open).map(|block| block.end);
        end.map_or(Use::Unknown, |end| self.expression(open - 1, end, &[]))
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
        let body = outwards(self.around, at).find(|open| self.functions.is_body(*open));
        let block = body.and_then(|open| block_at(self.tokens, open));
        block.unwrap_or(0..self.tokens.len())
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
        // The value of a comparison, or of another assignment.
        if (name + 1..before).any(|at| self.is(at, "=")) {
            return None;
        }
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
mod tests;
#[cfg(test)]
mod tests_of_dependencies;
#[cfg(test)]
mod tests_of_imports;
