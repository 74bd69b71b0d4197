//! Whether the compiler may compute something from a text in a constant, such as its length. It evaluates constants, statics,
//! `const` blocks and the lengths of arrays while it compiles, and `const fn` in them. Everything else runs in the program.

use std::collections::BTreeSet;

use super::tokens::{Kind, Token, tokens};

/// Keywords that may precede a parenthesis or bracket in a constant without making it a call.
const KEYWORDS: [&str; 9] = [
    "as", "else", "if", "in", "let", "mut", "ref", "return", "unsafe",
];

/// Whether the compiler may compute something from a text that `is_text` accepts. `source` is expanded: it has no macros but those
/// that the compiler itself handles.
pub(in super::super) fn evaluates_texts(source: &str, is_text: impl Fn(&str) -> bool) -> bool {
    let tokens = tokens(source);
    let is_literal =
        |token: &Token<'_>| matches!(token.kind, Kind::Text | Kind::Literal) && is_text(token.text);
    if !tokens.iter().any(is_literal) {
        return false;
    }
    let evaluated = evaluated(&tokens);
    let in_traits = in_traits(&tokens);
    let mut names = BTreeSet::new();
    loop {
        let is_used = |token: &Token<'_>| {
            is_literal(token) || token.kind == Kind::Ident && names.contains(token.text)
        };
        let mut found = names.clone();
        for (at, token) in tokens.iter().enumerate() {
            if is_used(token) {
                found.extend(new_name(&tokens, at));
                found.extend(variable(&tokens, at));
            }
            match evaluated[at] {
                Evaluated::No => {}
                Evaluated::Constant { .. } | Evaluated::Always if !is_used(token) => {}
                Evaluated::Constant { start, end } => {
                    // The declaration itself names the constant.
                    let name = tokens[start].text;
                    if at == start {
                        continue;
                    }
                    let value = evaluated_value(&tokens, &evaluated, start, end);
                    if name == "_"
                        || in_traits[start]
                        || value.iter().any(|at| computes(&tokens, *at))
                    {
                        return true;
                    }
                    found.insert(name);
                }
                Evaluated::Always => return true,
            }
        }
        if found.len() == names.len() {
            return is_folded(&tokens, is_used);
        }
        names = found;
    }
}

/// Functions of texts that are part of the function that calls them, also in code that is compiled without optimization: what they
/// return for a constant text may be a number in that code.
const INLINED: [&str; 6] = [
    "as_bytes",
    "as_bytes_mut",
    "as_mut_ptr",
    "as_ptr",
    "as_ptr_range",
    "transmute",
];

/// Whether one of [`INLINED`] is called for a token for which `is_used` returns true, or a function of the source that is always
/// inlined in a function that has such a token.
fn is_folded(tokens: &[Token<'_>], is_used: impl Fn(&Token<'_>) -> bool) -> bool {
    let is_called = |at: usize| {
        let before = |distance: usize| {
            let token = at.checked_sub(distance).map(|at| &tokens[at]);
            token.is_some_and(&is_used)
        };
        let arguments = block_at(tokens, at + 1).and_then(|arguments| tokens.get(arguments));
        let in_arguments = |arguments: &[Token<'_>]| arguments.iter().any(&is_used);
        // Also in parentheses.
        before(2) || before(3) || arguments.is_some_and(in_arguments)
    };
    let is_inlined = |at: &usize| {
        let token = tokens[*at];
        token.kind == Kind::Ident && INLINED.contains(&token.text)
    };
    (0..tokens.len()).filter(is_inlined).any(is_called) || is_in_inlined(tokens, is_used)
}

/// Whether a function that has a token for which `is_used` returns true names a function of the source that is always inlined.
fn is_in_inlined(tokens: &[Token<'_>], is_used: impl Fn(&Token<'_>) -> bool) -> bool {
    let mut inlined = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.is_ident("always") {
            let mut rest = tokens[at..].iter();
            rest.find(|token| token.is_ident("fn"));
            inlined.extend(rest.next().map(|name| name.text));
        }
    }
    let is_inlined = |token: &Token<'_>| token.kind == Kind::Ident && inlined.contains(token.text);
    !inlined.is_empty()
        && (0..tokens.len()).any(|at| {
            let is_function = tokens[at].is_ident("fn");
            let body = body_after(tokens, at).filter(|_| is_function);
            let body = body.and_then(|body| block_at(tokens, body));
            body.is_some_and(|body| {
                let body = &tokens[body];
                body.iter().any(&is_used) && body.iter().any(is_inlined)
            })
        })
}

/// The variable of a `let` to which the token at `at` is assigned.
fn variable<'t>(tokens: &[Token<'t>], at: usize) -> Option<&'t str> {
    let ends = tokens.get(at + 1)?.is_punctuation(";");
    let mut before = tokens[..at].iter().rev();
    let is_assigned = before
        .find(|token| !token.is_punctuation("&"))?
        .is_punctuation("=");
    let mut statement = before.take_while(|token| {
        !(token.is_punctuation(";") || matches!(token.text, "{" | "}") && token.kind != Kind::Text)
    });
    let mut name = None;
    let is_let = statement.any(|token| {
        let is_let = token.is_ident("let");
        if !is_let && token.kind == Kind::Ident && token.text != "mut" {
            name = Some(token.text);
        }
        is_let
    });
    name.filter(|_| ends && is_assigned && is_let)
}

/// The new name in `name as new_name`, where `name` is at `at`.
fn new_name<'t>(tokens: &[Token<'t>], at: usize) -> Option<&'t str> {
    let is_renamed = tokens.get(at + 1)?.is_ident("as");
    let name = tokens
        .get(at + 2)
        .filter(|name| is_renamed && name.kind == Kind::Ident)?;
    Some(name.text)
}

/// For each token, whether it is in a trait or its implementation: generic code of other crates may evaluate its constants.
fn in_traits(tokens: &[Token<'_>]) -> Vec<bool> {
    let mut found = vec![false; tokens.len()];
    for (at, token) in tokens.iter().enumerate() {
        if !token.is_ident("impl") && !token.is_ident("trait") {
            continue;
        }
        let Some(body) = body_after(tokens, at) else {
            continue;
        };
        let is_of_trait =
            token.is_ident("trait") || tokens[at..body].iter().any(|token| token.is_ident("for"));
        if let Some(block) = block_at(tokens, body).filter(|_| is_of_trait) {
            found[block].fill(true);
        }
    }
    found
}

/// How the compiler evaluates a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evaluated {
    /// It runs in the program.
    No,
    /// It is part of a constant or static, whose name is at `start`, and which ends at `end`.
    Constant { start: usize, end: usize },
    /// It is part of code that is evaluated for another purpose.
    Always,
}

fn evaluated(tokens: &[Token<'_>]) -> Vec<Evaluated> {
    let mut evaluated = vec![Evaluated::No; tokens.len()];
    for (at, token) in tokens.iter().enumerate() {
        let is = |distance: usize, text: &str| {
            tokens
                .get(at + distance)
                .is_some_and(|token| token.text == text && token.kind != Kind::Text)
        };
        let next = tokens.get(at + 1);
        let has_name = next.is_some_and(|next| next.kind == Kind::Ident);
        let range = if token.is_ident("const") && is(1, "{") {
            block_at(tokens, at + 1).map(|range| (range, Evaluated::Always))
        } else if token.is_ident("const") && is_function(tokens, at) || token.is_ident("enum") {
            let block = body_after(tokens, at).and_then(|body| block_at(tokens, body));
            block.map(|range| (range, Evaluated::Always))
        } else if token.is_ident("fn") && has_name && !is_const_function(tokens, at) {
            let block = body_after(tokens, at).and_then(|body| block_at(tokens, body));
            block.map(|range| (at..range.end, Evaluated::No))
        } else if is_closure(tokens, at) {
            let end = end_of_argument(tokens, at);
            Some((at..end, Evaluated::No))
        } else if has_name && is_item(tokens, at) {
            let start = at + 1 + usize::from(is(1, "mut"));
            let end = end_of_statement(tokens, start);
            Some((start..end, Evaluated::Constant { start, end }))
        } else if token.text == "[" && matches!(token.kind, Kind::Open(_)) {
            length_of_array(tokens, at).map(|range| (range, Evaluated::Always))
        } else if matches!(token.kind, Kind::Open(_)) && token.text == "{" && is_generic(tokens, at)
        {
            block_at(tokens, at).map(|range| (range, Evaluated::Always))
        } else {
            None
        };
        if let Some((range, how)) = range {
            evaluated[range].fill(how);
        }
    }
    evaluated
}

/// Whether a constant or static begins at `at`, other than a generic parameter, a raw pointer or an operand of `asm!`.
fn is_item(tokens: &[Token<'_>], at: usize) -> bool {
    let is_keyword = tokens[at].is_ident("const") || tokens[at].is_ident("static");
    let before = at.checked_sub(1).map(|before| tokens[before]);
    let begins = before.is_none_or(|before| match before.kind {
        Kind::Close => true,
        Kind::Open(_) => before.text == "{",
        Kind::Ident => ["default", "pub", "safe", "unsafe"].contains(&before.text),
        _ => before.is_punctuation(";"),
    });
    is_keyword && begins
}

/// Whether a `const fn` begins at `at`.
fn is_function(tokens: &[Token<'_>], at: usize) -> bool {
    const QUALIFIERS: [&str; 4] = ["async", "extern", "safe", "unsafe"];
    let mut rest = tokens[at + 1..].iter();
    let first = rest.find(|token| {
        !(QUALIFIERS.iter().any(|word| token.is_ident(word))
            || matches!(token.kind, Kind::Text | Kind::Literal))
    });
    first.is_some_and(|token| token.is_ident("fn"))
}

/// Whether the `fn` at `at` is that of a `const fn`.
fn is_const_function(tokens: &[Token<'_>], at: usize) -> bool {
    let from = at.saturating_sub(4);
    (from..at).any(|start| tokens[start].is_ident("const") && is_function(tokens, start))
}

/// Where the body of the item at `at` opens, or where the item ends without one.
fn body_after(tokens: &[Token<'_>], mut at: usize) -> Option<usize> {
    loop {
        at += 1;
        let token = tokens.get(at)?;
        match token.kind {
            Kind::Open(_) if token.text == "{" => return Some(at),
            Kind::Open(end) => at = end,
            _ if token.is_punctuation(";") => return Some(at),
            _ => {}
        }
    }
}

/// The tokens in the block that opens at `at`.
fn block_at(tokens: &[Token<'_>], at: usize) -> Option<std::ops::Range<usize>> {
    match tokens.get(at)?.kind {
        Kind::Open(end) => Some(at + 1..end.min(tokens.len())),
        _ => None,
    }
}

/// The end of the statement or item that has the token at `at`.
fn end_of_statement(tokens: &[Token<'_>], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Open(end) => at = end,
            Kind::Close => return at,
            _ if token.is_punctuation(";") => return at,
            _ => {}
        }
        at = at.saturating_add(1);
    }
    tokens.len()
}

/// Whether the argument of a call that begins at `at` is a closure.
fn is_closure(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| tokens[before]);
    let begins = before.is_some_and(|before| before.text == "(" || before.is_punctuation(","));
    let bar = at + usize::from(tokens[at].is_ident("move"));
    begins && tokens.get(bar).is_some_and(|bar| bar.is_punctuation("|"))
}

/// The end of the argument that begins at `at`, which is a closure.
fn end_of_argument(tokens: &[Token<'_>], at: usize) -> usize {
    let mut bars = (at..tokens.len()).filter(|at| tokens[*at].is_punctuation("|"));
    let mut inner = bars.nth(1).map_or(tokens.len(), |bar| bar + 1);
    while let Some(token) = tokens.get(inner) {
        match token.kind {
            Kind::Open(end) => inner = end,
            Kind::Close => return inner,
            _ if token.is_punctuation(",") => return inner,
            _ => {}
        }
        inner = inner.saturating_add(1);
    }
    tokens.len()
}

/// The tokens of the length in the array or array type that opens at `at`.
fn length_of_array(tokens: &[Token<'_>], at: usize) -> Option<std::ops::Range<usize>> {
    let all = block_at(tokens, at)?;
    let mut inner = all.start;
    while inner < all.end {
        match tokens[inner].kind {
            Kind::Open(end) => inner = end,
            _ if tokens[inner].is_punctuation(";") => return Some(inner + 1..all.end),
            _ => {}
        }
        inner = inner.saturating_add(1);
    }
    None
}

/// Whether the block that opens at `at` may be an argument for a generic constant: it follows `<`, or a comma behind one.
fn is_generic(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return false;
    };
    if !tokens[before].is_punctuation(",") {
        return tokens[before].is_punctuation("<");
    }
    let mut open = 0;
    for at in (0..before).rev() {
        let token = tokens[at];
        let is_arrow = || at > 0 && matches!(tokens[at - 1].text, "-" | "=");
        match token.text {
            ";" | "{" | "}" if token.kind != Kind::Text => return false,
            ">" if token.kind == Kind::Punctuation && !is_arrow() => open -= 1,
            "<" if token.kind == Kind::Punctuation => open += 1,
            _ => {}
        }
        if open > 0 {
            return true;
        }
    }
    false
}

/// The tokens of the value of the constant that are evaluated for it. The first token is its name.
fn evaluated_value(
    tokens: &[Token<'_>],
    evaluated: &[Evaluated],
    start: usize,
    end: usize,
) -> Vec<usize> {
    let of_it = Evaluated::Constant { start, end };
    let mut inner = (start..end).filter(|at| evaluated[*at] == of_it);
    // The type is before it.
    inner.find(|at| tokens[*at].is_punctuation("="));
    inner.collect()
}

/// Whether the token at `at` may compute something: the call of a function or method, or a comparison. Constructors of structs and
/// of variants of enums begin with a capital letter.
fn computes(tokens: &[Token<'_>], at: usize) -> bool {
    let token = tokens[at];
    let next = tokens.get(at + 1);
    let is_next =
        |text: &str| next.is_some_and(|next| next.text == text && next.kind != Kind::Text);
    match token.kind {
        Kind::Ident if token.text == "match" || token.text == "while" || token.text == "for" => {
            true
        }
        Kind::Ident => {
            let is_constructor = token.text.starts_with(|first: char| first.is_uppercase());
            let is_call = is_next("(") || is_next("[");
            is_call && !is_constructor && !KEYWORDS.contains(&token.text)
        }
        Kind::Close => is_next("(") || is_next("["),
        Kind::Punctuation => {
            matches!(
                token.text,
                "." | "!" | "?" | "+" | "-" | "*" | "/" | "%" | "^" | "|"
            ) || token.text == "=" && is_next("=")
                || token.text == ">" && is_next("(")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::a_function(r#"fn f() -> usize { "/w".len() }"#, false)]
    #[case::a_constant(r#"const A: &str = "/w/a"; fn f() -> usize { A.len() }"#, false)]
    #[case::a_static(r#"static A: [&str; 2] = ["/w", "b"];"#, false)]
    #[case::a_variant(
        r#"const A: W = if let Some(r) = None::<&'static str> { W::As(r) } else { W::With("/w") };"#,
        false
    )]
    #[case::a_lazy_static(
        r#"static A: LazyLock<PathBuf> = LazyLock::new(|| PathBuf::from("/w").join("x"));"#,
        false
    )]
    #[case::a_function_in_a_constant(
        r#"const I: fn() -> P = { fn init() -> P { P::from("/w") } init };"#,
        false
    )]
    #[case::another_constant(r#"const A: &str = "/w"; const B: &str = A; fn f() { g(B) }"#, false)]
    #[case::an_array_of_another_length(r#"fn f() { g(["/w"; 3]); }"#, false)]
    #[case::another_text(r#"const N: usize = "/x".len();"#, false)]
    #[case::a_const_parameter(r#"impl<const N: usize> A<N> { fn f() { g("/w") } }"#, false)]
    #[case::a_length(r#"const N: usize = "/w".len();"#, true)]
    #[case::the_length_of_a_constant(r#"const A: &str = "/w"; const N: usize = A.len();"#, true)]
    #[case::the_length_of_a_second_constant(
        r#"const N: usize = B.len(); const B: &str = A; const A: &str = "/w";"#,
        true
    )]
    #[case::a_call(r#"static H: u64 = hash("/w");"#, true)]
    #[case::a_call_of_a_path(r#"static H: u64 = fnv::hash("/w");"#, true)]
    #[case::a_const_function(r#"const fn f() -> usize { "/w".len() }"#, true)]
    #[case::a_const_unsafe_function(r#"pub const unsafe fn f() -> &str { "/w" }"#, true)]
    #[case::a_const_block(r#"fn f() -> usize { const { "/w".len() } }"#, true)]
    #[case::the_length_of_an_array(r#"fn f() { g([0; "/w".len()]); }"#, true)]
    #[case::the_type_of_an_array(r#"const A: &str = "/w"; static B: [u8; A.len()] = *b"x";"#, true)]
    #[case::a_generic_argument(r#"fn f() { g::<{ "/w".len() }>() }"#, true)]
    #[case::a_discriminant(r#"enum E { A = "/w".len() as isize }"#, true)]
    #[case::a_check(r#"const _: () = assert!(!"/w".is_empty());"#, true)]
    #[case::a_const_function_of_an_array(
        r#"const fn id() -> [u8; 4] { hash("/w") } static ID: [u8; 4] = id();"#,
        true
    )]
    #[case::a_generic_const_function(
        r#"const fn f<const N: usize>() -> usize { g("/w") + N }"#,
        true
    )]
    #[case::a_raw_pointer(r#"static S: D = D { p: 0 as *const u8, n: "/w".len() };"#, true)]
    #[case::a_second_generic_argument(
        r#"const A: &str = "/w"; type B = Buffer<u8, { A.len() }>;"#,
        true
    )]
    #[case::a_renamed_constant(
        r#"mod a { pub const A: &str = "/w"; } use a::A as B; const N: usize = B.len();"#,
        true
    )]
    #[case::an_argument_behind_a_closure(r#"static S: S = S::new(|| 1, "/w".len());"#, true)]
    #[case::a_constant_of_a_trait(
        r#"impl Named for A { const DIRECTORY: &'static str = "/w"; }"#,
        true
    )]
    #[case::bytes(r#"fn f() -> usize { "/w".as_bytes().len() * 3 }"#, true)]
    #[case::bytes_of_a_variable(
        r#"fn f() -> usize { let mut path: &str = &"/w"; path.as_bytes().len() }"#,
        true
    )]
    #[case::bytes_by_a_path(r#"fn f() -> usize { str::as_bytes("/w").len() }"#, true)]
    #[case::bytes_of_another_text(
        r#"fn f() -> usize { g("/w"); let text = g("/w"); "x".as_bytes().len() + text.as_bytes().len() }"#,
        false
    )]
    #[case::a_function_that_is_always_inlined(
        r#"#[inline(always)] fn f(text: &str) -> bool { g(text) } fn h() { f("/w") }"#,
        true
    )]
    #[case::bytes_in_another_function(
        r#"fn f() -> &'static str { "/w" } fn g(text: &str) -> usize { text.as_bytes().len() }"#,
        false
    )]
    #[case::an_argument_in_a_block(
        r#"fn f() { format_args!("{0}", { const A: W = W::With(None::<u8>, "/w"); g(A) }); }"#,
        false
    )]
    #[case::a_generic_function(r#"fn f<const N: usize>() { g("/w") }"#, false)]
    #[case::an_associated_constant(
        r#"impl A { const D: &'static str = "/w"; const N: usize = Self::D.len(); }"#,
        true
    )]
    fn what_is_computed_in_a_constant_is_found(#[case] source: &str, #[case] expected: bool) {
        assert_eq!(
            evaluates_texts(source, |text| text.contains("/w")),
            expected
        );
    }
}
