//! Functions that get the location of their caller (`#[track_caller]`). What such a function returns may be computed from the path
//! of the source that calls it, as its length, in constants and in optimized code, also in another crate.

use std::collections::BTreeSet;

use super::identifiers::may_have;
use super::tokens::{Kind, Token, has_any_ident, tokens};

/// The name of functions that are called without a name, or whose name is not known.
const ANY: &str = "";
/// Methods of traits that operators and statements call.
const OPERATORS: [&str; 33] = [
    "add",
    "add_assign",
    "sub",
    "sub_assign",
    "mul",
    "mul_assign",
    "div",
    "div_assign",
    "rem",
    "rem_assign",
    "neg",
    "not",
    "bitand",
    "bitand_assign",
    "bitor",
    "bitor_assign",
    "bitxor",
    "bitxor_assign",
    "shl",
    "shl_assign",
    "shr",
    "shr_assign",
    "index",
    "index_mut",
    "deref",
    "deref_mut",
    "drop",
    "next",
    "into_iter",
    "into_future",
    "eq",
    "partial_cmp",
    "branch",
];

/// The names of functions of a crate with these sources that may get the location of their caller, and of macros that may call
/// these or those `below`, of its dependencies.
pub(in super::super) fn caller_functions(
    sources: &[String],
    below: &BTreeSet<String>,
) -> BTreeSet<String> {
    let asks = |text: &String| may_ask_for_caller(text) && has_any_ident(text, &["caller"]);
    if below.is_empty() && !sources.iter().any(asks) {
        return BTreeSet::new();
    }
    let read = sources.iter().filter(|text| may_define_callers(text));
    let sources = read.map(|text| tokens(text));
    let sources: Vec<_> = sources.collect();
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for source in &sources {
            add_functions(source, below, &mut found);
            add_macros(source, below, &mut found);
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Whether a source may define functions or macros among the [`caller_functions`], decided without its tokens.
pub(in super::super) fn may_define_callers(source: &str) -> bool {
    may_have(source, "track_caller") || may_define_macros(source)
}

/// Whether a source may ask for the location of a caller, decided without its tokens.
pub(in super::super) fn may_ask_for_caller(source: &str) -> bool {
    may_have(source, "caller")
}

/// Whether a source may define macros, decided without its tokens.
pub(in super::super) fn may_define_macros(source: &str) -> bool {
    may_have(source, "macro_rules")
}

/// Adds the functions of a source that have the attribute, and no body or one that asks for the location or names one of the functions
/// or macros.
fn add_functions(source: &[Token<'_>], below: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    let places = source.iter().enumerate();
    for (at, _) in places.filter(|(_, token)| token.is_ident("track_caller")) {
        let Some(keyword) = source[at..].iter().position(|token| token.is_ident("fn")) else {
            continue;
        };
        let function = &source[at + keyword..];
        let end = function
            .iter()
            .position(|token| token.text == "{" || token.is_punctuation(";"));
        let body = end.and_then(|end| match function[end].kind {
            Kind::Open(close) => source.get(at + keyword + end..close.min(source.len())),
            _ => None,
        });
        let gives = |body: &[Token<'_>]| {
            let is_any = below.contains(ANY) || found.contains(ANY);
            is_any
                || body.iter().any(|token| token.is_ident("caller"))
                || uses(body, &[below, found])
        };
        if body.is_none_or(gives) {
            let name = function.get(1).filter(|name| name.kind == Kind::Ident);
            let name = name.map_or(ANY, |name| name.text);
            let name = if OPERATORS.contains(&name) { ANY } else { name };
            found.insert(name.to_owned());
        }
    }
}

/// Adds the macros of a source that name one of the functions or macros.
fn add_macros(source: &[Token<'_>], below: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    for at in 0..source.len() {
        let [keyword, bang, name, open] = source.get(at..at + 4).unwrap_or_default() else {
            break;
        };
        let (true, Kind::Open(end)) = (keyword.is_ident("macro_rules"), open.kind) else {
            continue;
        };
        let body = source
            .get(at + 4..end.min(source.len()))
            .unwrap_or_default();
        if bang.is_punctuation("!") && uses(body, &[below, found]) {
            found.insert(name.text.to_owned());
        }
    }
}

/// Whether a source may use one of these functions or macros.
pub(in super::super) fn may_use(source: &str, functions: &BTreeSet<String>) -> bool {
    functions.contains(ANY) || !functions.is_empty() && uses(&tokens(source), &[functions])
}

fn uses(source: &[Token<'_>], functions: &[&BTreeSet<String>]) -> bool {
    let is_one = |name: &str| functions.iter().any(|all| all.contains(name));
    source.iter().any(|token| match token.kind {
        Kind::Ident if token.text == "into" => is_one("from") || is_one("into"),
        Kind::Ident => is_one(token.text),
        // The operator `?` converts errors.
        Kind::Punctuation => token.text == "?" && is_one("from"),
        _ => false,
    })
}

/// That of a crate whose sources are not known.
pub(in super::super) fn any_function() -> String {
    ANY.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sources: &[&str], below: &[&str]) -> Vec<String> {
        let sources: Vec<_> = sources.iter().map(|text| (*text).to_owned()).collect();
        let below = below.iter().map(|name| (*name).to_owned()).collect();
        caller_functions(&sources, &below).into_iter().collect()
    }

    const ASKS: &str = "#[track_caller] #[inline] pub const fn here() -> &'static Location<'static> { Location::caller() }";

    #[test]
    fn functions_and_macros_are_found() {
        let other = "#[track_caller]\nfn unwrap() {}";
        assert_eq!(names(&[other], &[]), [""; 0]);
        assert_eq!(names(&[other, ASKS], &[]), ["here"]);
        assert_eq!(names(&[other], &["here"]), [""; 0]);
        let calls = "trait T { #[track_caller] fn declared(&self); }\n#[track_caller] fn second() { first() }\n#[track_caller] fn first() -> [u8; 2] { here(); }";
        assert_eq!(names(&[calls], &["here"]), ["declared", "first", "second"]);
        let macros = "macro_rules! one { () => { two!() } }\nmacro_rules! two { () => { $crate::here() } }\nmacro_rules! three { () => {} }";
        assert_eq!(names(&[macros, ASKS], &[]), ["here", "one", "two"]);
        assert_eq!(names(&[macros], &["here"]), ["one", "two"]);
        let operator =
            "#[track_caller] fn add(self, other: Self) -> Self { Self(Location::caller()) }";
        assert_eq!(names(&[operator], &[]), [""]);
    }

    #[test]
    fn uses_are_found() {
        let uses = |source: &str, name: &str| may_use(source, &[name.to_owned()].into());
        assert!(uses("fn f() { dep::here() }", "here"));
        assert!(!uses("fn f() { dep::there() }", "here"));
        assert!(uses("fn f() { g()?; }", "from"));
        assert!(uses("", ANY));
        assert!(!may_use("fn f() { here() }", &BTreeSet::new()));
    }
}
