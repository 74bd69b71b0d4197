//! Which functions are inlined in unoptimized code, from their attributes.

use std::collections::BTreeSet;

use super::super::constant_code::block_at;
use super::super::tokens::{Kind, Token};

/// Words of attributes that inline a function in unoptimized code.
const WORDS: [&str; 2] = ["always", "rustc_force_inline"];

/// The functions of a source that are inlined in unoptimized code.
#[derive(Debug, Default)]
pub(super) struct Inlining {
    /// By the positions of `fn`.
    functions: BTreeSet<usize>,
    /// Whether something else has such an attribute, such as a closure, or a function whose body begins with it.
    is_unknown: bool,
}

impl Inlining {
    pub(super) fn of(tokens: &[Token<'_>]) -> Self {
        let mut found = Self::default();
        for (at, token) in tokens.iter().enumerate() {
            if !token.is_punctuation("#") {
                continue;
            }
            let is_inner = tokens
                .get(at + 1)
                .is_some_and(|next| next.is_punctuation("!"));
            let attribute = block_at(tokens, at + 1 + usize::from(is_inner));
            let Some(attribute) = attribute.filter(|all| has_word(&tokens[all.clone()])) else {
                continue;
            };
            let head = head(tokens, attribute.end + 1);
            match tokens.get(head) {
                Some(token) if token.is_ident("fn") && !is_inner => {
                    found.functions.insert(head);
                }
                _ => found.is_unknown = true,
            }
        }
        found
    }

    /// Whether the function whose `fn` is at `at` may be inlined.
    pub(super) fn may_inline(&self, at: usize) -> bool {
        self.is_unknown || self.functions.contains(&at)
    }

    /// Whether it is not known what else is inlined.
    pub(super) fn is_unknown(&self) -> bool {
        self.is_unknown
    }
}

/// Whether there is a word among the tokens that inlines a function.
pub(super) fn has_word(tokens: &[Token<'_>]) -> bool {
    let is_one = |token: &Token<'_>| WORDS.iter().any(|word| token.is_ident(word));
    tokens.iter().any(is_one)
}

/// The first token of the item with further attributes at `at` that is neither an attribute nor a modifier.
fn head(tokens: &[Token<'_>], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Punctuation if token.text == "#" => match block_at(tokens, at + 1) {
                Some(attribute) => at = attribute.end,
                None => return at,
            },
            // `pub(crate)`
            Kind::Open(end) if token.text == "(" => at = end,
            Kind::Ident if MODIFIERS.contains(&token.text) => {}
            Kind::Text | Kind::Literal => {}
            _ => return at,
        }
        at = at.saturating_add(1);
    }
    at
}

/// Words before `fn`.
pub(super) const MODIFIERS: [&str; 7] = [
    "async", "const", "default", "extern", "pub", "safe", "unsafe",
];
