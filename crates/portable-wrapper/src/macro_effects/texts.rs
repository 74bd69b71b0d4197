//! String literals, identifiers and words of sources, which may name files, programs or variables.

use std::collections::BTreeSet;

use super::tokens::{Kind, Token, tokens};

/// Macros for assembler code.
pub(super) const ASSEMBLER: [&str; 4] = ["asm", "global_asm", "naked_asm", "llvm_asm"];

/// Functions and macros that read the variable that their argument names.
const READ_VARIABLE: [&str; 5] = ["env", "getenv", "option_env", "var", "var_os"];

/// The contents of the string literals of a source, unescaped.
pub(crate) fn texts(source: &str) -> Vec<&str> {
    let is_text = |token: &Token<'_>| {
        token.kind == Kind::Text || token.kind == Kind::Literal && token.text.contains('"')
    };
    let tokens = tokens(source).into_iter();
    tokens.filter(is_text).map(|token| token.text).collect()
}

/// Whether a function or macro that reads variables has the argument [`WILDCARD`].
pub(crate) fn reads_wildcard(source: &str) -> bool {
    let tokens = tokens(source);
    let is_read = |at: usize| {
        let mut before = tokens[..at].iter().rev();
        let is_argument = before
            .next()
            .is_some_and(|token| matches!(token.kind, Kind::Open(_)));
        let name = before.find(|token| !token.is_punctuation("!"));
        let is_reader = |name: &Token<'_>| READ_VARIABLE.iter().any(|reader| name.is_ident(reader));
        is_argument && name.is_some_and(is_reader)
    };
    let mut all = tokens.iter().enumerate();
    all.any(|(at, token)| token.kind == Kind::Text && token.text == WILDCARD && is_read(at))
}

/// Whether [`WILDCARD`] is a string literal other than the one by which a character is replaced, as in `replace('-', "_")`.
pub(crate) fn has_wildcard(source: &str) -> bool {
    let tokens = tokens(source);
    let is_replacement = |at: usize| {
        let before = at.checked_sub(5).and_then(|first| tokens.get(first..at));
        let Some([dot, name, open, _, comma]) = before else {
            return false;
        };
        dot.is_punctuation(".")
            && name.is_ident("replace")
            && matches!(open.kind, Kind::Open(_))
            && comma.is_punctuation(",")
    };
    let mut all = tokens.iter().enumerate();
    all.any(|(at, token)| token.kind == Kind::Text && token.text == WILDCARD && !is_replacement(at))
}

/// The wildcard pattern. It is also the name of the variable that shells set to the path of the program that they start.
pub(crate) const WILDCARD: &str = "_";

/// The identifiers in a source, without variables with the name of a macro for assembler code.
pub(crate) fn names(source: &str) -> Vec<&str> {
    let tokens = tokens(source);
    let imports_any = tokens
        .windows(2)
        .any(|pair| pair[0].is_ident("arch") && pair[1].kind == Kind::PathSeparator);
    let is_name = |at: usize| {
        let next = tokens.get(at + 1);
        let is_below = || at > 0 && tokens[at - 1].kind == Kind::PathSeparator;
        !ASSEMBLER.contains(&tokens[at].text)
            || imports_any
            || is_below()
            || next.is_some_and(|next| next.is_punctuation("!") || next.is_ident("as"))
    };
    let all = tokens.iter().enumerate();
    let names = all.filter(|(at, token)| token.kind == Kind::Ident && is_name(*at));
    names.map(|(_, token)| token.text).collect()
}

/// The words in a text that may be identifiers.
pub(crate) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty() && *word != WILDCARD)
}

/// The parts of each line of a source between quotes, which a macro may use as names of files or variables. The parts outside
/// of quotes and in comments are included.
pub(crate) fn literals(source: &str) -> BTreeSet<&str> {
    const LONGEST: usize = 200;
    source
        .lines()
        .flat_map(|line| line.split('"'))
        .filter(|text| !text.is_empty() && text.len() <= LONGEST && !text.contains('\\'))
        .collect()
}

/// Whether a word may be part of the name of a variable.
pub(super) fn is_of_variable(word: &str) -> bool {
    const LONGEST: usize = 60;
    let is_letter =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    (2..=LONGEST).contains(&word.len())
        && word.chars().all(is_letter)
        && word.contains(|letter: char| letter.is_ascii_uppercase())
}

/// Whether a text contains the directory name `.git`, unlike `raw.githubusercontent.com` or `.gitignore`.
pub(super) fn names_repository(text: &str) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
    let mut found = text.match_indices(".git");
    found.any(|(at, name)| !text[at + name.len()..].starts_with(is_name))
}
